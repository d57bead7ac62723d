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

#include "catalog/table_info.h"
#include "nodes/pg_list.h"

typedef enum DdbOperation
{
	DDB_OP_SCAN,
	DDB_OP_QUERY,
	DDB_OP_GET_ITEM,
} DdbOperation;

/* How a column is compared in a condition that reaches the key. */
typedef enum DdbKeyOperator
{
	DDB_KEY_EQ,
	DDB_KEY_LT,
	DDB_KEY_LE,
	DDB_KEY_GT,
	DDB_KEY_GE,
	DDB_KEY_PREFIX,				/* starts_with, ^@: the value is the prefix */
	DDB_KEY_LIKE,				/* the value is a LIKE pattern */
} DdbKeyOperator;

typedef struct DdbKeyCondition
{
	bool		on_sort;		/* else on the partition key */
	int			position;		/* in that part of the key, from 0 */
	DdbKeyOperator op;
	int			value;			/* index into fdw_exprs */
	Oid			value_typid;	/* of that expression, domains resolved */
} DdbKeyCondition;

typedef struct DdbAccessPlan
{
	DdbOperation operation;
	char	   *table_name;
	char	   *index_name;		/* NULL: the table itself */
	bool		consistent_read;
	DdbKeySchema keys;			/* of what is read: table or index */
	List	   *conditions;		/* of DdbKeyCondition *; GetItem and Query */
	List	   *columns;		/* attnums to fetch, ascending */
	List	   *recheck_columns;	/* attnums that re-checks read besides */
	bool		count_only;		/* Select COUNT: no column and no local filter
								 * needs a value */
	bool		ordered;		/* the order is relied upon */
	bool		backward;		/* ScanIndexForward false */
	bool		keys_unique;	/* not an index, whose keys may repeat */
	int			limit_value;	/* index into fdw_exprs, or -1: LIMIT … */
	int			offset_value;	/* … and OFFSET of the query, when they bound */
	bool		with_ties;		/* what this scan must give */
	bool		filtered;		/* PostgreSQL filters rows after us: limits only
								 * steer page sizes */
	double		selectivity;	/* of that filter, estimated */
	int			segment;		/* of total_segments; -1: unsegmented */
	int			total_segments;
	double		table_bytes;	/* size of what is read, estimated */
	double		item_bytes;		/* mean item size, estimated */
	double		read_units;		/* estimated consumption */
} DdbAccessPlan;

extern List *ddb_access_plan_serialize(const DdbAccessPlan *plan);
extern DdbAccessPlan *ddb_access_plan_deserialize(List *list);

/* "Query": as EXPLAIN and DynamoDB spell it. */
extern const char *ddb_access_plan_operation_name(DdbOperation operation);

#endif							/* DDB_ACCESS_PLAN_H */
