/*
 * paths.c
 *		Finds the ways to read a foreign table and offers them to the planner.
 *
 * A Scan is always possible.  A Query needs equality on every partition
 * attribute, a GetItem on the whole key of the table.  A foreign table that is
 * read through a forced index is what that index holds.
 */
#include "postgres.h"

#include "plan/plan_state.h"

#include "access/sysattr.h"
#include "catalog/guc.h"
#include "compat.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "utils/lsyscache.h"

/*
 * A table that DynamoDB calls empty was filled since it last counted, or its
 * description is not to be had: then a middling size, as PostgreSQL assumes of
 * tables never analyzed.
 */
#define UNKNOWN_ITEM_COUNT 1000.0
#define UNKNOWN_ITEM_BYTES 400.0

static void
resolve_index(DdbPlanState *state)
{
	DdbRelation *relation = state->relation;

	state->keys = &state->info->keys;
	if (relation->index_name == NULL)
		return;
	state->index = ddb_table_info_index(state->info, relation->index_name);
	if (state->index == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("DynamoDB table \"%s\" has no index \"%s\"",
						relation->table_name, relation->index_name),
				 errhint("Check the option \"index_name\" of foreign table %s.",
						 relation->name)));
	if (state->index->global && relation->consistent_read)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
				 errmsg("foreign table %s asks for consistent reads of a global secondary index",
						relation->name),
				 errdetail("DynamoDB reads global secondary indexes eventually consistently only."),
				 errhint("Set \"consistent_read\" to false on the foreign table, or drop its option \"index_name\".")));
	state->keys = &state->index->keys;
}

static void
resolve_size(DdbPlanState *state)
{
	double		items = state->index != NULL ? state->index->item_count :
		state->info->item_count;
	double		bytes = state->index != NULL ? state->index->size_bytes :
		state->info->size_bytes;

	state->item_count = items > 0 ? items : UNKNOWN_ITEM_COUNT;
	state->item_bytes = items > 0 && bytes > 0 ? bytes / items :
		UNKNOWN_ITEM_BYTES;
	if (state->relation->total_segments > 1)
		state->item_count = clamp_row_est(state->item_count /
										  state->relation->total_segments);
}

void
ddbGetForeignRelSize(PlannerInfo *root, RelOptInfo *rel, Oid relid)
{
	DdbPlanState *state = palloc0(sizeof(DdbPlanState));

	state->relation = ddb_relation_load(relid);
	state->info = ddb_table_info_get(state->relation,
									 ddb_compat_rel_userid(root, rel));
	resolve_index(state);
	resolve_size(state);
	state->consistent_read = state->relation->consistent_read;
	ddb_quals_key_codecs(state->relation, state->keys, &state->codecs);
	state->quals = ddb_quals_classify(root, rel, rel->baserestrictinfo,
									  state->keys, &state->codecs);
	rel->fdw_private = state;
	rel->tuples = state->item_count;
	set_baserel_size_estimates(root, rel);
}

/* Clauses of one operator class on one key attribute. */
static bool
has_equality(List *clauses, bool on_sort, int position)
{
	ListCell   *lc;

	foreach(lc, clauses)
	{
		DdbKeyClause *clause = (DdbKeyClause *) lfirst(lc);

		if (clause->on_sort == on_sort && clause->position == position &&
			clause->op == DDB_KEY_EQ)
			return true;
	}
	return false;
}

/* How many attributes of a key part are bound by equality, from the left. */
static int
equal_prefix(List *clauses, bool on_sort, int length)
{
	int			n = 0;

	while (n < length && has_equality(clauses, on_sort, n))
		n++;
	return n;
}

/*
 * Chooses the clauses that a key condition can hold: all on the partition key,
 * and on the sort key those up to the first attribute without equality.
 */
static void
split_clauses(const DdbQuals *quals, int usable_sort, DdbCandidate *candidate)
{
	ListCell   *lc;

	candidate->local = list_copy(quals->local);
	foreach(lc, quals->key_clauses)
	{
		DdbKeyClause *clause = (DdbKeyClause *) lfirst(lc);

		if (clause->on_sort && clause->position >= usable_sort)
			candidate->local = lappend(candidate->local, clause->rinfo);
		else
		{
			candidate->key_clauses = lappend(candidate->key_clauses, clause);
			if (clause->wider)
				candidate->local = lappend(candidate->local, clause->rinfo);
		}
	}
}

static List *
clauses_of(List *key_clauses)
{
	List	   *rinfos = NIL;
	ListCell   *lc;

	foreach(lc, key_clauses)
		rinfos = lappend(rinfos, ((DdbKeyClause *) lfirst(lc))->rinfo);
	return rinfos;
}

static void
add_candidate(PlannerInfo *root, RelOptInfo *rel, DdbCandidate *candidate,
			  List *pathkeys)
{
	DdbPlanState *state = (DdbPlanState *) rel->fdw_private;
	Cost		startup_cost;
	Cost		total_cost;
	Selectivity selectivity;

	selectivity = clauselist_selectivity(root,
										 clauses_of(candidate->key_clauses),
										 rel->relid, JOIN_INNER, NULL);
	candidate->fetched_rows = candidate->operation == DDB_OP_GET_ITEM ? 1 :
		clamp_row_est(state->item_count * selectivity);
	candidate->limited = ddb_guc_pushdown &&
		ddb_limit_reaches(root, rel, pathkeys);
	ddb_cost_estimate(state, candidate, rel->rows, &startup_cost,
					  &total_cost);
	state->candidates = lappend(state->candidates, candidate);
	add_path(rel, (Path *)
			 ddb_compat_foreign_path(root, rel, rel->rows, startup_cost,
									 total_cost, pathkeys,
									 rel->lateral_relids,
									 list_make1(makeInteger(list_length(state->candidates) - 1))));
}

static void
add_scan(PlannerInfo *root, RelOptInfo *rel, const DdbQuals *quals)
{
	DdbCandidate *candidate = palloc0(sizeof(DdbCandidate));

	candidate->operation = DDB_OP_SCAN;
	split_clauses(quals, 0, candidate);
	/* Without a partition key nothing reaches the key. */
	candidate->local = list_concat_unique_ptr(candidate->local,
											  clauses_of(candidate->key_clauses));
	candidate->key_clauses = NIL;
	if (!ddb_guc_pushdown)
		candidate->local = list_concat_copy(candidate->local, quals->implied);
	add_candidate(root, rel, candidate, NIL);
}

static void
add_query(PlannerInfo *root, RelOptInfo *rel, const DdbQuals *quals)
{
	DdbPlanState *state = (DdbPlanState *) rel->fdw_private;
	DdbCandidate *candidate = palloc0(sizeof(DdbCandidate));
	List	   *pathkeys;

	candidate->operation = DDB_OP_QUERY;
	split_clauses(quals, Min(state->keys->nsort,
							 equal_prefix(quals->key_clauses, true,
										  state->keys->nsort) + 1),
				  candidate);
	pathkeys = ddb_order_pathkeys(root, rel, state, &candidate->backward);
	candidate->ordered = pathkeys != NIL;
	add_candidate(root, rel, candidate, pathkeys);
}

static void
add_get_item(PlannerInfo *root, RelOptInfo *rel, const DdbQuals *quals)
{
	DdbPlanState *state = (DdbPlanState *) rel->fdw_private;
	DdbCandidate *candidate = palloc0(sizeof(DdbCandidate));

	candidate->operation = DDB_OP_GET_ITEM;
	split_clauses(quals, state->keys->nsort, candidate);
	add_candidate(root, rel, candidate, NIL);
}

void
ddbGetForeignPaths(PlannerInfo *root, RelOptInfo *rel, Oid relid)
{
	DdbPlanState *state = (DdbPlanState *) rel->fdw_private;
	const DdbQuals *quals = state->quals;
	const DdbKeySchema *keys = state->keys;

	(void) relid;
	/* A segment is a share of a Scan; no key condition can be that share. */
	if (ddb_guc_pushdown && state->relation->segment < 0 &&
		equal_prefix(quals->key_clauses, false, keys->npartition) ==
		keys->npartition)
	{
		if (state->index == NULL &&
			equal_prefix(quals->key_clauses, true, keys->nsort) == keys->nsort)
			add_get_item(root, rel, quals);
		else
			add_query(root, rel, quals);
	}
	add_scan(root, rel, quals);
}
