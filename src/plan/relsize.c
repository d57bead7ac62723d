/* SPDX-License-Identifier: PostgreSQL */
/*
 * relsize.c
 *		Finds what a foreign table can be read from: the table and its indexes.
 *
 * An index serves a query only if it holds every attribute that the query
 * needs, and every item that it can return, which depends on the clauses that
 * the scan is given (docs/decisions/06-indexes-are-sparse.md).
 */
#include "postgres.h"

#include "plan/relsize.h"

#include <math.h>

#include "access/sysattr.h"
#include "compat.h"
#include "foreign/fdwapi.h"
#include "nodes/makefuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/restrictinfo.h"
#include "plan/create_plan.h"
#include "plan/index_use.h"
#include "plan/key_names.h"
#include "plan/parallel_path.h"
#include "plan/snapshot_plan.h"
#include "plan/system_columns.h"
#include "remote/describe.h"
#include "utils/selfuncs.h"

/*
 * A table that DynamoDB calls empty was filled since it last counted, or its
 * description is not to be had: then a middling size, as PostgreSQL assumes of
 * tables never analyzed.
 */
#define UNKNOWN_ITEM_COUNT 1000.0
#define UNKNOWN_ITEM_BYTES 400.0

/* For an index that holds keys only, unless its size is known. */
#define UNKNOWN_KEYS_BYTES 100.0

/*
 * What DynamoDB counted, up to six hours ago, or ANALYZE found, whenever that
 * was: tables grow.
 */
static double
larger_count(const DdbPlanState *state, double described)
{
	return Max(described, state->analyzed_count);
}

/*
 * Estimates how many items the table has, and their mean size in bytes.
 * Guesses where DynamoDB and ANALYZE know nothing.
 */
static void
size_table(const DdbPlanState *state, DdbSource *source)
{
	const DdbTableInfo *info = state->info;
	double count = larger_count(state, info->item_count);

	source->unknown = count <= 0;
	source->item_count = count > 0 ? count : UNKNOWN_ITEM_COUNT;
	source->item_bytes = info->item_count > 0 && info->size_bytes > 0
							 ? info->size_bytes / info->item_count
							 : UNKNOWN_ITEM_BYTES;
}

/* Estimates the same of an index, which holds no more than its table. */
static void
size_index(const DdbPlanState *state, const DdbIndexInfo *index,
		   DdbSource *source)
{
	bool known = index->item_count > 0;

	size_table(state, source);
	if (known)
	{
		source->unknown = false;
		source->item_count = index->item_count;
	}
	if (known && index->size_bytes > 0)
		source->item_bytes = index->size_bytes / index->item_count;
	else if (index->projection == DDB_PROJECT_KEYS_ONLY)
		source->item_bytes = Min(source->item_bytes, UNKNOWN_KEYS_BYTES);
	/* Then it is the index that ANALYZE has read. */
	if (state->forced_index && state->analyzed_count > 0)
		source->item_count = larger_count(state, index->item_count);
	source->slim = !known || index->projection == DDB_PROJECT_KEYS_ONLY;
}

/*
 * Describes the table (index is NULL) or an index as something to read from:
 * its key, its size, and what it lacks.
 */
static DdbSource *
make_source(const DdbPlanState *state, DdbIndexInfo *index)
{
	DdbSource *source = palloc0(sizeof(DdbSource));

	source->index = index;
	source->keys = index != NULL ? &index->keys : &state->info->keys;
	if (index != NULL)
		size_index(state, index, source);
	else
		size_table(state, source);
	if (state->relation->total_segments > 1)
		source->item_count =
			clamp_row_est(source->item_count / state->relation->total_segments);
	return source;
}

/*
 * True if the index holds every attribute that the query needs, those that
 * templates compare included.
 */
static bool
projects_all(const DdbPlanState *state, const DdbIndexInfo *index)
{
	List *columns = ddb_key_templates_close(
		state->relation, ddb_plan_column_list(state->relation, state->needed),
		ddb_key_templates_of_keys(state->relation, &state->info->keys,
								  &index->keys));

	return ddb_table_info_holds_all(state->info, state->relation, index,
									columns) &&
		   (state->ttl_attribute == NULL ||
			ddb_table_info_holds(state->info, index, state->ttl_attribute));
}

/*
 * What a local index lacks DynamoDB fetches itself; of any index it can be
 * fetched in a second step.
 */
static void
add_index(DdbPlanState *state, DdbIndexInfo *index)
{
	DdbSource *source;
	bool projects = projects_all(state, index);

	if (ddb_index_obstacle(state, index) != NULL)
		return;
	if (projects || !index->global)
	{
		source = make_source(state, index);
		if (!projects)
			source->fetch_units =
				ceil(state->info->size_bytes / Max(state->info->item_count, 1) /
					 DDB_UNIT_BYTES);
		state->sources = lappend(state->sources, source);
	}
	if (!projects)
	{
		source = make_source(state, index);
		source->partial = true;
		state->partial_sources = lappend(state->partial_sources, source);
	}
}

/*
 * Lists what the query may read: the declared index alone, or the table and
 * every usable index.
 */
static void
find_sources(DdbPlanState *state)
{
	ListCell *lc;

	if (state->relation->index_name != NULL)
	{
		state->forced_index = true;
		state->sources = list_make1(make_source(
			state, ddb_table_info_forced_index(state->info, state->relation)));
		return;
	}
	state->sources = list_make1(make_source(state, NULL));
	if (!ddb_guc_pushdown || state->relation->segment >= 0)
		return;
	foreach (lc, state->info->indexes)
		add_index(state, (DdbIndexInfo *) lfirst(lc));
}

/* Needs ANALYZE to have seen the partition key. */
double
ddb_plan_partitions(PlannerInfo *root, RelOptInfo *rel,
					const DdbPlanState *state, const DdbKeySchema *keys)
{
	const DdbColumn *column =
		ddb_relation_find_attribute(state->relation, keys->attributes[0].name);
	VariableStatData data;
	bool is_default;
	double n;

	if (column == NULL)
		return -1;
	examine_variable(root,
					 (Node *) makeVar(rel->relid, column->attnum, column->typid,
									  column->typmod, column->collation, 0),
					 0, &data);
	n = get_variable_numdistinct(&data, &is_default);
	/* Of small tables PostgreSQL takes each value to be another. */
	if (!HeapTupleIsValid(data.statsTuple))
		is_default = true;
	ReleaseVariableStats(data);
	return is_default ? -1 : n;
}

bool
ddb_plan_is_ours(const RelOptInfo *rel)
{
	return rel->fdwroutine != NULL && rel->fdw_private != NULL &&
		   rel->fdwroutine->GetForeignRelSize == ddbGetForeignRelSize;
}

DdbClauseContext
ddb_plan_clauses(PlannerInfo *root, RelOptInfo *rel)
{
	const DdbPlanState *state = (const DdbPlanState *) rel->fdw_private;
	DdbClauseContext context = {0};

	context.root = root;
	context.rel = rel;
	context.codecs = state->codecs;
	context.is_snapshot = state->snapshot;
	return context;
}

/*
 * The number of rows, or the number of whole keys of the table if the clauses
 * name them: each selects at most one row.
 */
static double
most_rows(PlannerInfo *root, RelOptInfo *rel, const DdbPlanState *state)
{
	DdbClauseContext context = ddb_plan_clauses(root, rel);
	DdbKeyMatch match;

	if (state->forced_index ||
		!ddb_keys_match(&context, rel->baserestrictinfo, &state->info->keys,
						&match) ||
		!match.whole_key)
		return rel->rows;
	return Max(match.count, 1);
}

/* Whoever may not read the table learns nothing of it, and asks nothing. */
static void
check_permissions(PlannerInfo *root, const RelOptInfo *rel)
{
	ddb_compat_check_permissions(root, planner_rt_fetch(rel->relid, root));
	if (!bms_is_empty(rel->top_parent_relids))
		ddb_compat_check_permissions(
			root, planner_rt_fetch(bms_next_member(rel->top_parent_relids, -1),
								   root));
}

/*
 * Planner callback: loads the declaration and DynamoDB's description, resolves
 * templates and codecs, and estimates the number of rows.  May send
 * DescribeTable.
 */
void
ddbGetForeignRelSize(PlannerInfo *root, RelOptInfo *rel, Oid relid)
{
	DdbPlanState *state = palloc0(sizeof(DdbPlanState));
	ListCell *lc;

	check_permissions(root, rel);
	state->relation = ddb_relation_load(relid);
	state->snapshot = ddb_snapshot_needed(root, rel, state->relation);
	state->info =
		ddb_describe_table(state->relation, ddb_compat_rel_userid(root, rel));
	ddb_key_names_check(state->relation, state->info);
	ddb_system_columns_check_scan(root, rel, state->relation, state->info);
	state->index_columns =
		ddb_key_templates_index_columns(state->relation, state->info);
	ddb_key_templates_resolve(state->relation, &state->info->keys,
							  state->info->key_attributes,
							  state->index_columns);
	state->codecs =
		ddb_codec_set_create(state->relation, state->info->key_attributes);
	state->consistent_read = state->relation->consistent_read;
	if (state->relation->hide_expired)
		state->ttl_attribute = ddb_describe_ttl_attribute(
			state->relation, ddb_compat_rel_userid(root, rel));
	pull_varattnos((Node *) rel->reltarget->exprs, rel->relid, &state->needed);
	foreach (lc, rel->baserestrictinfo)
		pull_varattnos((Node *) lfirst_node(RestrictInfo, lc)->clause,
					   rel->relid, &state->needed);
	/* In a table that others share, its own rows are not all its items. */
	if (rel->tuples > 0 && state->relation->templates == NULL)
		state->analyzed_count =
			rel->tuples * Max(state->relation->total_segments, 1);
	ddb_table_info_check_promises(state->info, state->relation);
	find_sources(state);
	rel->fdw_private = state;
	ddb_parallel_check(root, state);
	if (rel->tuples <= 0 || state->relation->templates == NULL)
		rel->tuples = ((DdbSource *) linitial(state->sources))->item_count;
	set_baserel_size_estimates(root, rel);
	rel->rows = Min(rel->rows, most_rows(root, rel, state));
}
