/* SPDX-License-Identifier: PostgreSQL */
/*
 * item_keep.h
 *		What an UPDATE leaves of a stored value as it is.
 *
 * A column may show less than what is stored: of a set that it is an array, of
 * bytes their base64.  So what it was to show before and is to show now are
 * compared, and where they agree the stored value stays.
 */
#ifndef DDB_ITEM_KEEP_H
#define DDB_ITEM_KEEP_H

#include "postgres.h"

#include "request/write_request.h"

/* An attribute value as JSON, followed by DDB_JSON_PADDING readable bytes. */
typedef struct DdbKeptValue
{
	const char *json; /* NULL: none */
	int len;
} DdbKeptValue;

/* A value that becomes another one. */
typedef struct DdbKeptChange
{
	const char *attribute; /* NULL: the item, as a map, is the value */
	const DdbPathStep *steps; /* behind the attribute, to the value */
	int nsteps;
	DdbKeptValue stored; /* as it is in the item, if that is known */
	DdbKeptValue old; /* as the column would store what it shows */
	DdbKeptValue wanted; /* as it would store what it is set to */
	bool by_path; /* parts may be set by themselves */
	bool last_word; /* what is stored is known, or not to be learnt */
} DdbKeptChange;

typedef enum DdbKeepResult
{
	DDB_KEEP_DONE,
	DDB_KEEP_LACKS_STORED, /* none added: it takes what is stored, which is not
							* known */
	DDB_KEEP_TOO_LONG, /* of an item: more than an expression can say */
} DdbKeepResult;

/*
 * Adds the assignments that make of the old value the wanted one: by path where
 * members of maps alone differ.  What stays keeps its stored type, and a set is
 * a set still where the members allow it.
 */
extern DdbKeepResult ddb_keep_assign(const DdbKeptChange *change,
									 DdbItemUpdate *update);

/* A list of what a set of that type may hold as one; false where it is none. */
extern bool ddb_keep_make_set(DdbValueType type, DdbKeptValue *list);

/* The item that comes of an item's change, to be put in its place: as JSON. */
extern char *ddb_keep_merge(const DdbKeptChange *change);

/* Finds what a path leads to in an item, {"name": value, …}. */
extern DdbKeptValue ddb_keep_find(const DdbKeptValue *item,
								  const char *attribute,
								  const DdbPathStep *steps, int nsteps);

#endif /* DDB_ITEM_KEEP_H */
