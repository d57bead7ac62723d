/* SPDX-License-Identifier: PostgreSQL */
/*
 * document_path.h
 *		Document paths, as the column option "attribute" spells them.
 */
#ifndef DDB_DOCUMENT_PATH_H
#define DDB_DOCUMENT_PATH_H

#include "postgres.h"

#include "nodes/pg_list.h"

/* Most elements of a path (dynamodb.md section 2.1). */
#define DDB_MAX_PATH_STEPS 32

/*
 * A list's elements at most: an item has 400 KB, of which each takes two bytes
 * (Developer Guide, "Item sizes").
 */
#define DDB_MAX_LIST_ELEMENTS (400 * 1024 / 2)

typedef struct DdbPathStep
{
	const char *name; /* of a map's member; NULL: a list's element */
	int len;
	int index; /* of the element, from 0 */
} DdbPathStep;

/*
 * The steps of address.city, tags[0], "a.b".c: of DdbPathStep *, the first a
 * name, in the current memory context and the server's encoding.  Names that
 * hold dots or brackets stand in double quotes, which are doubled inside.
 * NIL when it is no such path.
 */
extern List *ddb_path_parse(const char *text);

/* How many steps come before the first that leads into a list. */
extern int ddb_path_names(const DdbPathStep *steps, int nsteps);

extern bool ddb_path_step_equal(const DdbPathStep *a, const DdbPathStep *b);

#endif /* DDB_DOCUMENT_PATH_H */
