/* SPDX-License-Identifier: PostgreSQL */
/*
 * statement.h
 *		What the parts of one running statement share.
 */
#ifndef DDB_STATEMENT_H
#define DDB_STATEMENT_H

#include "postgres.h"

#include "nodes/execnodes.h"

typedef struct DdbStatement
{
	EState *estate;
	List *scans; /* of ForeignScanState *: to be read before the first write
								 * (scan/snapshot) */
	List *written; /* of what several parts write, the items that were
								 * (modify/written_items) */
} DdbStatement;

/*
 * The statement that runs in this state, in whose memory context it lives; NULL
 * if nothing is known of it and create is false.
 */
extern DdbStatement *ddb_statement_of(EState *estate, bool create);

#endif /* DDB_STATEMENT_H */
