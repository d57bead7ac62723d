/* SPDX-License-Identifier: PostgreSQL */
/*
 * order.c
 *		The order in which items come, as pathkeys.
 *
 * Items of a Query come in the order of the key's sort attributes, forward or
 * exactly backward; several partitions can be merged into that order, or read
 * one after another in the order of their own values.  Keys are never NULL, so
 * NULLS FIRST and NULLS LAST are both kept.  Text inside a partition counts
 * only under a collation that compares bytes (dynamodb.md section 4).
 */
#include "postgres.h"

#include "plan/order.h"

#include "catalog/pg_collation.h"
#include "catalog/pg_opfamily.h"
#include "codec/encode_constant.h"
#include "compat.h"
#include "optimizer/paths.h"
#include "plan/query_shape.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

/* True if the equivalence class has the sort attribute's column as a member. */
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

/*
 * True if the pathkey sorts as the stored bytes do: by the type's own order,
 * and under the C collation if it is text.
 */
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
add_tie_breakers(PlannerInfo *root, RelOptInfo *rel, List *wanted,
				 List *pathkeys)
{
	for (int n = list_length(pathkeys); n < list_length(wanted); n++)
	{
		PathKey *pathkey = list_nth_node(PathKey, wanted, n);

		if (!relation_can_be_sorted_early(root, rel, pathkey->pk_eclass, false))
			break;
		pathkeys = lappend(pathkeys, pathkey);
	}
	return pathkeys;
}

/* Walks the attributes that items are ordered by, with the pathkeys. */
typedef struct Walk
{
	PlannerInfo *root;
	RelOptInfo *rel;
	const DdbPlanState *state;
	DdbCandidate *candidate;
	List *pathkeys; /* that reading gives, so far */
	int position; /* in the key: the sort attribute that comes next */
	int element; /* of its template, if it has one */
	bool directed; /* forward or backward is settled */
	bool one_to_one; /* keys that differ, differ in the pathkeys too */
} Walk;

static const DdbColumn *
key_column(const Walk *walk, const DdbKeyAttribute *attribute)
{
	return ddb_relation_find_attribute(walk->state->relation, attribute->name);
}

/*
 * True if the column is bound to one value throughout, by the only
 * alternative.  Then it plays no part in the order.
 */
static bool
is_bound(const Walk *walk, const DdbColumn *column)
{
	const DdbCandidate *candidate = walk->candidate;
	ListCell *lc;

	if (column == NULL || list_length(candidate->keys.alternatives) != 1 ||
		ddb_codec_equality(ddb_codec_set_get(
			walk->state->codecs, column->attnum)) != DDB_AGREES_EXACTLY)
		return false;
	foreach (lc, (List *) linitial(candidate->keys.alternatives))
	{
		DdbCondition *condition = (DdbCondition *) lfirst(lc);

		if (condition->op == DDB_COMPARE_EQ &&
			condition->column == column->attnum)
			return true;
	}
	return false;
}

/*
 * The first element of the template, from this one on, that is not bound to
 * one value; the number of elements if all are.
 */
static int
skip_bound_elements(const Walk *walk, const DdbKeyTemplate *template,
					int element)
{
	const DdbTemplate *parsed = &template->parsed;

	while (element < parsed->n &&
		   (parsed->elements[element].form == DDB_FORM_LITERAL ||
			is_bound(walk, template->variables[element].column)))
		element++;
	return element;
}

/*
 * True if the key attribute is bound to one value, itself or by all that it is
 * composed of.
 */
static bool
is_attribute_bound(const Walk *walk, const DdbKeyAttribute *attribute)
{
	const DdbKeyTemplate *template =
		ddb_key_template_of(walk->state->relation, attribute->name);

	return is_bound(walk, key_column(walk, attribute)) ||
		   (template != NULL &&
			skip_bound_elements(walk, template, 0) == template->parsed.n);
}

/* The template of the sort attribute that comes next, or NULL. */
static const DdbKeyTemplate *
sort_template(const Walk *walk)
{
	return ddb_key_template_of(
		walk->state->relation,
		walk->candidate->source->keys->attributes[walk->position].name);
}

/*
 * Goes on to the next sort attribute, or element of its template, that is not
 * bound to one value.  Those that are play no part in the order.
 */
static void
skip_bound(Walk *walk)
{
	const DdbKeySchema *keys = walk->candidate->source->keys;

	while (walk->position < keys->n)
	{
		const DdbKeyTemplate *template = sort_template(walk);
		bool bound =
			is_attribute_bound(walk, &keys->attributes[walk->position]);

		if (!bound && template != NULL)
		{
			walk->element = skip_bound_elements(walk, template, walk->element);
			bound = walk->element == template->parsed.n;
		}
		if (!bound)
			return;
		walk->position++;
		walk->element = 0;
	}
}

/*
 * The codec of the key attribute's column, if this pathkey orders by it; NULL
 * if not, or if values that do not fit may be NULL.
 */
static const DdbCodec *
match_pathkey(const Walk *walk, const PathKey *pathkey,
			  const DdbKeyAttribute *attribute)
{
	const DdbColumn *column = key_column(walk, attribute);
	const DdbCodec *codec;

	/* NULL in place of a value that does not fit would break the order. */
	if (column == NULL ||
		ddb_column_mismatch_policy(column) == DDB_MISMATCH_NULL)
		return NULL;
	codec = ddb_codec_set_get(walk->state->codecs, column->attnum);
	return class_is_attribute(pathkey->pk_eclass, walk->rel, codec) ? codec
																	: NULL;
}

/* True if partitions are read in the order of this column already. */
static bool
is_ordered_by(const Walk *walk, const DdbColumn *column)
{
	ListCell *lc;

	foreach (lc, walk->candidate->order.partitions)
	{
		DdbPartitionOrder *order = (DdbPartitionOrder *) lfirst(lc);

		if (order->column == column->attnum && order->element < 0)
			return true;
	}
	return false;
}

/*
 * Adds a column, or an element of a template, to the order in which partitions
 * are read.
 */
static void
add_partition_order(Walk *walk, const DdbColumn *column, int element,
					Oid collation, bool descending)
{
	DdbPartitionOrder *order = palloc(sizeof(DdbPartitionOrder));

	order->column = column->attnum;
	order->element = element;
	order->collation = collation;
	order->descending = descending;
	walk->candidate->order.partitions =
		lappend(walk->candidate->order.partitions, order);
}

/*
 * The variable of a partition's template that this pathkey orders by, whose
 * texts sort as its values do; NULL when there is none.
 */
static const DdbVariable *
match_partition_variable(const Walk *walk, const PathKey *pathkey,
						 const DdbKeyTemplate **template, int *element)
{
	const DdbKeySchema *keys = walk->candidate->source->keys;

	for (int i = 0; i < keys->npartition; i++)
	{
		*template = ddb_key_template_of(walk->state->relation,
										keys->attributes[i].name);
		for (int j = 0; *template != NULL && j < (*template)->parsed.n; j++)
		{
			const DdbVariable *variable = &(*template)->variables[j];
			const DdbCodec *codec;

			if (variable->column == NULL || !variable->element->ordered)
				continue;
			codec = ddb_codec_set_get(walk->state->codecs,
									  variable->column->attnum);
			*element = j;
			if (class_is_attribute(pathkey->pk_eclass, walk->rel, codec) &&
				pathkey_follows_bytes(pathkey, codec))
				return variable;
		}
	}
	return NULL;
}

/*
 * True if partitions can be read in the order of a variable that they are
 * composed of, which is then added to their order.
 */
static bool
order_by_partition_variable(Walk *walk, const PathKey *pathkey)
{
	const DdbKeyTemplate *template;
	int element;
	const DdbVariable *variable =
		match_partition_variable(walk, pathkey, &template, &element);

	if (variable == NULL || !variable->exact)
		return false;
	add_partition_order(walk, template->column, element, C_COLLATION_OID,
						ddb_compat_pathkey_descends(pathkey));
	return true;
}

/*
 * Partitions are known before they are read, so that they can be read in any
 * order: text in that of any collation.
 */
static bool
order_partitions(Walk *walk, const PathKey *pathkey)
{
	const DdbKeySchema *keys = walk->candidate->source->keys;

	for (int i = 0; i < keys->npartition; i++)
	{
		const DdbCodec *codec =
			match_pathkey(walk, pathkey, &keys->attributes[i]);
		bool bytewise;

		if (codec == NULL || is_ordered_by(walk, codec->column))
			continue;
		bytewise = pathkey_follows_bytes(pathkey, codec);
		if (ddb_codec_equality(codec) != DDB_AGREES_EXACTLY ||
			(!bytewise && codec->conversion != DDB_CONVERT_TEXT) ||
			(bytewise && ddb_codec_order(codec) != DDB_AGREES_EXACTLY))
			return false;
		add_partition_order(walk, codec->column, -1,
							bytewise ? C_COLLATION_OID
									 : pathkey->pk_eclass->ec_collation,
							ddb_compat_pathkey_descends(pathkey));
		/* Texts that are the same to the collation make one group. */
		walk->one_to_one &= bytewise || get_collation_isdeterministic(
											pathkey->pk_eclass->ec_collation);
		return true;
	}
	return order_by_partition_variable(walk, pathkey);
}

/*
 * True if this pathkey orders by the variable that comes next in the sort key.
 * Its texts must sort as its values do, and tell all of them.
 */
static bool
orders_by_variable(const Walk *walk, const PathKey *pathkey)
{
	const DdbKeyTemplate *template = sort_template(walk);
	const DdbVariable *variable;
	const DdbCodec *codec;
	bool last_text;

	if (template == NULL)
		return false;
	variable = &template->variables[walk->element];
	if (variable->column == NULL || !variable->exact)
		return false;
	last_text = walk->element + 1 == template->parsed.n &&
				variable->codec != NULL &&
				variable->codec->conversion == DDB_CONVERT_TEXT &&
				ddb_codec_keeps_order(variable->codec);
	codec = ddb_codec_set_get(walk->state->codecs, variable->column->attnum);
	return (variable->element->ordered || last_text) &&
		   (variable->column->source != 0 ||
			ddb_column_mismatch_policy(variable->column) !=
				DDB_MISMATCH_NULL) &&
		   class_is_attribute(pathkey->pk_eclass, walk->rel, codec) &&
		   pathkey_follows_bytes(pathkey, codec);
}

/*
 * True if the pathkey orders by the whole of the next sort attribute, in its
 * stored order.
 */
static bool
orders_by_attribute(Walk *walk, const PathKey *pathkey)
{
	const DdbKeySchema *keys = walk->candidate->source->keys;
	const DdbCodec *codec =
		match_pathkey(walk, pathkey, &keys->attributes[walk->position]);

	if (codec == NULL || !ddb_codec_keeps_order(codec) ||
		!pathkey_follows_bytes(pathkey, codec))
		return false;
	walk->one_to_one &= ddb_codec_order(codec) == DDB_AGREES_EXACTLY;
	return true;
}

/*
 * A time that is in the order inside partitions, and that they are derived
 * from: those of one unit of it come before those of the next, so they can be
 * read one unit after another.
 */
static void
order_derived_partitions(Walk *walk, const PathKey *pathkey)
{
	const DdbKeyTemplate *template;
	int element;

	if (walk->candidate->keys.are_many &&
		match_partition_variable(walk, pathkey, &template, &element) != NULL)
		add_partition_order(walk, template->column, element, C_COLLATION_OID,
							ddb_compat_pathkey_descends(pathkey));
}

/*
 * True if rows come in the order of this pathkey inside a partition, or merged
 * from several.  All pathkeys must have one direction.
 */
static bool
order_items(Walk *walk, const PathKey *pathkey)
{
	const DdbKeySchema *keys = walk->candidate->source->keys;
	bool descending = ddb_compat_pathkey_descends(pathkey);

	skip_bound(walk);
	if (walk->position >= keys->n ||
		(walk->directed && descending != walk->candidate->order.is_backward))
		return false;
	if (orders_by_attribute(walk, pathkey))
	{
		walk->position++;
		walk->element = 0;
	}
	else if (orders_by_variable(walk, pathkey))
		walk->element++;
	else
		return false;
	if (!walk->directed && walk->pathkeys == NIL)
		order_derived_partitions(walk, pathkey);
	walk->candidate->order.is_backward = descending;
	walk->directed = true;
	return true;
}

/*
 * True if no other row ties with one, by the order so far.  That takes the
 * table, whose whole key is unique, once it is all in the order or bound to
 * values.
 */
static bool
is_unique(Walk *walk)
{
	const DdbKeySchema *keys = walk->candidate->source->keys;

	skip_bound(walk);
	if (walk->candidate->source->index != NULL || !walk->one_to_one ||
		walk->position < keys->n)
		return false;
	for (int i = 0; i < keys->npartition; i++)
	{
		const DdbColumn *column = key_column(walk, &keys->attributes[i]);

		if (!is_attribute_bound(walk, &keys->attributes[i]) &&
			(column == NULL || !is_ordered_by(walk, column)))
			return false;
	}
	return true;
}

/*
 * A prefix of the wanted order, NIL if nothing of it is given.  Partitions may
 * be ordered as long as no order inside them has begun.
 */
List *
ddb_order_pathkeys(PlannerInfo *root, RelOptInfo *rel,
				   const DdbPlanState *state, List *wanted,
				   DdbCandidate *candidate)
{
	Walk walk = {.root = root,
				 .rel = rel,
				 .state = state,
				 .candidate = candidate,
				 .position = candidate->source->keys->npartition,
				 .one_to_one = true};
	ListCell *lc;

	candidate->order.is_backward = false;
	candidate->order.partitions = NIL;
	foreach (lc, wanted)
	{
		PathKey *pathkey = lfirst_node(PathKey, lc);

		/* Partitions come first, then what is inside them. */
		if (!(candidate->keys.are_many && !walk.directed &&
			  order_partitions(&walk, pathkey)) &&
			!order_items(&walk, pathkey))
			break;
		walk.pathkeys = lappend(walk.pathkeys, pathkey);
	}
	candidate->order.is_relied_upon = walk.pathkeys != NIL;
	candidate->order.is_within_partitions = walk.directed;
	if (candidate->order.is_relied_upon && is_unique(&walk))
		return add_tie_breakers(root, rel, wanted, walk.pathkeys);
	return walk.pathkeys;
}

/* What would make the column's stored texts sort as the query wants it. */
static char *
order_cure(const DdbCodec *codec)
{
	const char *name = quote_identifier(codec->column->name);

	if (codec->conversion == DDB_CONVERT_TEXT)
		return psprintf("column %s would give the order if it had COLLATE "
						"\"C\"",
						name);
	if (codec->conversion == DDB_CONVERT_TIMESTAMPTZ ||
		codec->conversion == DDB_CONVERT_TIMESTAMP ||
		codec->conversion == DDB_CONVERT_DATE)
		return psprintf("column %s would give the order if all its times had "
						"one format, declared as option \"format\", such as "
						"'iso8601:3'",
						name);
	return NULL;
}

/* The same of a variable of the sort key's template that the query orders by. */
static char *
template_obstacle(const Walk *walk, const PathKey *pathkey)
{
	const DdbKeyTemplate *template = sort_template(walk);
	const DdbColumn *column =
		template == NULL ? NULL : template->variables[walk->element].column;

	if (column == NULL || template->variables[walk->element].element->ordered ||
		!class_is_attribute(
			pathkey->pk_eclass, walk->rel,
			ddb_codec_set_get(walk->state->codecs, column->attnum)))
		return NULL;
	return psprintf("column %s would give the order if its texts in template "
					"\"%s\" had a fixed width",
					quote_identifier(column->name), template->column->template);
}

char *
ddb_order_obstacle(PlannerInfo *root, RelOptInfo *rel,
				   const DdbPlanState *state, DdbCandidate *candidate)
{
	Walk walk = {.root = root,
				 .rel = rel,
				 .state = state,
				 .candidate = candidate,
				 .position = candidate->source->keys->npartition};
	const PathKey *pathkey;
	const DdbCodec *codec;

	if (candidate->operation != DDB_OP_QUERY || root->query_pathkeys == NIL ||
		candidate->order.is_relied_upon)
		return NULL;
	pathkey = linitial_node(PathKey, root->query_pathkeys);
	skip_bound(&walk);
	if (walk.position >= candidate->source->keys->n)
		return NULL;
	codec = match_pathkey(&walk, pathkey,
						  &candidate->source->keys->attributes[walk.position]);
	if (codec == NULL)
		return template_obstacle(&walk, pathkey);
	if (ddb_codec_keeps_order(codec) && pathkey_follows_bytes(pathkey, codec))
		return NULL;
	return order_cure(codec);
}

/* The order by one of the equivalence classes, ascending. */
static List *
order_by_class(PlannerInfo *root, EquivalenceClass *class)
{
	return list_make1(ddb_compat_ascending_pathkey(
		root, class, linitial_oid(class->ec_opfamilies)));
}

/*
 * The equivalence classes that merge joins of this relation could use: those
 * that join clauses imply, and those of outer joins.
 */
static List *
merge_classes(PlannerInfo *root, RelOptInfo *rel)
{
	List *classes = NIL;
	ListCell *lc;

	if (rel->has_eclass_joins)
		foreach (lc, root->eq_classes)
			if (eclass_useful_for_merging(
					root, lfirst_node(EquivalenceClass, lc), rel))
				classes = lappend(classes, lfirst(lc));
	foreach (lc, rel->joininfo)
	{
		RestrictInfo *rinfo = lfirst_node(RestrictInfo, lc);

		if (rinfo->mergeopfamilies == NIL)
			continue;
		update_mergeclause_eclasses(root, rinfo);
		if (bms_overlap(rel->relids, rinfo->right_ec->ec_relids))
			classes = list_append_unique_ptr(classes, rinfo->right_ec);
		else if (bms_overlap(rel->relids, rinfo->left_ec->ec_relids))
			classes = list_append_unique_ptr(classes, rinfo->left_ec);
	}
	return classes;
}

/*
 * The query's own order comes first, or that of the query around; others serve
 * merge joins.
 */
List *
ddb_order_wanted(PlannerInfo *root, RelOptInfo *rel)
{
	List *wanted =
		list_make1(root->query_pathkeys == NIL ? ddb_order_around(root, rel)
											   : root->query_pathkeys);
	ListCell *lc;

	foreach (lc, merge_classes(root, rel))
	{
		List *pathkeys = order_by_class(root, (EquivalenceClass *) lfirst(lc));

		if (!pathkeys_contained_in(pathkeys, root->query_pathkeys))
			wanted = lappend(wanted, pathkeys);
	}
	return wanted;
}
