/* SPDX-License-Identifier: PostgreSQL */
/*
 * system_columns.c
 *		Refuses system columns, which items do not have.
 *
 * Every row would show the same ctid: whoever means one row by it would change
 * all of them.  The planner itself asks for ctid, too, of all parts of a table
 * some parts of which it can lock; nobody looks at that of a foreign part.
 */
#include "postgres.h"

#include "plan/system_columns.h"

#include "access/sysattr.h"
#include "catalog/heap.h"
#include "lib/stringinfo.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "nodes/plannodes.h"
#include "optimizer/optimizer.h"

/* A search for system columns of some relations. */
typedef struct Search
{
	const Bitmapset *relids;
	Index levels_up; /* whose query's relations they are, from the node */
	AttrNumber found; /* InvalidAttrNumber: none */
} Search;

/* True for the system columns that items do not have. tableoid is known. */
static bool
is_system_column(AttrNumber attnum)
{
	return attnum < 0 && attnum != TableOidAttributeNumber;
}

/* The ctid that the planner adds for rows that are to be locked. */
static bool
is_row_mark(const TargetEntry *entry)
{
	return entry->resjunk && entry->resname != NULL &&
		   strncmp(entry->resname, "ctid", 4) == 0 && IsA(entry->expr, Var);
}

/*
 * Tree walker: finds a reference to a system column of the relations, at any
 * query level.  Row marks do not count.
 */
static bool
search_node(Node *node, void *context)
{
	Search *search = (Search *) context;
	bool found;

	if (node == NULL)
		return false;
	if (IsA(node, Var))
	{
		const Var *var = (const Var *) node;

		if (var->varlevelsup != search->levels_up ||
			!is_system_column(var->varattno) ||
			!bms_is_member(var->varno, search->relids))
			return false;
		search->found = var->varattno;
		return true;
	}
	if (IsA(node, TargetEntry) && is_row_mark((TargetEntry *) node))
		return false;
	if (!IsA(node, Query))
		return expression_tree_walker(node, search_node, context);
	search->levels_up++;
	found = query_tree_walker((Query *) node, search_node, context,
							  QTW_IGNORE_JOINALIASES);
	search->levels_up--;
	return found;
}

/* ---- the error ---- */

/*
 * The key's parts, quoted and joined by "and", palloc'd: as columns, with
 * *columns set, or as attributes if one of them has no column.
 */
static char *
list_keys(DdbRelation *relation, const DdbKeySchema *keys, bool *columns)
{
	const DdbColumn *shown[DDB_MAX_KEY_ATTRIBUTES];
	StringInfoData list;

	*columns = true;
	for (int i = 0; i < keys->n; i++)
	{
		shown[i] =
			ddb_relation_find_attribute(relation, keys->attributes[i].name);
		*columns &= shown[i] != NULL;
	}
	initStringInfo(&list);
	for (int i = 0; i < keys->n; i++)
		appendStringInfo(&list, "%s\"%s\"", i > 0 ? " and " : "",
						 *columns ? shown[i]->name : keys->attributes[i].name);
	return list.data;
}

/*
 * Raises the error of a system column, with the columns that tell rows apart
 * in its hint.
 */
static void
raise_refusal(AttrNumber attnum, DdbRelation *relation,
			  const DdbTableInfo *info)
{
	bool columns;
	char *keys = list_keys(relation, &info->keys, &columns);
	bool one = info->keys.n == 1;

	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("cannot use system column \"%s\" of foreign table %s",
					NameStr(SystemAttributeDefinition(attnum)->attname),
					relation->name),
			 errdetail("Items of DynamoDB table \"%s\" have no system columns.",
					   relation->table_name),
			 columns
				 ? errhint("Rows are told apart by %s %s.",
						   one ? "key column" : "key columns", keys)
				 : errhint("Items are told apart by %s %s, which columns of "
						   "the foreign table can show.",
						   one ? "key attribute" : "key attributes", keys)));
}

/* ---- what is looked at ---- */

void
ddb_system_columns_check(Node *expressions, Index varno, DdbRelation *relation,
						 const DdbTableInfo *info)
{
	Search search = {.relids = bms_make_singleton(varno)};

	if (search_node(expressions, &search))
		raise_refusal(search.found, relation, info);
}

/* The relation, and the parents that it is planned as a part of. */
static Bitmapset *
with_ancestors(const PlannerInfo *root, Index relid)
{
	Bitmapset *relids = bms_make_singleton(relid);

	while (root->append_rel_array != NULL &&
		   root->append_rel_array[relid] != NULL)
	{
		relid = root->append_rel_array[relid]->parent_relid;
		relids = bms_add_member(relids, relid);
	}
	return relids;
}

/*
 * True if rows of one of the relations are to be locked, for which the planner
 * adds system columns to what they carry.
 */
static bool
is_locked(const PlannerInfo *root, const Bitmapset *relids)
{
	ListCell *lc;

	foreach (lc, root->rowMarks)
	{
		const PlanRowMark *mark = lfirst_node(PlanRowMark, lc);

		if (bms_is_member(mark->rti, relids) &&
			(mark->allMarkTypes & ~(1 << ROW_MARK_COPY)) != 0)
			return true;
	}
	return false;
}

/* Which system column the query itself says, of the relation or its parents. */
static AttrNumber
find_in_query(PlannerInfo *root, const Bitmapset *relids)
{
	Search search = {.relids = relids};

	if (!query_tree_walker(root->parse, search_node, &search,
						   QTW_IGNORE_JOINALIASES))
		(void) search_node((Node *) root->append_rel_list, &search);
	return search.found;
}

/*
 * Row marks add system columns by themselves, so for a locked table the query
 * as it was written decides.
 */
void
ddb_system_columns_check_scan(PlannerInfo *root, const RelOptInfo *rel,
							  DdbRelation *relation, const DdbTableInfo *info)
{
	Search search = {.relids = bms_make_singleton(rel->relid)};
	Bitmapset *relids = with_ancestors(root, rel->relid);
	ListCell *lc;

	foreach (lc, rel->baserestrictinfo)
		ddb_system_columns_check((Node *) lfirst_node(RestrictInfo, lc)->clause,
								 rel->relid, relation, info);
	if (!search_node((Node *) rel->reltarget->exprs, &search))
		return;
	if (is_locked(root, relids))
		search.found = find_in_query(root, relids);
	if (is_system_column(search.found))
		raise_refusal(search.found, relation, info);
}
