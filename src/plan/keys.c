/*
 * keys.c
 *		Clauses → alternatives of key conditions.
 *
 * Clauses that compare a key attribute hold for every alternative.  One clause
 * of the form a OR b OR c, whose arms each compare key attributes, makes an
 * alternative of each arm: that is how (pk, sk) IN (...) and ranges in OR
 * arrive.  What the key cannot say is left to filters.
 */
#include "postgres.h"

#include "plan/keys.h"

#include "plan/filter.h"

#include "compat.h"
#include "nodes/makefuncs.h"
#include "optimizer/optimizer.h"
#include "optimizer/restrictinfo.h"
#include "utils/selfuncs.h"

/* More arms than this are more requests than a Scan would need. */
#define MAX_ALTERNATIVES 1000

/* A clause's comparison, with the clause it stands for. */
typedef struct KeyClause
{
	DdbComparison comparison;
	RestrictInfo *rinfo;
} KeyClause;

/* An OR clause whose arms all reach the key. */
typedef struct OrClause
{
	RestrictInfo *rinfo;
	List *arms; /* of List of DdbComparison * */
	bool complete; /* the arms say all of the clause */
} OrClause;

typedef struct KeyPlace
{
	bool on_sort;
	int position;
} KeyPlace;

static bool
find_place(const DdbClauseContext *context, const DdbKeySchema *keys,
		   AttrNumber column, KeyPlace *place)
{
	const DdbColumn *shown = &context->codecs->relation->columns[column - 1];

	for (int i = 0; i < keys->npartition + keys->nsort; i++)
	{
		place->on_sort = i >= keys->npartition;
		place->position = place->on_sort ? i - keys->npartition : i;
		if (ddb_column_shows(
				shown, place->on_sort ? keys->sort[place->position].name
									  : keys->partition[place->position].name))
			return true;
	}
	return false;
}

/*
 * Is it a comparison of a key attribute, as keys are compared?  A wider one is
 * a range, even where SQL says equal, and partitions take none.
 */
static bool
match_key(const DdbClauseContext *context, const DdbKeySchema *keys, Expr *expr,
		  DdbComparison *comparison)
{
	KeyPlace place = {false, 0};

	return ddb_clause_match(context, expr, false, comparison) &&
		   comparison->condition.other == 0 &&
		   comparison->condition.access == DDB_ACCESS_VALUE &&
		   DDB_COMPARE_REACHES_KEY(comparison->condition.op) &&
		   find_place(context, keys, comparison->condition.column, &place) &&
		   (!comparison->wider ||
			(place.on_sort && comparison->condition.op <= DDB_COMPARE_GE));
}

static List *
conjuncts_of(Expr *arm)
{
	if (IsA(arm, BoolExpr) && ((BoolExpr *) arm)->boolop == AND_EXPR)
		return ((BoolExpr *) arm)->args;
	return list_make1(arm);
}

/* The comparisons of key attributes in one arm; NIL when there is none. */
static List *
match_arm(const DdbClauseContext *context, const DdbKeySchema *keys, Expr *arm,
		  bool *complete)
{
	List *comparisons = NIL;
	ListCell *lc;

	foreach (lc, conjuncts_of(arm))
	{
		DdbComparison *comparison = palloc(sizeof(DdbComparison));

		if (match_key(context, keys, (Expr *) lfirst(lc), comparison))
			comparisons = lappend(comparisons, comparison);
		else
			*complete = false;
	}
	return comparisons;
}

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

/* Does one of the comparisons give this attribute values? */
static bool
binds(const DdbClauseContext *context, const DdbKeySchema *keys,
	  List *comparisons, bool on_sort, int position)
{
	ListCell *lc;

	foreach (lc, comparisons)
	{
		DdbComparison *comparison = (DdbComparison *) lfirst(lc);
		KeyPlace place = {false, 0};

		if (!comparison->wider &&
			(comparison->condition.op == DDB_COMPARE_EQ ||
			 comparison->condition.op == DDB_COMPARE_IN) &&
			find_place(context, keys, comparison->condition.column, &place) &&
			place.on_sort == on_sort && place.position == position)
			return true;
	}
	return false;
}

/* How many attributes of a part are bound to values, from the left. */
static int
bound_prefix(const DdbClauseContext *context, const DdbKeySchema *keys,
			 List *comparisons, bool on_sort)
{
	int length = on_sort ? keys->nsort : keys->npartition;
	int n = 0;

	while (n < length && binds(context, keys, comparisons, on_sort, n))
		n++;
	return n;
}

/*
 * Drops what a key condition cannot hold: comparisons of a sort attribute
 * behind one that is not bound to values.
 */
static List *
keep_usable(const DdbClauseContext *context, const DdbKeySchema *keys,
			List *comparisons, List **dropped)
{
	int usable = bound_prefix(context, keys, comparisons, true) + 1;
	List *partition = NIL;
	List *sort = NIL;
	ListCell *lc;

	foreach (lc, comparisons)
	{
		DdbComparison *comparison = (DdbComparison *) lfirst(lc);
		KeyPlace place = {false, 0};

		(void) find_place(context, keys, comparison->condition.column, &place);
		if (place.on_sort && place.position >= usable)
			*dropped = lappend(*dropped, comparison);
		else if (place.on_sort)
			sort = lappend(sort, comparison);
		else
			partition = lappend(partition, comparison);
	}
	return list_concat(partition, sort);
}

static bool
arms_complete_partition(const DdbClauseContext *context,
						const DdbKeySchema *keys, List *common, List *arms)
{
	ListCell *lc;

	foreach (lc, arms)
	{
		List *together = list_concat_copy(common, (List *) lfirst(lc));

		if (bound_prefix(context, keys, together, false) < keys->npartition)
			return false;
	}
	return true;
}

/* Of the OR clauses, the first that helps; NULL when none does. */
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

static void
describe(const DdbClauseContext *context, const DdbKeySchema *keys,
		 DdbKeyMatch *match)
{
	ListCell *lc;

	match->whole_key = true;
	foreach (lc, match->alternatives)
	{
		List *comparisons = (List *) lfirst(lc);
		double count = 1;
		ListCell *inner;

		match->whole_key &=
			bound_prefix(context, keys, comparisons, true) == keys->nsort;
		foreach (inner, comparisons)
		{
			DdbComparison *comparison = (DdbComparison *) lfirst(inner);
			KeyPlace place = {false, 0};

			count *= value_count(context, comparison);
			match->many |= comparison->condition.op == DDB_COMPARE_IN;
			(void) find_place(context, keys, comparison->condition.column,
							  &place);
			if (!place.on_sort)
				match->partition_columns = bms_add_member(
					match->partition_columns, comparison->condition.column);
		}
		match->count += count;
	}
	match->many |= list_length(match->alternatives) > 1;
}

static List *
comparisons_of(List *clauses)
{
	List *comparisons = NIL;
	ListCell *lc;

	foreach (lc, clauses)
		comparisons =
			lappend(comparisons, &((KeyClause *) lfirst(lc))->comparison);
	return comparisons;
}

/* Sorts clauses into those about one key attribute and usable ORs. */
static void
collect(const DdbClauseContext *context, const DdbKeySchema *keys,
		List *restrictions, List **clauses, List **or_clauses)
{
	ListCell *lc;

	foreach (lc, restrictions)
	{
		RestrictInfo *rinfo = lfirst_node(RestrictInfo, lc);
		KeyClause *clause = palloc0(sizeof(KeyClause));
		OrClause *or_clause;

		/* Nothing may see rows that a security policy would hide from it. */
		if (rinfo->pseudoconstant ||
			!restriction_is_securely_promotable(rinfo, context->rel))
			continue;
		clause->rinfo = rinfo;
		if (match_key(context, keys, rinfo->clause, &clause->comparison))
			*clauses = lappend(*clauses, clause);
		else if ((or_clause = match_or(context, keys, rinfo)) != NULL)
			*or_clauses = lappend(*or_clauses, or_clause);
	}
}

static bool
any_member(List *comparisons, List *dropped)
{
	ListCell *lc;

	foreach (lc, comparisons)
		if (list_member_ptr(dropped, lfirst(lc)))
			return true;
	return false;
}

static void
use(DdbKeyMatch *match, RestrictInfo *rinfo, bool exact)
{
	match->used = lappend(match->used, rinfo);
	if (exact)
		match->decided = lappend(match->decided, rinfo);
}

static void
use_or_clause(const DdbClauseContext *context, OrClause *clause, List *dropped,
			  DdbKeyMatch *match)
{
	bool exact = clause->complete;
	ListCell *lc;

	foreach (lc, clause->arms)
	{
		ListCell *inner;

		exact &= !any_member((List *) lfirst(lc), dropped);
		foreach (inner, (List *) lfirst(lc))
			exact &=
				ddb_filter_is_exact(context, (DdbComparison *) lfirst(inner));
	}
	use(match, clause->rinfo, exact);
}

/* Notes which clauses the alternatives come from, and which need no more. */
static void
note_clauses(const DdbClauseContext *context, List *clauses,
			 OrClause *or_clause, List *dropped, DdbKeyMatch *match)
{
	ListCell *lc;

	foreach (lc, clauses)
	{
		KeyClause *clause = (KeyClause *) lfirst(lc);

		if (!list_member_ptr(dropped, &clause->comparison))
			use(match, clause->rinfo,
				ddb_filter_is_exact(context, &clause->comparison));
	}
	if (or_clause != NULL)
		use_or_clause(context, or_clause, dropped, match);
}

bool
ddb_keys_match(const DdbClauseContext *context, List *restrictions,
			   const DdbKeySchema *keys, DdbKeyMatch *match)
{
	List *clauses = NIL;
	List *or_clauses = NIL;
	List *dropped = NIL;
	List *common;
	List *arms;
	OrClause *or_clause;
	ListCell *lc;

	memset(match, 0, sizeof(*match));
	collect(context, keys, restrictions, &clauses, &or_clauses);
	common = comparisons_of(clauses);
	or_clause = choose_or(context, keys, common, or_clauses);
	if (or_clause == NULL &&
		bound_prefix(context, keys, common, false) < keys->npartition)
		return false;
	arms = or_clause != NULL ? or_clause->arms : list_make1(NIL);
	foreach (lc, arms)
	{
		List *together = list_concat_copy(common, (List *) lfirst(lc));

		match->alternatives =
			lappend(match->alternatives,
					keep_usable(context, keys, together, &dropped));
	}
	note_clauses(context, clauses, or_clause, dropped, match);
	describe(context, keys, match);
	return true;
}
