/* SPDX-License-Identifier: PostgreSQL */
/*
 * key_variables.c
 *		Comparisons of a template's variables, as conditions of its attribute.
 *
 * From the left: variables with values compose a beginning of the key; the one
 * behind them may be compared by order where its texts sort as its values do,
 * or by prefix.  exec/compose.c does it with the values.
 */
#include "postgres.h"

#include "clause/key_variables.h"

#include "catalog/pg_type.h"
#include "datatype/timestamp.h"
#include "mb/pg_wchar.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "clause/clause_view.h"
#include "clause/filter.h"

/* Units of time where the ends of a range are not known yet. */
#define UNKNOWN_UNITS 30.0

static const DdbKeyTemplate *
find_template(const DdbClauseContext *context, const DdbKeyPlace *place)
{
	return ddb_key_template_of(context->codecs->relation, place->attribute);
}

/* True if the comparison gives the variable one value or a list of them. */
static bool
gives_values(const DdbComparison *comparison)
{
	return comparison->condition.op == DDB_COMPARE_EQ ||
		   comparison->condition.op == DDB_COMPARE_IN;
}

/*
 * True if one of the comparisons gives the variable values, by equality or a
 * list.
 */
static bool
has_values(AttrNumber column, List *comparisons)
{
	ListCell *lc;

	foreach (lc, comparisons)
	{
		DdbComparison *comparison = (DdbComparison *) lfirst(lc);

		if (comparison->condition.column == column && gives_values(comparison))
			return true;
	}
	return false;
}

/*
 * The instant that a comparison's value is likely to be, if only before or
 * after everything; false: unknown.
 */
static bool
estimate_instant(const DdbClauseContext *context,
				 const DdbComparison *comparison, int64 *micros)
{
	Node *value =
		estimate_expression_value(context->root, (Node *) comparison->value);
	bool is_positive;
	Datum datum;

	if (!IsA(value, Const) || ((Const *) value)->constisnull)
		return false;
	datum = ((Const *) value)->constvalue;
	if (!DDB_CONDITION_IS_DIRECT(&comparison->condition) &&
		!ddb_view_estimate(context, comparison, &datum))
		return false;
	if (!ddb_variable_to_micros(comparison->condition.value_typid, datum,
								micros, &is_positive))
		*micros = is_positive ? PG_INT64_MAX : PG_INT64_MIN;
	return true;
}

/* What of a time's comparisons there is, to walk from one end to the other. */
typedef struct Ends
{
	bool has_lower;
	bool known; /* all are, now */
	int64 lower;
	int64 upper;
} Ends;

/*
 * The bounds on a time that the comparisons give.  Ends that are not known
 * while planning clear ends.known.  Without an upper bound the list ends now.
 */
static Ends
find_ends(const DdbClauseContext *context, const DdbKeyTemplate *template,
		  AttrNumber column, List *comparisons)
{
	Ends ends = {false, true, PG_INT64_MIN, ddb_variable_now()};
	bool has_upper = false;
	ListCell *lc;

	foreach (lc, comparisons)
	{
		const DdbComparison *comparison = (DdbComparison *) lfirst(lc);
		DdbCompare op = comparison->condition.op;
		int64 micros;
		bool known;

		if (comparison->condition.column != column || op < DDB_COMPARE_LT ||
			op > DDB_COMPARE_GE)
			continue;
		known = estimate_instant(context, comparison, &micros);
		/* -infinity is below all, and no end to begin at. */
		if (known && micros == PG_INT64_MIN && op >= DDB_COMPARE_GT)
			continue;
		ends.known &= known;
		if (op == DDB_COMPARE_GT || op == DDB_COMPARE_GE)
		{
			ends.has_lower = true;
			if (known)
				ends.lower = Max(ends.lower, micros);
		}
		else if (known)
		{
			ends.upper = has_upper ? Min(ends.upper, micros) : micros;
			has_upper = true;
		}
	}
	if (!ends.has_lower && context->walks_on && template->has_since)
	{
		ends.has_lower = true;
		ends.lower = template->since;
	}
	return ends;
}

/*
 * How many units of time there are to walk through; 0: too many, or no end is
 * known where to begin.
 */
static double
units_to_walk(const DdbClauseContext *context, const DdbKeyTemplate *template,
			  const DdbVariable *variable, List *comparisons)
{
	static const double seconds[] = {
		[DDB_UNIT_YEAR] = 365.0 * SECS_PER_DAY,
		[DDB_UNIT_MONTH] = 30.0 * SECS_PER_DAY,
		[DDB_UNIT_DAY] = SECS_PER_DAY,
		[DDB_UNIT_HOUR] = SECS_PER_HOUR,
		[DDB_UNIT_MINUTE] = SECS_PER_MINUTE,
		[DDB_UNIT_SECOND] = 1,
	};
	Ends ends;
	double units;

	/* The key itself may be given. */
	if (!context->walks || !ddb_key_template_walks(variable) ||
		has_values(template->column->attnum, comparisons))
		return 0;
	ends = find_ends(context, template, variable->column->attnum, comparisons);
	if (!ends.has_lower)
		return 0;
	if (!ends.known)
		return UNKNOWN_UNITS;
	units = ((double) ends.upper - (double) ends.lower) / USECS_PER_SEC /
			seconds[variable->element->unit];
	return units > DDB_MAX_WALK ? 0 : Max(units, 0) + 1;
}

/* Literals and shards always have values, and so have times that are walked. */
static bool
is_bound(const DdbClauseContext *context, const DdbKeyPlace *place,
		 const DdbKeyTemplate *template, int i, List *comparisons)
{
	const DdbVariable *variable = &template->variables[i];

	return variable->column == NULL ||
		   variable->element->form == DDB_FORM_SHARD ||
		   has_values(variable->column->attnum, comparisons) ||
		   (place->is_partition &&
			units_to_walk(context, template, variable, comparisons) > 0);
}

/* The first element without values; n when all have them. */
static int
first_unbound(const DdbClauseContext *context, const DdbKeyPlace *place,
			  const DdbKeyTemplate *template, List *comparisons)
{
	int i = 0;

	while (i < template->parsed.n &&
		   is_bound(context, place, template, i, comparisons))
		i++;
	return i;
}

/*
 * True if the attribute is bound to values, because all variables of its
 * template are.
 */
bool
ddb_variables_bind(const DdbClauseContext *context, const DdbKeyPlace *place,
				   List *comparisons)
{
	const DdbKeyTemplate *template = find_template(context, place);

	return template != NULL && first_unbound(context, place, template,
											 comparisons) == template->parsed.n;
}

/* True if the variable is text that stands in the key as it is. */
static bool
is_plain_text(const DdbVariable *variable)
{
	return variable->element->form == DDB_FORM_PLAIN &&
		   (variable->column->base_typid == TEXTOID ||
			variable->column->base_typid == VARCHAROID);
}

/*
 * True if texts of the variable can be compared in place of its values, by
 * this operator.
 */
static bool
is_comparable(const DdbKeyTemplate *template, int i, DdbCompare op)
{
	const DdbVariable *variable = &template->variables[i];
	bool is_last = i + 1 == template->parsed.n;

	switch (op)
	{
		case DDB_COMPARE_LT:
		case DDB_COMPARE_LE:
		case DDB_COMPARE_GT:
		case DDB_COMPARE_GE:
			return variable->element->ordered ||
				   (is_last && is_plain_text(variable));
		case DDB_COMPARE_PREFIX:
		case DDB_COMPARE_LIKE:
			return is_plain_text(variable);
		default:
			return false;
	}
}

/*
 * True if the comparison narrows the attribute beside the others: it binds one
 * of the variables in front, or bounds the first that is not bound.
 */
bool
ddb_variables_narrow(const DdbClauseContext *context, const DdbKeyPlace *place,
					 List *comparisons, const DdbComparison *comparison)
{
	const DdbKeyTemplate *template = find_template(context, place);
	AttrNumber column = comparison->condition.column;
	int end;
	int i;

	if (template == NULL)
		return false;
	end = first_unbound(context, place, template, comparisons);
	i = ddb_key_template_find(template, column, 0);
	/* What has values is not walked, and its bounds are checked besides. */
	if (i >= 0 && i < end)
		return gives_values(comparison) ||
			   (place->is_partition &&
				comparison->condition.op <= DDB_COMPARE_GE &&
				ddb_key_template_walks(&template->variables[i]) &&
				!has_values(column, comparisons));
	return i == end && end < template->parsed.n &&
		   is_comparable(template, i, comparison->condition.op);
}

/*
 * True if a comparison that narrows is then true of every matching item that
 * is left.  It needs no check here.
 */
bool
ddb_variables_decide(const DdbClauseContext *context, const DdbKeyPlace *place,
					 const DdbComparison *comparison)
{
	const DdbKeyTemplate *template = find_template(context, place);
	int i = ddb_key_template_find(template, comparison->condition.column, 0);

	if (comparison->wider || !template->variables[i].exact)
		return false;
	switch (comparison->condition.op)
	{
		case DDB_COMPARE_PREFIX:
		case DDB_COMPARE_LIKE:
			/* A prefix may reach into the literal behind. */
			return i + 1 == template->parsed.n &&
				   ddb_filter_is_exact(context, comparison);
		default:
			return true;
	}
}

/*
 * True if any text at all is a value of this variable, which the database can
 * hold.
 */
static bool
takes_any_text(const DdbVariable *variable)
{
	int encoding = GetDatabaseEncoding();

	return (encoding == PG_UTF8 || encoding == PG_SQL_ASCII) &&
		   is_plain_text(variable) && variable->sourced &&
		   variable->column->typmod < 0 &&
		   variable->column->typid == variable->column->base_typid;
}

/*
 * True if every item that is left matches the template, so that items need not
 * be looked at to be counted.
 */
bool
ddb_variables_decide_match(const DdbClauseContext *context,
						   const DdbKeyPlace *place, List *comparisons)
{
	const DdbKeyTemplate *template = find_template(context, place);
	int end = first_unbound(context, place, template, comparisons);

	/* Attributes of their own may say something else. */
	for (int i = 0; i < end; i++)
		if (template->variables[i].column != NULL &&
			!template->variables[i].sourced)
			return false;
	return end == template->parsed.n ||
		   (end + 1 == template->parsed.n &&
			takes_any_text(&template->variables[end]));
}

/*
 * A product over the variables that have no values. *walks is set, never
 * cleared.
 */
double
ddb_variables_count(const DdbClauseContext *context, const DdbKeyPlace *place,
					List *comparisons, bool *walks)
{
	const DdbKeyTemplate *template = find_template(context, place);
	double count = 1;

	for (int i = 0; template != NULL && i < template->parsed.n; i++)
	{
		const DdbVariable *variable = &template->variables[i];
		const DdbTemplateElement *element = &template->parsed.elements[i];

		if (variable->column != NULL &&
			has_values(variable->column->attnum, comparisons))
			continue;
		if (element->form == DDB_FORM_SHARD)
			count *= (double) (element->last - element->first + 1);
		else if (variable->column != NULL && place->is_partition)
		{
			double units =
				units_to_walk(context, template, variable, comparisons);

			count *= Max(1, units);
			*walks |= units > 0;
		}
	}
	return count;
}
