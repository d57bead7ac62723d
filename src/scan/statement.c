/* SPDX-License-Identifier: PostgreSQL */
/*
 * statement.c
 *		What the parts of one running statement share.
 *
 * Statements run inside each other, in functions; most share nothing, and are
 * not listed here.
 */
#include "postgres.h"

#include "scan/statement.h"

#include "utils/memutils.h"

typedef struct Listed
{
	DdbStatement statement;
	MemoryContextCallback end;
	struct Listed *next;
} Listed;

static Listed *statements = NULL;

/* The statement's memory goes, whether it has ended or failed. */
static void
forget(void *listed)
{
	Listed **place = &statements;

	while (*place != listed)
		place = &(*place)->next;
	*place = (*place)->next;
}

DdbStatement *
ddb_statement_of(EState *estate, bool create)
{
	Listed *listed;

	for (listed = statements; listed != NULL; listed = listed->next)
		if (listed->statement.estate == estate)
			return &listed->statement;
	if (!create)
		return NULL;
	listed = MemoryContextAllocZero(estate->es_query_cxt, sizeof(Listed));
	listed->statement.estate = estate;
	listed->end.func = forget;
	listed->end.arg = listed;
	listed->next = statements;
	statements = listed;
	MemoryContextRegisterResetCallback(estate->es_query_cxt, &listed->end);
	return &listed->statement;
}
