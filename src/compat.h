/* SPDX-License-Identifier: PostgreSQL */
/*
 * compat.h
 *		What differs between PostgreSQL 15, 16, 17 and 18.
 *
 * The only file that tests PG_VERSION_NUM.  Each name here has one meaning on
 * every server; code elsewhere uses that name and no condition.
 */
#ifndef DDB_COMPAT_H
#define DDB_COMPAT_H

#include "postgres.h"

#include "access/htup_details.h"
#include "access/sysattr.h"
#include "access/relation.h"
#include "access/tupdesc.h"
#include "access/stratnum.h"
#include "catalog/pg_type.h"
#include "commands/vacuum.h"
#include "common/base64.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/pathnodes.h"
#include "nodes/execnodes.h"
#include "optimizer/appendinfo.h"
#include "optimizer/clauses.h"
#include "optimizer/cost.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/restrictinfo.h"
#include "parser/parse_relation.h"
#include "parser/parsetree.h"
#include "storage/latch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/selfuncs.h"
#include "utils/wait_event.h"

#if PG_VERSION_NUM < 150000
#error "ddb_fdw needs PostgreSQL 15 or newer"
#endif

#if PG_VERSION_NUM >= 180000
#include "rewrite/rewriteHandler.h"
#include "storage/waiteventset.h"
#include "commands/explain_format.h"
#include "commands/explain_state.h"
#endif
#include "commands/explain.h"

/* Without ICU's own headers, which servers are built with and users lack. */
#pragma push_macro("USE_ICU")
#undef USE_ICU
#include "utils/pg_locale.h"
#pragma pop_macro("USE_ICU")

#if PG_VERSION_NUM >= 160000
#include "nodes/miscnodes.h"
#include "nodes/multibitmapset.h"
#include "varatt.h"
#endif

/* PG_MODULE_MAGIC with name and version where the server shows them. */
#if PG_VERSION_NUM >= 180000
#define DDB_MODULE_MAGIC(module_name, module_version)                          \
	PG_MODULE_MAGIC_EXT(.name = module_name, .version = module_version)
#else
#define DDB_MODULE_MAGIC(module_name, module_version) PG_MODULE_MAGIC
#endif

/* The role whose user mapping a scan of this relation uses (views included). */
static inline Oid
ddb_compat_rel_userid(PlannerInfo *root, RelOptInfo *rel)
{
	Oid userid;

#if PG_VERSION_NUM >= 160000
	(void) root;
	userid = rel->userid;
#else
	userid = planner_rt_fetch(rel->relid, root)->checkAsUser;
#endif
	return OidIsValid(userid) ? userid : GetUserId();
}

/*
 * Raises the error of a relation that the query may not use, which the executor
 * would raise after planning.  Does nothing of children, whose parent counts.
 */
static inline void
ddb_compat_check_permissions(PlannerInfo *root, RangeTblEntry *rte)
{
#if PG_VERSION_NUM >= 160000
	RangeTblEntry own = *rte;

	if (rte->rtekind != RTE_RELATION || rte->perminfoindex == 0)
		return;
	own.perminfoindex = 1;
	(void) ExecCheckPermissions(
		list_make1(&own),
		list_make1(getRTEPermissionInfo(root->parse->rteperminfos, rte)), true);
#else
	(void) root;
	if (rte->rtekind == RTE_RELATION)
		(void) ExecCheckRTPerms(list_make1(rte), true);
#endif
}

/* The foreign table that is read, below an aggregation too. */
static inline RangeTblEntry *
ddb_compat_scan_rte(ForeignScanState *node)
{
	ForeignScan *plan = (ForeignScan *) node->ss.ps.plan;
	int index = plan->scan.scanrelid;

#if PG_VERSION_NUM >= 160000
	if (index == 0)
		index = bms_next_member(plan->fs_base_relids, -1);
#else
	if (index == 0)
		index = bms_next_member(plan->fs_relids, -1);
#endif
	return exec_rt_fetch(index, node->ss.ps.state);
}

/* The role of a scan's user mapping, when the plan runs. */
static inline Oid
ddb_compat_scan_userid(ForeignScanState *node)
{
	ForeignScan *plan = (ForeignScan *) node->ss.ps.plan;
	Oid userid;

#if PG_VERSION_NUM >= 160000
	userid = plan->checkAsUser;
#else
	(void) plan;
	userid = ddb_compat_scan_rte(node)->checkAsUser;
#endif
	return OidIsValid(userid) ? userid : GetUserId();
}

/* The role of a table that a query writes, at planning; of partitions too. */
static inline Oid
ddb_compat_target_userid(PlannerInfo *root, RangeTblEntry *target)
{
	Oid userid;

#if PG_VERSION_NUM >= 160000
	if (target->perminfoindex == 0)
		target = rt_fetch(root->parse->resultRelation, root->parse->rtable);
	userid =
		getRTEPermissionInfo(root->parse->rteperminfos, target)->checkAsUser;
#else
	(void) root;
	userid = target->checkAsUser;
#endif
	return OidIsValid(userid) ? userid : GetUserId();
}

/* The role of a table that a query reads, before it is planned. */
static inline Oid
ddb_compat_query_userid(const Query *query, RangeTblEntry *rte)
{
	Oid userid;

#if PG_VERSION_NUM >= 160000
	userid = rte->perminfoindex != 0
				 ? getRTEPermissionInfo(query->rteperminfos, rte)->checkAsUser
				 : InvalidOid;
#else
	(void) query;
	userid = rte->checkAsUser;
#endif
	return OidIsValid(userid) ? userid : GetUserId();
}

/* A column like this expression, that the outer join makes NULL. */
static inline Var *
ddb_compat_nulled_var(int varno, AttrNumber varattno, Node *expr, int join)
{
	Var *var = makeVar(varno, varattno, exprType(expr), exprTypmod(expr),
					   exprCollation(expr), 0);

#if PG_VERSION_NUM >= 160000
	var->varnullingrels = bms_make_singleton(join);
#else
	(void) join;
#endif
	return var;
}

/* That of a table that is written, when the query runs. */
static inline Oid
ddb_compat_result_userid(ResultRelInfo *target, EState *estate)
{
	Oid userid;

#if PG_VERSION_NUM >= 160000
	userid = ExecGetResultRelCheckAsUser(target, estate);
#else
	/* A partition that rows are routed to has no entry of its own. */
	if (target->ri_RangeTableIndex == 0)
		target = target->ri_RootResultRelInfo;
	userid = exec_rt_fetch(target->ri_RangeTableIndex, estate)->checkAsUser;
#endif
	return OidIsValid(userid) ? userid : GetUserId();
}

/* create_foreignscan_path for a base relation, without an outer path. */
static inline ForeignPath *
ddb_compat_foreign_path(PlannerInfo *root, RelOptInfo *rel, double rows,
						Cost startup_cost, Cost total_cost, List *pathkeys,
						Relids required_outer, List *fdw_private)
{
	return create_foreignscan_path(root, rel, NULL, rows,
#if PG_VERSION_NUM >= 180000
								   0,
#endif
								   startup_cost, total_cost, pathkeys,
								   required_outer, NULL,
#if PG_VERSION_NUM >= 170000
								   NIL,
#endif
								   fdw_private);
}

/* create_foreign_upper_path, without an outer path. */
static inline ForeignPath *
ddb_compat_foreign_upper_path(PlannerInfo *root, RelOptInfo *rel,
							  PathTarget *target, double rows,
							  Cost startup_cost, Cost total_cost,
							  List *fdw_private)
{
	return create_foreign_upper_path(root, rel, target, rows,
#if PG_VERSION_NUM >= 180000
									 0,
#endif
									 startup_cost, total_cost, NIL, NULL,
#if PG_VERSION_NUM >= 170000
									 NIL,
#endif
									 fdw_private);
}

/* A clause as if it stood in WHERE, behind all security barriers. */
static inline RestrictInfo *
ddb_compat_restriction(PlannerInfo *root, Expr *clause)
{
	return make_restrictinfo(root, clause, true, false,
#if PG_VERSION_NUM >= 160000
							 false,
#endif
							 false, root->qual_security_level, NULL, NULL,
							 NULL);
}

/* An expression over a partitioned table, as one over a partition of it. */
static inline Node *
ddb_compat_translate_to_child(PlannerInfo *root, Node *node,
							  const RelOptInfo *child)
{
	RelOptInfo *rel = (RelOptInfo *) child;

#if PG_VERSION_NUM >= 160000
	return adjust_appendrel_attrs_multilevel(root, node, rel, rel->top_parent);
#else
	return adjust_appendrel_attrs_multilevel(root, node, rel->relids,
											 rel->top_parent_relids);
#endif
}

/* A path is no less disabled than the one it reads from. */
static inline void
ddb_compat_add_disabled(Path *path, const Path *child)
{
#if PG_VERSION_NUM >= 180000
	path->disabled_nodes += child->disabled_nodes;
#else
	(void) path;
	(void) child;
#endif
}

/* What the costs of a nested loop hold because the user disabled those. */
static inline Cost
ddb_compat_nestloop_penalty(void)
{
#if PG_VERSION_NUM >= 180000
	return 0;
#else
	return enable_nestloop ? 0 : disable_cost;
#endif
}

/* What ExecutorRun and its hook are given. */
#if PG_VERSION_NUM >= 180000
#define DDB_EXECUTOR_RUN_PARAMETERS                                            \
	QueryDesc *query, ScanDirection direction, uint64 count
#define DDB_EXECUTOR_RUN_ARGUMENTS query, direction, count
#else
#define DDB_EXECUTOR_RUN_PARAMETERS                                            \
	QueryDesc *query, ScanDirection direction, uint64 count, bool execute_once
#define DDB_EXECUTOR_RUN_ARGUMENTS query, direction, count, execute_once
#endif

/*
 * The expression with each column named as the targets name it: nulled by the
 * same outer joins (or by none, where no target shows the column).  So
 * expressions that were written for below a join can be read from its result.
 */
#if PG_VERSION_NUM >= 160000
static inline Node *
ddb_compat_match_nulling(Node *node, List *targets)
{
	ListCell *lc;

	if (node == NULL)
		return NULL;
	if (IsA(node, Var))
	{
		Var *var = copyObject((Var *) node);

		var->varnullingrels = NULL;
		foreach (lc, targets)
		{
			const Var *target = (const Var *) lfirst(lc);

			if (IsA(target, Var) && target->varno == var->varno &&
				target->varattno == var->varattno)
				var->varnullingrels = target->varnullingrels;
		}
		return (Node *) var;
	}
	node = expression_tree_mutator(node, ddb_compat_match_nulling, targets);
	if (IsA(node, PlaceHolderVar))
	{
		PlaceHolderVar *holder = (PlaceHolderVar *) node;

		holder->phnullingrels = NULL;
		foreach (lc, targets)
		{
			const PlaceHolderVar *target = (const PlaceHolderVar *) lfirst(lc);

			if (IsA(target, PlaceHolderVar) && target->phid == holder->phid)
				holder->phnullingrels = target->phnullingrels;
		}
	}
	return node;
}
#else
static inline Node *
ddb_compat_match_nulling(Node *node, List *targets)
{
	(void) targets;
	return node;
}
#endif

/* The members of an equivalence class that may be of these relations. */
static inline List *
ddb_compat_class_members(const EquivalenceClass *class, Relids relids)
{
#if PG_VERSION_NUM >= 180000
	EquivalenceMemberIterator iterator;
	EquivalenceMember *member;
	List *members = NIL;

	setup_eclass_member_iterator(&iterator,
								 unconstify(EquivalenceClass *, class), relids);
	while ((member = eclass_member_iterator_next(&iterator)) != NULL)
		members = lappend(members, member);
	return members;
#else
	(void) relids;
	return class->ec_members;
#endif
}

/* True if the pathkey asks for descending order. */
static inline bool
ddb_compat_pathkey_descends(const PathKey *pathkey)
{
#if PG_VERSION_NUM >= 180000
	return pathkey->pk_cmptype == COMPARE_GT;
#else
	return pathkey->pk_strategy == BTGreaterStrategyNumber;
#endif
}

/*
 * Has the clause sort by this operator, a "less than" or a "greater than", and
 * compare by the equality that belongs to it.
 */
static inline void
ddb_compat_set_sort_operator(SortGroupClause *clause, Oid opno)
{
	bool reverse;

	clause->sortop = opno;
	clause->eqop = get_equality_op_for_ordering_op(opno, &reverse);
#if PG_VERSION_NUM >= 180000
	clause->reverse_sort = reverse;
#endif
}

/* The canonical pathkey of a class in ascending order, NULLs last. */
static inline PathKey *
ddb_compat_ascending_pathkey(PlannerInfo *root, EquivalenceClass *class,
							 Oid opfamily)
{
#if PG_VERSION_NUM >= 180000
	return make_canonical_pathkey(root, class, opfamily, COMPARE_LT, false);
#else
	return make_canonical_pathkey(root, class, opfamily, BTLessStrategyNumber,
								  false);
#endif
}

/*
 * A pathkey of this query that orders the expression, of this type, as another
 * query's pathkey does.
 */
static inline PathKey *
ddb_compat_pathkey_like(PlannerInfo *root, const PathKey *other, Expr *expr,
						Oid type)
{
#if PG_VERSION_NUM >= 160000
	EquivalenceClass *class = get_eclass_for_sort_expr(
		root, expr, other->pk_eclass->ec_opfamilies, type,
		other->pk_eclass->ec_collation, 0, NULL, true);
#else
	EquivalenceClass *class = get_eclass_for_sort_expr(
		root, expr, NULL, other->pk_eclass->ec_opfamilies, type,
		other->pk_eclass->ec_collation, 0, NULL, true);
#endif

#if PG_VERSION_NUM >= 180000
	return make_canonical_pathkey(root, class, other->pk_opfamily,
								  other->pk_cmptype, other->pk_nulls_first);
#else
	return make_canonical_pathkey(root, class, other->pk_opfamily,
								  other->pk_strategy, other->pk_nulls_first);
#endif
}

/* True if children may be left out when the plan runs. */
static inline bool
ddb_compat_merge_prunes(const MergeAppend *merge)
{
#if PG_VERSION_NUM >= 180000
	return merge->part_prune_index >= 0;
#else
	return merge->part_prune_info != NULL;
#endif
}

/* GROUP BY's own pathkeys, without those that aggregates would like. */
static inline List *
ddb_compat_group_pathkeys(PlannerInfo *root)
{
#if PG_VERSION_NUM >= 160000
	return list_copy_head(root->group_pathkeys, root->num_groupby_pathkeys);
#else
	return root->group_pathkeys;
#endif
}

/* What the query above wants of window functions' results, as OpExprs. */
static inline List *
ddb_compat_run_conditions(const WindowClause *window, List *functions)
{
#if PG_VERSION_NUM >= 170000
	List *conditions = NIL;
	ListCell *lc;

	(void) window;
	foreach (lc, functions)
	{
		WindowFunc *function = lfirst_node(WindowFunc, lc);
		ListCell *inner;

		foreach (inner, function->runCondition)
		{
			WindowFuncRunCondition *condition =
				lfirst_node(WindowFuncRunCondition, inner);

			Expr *first = condition->arg;
			Expr *second = (Expr *) function;

			if (condition->wfunc_left)
			{
				first = (Expr *) function;
				second = condition->arg;
			}
			conditions = lappend(conditions,
								 make_opclause(condition->opno, BOOLOID, false,
											   first, second, InvalidOid,
											   condition->inputcollid));
		}
	}
	return conditions;
#else
	(void) functions;
	return window->runCondition;
#endif
}

/* Columns of a relation that cannot be NULL where the clause is true. */
static inline Bitmapset *
ddb_compat_nonnullable_columns(Node *clause, Index relid)
{
	List *vars = find_nonnullable_vars(clause);
	Bitmapset *columns = NULL;

#if PG_VERSION_NUM >= 160000
	for (int i = 1; i <= MaxHeapAttributeNumber; i++)
		if (mbms_is_member(relid, i - FirstLowInvalidHeapAttributeNumber, vars))
			columns = bms_add_member(columns, i);
#else
	ListCell *lc;

	foreach (lc, vars)
	{
		Var *var = lfirst_node(Var, lc);

		if (var->varno == (int) relid && var->varlevelsup == 0 &&
			var->varattno > 0)
			columns = bms_add_member(columns, var->varattno);
	}
#endif
	return columns;
}

/* How many elements an array expression has, estimated. */
static inline double
ddb_compat_array_length(PlannerInfo *root, Node *array)
{
#if PG_VERSION_NUM >= 170000
	return estimate_array_length(root, array);
#else
	(void) root;
	return estimate_array_length(array);
#endif
}

/*
 * True if this collation orders text by bytes.  In a UTF8 database that is the
 * order of DynamoDB's strings (docs/dynamodb.md section 4).
 */
static inline bool
ddb_compat_collation_is_c(Oid collation)
{
#if PG_VERSION_NUM >= 180000
	return pg_newlocale_from_collation(collation)->collate_is_c;
#else
	return lc_collate_is_c(collation);
#endif
}

/* A CHECK constraint: is it held against new rows?  And what it says. */
static inline bool
ddb_compat_check_is_enforced(const ConstrCheck *check)
{
#if PG_VERSION_NUM >= 180000
	return check->ccenforced;
#else
	(void) check;
	return true;
#endif
}

static inline Node *
ddb_compat_check_expression(Relation rel, const ConstrCheck *check)
{
	Node *expression = stringToNode(check->ccbin);

#if PG_VERSION_NUM >= 180000
	expression = expand_generated_columns_in_expr(expression, rel, 1);
#else
	(void) rel;
#endif
	return expression;
}

/*
 * Whether input functions can say that they refuse a text, without raising an
 * error.
 */
#define DDB_HAS_SOFT_INPUT (PG_VERSION_NUM >= 160000)

/*
 * Calls a type's input function without raising an error, where the server
 * can: sets *refused and returns true.  Returns false where it cannot.
 */
static inline bool
ddb_compat_input_safe(FmgrInfo *flinfo, char *text, Oid typioparam,
					  int32 typmod, Datum *result, bool *refused)
{
#if PG_VERSION_NUM >= 160000
	ErrorSaveContext escontext = {.type = T_ErrorSaveContext};

	*refused = !InputFunctionCallSafe(flinfo, text, typioparam, typmod,
									  (Node *) &escontext, result);
	return true;
#else
	(void) flinfo;
	(void) text;
	(void) typioparam;
	(void) typmod;
	(void) result;
	(void) refused;
	return false;
#endif
}

/* The name waits show in pg_stat_activity, where servers can name them. */
static inline uint32
ddb_compat_wait_event(void)
{
#if PG_VERSION_NUM >= 170000
	static uint32 wait_event = 0;

	if (wait_event == 0)
		wait_event = WaitEventExtensionNew("DynamoDBReply");
	return wait_event;
#else
	return PG_WAIT_EXTENSION;
#endif
}

/* A wait event set that lives as long as the backend or until it is freed. */
static inline WaitEventSet *
ddb_compat_wait_event_set(int nevents)
{
#if PG_VERSION_NUM >= 170000
	return CreateWaitEventSet(NULL, nevents);
#else
	return CreateWaitEventSet(TopMemoryContext, nevents);
#endif
}

/* A place where ANALYZE may be held up or cancelled. */
static inline void
ddb_compat_analyze_delay_point(void)
{
#if PG_VERSION_NUM >= 180000
	vacuum_delay_point(true);
#else
	vacuum_delay_point();
#endif
}

/* pg_b64_decode's output became unsigned in PostgreSQL 18. */
static inline int
ddb_compat_b64_decode(const char *src, int len, char *dst, int dst_len)
{
#if PG_VERSION_NUM >= 180000
	return pg_b64_decode(src, len, (uint8 *) dst, dst_len);
#else
	return pg_b64_decode(src, len, dst, dst_len);
#endif
}

/* pg_b64_encode's input likewise. */
static inline int
ddb_compat_b64_encode(const char *src, int len, char *dst, int dst_len)
{
#if PG_VERSION_NUM >= 180000
	return pg_b64_encode((const uint8 *) src, len, dst, dst_len);
#else
	return pg_b64_encode(src, len, dst, dst_len);
#endif
}

#endif /* DDB_COMPAT_H */
