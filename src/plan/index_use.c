/* SPDX-License-Identifier: PostgreSQL */
/*
 * index_use.c
 *		Indexes are sparse: an item without the index's key is not in it.
 *
 * So an index may be used only where every row that the query can give has the
 * key: because a condition implies it, or because the declaration promises it
 * (NOT NULL, option "complete_indexes").  Where neither does, users are told
 * what would (docs/decisions/06-indexes-are-sparse.md).
 */
#include "postgres.h"

#include "plan/index_use.h"

#include "compat.h"
#include "optimizer/restrictinfo.h"
#include "plan/relsize.h"
#include "utils/builtins.h"

/* The columns that are declared NOT NULL, added to the attnums. */
static Bitmapset *
add_promised(const DdbRelation *relation, Bitmapset *columns)
{
	for (int i = 0; i < relation->ncolumns; i++)
		if (relation->columns[i].name != NULL && relation->columns[i].not_null)
			columns = bms_add_member(columns, i + 1);
	return columns;
}

/*
 * True if every row must have this attribute, of key type, and match its
 * template if it has one. not_null: columns that cannot be NULL.
 */
static bool
is_implied(const DdbPlanState *state, Bitmapset *not_null,
		   const char *attribute)
{
	const DdbKeyTemplate *template =
		ddb_key_template_of(state->relation, attribute);
	int member = -1;

	if (ddb_key_schema_has(&state->info->keys, attribute) ||
		ddb_key_templates_imply(state->relation, attribute, not_null))
		return true;
	if (template != NULL)
		return template->column->not_null;
	while ((member = bms_next_member(not_null, member)) >= 0)
		if (ddb_column_shows(&state->relation->columns[member - 1], attribute))
			return true;
	return false;
}

/*
 * The key attributes (of char *) of the index that a row need not have; NIL if
 * the index holds every row.
 */
static List *
missing_attributes(const DdbPlanState *state, const DdbIndexInfo *index,
				   Bitmapset *not_null)
{
	bool is_complete = ddb_table_info_is_complete(state->relation, index);
	List *missing = NIL;

	for (int i = 0; i < index->keys.n; i++)
	{
		char *name = index->keys.attributes[i].name;

		/* The partition key comes first, and brings the rest with it. */
		if (i >= index->keys.npartition && is_complete && missing == NIL)
			break;
		if (!is_implied(state, not_null, name))
			missing = lappend(missing, name);
	}
	return missing;
}

bool
ddb_source_serves(const DdbPlanState *state, const RelOptInfo *rel,
				  const DdbSource *source, List *restrictions)
{
	List *clauses = extract_actual_clauses(restrictions, false);
	Bitmapset *not_null;

	/* The table holds everything, and a forced index is what is wanted. */
	if (source->index == NULL || state->forced_index)
		return true;
	not_null = add_promised(state->relation, ddb_compat_nonnullable_columns(
												 (Node *) clauses, rel->relid));
	return missing_attributes(state, source->index, not_null) == NIL;
}

const char *
ddb_index_obstacle(const DdbPlanState *state, const DdbIndexInfo *index)
{
	if (!index->usable)
		return "is not active yet";
	if (index->global && state->consistent_read)
		return "cannot be read consistently: it could be used without option "
			   "\"consistent_read\"";
	return NULL;
}

/*
 * What would make the index complete: that columns were declared NOT NULL, or
 * a condition; or the option, where no column shows an attribute.
 */
static char *
cure(const DdbPlanState *state, const DdbIndexInfo *index, List *missing)
{
	StringInfoData columns;
	StringInfoData conditions;
	ListCell *lc;

	initStringInfo(&columns);
	initStringInfo(&conditions);
	foreach (lc, missing)
	{
		const char *attribute = (const char *) lfirst(lc);
		const DdbColumn *column =
			ddb_relation_find_attribute(state->relation, attribute);

		if (column == NULL)
			return psprintf("could be used if the foreign table's option "
							"\"complete_indexes\" named it: no column shows "
							"its key attribute \"%s\"",
							attribute);
		appendStringInfo(&columns, "%s%s", columns.len > 0 ? " and " : "",
						 quote_identifier(column->name));
		appendStringInfo(&conditions, "%s%s IS NOT NULL",
						 conditions.len > 0 ? " AND " : "",
						 quote_identifier(column->name));
	}
	return psprintf("could be used if %s were declared NOT NULL, or with "
					"\"%s\"",
					columns.data, conditions.data);
}

/* Why the index is not used, as a sentence; NULL if it may be. */
static char *
explain_obstacle(const DdbPlanState *state, const DdbIndexInfo *index,
				 Bitmapset *not_null)
{
	const char *obstacle = ddb_index_obstacle(state, index);
	List *missing;

	if (obstacle == NULL)
	{
		missing = missing_attributes(state, index, not_null);
		if (missing == NIL)
			return NULL;
		obstacle = cure(state, index, missing);
	}
	return psprintf("index \"%s\" %s", index->name, obstacle);
}

List *
ddb_index_obstacles(PlannerInfo *root, RelOptInfo *rel, List *clauses)
{
	const DdbPlanState *state = (const DdbPlanState *) rel->fdw_private;
	DdbClauseContext context = ddb_plan_clauses(root, rel);
	List *obstacles = NIL;
	Bitmapset *not_null;
	ListCell *lc;

	if (state->forced_index || !ddb_guc_pushdown ||
		state->relation->segment >= 0)
		return NIL;
	not_null = add_promised(
		state->relation,
		ddb_compat_nonnullable_columns(
			(Node *) extract_actual_clauses(clauses, false), rel->relid));
	foreach (lc, state->info->indexes)
	{
		const DdbIndexInfo *index = (const DdbIndexInfo *) lfirst(lc);
		DdbKeyMatch match;
		char *obstacle;

		if (index->unsuited != NULL ||
			!ddb_keys_match(&context, clauses, &index->keys, &match))
			continue;
		obstacle = explain_obstacle(state, index, not_null);
		if (obstacle != NULL)
			obstacles = lappend(obstacles, obstacle);
	}
	return obstacles;
}
