/* SPDX-License-Identifier: PostgreSQL */
/*
 * keys.c
 *		Clauses → alternatives of key conditions.
 *
 * Clauses that compare a key attribute hold for every alternative.  One clause
 * of the form a OR b OR c, whose arms each compare key attributes, makes an
 * alternative of each arm: that is how (pk, sk) IN (...) and ranges in OR
 * arrive.  Comparisons of a template's variables count as far as they say
 * something of its attribute.  What the key cannot say is left to filters.
 */
#include "postgres.h"

#include "clause/keys.h"

#include "clause/filter.h"
#include "clause/key_variables.h"
#include "clause/listed_partitions.h"

#include "clause/trivial_key.h"
#include "compat.h"
#include "nodes/makefuncs.h"
#include "optimizer/optimizer.h"
#include "optimizer/restrictinfo.h"
#include "utils/selfuncs.h"

/* More arms than this are more requests than a Scan would need. */
#define MAX_ALTERNATIVES 1000

/* One of a clause's comparisons, with the clause it stands for. */
typedef struct KeyClause
{
	DdbComparison *comparison;
	RestrictInfo *rinfo;
	bool complete; /* the clause says nothing besides these */
} KeyClause;

/* An OR clause whose arms all reach the key. */
typedef struct OrClause
{
	RestrictInfo *rinfo;
	List *arms; /* of List of DdbComparison * */
	bool complete; /* the arms say all of the clause */
} OrClause;

static DdbKeyPlace
key_place(const DdbKeySchema *keys, int i)
{
	return (DdbKeyPlace){keys->attributes[i].name, i < keys->npartition};
}

/*
 * Which attribute of the key the column shows, in *place.  False if it shows
 * none.
 */
static bool
find_place(const DdbClauseContext *context, const DdbKeySchema *keys,
		   AttrNumber column, int *place)
{
	const DdbColumn *shown = &context->codecs->relation->columns[column - 1];

	for (*place = 0; *place < keys->n; (*place)++)
		if (ddb_column_shows(shown, keys->attributes[*place].name))
			return true;
	return false;
}

/*
 * True if it is a comparison of the key attribute itself.  A wider one is a
 * range, even where SQL says equal, and partitions take none.
 */
static bool
is_direct(const DdbClauseContext *context, const DdbKeySchema *keys,
		  const DdbComparison *comparison, int *place)
{
	return find_place(context, keys, comparison->condition.column, place) &&
		   (!comparison->wider ||
			(*place >= keys->npartition &&
			 (comparison->condition.op <= DDB_COMPARE_GE ||
			  comparison->condition.op == DDB_COMPARE_PREFIX)));
}

/* True if the column is a variable of a template of the key. */
static bool
is_variable(const DdbClauseContext *context, const DdbKeySchema *keys,
			AttrNumber column)
{
	for (int i = 0; i < keys->n; i++)
	{
		const DdbKeyTemplate *template = ddb_key_template_of(
			context->codecs->relation, keys->attributes[i].name);

		if (template != NULL && ddb_key_template_find(template, column, 0) >= 0)
			return true;
	}
	return false;
}

/*
 * True if it compares a key attribute, or a variable of one, in a way that a
 * key condition can use.  A key is never NULL: IS NOT DISTINCT FROM a value
 * becomes equality.
 */
static bool
reaches_key(const DdbClauseContext *context, const DdbKeySchema *keys,
			DdbComparison *comparison)
{
	int place;
	bool holds;

	if (comparison->condition.other != 0 ||
		comparison->condition.access != DDB_ACCESS_VALUE)
		return false;
	if (comparison->condition.op == DDB_COMPARE_NOT_DISTINCT &&
		ddb_filter_is_exact(context, comparison) &&
		find_place(context, keys, comparison->condition.column, &place))
		ddb_clause_set_equality(comparison);
	return DDB_COMPARE_REACHES_KEY(comparison->condition.op) &&
		   (is_direct(context, keys, comparison, &place) ||
			is_variable(context, keys, comparison->condition.column)) &&
		   !ddb_keys_trivial(context, comparison, &holds);
}

/*
 * The comparisons (of DdbComparison *) that a key condition can use, of those
 * that the expression is the conjunction of.  *complete is cleared if it says
 * something else too.
 */
static List *
match_key(const DdbClauseContext *context, const DdbKeySchema *keys, Expr *expr,
		  bool *complete)
{
	List *found = NIL;
	List *comparisons = ddb_clause_match(context, expr, false);
	ListCell *lc;

	foreach (lc, comparisons)
		if (reaches_key(context, keys, (DdbComparison *) lfirst(lc)))
			found = lappend(found, lfirst(lc));
	if (found == NIL || list_length(found) < list_length(comparisons))
		*complete = false;
	return found;
}

/*
 * The conditions that an arm of an OR joins by AND; the arm itself if it is a
 * single one.
 */
static List *
conjuncts_of(Expr *arm)
{
	if (IsA(arm, BoolExpr) && ((BoolExpr *) arm)->boolop == AND_EXPR)
		return ((BoolExpr *) arm)->args;
	return list_make1(arm);
}

/*
 * The comparisons of key attributes in one arm of an OR; NIL when there is
 * none. *complete is cleared if the arm has other conditions too.
 */
static List *
match_arm(const DdbClauseContext *context, const DdbKeySchema *keys, Expr *arm,
		  bool *complete)
{
	List *comparisons = NIL;
	ListCell *lc;

	foreach (lc, conjuncts_of(arm))
		comparisons =
			list_concat(comparisons, match_key(context, keys,
											   (Expr *) lfirst(lc), complete));
	return comparisons;
}

/*
 * The arms of an OR clause, if each selects by the key.  NULL if one does not,
 * or if there are too many.  An arm with other conditions makes it incomplete.
 */
static OrClause *
match_or(const DdbClauseContext *context, const DdbKeySchema *keys,
		 RestrictInfo *rinfo)
{
	BoolExpr *boolean = (BoolExpr *) rinfo->clause;
	OrClause *clause;
	ListCell *lc;

	if (!IsA(boolean, BoolExpr) || boolean->boolop != OR_EXPR ||
		list_length(boolean->args) > MAX_ALTERNATIVES)
		return NULL;
	clause = palloc0(sizeof(OrClause));
	clause->rinfo = rinfo;
	clause->complete = true;
	foreach (lc, boolean->args)
	{
		List *arm =
			match_arm(context, keys, (Expr *) lfirst(lc), &clause->complete);

		if (arm == NIL)
			return NULL;
		clause->arms = lappend(clause->arms, arm);
	}
	return clause;
}

/* True if a comparison gives the attribute itself a value, or a list of them. */
static bool
has_values(const DdbClauseContext *context, const DdbKeySchema *keys,
		   List *comparisons, int attribute)
{
	ListCell *lc;

	foreach (lc, comparisons)
	{
		const DdbComparison *comparison = (DdbComparison *) lfirst(lc);
		int place;

		if (!comparison->wider &&
			(comparison->condition.op == DDB_COMPARE_EQ ||
			 comparison->condition.op == DDB_COMPARE_IN) &&
			is_direct(context, keys, comparison, &place) && place == attribute)
			return true;
	}
	return false;
}

/*
 * How many values of a partition attribute lie between the comparisons'
 * bounds; 0 if they cannot be listed.
 */
static double
count_listed(const DdbClauseContext *context, const DdbKeySchema *keys,
			 List *comparisons, int attribute)
{
	ListCell *lc;

	if (attribute >= keys->npartition)
		return 0;
	foreach (lc, comparisons)
	{
		const DdbComparison *comparison = (DdbComparison *) lfirst(lc);
		int place;

		if (is_direct(context, keys, comparison, &place) && place == attribute)
			return ddb_listed_count(context, comparison->condition.column,
									comparisons);
	}
	return 0;
}

/*
 * True if the comparisons give the attribute values: itself, by the variables
 * of its template, or by bounds between which there are few.
 */
static bool
binds(const DdbClauseContext *context, const DdbKeySchema *keys,
	  List *comparisons, int attribute)
{
	DdbKeyPlace here = key_place(keys, attribute);

	return has_values(context, keys, comparisons, attribute) ||
		   ddb_variables_bind(context, &here, comparisons) ||
		   count_listed(context, keys, comparisons, attribute) > 0;
}

/* True if all attributes of the partition key are bound to values. */
static bool
bind_partition(const DdbClauseContext *context, const DdbKeySchema *keys,
			   List *comparisons)
{
	for (int i = 0; i < keys->npartition; i++)
		if (!binds(context, keys, comparisons, i))
			return false;
	return true;
}

/*
 * The first sort attribute, from the left, that is not bound to values: its
 * place in the key, or the number of attributes when all are.
 */
static int
first_open_sort(const DdbClauseContext *context, const DdbKeySchema *keys,
				List *comparisons)
{
	int i = keys->npartition;

	while (i < keys->n && binds(context, keys, comparisons, i))
		i++;
	return i;
}

/*
 * True if the comparison says something that a key condition can hold.  Among
 * sort attributes, the usable ones are those that others before them leave
 * open. *decided: and the key condition says all of it.
 */
static bool
is_usable(const DdbClauseContext *context, const DdbKeySchema *keys,
		  List *comparisons, const DdbComparison *comparison, bool *on_sort,
		  bool *decided)
{
	int last = Min(first_open_sort(context, keys, comparisons), keys->n - 1);
	int place;
	bool found = false;

	*decided = false;
	for (int i = last; i >= 0; i--)
	{
		DdbKeyPlace attribute = key_place(keys, i);

		if (is_direct(context, keys, comparison, &place) && place == i)
			*decided |= ddb_filter_is_exact(context, comparison);
		else if (ddb_variables_narrow(context, &attribute, comparisons,
									  comparison))
			*decided |= ddb_variables_decide(context, &attribute, comparison);
		else
			continue;
		*on_sort = i >= keys->npartition;
		found = true;
	}
	return found;
}

/*
 * The comparisons that a key condition can hold, those of the partition key
 * first.  The others are added to *dropped, and those that must be checked
 * again to *undecided.
 */
static List *
keep_usable(const DdbClauseContext *context, const DdbKeySchema *keys,
			List *comparisons, List **dropped, List **undecided)
{
	List *partition = NIL;
	List *sort = NIL;
	ListCell *lc;

	foreach (lc, comparisons)
	{
		DdbComparison *comparison = (DdbComparison *) lfirst(lc);
		bool on_sort = false;
		bool decided;
		bool usable = is_usable(context, keys, comparisons, comparison,
								&on_sort, &decided);

		if (usable && on_sort)
			sort = lappend(sort, comparison);
		else if (usable)
			partition = lappend(partition, comparison);
		else
			*dropped = lappend(*dropped, comparison);
		if (!decided)
			*undecided = lappend(*undecided, comparison);
	}
	return list_concat(partition, sort);
}

/*
 * True if the common comparisons together with those of any arm bind the whole
 * partition key.
 */
static bool
arms_complete_partition(const DdbClauseContext *context,
						const DdbKeySchema *keys, List *common, List *arms)
{
	ListCell *lc;

	foreach (lc, arms)
	{
		List *together = list_concat_copy(common, (List *) lfirst(lc));

		if (!bind_partition(context, keys, together))
			return false;
	}
	return true;
}

/*
 * The first OR clause that completes the partition key in each of its arms;
 * NULL if none does.
 */
static OrClause *
choose_or(const DdbClauseContext *context, const DdbKeySchema *keys,
		  List *common, List *or_clauses)
{
	ListCell *lc;

	foreach (lc, or_clauses)
	{
		OrClause *clause = (OrClause *) lfirst(lc);

		if (arms_complete_partition(context, keys, common, clause->arms))
			return clause;
	}
	return NULL;
}

/* How many values an IN list has, estimated; 1 of anything else. */
static double
value_count(const DdbClauseContext *context, const DdbComparison *comparison)
{
	if (comparison->condition.op != DDB_COMPARE_IN)
		return 1;
	return Max(
		1, ddb_compat_array_length(context->root, (Node *) comparison->value));
}

/*
 * Adds to the match what a key attribute's template, if it has one, says of
 * the number of values and of what must be checked.
 */
static void
describe_template(const DdbClauseContext *context, const DdbKeyPlace *place,
				  List *comparisons, double *count, DdbKeyMatch *match)
{
	double values;

	if (ddb_key_template_of(context->codecs->relation, place->attribute) ==
		NULL)
		return;
	values = ddb_variables_count(context, place, comparisons,
								 &match->keys.are_walked);
	*count *= values;
	match->keys.are_many |= values > 1 || match->keys.are_walked;
	match->keys.decide_match &=
		ddb_variables_decide_match(context, place, comparisons);
}

/*
 * Adds to the match how many values there are between the bounds of a
 * partition attribute that has no others.
 */
static void
describe_list(const DdbClauseContext *context, const DdbKeySchema *keys,
			  List *comparisons, int attribute, double *count,
			  DdbKeyMatch *match)
{
	double values;

	if (has_values(context, keys, comparisons, attribute))
		return;
	values = count_listed(context, keys, comparisons, attribute);
	if (values == 0)
		return;
	*count *= values;
	match->keys.are_many = true;
}

/*
 * Fills in what the match amounts to: how many values, whether the whole key
 * is bound, and whether items need not be looked at.
 */
static void
describe(const DdbClauseContext *context, const DdbKeySchema *keys,
		 DdbKeyMatch *match)
{
	ListCell *lc;

	match->whole_key = true;
	match->keys.decide_match = true;
	foreach (lc, match->alternatives)
	{
		List *comparisons = (List *) lfirst(lc);
		double count = 1;
		ListCell *inner;

		match->whole_key &=
			first_open_sort(context, keys, comparisons) == keys->n;
		foreach (inner, comparisons)
		{
			DdbComparison *comparison = (DdbComparison *) lfirst(inner);
			int place;

			count *= value_count(context, comparison);
			match->keys.are_many |= comparison->condition.op == DDB_COMPARE_IN;
			if (is_direct(context, keys, comparison, &place) &&
				place < keys->npartition)
				match->partition_columns = bms_add_member(
					match->partition_columns, comparison->condition.column);
		}
		for (int i = 0; i < keys->n; i++)
		{
			DdbKeyPlace here = key_place(keys, i);

			describe_template(context, &here, comparisons, &count, match);
			describe_list(context, keys, comparisons, i, &count, match);
		}
		match->count += count;
	}
	match->keys.are_many |= list_length(match->alternatives) > 1;
}

/* The comparisons of the key clauses, in order; they are not copied. */
static List *
comparisons_of(List *clauses)
{
	List *comparisons = NIL;
	ListCell *lc;

	foreach (lc, clauses)
		comparisons =
			lappend(comparisons, ((KeyClause *) lfirst(lc))->comparison);
	return comparisons;
}

/* Appends a clause to the list, once for each of its comparisons. */
static List *
add_key_clause(List *clauses, RestrictInfo *rinfo, List *comparisons,
			   bool complete)
{
	ListCell *lc;

	foreach (lc, comparisons)
	{
		KeyClause *clause = palloc(sizeof(KeyClause));

		clause->comparison = (DdbComparison *) lfirst(lc);
		clause->rinfo = rinfo;
		clause->complete = complete;
		clauses = lappend(clauses, clause);
	}
	return clauses;
}

/*
 * Sorts clauses into those that compare one key attribute, and ORs that select
 * by the key.  Clauses that a security barrier holds back are left out.
 */
static void
collect(const DdbClauseContext *context, const DdbKeySchema *keys,
		List *restrictions, List **clauses, List **or_clauses)
{
	ListCell *lc;

	foreach (lc, restrictions)
	{
		RestrictInfo *rinfo = lfirst_node(RestrictInfo, lc);
		bool complete = true;
		List *comparisons;
		OrClause *or_clause;

		/* Nothing may see rows that a security policy would hide from it. */
		if (rinfo->pseudoconstant ||
			!restriction_is_securely_promotable(rinfo, context->rel))
			continue;
		comparisons = match_key(context, keys, rinfo->clause, &complete);
		if (comparisons != NIL)
			*clauses = add_key_clause(*clauses, rinfo, comparisons, complete);
		else if ((or_clause = match_or(context, keys, rinfo)) != NULL)
			*or_clauses = lappend(*or_clauses, or_clause);
	}
}

/*
 * True if one of the comparisons is in the list of those that must be checked
 * again.
 */
static bool
any_member(List *comparisons, List *undecided)
{
	ListCell *lc;

	foreach (lc, comparisons)
		if (list_member_ptr(undecided, lfirst(lc)))
			return true;
	return false;
}

/* True if one of the clause's comparisons is in the list. */
static bool
any_of_clause(List *clauses, const RestrictInfo *rinfo, List *list)
{
	ListCell *lc;

	foreach (lc, clauses)
	{
		const KeyClause *clause = (KeyClause *) lfirst(lc);

		if (clause->rinfo == rinfo && list_member_ptr(list, clause->comparison))
			return true;
	}
	return false;
}

/*
 * Notes that the clause is used to select, and whether it then needs no other
 * check.
 */
static void
use(DdbKeyMatch *match, RestrictInfo *rinfo, bool decided)
{
	match->used = lappend(match->used, rinfo);
	if (decided)
		match->decided = lappend(match->decided, rinfo);
}

/*
 * Notes that the OR clause is used, and decided if no part of it must be
 * checked again.
 */
static void
use_or_clause(OrClause *clause, List *undecided, DdbKeyMatch *match)
{
	bool decided = clause->complete;
	ListCell *lc;

	foreach (lc, clause->arms)
		decided &= !any_member((List *) lfirst(lc), undecided);
	use(match, clause->rinfo, decided);
}

/*
 * Notes which clauses the alternatives come from, and which of them need no
 * other check.
 */
static void
note_clauses(List *clauses, OrClause *or_clause, List *dropped, List *undecided,
			 DdbKeyMatch *match)
{
	ListCell *lc;

	foreach (lc, clauses)
	{
		KeyClause *clause = (KeyClause *) lfirst(lc);

		if (!list_member_ptr(dropped, clause->comparison) &&
			!list_member_ptr(match->used, clause->rinfo))
			use(match, clause->rinfo,
				clause->complete &&
					!any_of_clause(clauses, clause->rinfo, dropped) &&
					!any_of_clause(clauses, clause->rinfo, undecided));
	}
	if (or_clause != NULL)
		use_or_clause(or_clause, undecided, match);
}

/*
 * An OR clause is used only if it helps.  Comparisons that the key cannot take
 * in an alternative are dropped from it and checked otherwise.
 */
bool
ddb_keys_match(const DdbClauseContext *context, List *restrictions,
			   const DdbKeySchema *keys, DdbKeyMatch *match)
{
	List *clauses = NIL;
	List *or_clauses = NIL;
	List *dropped = NIL;
	List *undecided = NIL;
	List *common;
	List *arms;
	OrClause *or_clause;
	ListCell *lc;

	memset(match, 0, sizeof(*match));
	collect(context, keys, restrictions, &clauses, &or_clauses);
	common = comparisons_of(clauses);
	or_clause = choose_or(context, keys, common, or_clauses);
	if (or_clause == NULL && !bind_partition(context, keys, common))
		return false;
	arms = or_clause != NULL ? or_clause->arms : list_make1(NIL);
	foreach (lc, arms)
	{
		List *together = list_concat_copy(common, (List *) lfirst(lc));

		match->alternatives =
			lappend(match->alternatives,
					keep_usable(context, keys, together, &dropped, &undecided));
	}
	note_clauses(clauses, or_clause, dropped, undecided, match);
	describe(context, keys, match);
	return true;
}

/* True if the comparison narrows any attribute of the key by its template. */
static bool
narrows(const DdbClauseContext *context, const DdbKeySchema *keys,
		List *comparisons, const DdbComparison *comparison)
{
	for (int i = 0; i < keys->n; i++)
	{
		DdbKeyPlace here = key_place(keys, i);

		if (ddb_variables_narrow(context, &here, comparisons, comparison))
			return true;
	}
	return false;
}

/*
 * Lists are left out, since each of their values would make a filter of its
 * own.
 */
bool
ddb_keys_narrow(const DdbClauseContext *context, List *restrictions,
				const DdbKeySchema *keys, List **comparisons)
{
	List *clauses = NIL;
	List *or_clauses = NIL;
	List *all;
	bool has_template = false;
	ListCell *lc;

	*comparisons = NIL;
	for (int i = 0; i < keys->n; i++)
		has_template |= ddb_key_template_of(context->codecs->relation,
											keys->attributes[i].name) != NULL;
	if (!has_template)
		return false;
	collect(context, keys, restrictions, &clauses, &or_clauses);
	all = comparisons_of(clauses);
	foreach (lc, all)
	{
		DdbComparison *comparison = (DdbComparison *) lfirst(lc);

		/* Lists would make several filters. */
		if (comparison->condition.op != DDB_COMPARE_IN &&
			narrows(context, keys, all, comparison))
			*comparisons = lappend(*comparisons, comparison);
	}
	return true;
}
