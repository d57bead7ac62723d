/* SPDX-License-Identifier: PostgreSQL */
/*
 * table_info.h
 *		What DynamoDB says a table is: keys, indexes, size.
 *
 * From DescribeTable, cached per backend; refreshed by age, by a change of
 * options, and when an error shows that the schema moved.  When it turns out to
 * have moved, plans are made anew.  Key schemas are lists: an index may have up to four attributes in each part (dynamodb.md
 * section 2.8).
 */
#ifndef DDB_TABLE_INFO_H
#define DDB_TABLE_INFO_H

#include "postgres.h"

#include "model/relation.h"
#include "nodes/pg_list.h"

#define DDB_MAX_KEY_PART 4
#define DDB_MAX_KEY_ATTRIBUTES (2 * DDB_MAX_KEY_PART)

typedef struct DdbKeyAttribute
{
	char *name; /* UTF-8 */
	DdbStoredType type; /* S, N or B */
} DdbKeyAttribute;

/* The attributes of a key: npartition of the partition key, then the others. */
typedef struct DdbKeySchema
{
	int n;
	int npartition;
	DdbKeyAttribute attributes[DDB_MAX_KEY_ATTRIBUTES];
} DdbKeySchema;

typedef enum DdbProjectionType
{
	DDB_PROJECT_ALL,
	DDB_PROJECT_KEYS_ONLY,
	DDB_PROJECT_INCLUDE,
} DdbProjectionType;

typedef struct DdbIndexInfo
{
	char *name;
	bool global; /* GSI: eventually consistent, may have ties */
	bool usable; /* ACTIVE and not backfilling */
	const DdbColumn *unsuited; /* a column that shows a part of its key, and
								 * cannot hold it; NULL: none does */
	DdbKeySchema keys;
	DdbProjectionType projection;
	List *included; /* of char *, for DDB_PROJECT_INCLUDE */
	double item_count;
	double size_bytes;
} DdbIndexInfo;

typedef struct DdbTableInfo
{
	DdbKeySchema keys;
	List *indexes; /* of DdbIndexInfo * */
	List *key_attributes; /* of DdbKeyAttribute *: of table and indexes */
	double item_count; /* DynamoDB's own, up to six hours old */
	double size_bytes;
	int generation; /* of this backend's; another one when keys, indexes or
								 * projections are others */
} DdbTableInfo;

/* The type of an attribute that is a key; DDB_STORED_NONE of any other. */
extern DdbStoredType ddb_key_attributes_type(List *key_attributes,
											 const char *attribute);

/*
 * Makes room for the next attribute of that part of the key, which the caller
 * fills in; NULL when the part is full.
 */
extern DdbKeyAttribute *ddb_key_schema_add(DdbKeySchema *keys,
										   DdbDeclaredKey part);

/* True when this attribute is part of the key. */
extern bool ddb_key_schema_has(const DdbKeySchema *keys, const char *attribute);

/* The names of its attributes, of char *, which stay the schema's. */
extern List *ddb_key_schema_names(const DdbKeySchema *keys);

/* The index by name, or NULL. */
extern DdbIndexInfo *ddb_table_info_index(DdbTableInfo *info, const char *name);

/*
 * The index that the foreign table is declared to be, or NULL.  Raises an error
 * when there is none of that name, or it cannot be read as the options ask.
 */
extern DdbIndexInfo *ddb_table_info_forced_index(DdbTableInfo *info,
												 const DdbRelation *relation);

/*
 * True if the foreign table promises that an item which has the index's
 * partition key has the rest of its key (option "complete_indexes").  Names
 * that are no index are an error for ddb_table_info_check_promises.
 */
extern bool ddb_table_info_is_complete(const DdbRelation *relation,
									   const DdbIndexInfo *index);
extern void ddb_table_info_check_promises(DdbTableInfo *info,
										  const DdbRelation *relation);

/* True when the index holds what this column shows of its items. */
extern bool ddb_table_info_projects(const DdbTableInfo *info,
									const DdbIndexInfo *index,
									const DdbColumn *column);

/* The same of several columns, attnums. */
extern bool ddb_table_info_holds_all(const DdbTableInfo *info,
									 const DdbRelation *relation,
									 const DdbIndexInfo *index, List *columns);

/* The same of an attribute, whole. */
extern bool ddb_table_info_holds(const DdbTableInfo *info,
								 const DdbIndexInfo *index,
								 const char *attribute);

#endif /* DDB_TABLE_INFO_H */
