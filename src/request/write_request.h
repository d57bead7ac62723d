/* SPDX-License-Identifier: PostgreSQL */
/*
 * write_request.h
 *		The JSON of requests that write.
 */
#ifndef DDB_WRITE_REQUEST_H
#define DDB_WRITE_REQUEST_H

#include "postgres.h"

#include "lib/stringinfo.h"
#include "model/document_path.h"
#include "request/expiry.h"
#include "request/key_targets.h"
#include "request/read_request.h"

/* BatchWriteItem's most items (API reference). */
#define DDB_MAX_BATCH_ITEMS 25

typedef enum DdbPutCondition
{
	DDB_PUT_ALWAYS,
	DDB_PUT_NEW, /* there is no such item, or it has expired */
	DDB_PUT_OLD, /* there is one */
} DdbPutCondition;

/* One change of an item; what it says lives as long as the row. */
typedef struct DdbAssignment
{
	const char *attribute;
	const DdbPathStep *steps; /* behind the attribute */
	int nsteps;
	const char *value; /* JSON; NULL: to be removed */
	int len;
	bool checked; /* only if the attribute is what it was: … */
	const char *old; /* … JSON; NULL: not there */
	int old_len;
} DdbAssignment;

/* What an UPDATE of one row comes to. */
typedef struct DdbItemUpdate
{
	const char
		*whole; /* what it becomes, as JSON, where all of it is set; NULL:
						* a part is */
	char *item; /* it is to be replaced by this one, as JSON; NULL: */
	DdbAssignment *assignments; /* these are to be made; none of them within
								 * another */
	int n;
	int room; /* for assignments */
} DdbItemUpdate;

/* Adds an assignment, which removes what is there until it is given a value. */
extern DdbAssignment *ddb_update_add(DdbItemUpdate *update,
									 const char *attribute,
									 const DdbPathStep *steps, int nsteps);

/* What requests of one statement share. */
typedef struct DdbWriteTarget
{
	const char *table_name;
	const struct DdbKeySchema *keys; /* of the table */
	const char *partition_key; /* for conditions about the item's existence */
	const char *ttl_attribute; /* whose past times make an item none; or NULL */
	DdbExpiry expiry; /* what these are */
	const DdbWriteCondition *condition; /* NULL: none */
	bool exactly_once; /* each write but batches is a TransactWriteItems of
								 * its own, which gives nothing back */
	bool returns; /* UpdateItem is to give the new item back, DeleteItem the
								 * old one */
} DdbWriteTarget;

/*
 * All append to an empty json; item and key are JSON.  Of a target that is
 * written exactly once each call makes another write, with a token of its own.
 */
extern void ddb_write_put(StringInfo json, const DdbWriteTarget *target,
						  const char *item, DdbPutCondition condition);
extern void ddb_write_delete(StringInfo json, const DdbWriteTarget *target,
							 const char *key);
extern void ddb_write_update(StringInfo json, const DdbWriteTarget *target,
							 const char *key, const DdbItemUpdate *update);

/*
 * True if the assignment sets an element of a list, or something in one.
 * Where the list is too short, the update is refused.
 */
extern bool ddb_assignment_is_element(const DdbAssignment *assignment);
extern bool ddb_assignment_meets_element(const DdbAssignment *assignment);

/* GetItem of what is to be written next. */
extern void ddb_write_get(StringInfo json, const DdbWriteTarget *target,
						  const char *key);

/* The same without conditions, of several items at once. */
extern void ddb_write_batch(StringInfo json, const DdbWriteTarget *target,
							char *const *items, int n);

/* A BatchWriteItem of what the one before left: raw JSON of UnprocessedItems. */
extern void ddb_write_unprocessed(StringInfo json, const char *items, int len);

#endif /* DDB_WRITE_REQUEST_H */
