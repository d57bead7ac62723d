/* SPDX-License-Identifier: PostgreSQL */
/*
 * access_plan.h
 *		What to ask DynamoDB, in one struct: the hinge of the extension.
 *
 * The planner builds and costs access plans, the executor runs them, EXPLAIN
 * prints them.  Constants are expressions in ForeignScan.fdw_exprs, evaluated
 * when the scan starts, so that parameters of generic plans and outer columns
 * cost nothing extra; the plan refers to them by position.
 * Serialised into fdw_private here and nowhere else.
 */
#ifndef DDB_ACCESS_PLAN_H
#define DDB_ACCESS_PLAN_H

#include "postgres.h"

#include "model/table_info.h"
#include "nodes/pg_list.h"

/*
 * The service's measures (dynamodb.md): what a reply of Query and Scan holds at
 * most, and what a read unit is charged for.
 */
#define DDB_PAGE_BYTES (1024.0 * 1024.0)
#define DDB_UNIT_BYTES 4096.0

typedef enum DdbOperation
{
	DDB_OP_SCAN,
	DDB_OP_QUERY,
	DDB_OP_GET_ITEM, /* BatchGetItem when there are several keys */
} DdbOperation;

/* How a column is compared. Those up to IN can reach a key. */
typedef enum DdbCompare
{
	DDB_COMPARE_EQ,
	DDB_COMPARE_LT,
	DDB_COMPARE_LE,
	DDB_COMPARE_GT,
	DDB_COMPARE_GE,
	DDB_COMPARE_PREFIX, /* starts_with, ^@: the value is the prefix */
	DDB_COMPARE_LIKE, /* the value is a LIKE pattern */
	DDB_COMPARE_IN, /* the value is an array: = ANY */

	DDB_COMPARE_NE,
	DDB_COMPARE_NOT_PREFIX,
	DDB_COMPARE_NOT_LIKE,
	DDB_COMPARE_NOT_IN, /* <> ALL */
	DDB_COMPARE_CONTAINS, /* strpos > 0: the value is the needle */
	DDB_COMPARE_NOT_CONTAINS,
	DDB_COMPARE_DISTINCT, /* IS DISTINCT FROM */
	DDB_COMPARE_NOT_DISTINCT,
	DDB_COMPARE_NULL, /* IS NULL: no value */
	DDB_COMPARE_NOT_NULL,

	DDB_COMPARE_MEMBER, /* value = ANY (column), of arrays */
	DDB_COMPARE_NOT_MEMBER,
	DDB_COMPARE_HOLDS, /* of arrays @>: the value is an array */
	DDB_COMPARE_NOT_HOLDS,
	DDB_COMPARE_OVERLAPS, /* of arrays && */
	DDB_COMPARE_NOT_OVERLAPS,
	DDB_COMPARE_JSON_HOLDS, /* of documents @>: the value is jsonb */
	DDB_COMPARE_HAS_KEY, /* ?: the value is text */
	DDB_COMPARE_HAS_ANY_KEY, /* ?|: an array of text */
	DDB_COMPARE_HAS_ALL_KEYS, /* ?& */
} DdbCompare;

#define DDB_COMPARE_REACHES_KEY(op) ((op) <= DDB_COMPARE_IN)

/* What of a column is compared. */
typedef enum DdbAccess
{
	DDB_ACCESS_VALUE, /* its value */
	DDB_ACCESS_JSON, /* column -> 'a' -> 'b', or the document itself */
	DDB_ACCESS_TEXT, /* column -> 'a' ->> 'b' */
	DDB_ACCESS_NUMBER, /* (column -> 'a')::numeric */
	DDB_ACCESS_TEXT_NUMBER, /* (column ->> 'a')::numeric */
	DDB_ACCESS_SIZE, /* cardinality(column), length(bytea) */
	DDB_ACCESS_CHARACTERS, /* length(text) */
	DDB_ACCESS_OCTETS, /* octet_length(text) */
} DdbAccess;

/* One comparison of a column, as it travels in the plan. */
typedef struct DdbCondition
{
	AttrNumber column;
	DdbCompare op;
	AttrNumber other; /* compared with this column; 0: with value */
	int value; /* index into fdw_exprs, or -1 */
	Oid value_typid; /* of that expression (of IN, its elements),
								 * domains resolved */
	DdbAccess access;
	List *path; /* of char *, UTF-8: members that access goes through */
} DdbCondition;

/* Partitions one after another, by this attribute of their key. */
typedef struct DdbPartitionOrder
{
	AttrNumber column;
	int element; /* by this one of its template; -1: by the whole */
	Oid collation; /* of text */
	bool descending;
} DdbPartitionOrder;

typedef enum DdbFilterKind
{
	DDB_FILTER_CONDITION,
	DDB_FILTER_AND,
	DDB_FILTER_OR,
} DdbFilterKind;

/*
 * What goes into FilterExpression.  A node is true of every row of which the
 * SQL it stands for is true: exactly those, or (wider) more.
 */
typedef struct DdbFilter
{
	DdbFilterKind kind;
	DdbCondition condition;
	List *children; /* of DdbFilter * */
} DdbFilter;

/* What is done with the rows, by the scan itself. */
typedef struct DdbWritePlan
{
	bool deletes; /* else updates */
	bool counts; /* they count as the statement's */
	bool returns; /* they are given, as they are afterwards */
	List *returned; /* attnums of columns that are shown of them */
	List *updated; /* attnums that are set … */
	int first_value; /* … to fdw_exprs from here on */
	int filter; /* index into fdw_exprs, or -1: PostgreSQL's own */
	bool moves; /* entries of the index that is read by may move on, and be
								 * met again */
	bool blind; /* the key and the condition say all there is to know of a
								 * row */
	List *checked; /* of char *: attributes that must be unchanged */
	struct DdbFilter *condition; /* what must still hold when it is written; it
								 * may say less than WHERE; or NULL */
	bool rereads; /* subqueries of the statement read the table, too */
	List *kept; /* attnums that are set to what is made of themselves */
} DdbWritePlan;

typedef struct DdbAccessPlan
{
	DdbOperation operation;
	char *table_name;
	int description; /* the generation that it was made by (model/table_info) */
	char *index_name; /* NULL: the table itself */
	bool index_is_local; /* an LSI: what it lacks can be fetched */
	bool consistent_read;
	DdbKeySchema keys; /* of what is read: table or index */
	DdbKeySchema table_keys; /* of the table */
	List *key_attributes; /* of DdbKeyAttribute *: keys of table and of
								 * all indexes, whose values have one spelling */
	List *alternatives; /* of List of DdbCondition *: the item's key
								 * satisfies all of at least one list */
	List *batch_values; /* indexes into fdw_exprs of values that a batched
								 * join gives, many rows of them at once */
	int rows_per_key; /* rows wanted of each target; 0: all */
	DdbFilter *filter; /* or NULL */
	char *ttl_attribute; /* whose past times hide items, or NULL; … */
	bool ttl_in_filter; /* … by FilterExpression, or as items are read */
	List *index_columns; /* of templated index keys: of lists of attnums */
	List *matched; /* attnums: rows match the templates of these */
	bool many; /* several partitions, ranges or keys may match */
	bool walks; /* partitions are listed from a range of time */
	List *columns; /* attnums to fetch, ascending */
	List *recheck_columns; /* attnums that re-checks read besides */
	bool all_projected; /* ask for all that the index holds */
	bool count_only; /* Select COUNT: no column and no local filter
								 * needs a value that the key does not give */
	bool skips; /* one row of each partition will do */
	int skip_budget; /* partitions to skip before a whole page is read, to
								 * see how many items they have */
	int skip_pays; /* with so many partitions in a page, skipping beats
								 * reading on */
	bool aggregated; /* rows are counts; the scan's tuples hold the
								 * table's columns, then the counts */
	bool grouped; /* one row a partition, not one row in all */
	List *counted; /* of each count its attnum; 0: of count(*) */
	bool ordered; /* the order is relied upon */
	bool items_ordered; /* also inside partitions */
	bool backward; /* ScanIndexForward false */
	List *partition_order; /* of DdbPartitionOrder *: the order of partitions,
								 * which comes before that inside them */
	bool keys_unique; /* not an index, whose keys may repeat */
	bool filtered; /* PostgreSQL filters rows after us */
	int limit_value; /* index into fdw_exprs, or -1: LIMIT … */
	int offset_value; /* … and OFFSET of the query, when they bound */
	bool reads_all; /* nobody has said that he may stop before the end */
	int64 limit_hint; /* what this scan must give; else about so many
								 * rows are wanted first; -1: all */
	bool with_ties;
	bool snapshot; /* read before the statement writes (scan/snapshot) */
	double selectivity; /* of all filters together, estimated */
	int segment; /* of total_segments; -1: unsegmented */
	int total_segments;
	int segments; /* that a Scan of all is divided into */
	double table_bytes; /* size of what is read, estimated */
	double item_bytes; /* mean item size, estimated */
	double read_units; /* estimated consumption */

	/* of two steps: an index gives entries, whose items are then fetched */
	struct DdbAccessPlan *fetch; /* the second: BatchGetItem of the table; NULL:
								 * there is one step */
	bool by_entries; /* this is the second */
	List *identity; /* of char *: attributes that tell items apart, the
								 * table's key; NIL unless of two steps … */
	List *position; /* … and those of the index's key, when an item that has
								 * moved in the index would break the order */
	int entry_filter; /* index into fdw_exprs, or -1: entries of which
								 * this does not hold need not be fetched */

	bool keys_match; /* what is found by these keys matches the templates */
	DdbWritePlan *write; /* NULL: rows are read only */
} DdbAccessPlan;

extern List *ddb_access_plan_serialize(const DdbAccessPlan *plan);
extern DdbAccessPlan *ddb_access_plan_deserialize(List *list);

/* "Query": as EXPLAIN and DynamoDB spell it. */
extern const char *ddb_access_plan_operation_name(const DdbAccessPlan *plan);

#endif /* DDB_ACCESS_PLAN_H */
