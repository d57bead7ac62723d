/*
 * order.c
 *		The order in which one partition's items come, as pathkeys.
 *
 * Items of a Query come in the order of the key's sort attributes, forward or
 * exactly backward.  They are never NULL, so NULLS FIRST and NULLS LAST are
 * both kept.  Text counts only under a collation that compares bytes
 * (dynamodb.md section 4).
 */
#include "postgres.h"

#include "plan/plan_state.h"

#include "catalog/pg_opfamily.h"
#include "compat.h"
#include "optimizer/paths.h"
#include "utils/typcache.h"

/* Is this equivalence class our sort attribute, by its stored order? */
static bool
class_is_attribute(const EquivalenceClass *class, const RelOptInfo *rel,
				   const DdbCodec *codec)
{
	ListCell *lc;

	foreach (lc, ddb_compat_class_members(class, rel->relids))
	{
		EquivalenceMember *member = lfirst_node(EquivalenceMember, lc);
		Node *node = (Node *) member->em_expr;

		while (IsA(node, RelabelType))
			node = (Node *) ((RelabelType *) node)->arg;
		if (IsA(node, Var) && ((Var *) node)->varno == (int) rel->relid &&
			((Var *) node)->varlevelsup == 0 &&
			((Var *) node)->varattno == codec->column->attnum)
			return true;
	}
	return false;
}

/* Does the pathkey order by the type's own order, which the bytes follow? */
static bool
pathkey_follows_bytes(const PathKey *pathkey, const DdbCodec *codec)
{
	TypeCacheEntry *cache =
		lookup_type_cache(codec->column->base_typid, TYPECACHE_BTREE_OPFAMILY);

	if (pathkey->pk_opfamily == TEXT_PATTERN_BTREE_FAM_OID)
		return true;
	if (pathkey->pk_opfamily != cache->btree_opf)
		return false;
	return codec->conversion != DDB_CONVERT_TEXT ||
		   (OidIsValid(pathkey->pk_eclass->ec_collation) &&
			ddb_compat_collation_is_c(pathkey->pk_eclass->ec_collation));
}

/*
 * Where the whole key is unique, rows that tie do not exist, so whatever the
 * query orders by after it is in order too, if it is of this relation alone.
 */
static List *
add_tie_breakers(PlannerInfo *root, RelOptInfo *rel, List *pathkeys)
{
	int n = list_length(pathkeys);

	for (; n < list_length(root->query_pathkeys); n++)
	{
		PathKey *pathkey = list_nth_node(PathKey, root->query_pathkeys, n);

		if (!relation_can_be_sorted_early(root, rel, pathkey->pk_eclass, false))
			break;
		pathkeys = lappend(pathkeys, pathkey);
	}
	return pathkeys;
}

/* Has every item that is read the same value of this sort attribute? */
static bool
is_bound(const DdbCandidate *candidate, const DdbColumn *column)
{
	ListCell *lc;

	if (candidate->many || column == NULL)
		return false;
	foreach (lc, (List *) linitial(candidate->alternatives))
	{
		DdbCondition *condition = (DdbCondition *) lfirst(lc);

		if (condition->op == DDB_COMPARE_EQ &&
			condition->column == column->attnum)
			return true;
	}
	return false;
}

/*
 * The first sort attribute from a position on that is not bound to a value,
 * which the query's order no longer mentions.
 */
static int
skip_bound(const DdbPlanState *state, const DdbCandidate *candidate,
		   int position)
{
	const DdbKeySchema *keys = candidate->source->keys;

	while (position < keys->nsort &&
		   is_bound(candidate, ddb_relation_find_attribute(
								   state->relation, keys->sort[position].name)))
		position++;
	return position;
}

List *
ddb_order_pathkeys(PlannerInfo *root, RelOptInfo *rel,
				   const DdbPlanState *state, const DdbCandidate *candidate,
				   bool *backward)
{
	const DdbKeySchema *keys = candidate->source->keys;
	List *pathkeys = NIL;
	ListCell *lc;
	int position = skip_bound(state, candidate, 0);
	bool one_to_one = true; /* keys that differ, differ here too */

	*backward = false;
	foreach (lc, root->query_pathkeys)
	{
		PathKey *pathkey = lfirst_node(PathKey, lc);
		const DdbColumn *column =
			position < keys->nsort
				? ddb_relation_find_attribute(state->relation,
											  keys->sort[position].name)
				: NULL;
		const DdbCodec *codec =
			column != NULL ? ddb_codec_set_get(state->codecs, column->attnum)
						   : NULL;
		bool descending = ddb_compat_pathkey_descends(pathkey);

		/* NULL in place of a value that does not fit would break the order. */
		if (codec == NULL || !ddb_codec_keeps_order(codec) ||
			ddb_column_mismatch_policy(column) == DDB_MISMATCH_NULL ||
			!class_is_attribute(pathkey->pk_eclass, rel, codec) ||
			!pathkey_follows_bytes(pathkey, codec))
			break;
		if (pathkeys != NIL && descending != *backward)
			break;
		one_to_one &= ddb_codec_order(codec) == DDB_AGREES_EXACTLY;
		*backward = descending;
		pathkeys = lappend(pathkeys, pathkey);
		position = skip_bound(state, candidate, position + 1);
	}
	/* In one partition of the table the sort key is unique. */
	if (pathkeys != NIL && position == keys->nsort && one_to_one &&
		!candidate->many && candidate->source->index == NULL)
		pathkeys = add_tie_breakers(root, rel, pathkeys);
	return pathkeys;
}
