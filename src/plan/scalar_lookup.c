/* SPDX-License-Identifier: PostgreSQL */
/*
 * scalar_lookup.c
 *		SELECT l.id, (SELECT v FROM t WHERE t.id = l.c) FROM l
 *
 * PostgreSQL runs such a subquery for each row, one request after another.
 * Where it binds the whole key of a foreign table there is one item at most, so
 * it is a left join:
 *
 *		SELECT l.id, s.v FROM l
 *			LEFT JOIN LATERAL (SELECT v FROM t WHERE t.id = l.c) s ON true
 *
 * whose keys can be looked up together.  The query is changed before it is
 * planned.  Only where that changes neither rows nor errors: the subquery gives
 * a column, stands where it is evaluated for each row of the result, and there
 * is neither LIMIT nor cursor, so that no row is looked up in vain.  Distinct keys that are
 * stored must be distinct values of their columns (no floats, no times that are
 * cut, no collations that take different strings as equal).
 */
#include "postgres.h"

#include "plan/scalar_lookup.h"

#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "clause/clause.h"
#include "compat.h"
#include "foreign/fdwapi.h"
#include "model/guc.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "optimizer/planner.h"
#include "plan/create_plan.h"
#include "remote/describe.h"
#include "rewrite/rewriteManip.h"
#include "utils/lsyscache.h"

/* More joins than these would keep the planner from ordering all of them. */
#define MOST_LOOKUPS 4

static planner_hook_type previous_hook = NULL;

/* True if the query is nothing but a selection: each row comes of one row. */
static bool
is_plain(const Query *query)
{
	return query->commandType == CMD_SELECT && !query->hasAggs &&
		   !query->hasWindowFuncs && !query->hasTargetSRFs &&
		   !query->hasModifyingCTE && !query->hasForUpdate &&
		   !query->hasRecursive && query->groupClause == NIL &&
		   query->groupingSets == NIL && query->havingQual == NULL &&
		   query->distinctClause == NIL && query->setOperations == NULL &&
		   query->limitCount == NULL && query->limitOffset == NULL &&
		   query->rowMarks == NIL && query->utilityStmt == NULL &&
		   query->jointree->fromlist != NIL;
}

/* The foreign table of ours that is all the subquery reads, or NULL. */
static RangeTblEntry *
only_table(const Query *sub)
{
	RangeTblEntry *rte;

	if (!is_plain(sub) || sub->hasSubLinks || sub->cteList != NIL ||
		sub->sortClause != NIL || list_length(sub->rtable) != 1 ||
		sub->jointree->quals == NULL)
		return NULL;
	rte = linitial_node(RangeTblEntry, sub->rtable);
	if (rte->rtekind != RTE_RELATION || rte->relkind != RELKIND_FOREIGN_TABLE ||
		rte->securityQuals != NIL || rte->tablesample != NULL ||
		GetFdwRoutineByRelId(rte->relid)->GetForeignPlan != ddbGetForeignPlan ||
		(rte->inh && has_subclass(rte->relid)))
		return NULL;
	return rte;
}

/* True if different stored keys are different values of the column. */
static bool
tells_keys_apart(const DdbColumn *column)
{
	switch (column->base_typid)
	{
		case TEXTOID:
		case VARCHAROID:
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case NUMERICOID:
		case UUIDOID:
		case BYTEAOID:
			return column->template == NULL && column->source == 0 &&
				   column->reach == DDB_REACH_ATTRIBUTE;
		default:
			return false;
	}
}

/*
 * True if the value may be computed for rows that a join would have removed: of
 * one relation there are none.
 */
static bool
is_safe_value(const Query *query, Node *value)
{
	if (list_length(query->rtable) == 1)
		return true;
	while (IsA(value, RelabelType))
		value = (Node *) ((RelabelType *) value)->arg;
	return IsA(value, Var) || IsA(value, Const) || IsA(value, Param);
}

/* True if the clause compares this column with what comes from outside. */
static bool
binds_column(const Query *query, Node *clause, const DdbColumn *column)
{
	const OpExpr *op = (const OpExpr *) clause;
	Node *sides[2];

	if (!IsA(clause, OpExpr) || list_length(op->args) != 2 ||
		!op_mergejoinable(op->opno, exprType(linitial(op->args))) ||
		(OidIsValid(op->inputcollid) &&
		 !get_collation_isdeterministic(op->inputcollid)))
		return false;
	sides[0] = (Node *) linitial(op->args);
	sides[1] = (Node *) lsecond(op->args);
	for (int i = 0; i < 2; i++)
	{
		const Node *side = sides[i];

		while (IsA(side, RelabelType))
			side = (Node *) ((RelabelType *) side)->arg;
		if (IsA(side, Var) && ((Var *) side)->varlevelsup == 0 &&
			((Var *) side)->varattno == column->attnum &&
			!contain_vars_of_level(sides[1 - i], 0))
			return is_safe_value(query, sides[1 - i]);
	}
	return false;
}

/* True if a clause of the list binds a column that shows the key attribute. */
static bool
binds_attribute(const Query *query, List *clauses, const DdbRelation *relation,
				const char *attribute)
{
	for (int i = 0; i < relation->ncolumns; i++)
	{
		const DdbColumn *column = &relation->columns[i];
		ListCell *lc;

		if (column->name == NULL || !tells_keys_apart(column) ||
			strcmp(column->attribute, attribute) != 0)
			continue;
		foreach (lc, clauses)
			if (binds_column(query, (Node *) lfirst(lc), column))
				return true;
	}
	return false;
}

/* True if the subquery has one row at most, of a key that the query gives. */
static bool
has_one_item(const Query *query, const Query *sub)
{
	RangeTblEntry *rte = only_table(sub);
	List *clauses;
	DdbRelation *relation;
	const DdbTableInfo *info;

	if (rte == NULL || !contain_vars_of_level(sub->jointree->quals, 1) ||
		contain_volatile_functions(sub->jointree->quals))
		return false;
	relation = ddb_relation_load(rte->relid);
	if (relation->index_name != NULL || relation->segment >= 0)
		return false;
	info = ddb_describe_table(relation, ddb_compat_query_userid(sub, rte));
	clauses = make_ands_implicit((Expr *) copyObject(sub->jointree->quals));
	if (list_length(clauses) == 1 && is_andclause(linitial(clauses)))
		clauses = ((BoolExpr *) linitial(clauses))->args;
	for (int i = 0; i < info->keys.n; i++)
		if (!binds_attribute(query, clauses, relation,
							 info->keys.attributes[i].name))
			return false;
	return true;
}

/* ---- the join ---- */

/* Adds an entry to the query's range table, and returns its index. */
static int
add_entry(Query *query, RTEKind kind, const char *name, List *columns,
		  RangeTblEntry **entry)
{
	RangeTblEntry *rte = makeNode(RangeTblEntry);

	rte->rtekind = kind;
	rte->eref = makeAlias(name, columns);
	rte->inFromCl = true;
	query->rtable = lappend(query->rtable, rte);
	*entry = rte;
	return list_length(query->rtable);
}

/* Joins the subquery to what the query reads; its only column. */
static Var *
add_join(Query *query, Query *sub)
{
	const TargetEntry *target = linitial_node(TargetEntry, sub->targetList);
	RangeTblRef *ref = makeNode(RangeTblRef);
	JoinExpr *join = makeNode(JoinExpr);
	RangeTblEntry *rte;

	ref->rtindex = add_entry(query, RTE_SUBQUERY, "looked_up",
							 list_make1(makeString(pstrdup("value"))), &rte);
	rte->subquery = sub;
	rte->lateral = true;
	join->rtindex = add_entry(query, RTE_JOIN, "look_up", NIL, &rte);
	rte->jointype = join->jointype = JOIN_LEFT;
	join->larg = (Node *) query->jointree;
	join->rarg = (Node *) ref;
	query->jointree = makeFromExpr(list_make1(join), NULL);
	return ddb_compat_nulled_var(ref->rtindex, 1, (Node *) target->expr,
								 join->rtindex);
}

/* The column that the subquery gives, if that is all it does. */
static bool
gives_column(const Query *sub)
{
	const TargetEntry *target;

	if (list_length(sub->targetList) != 1)
		return false;
	target = linitial_node(TargetEntry, sub->targetList);
	return IsA(target->expr, Var) && ((Var *) target->expr)->varlevelsup == 0 &&
		   ((Var *) target->expr)->varattno > 0;
}

typedef struct Context
{
	Query *query;
	int lookups; /* made so far */
} Context;

/* What the subquery gives, by a join; the subquery itself where it cannot be. */
static Node *
replace_sublink(Context *context, SubLink *link)
{
	Query *sub = (Query *) link->subselect;

	if (link->subLinkType != EXPR_SUBLINK || context->lookups >= MOST_LOOKUPS ||
		!gives_column(sub) || !has_one_item(context->query, sub))
		return (Node *) link;
	context->lookups++;
	return (Node *) add_join(context->query, sub);
}

/* Goes down only through what evaluates all of its arguments. */
static Node *
replace_sublinks(Node *node, Context *context)
{
	if (node == NULL)
		return NULL;
	switch (nodeTag(node))
	{
		case T_SubLink:
			return replace_sublink(context, (SubLink *) node);
		case T_List:
		case T_FuncExpr:
		case T_OpExpr:
		case T_RelabelType:
		case T_CoerceViaIO:
			return expression_tree_mutator(node, replace_sublinks, context);
		default:
			return node;
	}
}

/*
 * Planner hook: statements that only read, and all of it.  Of queries further in
 * nobody knows yet whether their columns are wanted.
 */
static PlannedStmt *
plan_lookups(Query *parse, const char *query_string, int cursor_options,
			 ParamListInfo parameters)
{
	Context context = {parse, 0};

	if (parse->hasSubLinks && ddb_guc_batch_join && ddb_guc_pushdown &&
		(cursor_options & CURSOR_OPT_FAST_PLAN) == 0 && is_plain(parse))
	{
		ListCell *lc;

		foreach (lc, parse->targetList)
		{
			TargetEntry *target = lfirst_node(TargetEntry, lc);

			target->expr =
				(Expr *) replace_sublinks((Node *) target->expr, &context);
		}
	}
	return previous_hook != NULL
			   ? previous_hook(parse, query_string, cursor_options, parameters)
			   : standard_planner(parse, query_string, cursor_options,
								  parameters);
}

void
ddb_scalar_lookup_install(void)
{
	previous_hook = planner_hook;
	planner_hook = plan_lookups;
}
