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
	Oid value_typid; /* of that expression (of IN, its elements), domains
								 * resolved; where compare is set, the type that
								 * nearest_value turns it into */
	DdbAccess access;
	List *path; /* of char *, UTF-8: members that access goes through */
	Oid compare; /* function that compares with a value of another type, or
								 * what view makes of the column's; 0: none */
	int view; /* index into fdw_exprs, or -1: what is compared, with a
								 * CaseTestExpr for the column's value */
	bool shifts; /* changes of a zone's clocks disturb the view's order */
	char *zone; /* of this zone; NULL: the session's */
} DdbCondition;

/* True if the value is of a type that the column's codec takes. */
#define DDB_CONDITION_IS_DIRECT(condition) (!OidIsValid((condition)->compare))

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

/*
 * The plan's parts.  What the planner chooses between (DdbCandidate) has some
 * of the same, which go into the plan whole.  An expression is known by its
 * position in fdw_exprs.
 */

/*
 * What is read: the table or one of its indexes, as declared and described
 * when the plan was made.
 */
typedef struct DdbPlanSource
{
	char *table_name;
	int generation; /* of the description (model/table_info) */
	char *index_name; /* NULL: the table itself */
	bool index_is_local; /* an LSI: what it lacks can be fetched */
	bool is_consistent; /* ConsistentRead */
	bool is_snapshot; /* read before the statement writes (scan/snapshot) */
	bool keys_are_unique; /* not an index, whose keys may repeat */
	DdbKeySchema keys; /* of what is read: table or index */
	DdbKeySchema table_keys; /* of the table */
	List *key_attributes; /* of DdbKeyAttribute *: keys of table and of
								 * all indexes, whose values have one spelling */
	List *obstacles; /* of char *: of a Scan, why indexes that its conditions
								 * select by are not used */
	List *index_columns; /* of templated index keys: of lists of attnums */
} DdbPlanSource;

/*
 * Which keys are read, as far as conditions say: clause/keys finds them,
 * request/key_targets makes partitions, ranges and keys of them for each run.
 */
typedef struct DdbPlanKeys
{
	List *alternatives; /* of List of DdbCondition *: the item's key
								 * satisfies all of at least one list */
	List *batch_values; /* positions in fdw_exprs of values that a batched
								 * join gives, many rows of them at once */
	int rows_per_key; /* rows wanted of each target; 0: all */
	bool are_many; /* several partitions, ranges or keys may match */
	bool are_walked; /* partitions are listed from a range of time */
	bool decide_match; /* what is found by them matches the templates */
} DdbPlanKeys;

/*
 * Which items that the keys select are no rows: clause/filter says what DynamoDB
 * can tell, plan/create_plan the rest.
 */
typedef struct DdbPlanFilter
{
	DdbFilter *pushed; /* FilterExpression, or NULL */
	char *ttl_attribute; /* whose past times hide items, or NULL; … */
	bool ttl_is_pushed; /* … by FilterExpression, or as items are read */
	bool is_local; /* PostgreSQL filters rows after us */
	List *matched; /* attnums: rows match the templates of these */
} DdbPlanFilter;

/*
 * What is asked for of each item: plan/create_plan, of what the query needs;
 * attributes whose bytes are kept besides, for two steps and for writes.
 */
typedef struct DdbPlanProjection
{
	List *columns; /* attnums to fetch, ascending */
	List *recheck_columns; /* attnums that re-checks read besides */
	bool is_all; /* ask for all that the index holds */
	bool is_count; /* Select COUNT: no column and no local filter
								 * needs a value that the key does not give */
	List *identity; /* of char *: attributes that tell items apart, the
								 * table's key; NIL: nothing has to … */
	List *position; /* … and those of the index's key, when an item that has
								 * moved in the index would break the order; of
								 * a write, those that must be unchanged */
} DdbPlanProjection;

/* In which order rows are given: plan/order, of a Query. */
typedef struct DdbPlanOrder
{
	bool is_relied_upon; /* else rows may come in any order */
	bool is_within_partitions; /* also inside partitions */
	bool is_backward; /* ScanIndexForward false */
	List *partitions; /* of DdbPartitionOrder *: the order of partitions,
								 * which comes before that inside them */
	char *obstacle; /* why the key does not give the order that the query
								 * wants, though it is by the same column; or
								 * NULL */
} DdbPlanOrder;

/* How many rows are wanted: plan/create_plan, of plan/query_shape. */
typedef struct DdbPlanLimit
{
	int count; /* expression, or -1: LIMIT … */
	int offset; /* … and OFFSET of the query, when they bound */
	bool with_ties;
	bool reads_all; /* nobody has said that he may stop before the end */
	int64 hint; /* what this scan must give; else about so many
								 * rows are wanted first; -1: all */
} DdbPlanLimit;

/* One row of each partition will do: plan/skip_scan_path, plan/cost. */
typedef struct DdbPlanSkip
{
	bool is_wanted;
	int budget; /* partitions to skip before a whole page is read, to
								 * see how many items they have */
	int pays_from; /* with so many partitions in a page, skipping beats
								 * reading on */
} DdbPlanSkip;

/*
 * Segments of a Scan: one that the table's options declare it to be, or how
 * many plan/paths and plan/parallel_path divide it into.
 */
typedef struct DdbPlanSegments
{
	int declared; /* of declared_total; -1: unsegmented */
	int declared_total;
	int count; /* that a Scan of all is divided into */
} DdbPlanSegments;

/*
 * Counts in place of rows: plan/upper.  The scan's tuples hold the table's
 * columns, then the counts.
 */
typedef struct DdbPlanCounts
{
	bool are_wanted;
	bool are_by_partition; /* one row a partition, not one row in all */
	List *columns; /* of each count its attnum; 0: of count(*) */
} DdbPlanCounts;

/* What the planner expects, which page sizes and warnings go by. */
typedef struct DdbPlanEstimate
{
	double table_bytes; /* size of what is read */
	double item_bytes; /* mean item size */
	double read_units; /* consumption */
	double selectivity; /* of all filters together; 0: unknown */
} DdbPlanEstimate;

/*
 * Two steps, where an index gives entries, whose items are then fetched:
 * plan/index_fetch_path.
 */
typedef struct DdbPlanFetch
{
	struct DdbAccessPlan *plan; /* the second: BatchGetItem of the table; NULL:
								 * there is one step */
	bool is_second; /* this is the second */
	int entry_filter; /* expression, or -1: entries of which this does
								 * not hold need not be fetched */
} DdbPlanFetch;

/*
 * What is done with the rows, by the scan itself: modify/direct_modify_plan
 * puts it into the plan of a scan that is complete but for it.
 */
typedef struct DdbWritePlan
{
	bool deletes; /* else updates */
	bool counts; /* they count as the statement's */
	bool returns; /* they are given, as they are afterwards */
	List *returned; /* attnums of columns that are shown of them */
	List *updated; /* attnums that are set … */
	int first_value; /* … to fdw_exprs from here on */
	int filter; /* expression, or -1: PostgreSQL's own */
	bool moves; /* entries of the index that is read by may move on, and be
								 * met again */
	bool is_blind; /* the key and the condition say all there is to know of a
								 * row */
	List *checked; /* of char *: attributes that must be unchanged */
	DdbFilter *condition; /* what must still hold when it is written; it
								 * may say less than WHERE; or NULL */
	bool rereads; /* subqueries of the statement read the table, too */
	List *kept; /* attnums that are set to what is made of themselves */
} DdbWritePlan;

/*
 * Runs of the scan within one statement: plan/repeated_runs.  Only what the
 * planner sees beforehand; scan/rescan finds out about the rest.
 */
typedef struct DdbPlanRuns
{
	bool are_expected; /* more than one: for rows of what is further out */
	List *varying; /* positions in fdw_exprs of values that then differ */
} DdbPlanRuns;

/* A part that does not apply to the operation is as it was set up. */
typedef struct DdbAccessPlan
{
	DdbOperation operation;
	DdbPlanSource source;
	DdbPlanKeys keys;
	DdbPlanFilter filter;
	DdbPlanProjection projection;
	DdbPlanOrder order;
	DdbPlanLimit limit;
	DdbPlanSkip skip;
	DdbPlanSegments segments;
	DdbPlanCounts counts;
	DdbPlanEstimate estimate;
	DdbPlanRuns runs;
	DdbPlanFetch fetch;
	DdbWritePlan *write; /* NULL: rows are read only */
} DdbAccessPlan;

/* A condition of values that are listed for a run; its value is not the plan's. */
extern DdbCondition *ddb_condition_of_list(AttrNumber column, Oid typid);

/* Make plans that say nothing yet: what can be absent is -1, the rest zero. */
extern void ddb_access_plan_init(DdbAccessPlan *plan, DdbOperation operation);
extern DdbWritePlan *ddb_write_plan_create(void);

/* The step that rows are made by: the last one, which may be the only one. */
extern DdbAccessPlan *ddb_access_plan_last_step(const DdbAccessPlan *plan);

extern List *ddb_access_plan_serialize(const DdbAccessPlan *plan);
extern DdbAccessPlan *ddb_access_plan_deserialize(List *list);

/*
 * True if rows fall out between the items that DynamoDB reads and what the
 * scan gives.
 */
extern bool ddb_access_plan_is_filtered(const DdbAccessPlan *plan);

/* "Query": as EXPLAIN and DynamoDB spell it. */
extern const char *ddb_access_plan_operation_name(const DdbAccessPlan *plan);

#endif /* DDB_ACCESS_PLAN_H */
