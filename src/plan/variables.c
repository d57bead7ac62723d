/*
 * variables.c
 *		Comparisons of a template's variables, as conditions of its attribute.
 *
 * From the left: variables with values compose a beginning of the key; the one
 * behind them may be compared by order where its texts sort as its values do,
 * or by prefix.  exec/compose.c does it with the values.
 */
#include "postgres.h"

#include "plan/variables.h"

#include "catalog/pg_type.h"
#include "plan/filter.h"

static const DdbKeyTemplate *
find_template(const DdbClauseContext *context, const char *attribute)
{
	return ddb_key_template_of(context->codecs->relation, attribute);
}

static bool
gives_values(const DdbComparison *comparison)
{
	return comparison->condition.op == DDB_COMPARE_EQ ||
		   comparison->condition.op == DDB_COMPARE_IN;
}

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

/* Literals and shards always have values. */
static bool
is_bound(const DdbVariable *variable, List *comparisons)
{
	return variable->column == NULL ||
		   variable->element->form == DDB_FORM_SHARD ||
		   has_values(variable->column->attnum, comparisons);
}

/* The first element without values; n when all have them. */
static int
first_unbound(const DdbKeyTemplate *template, List *comparisons)
{
	int i = 0;

	while (i < template->parsed.n &&
		   is_bound(&template->variables[i], comparisons))
		i++;
	return i;
}

bool
ddb_variables_bind(const DdbClauseContext *context, const char *attribute,
				   List *comparisons)
{
	const DdbKeyTemplate *template = find_template(context, attribute);

	return template != NULL &&
		   first_unbound(template, comparisons) == template->parsed.n;
}

static bool
is_plain_text(const DdbVariable *variable)
{
	return variable->element->form == DDB_FORM_PLAIN &&
		   (variable->column->base_typid == TEXTOID ||
			variable->column->base_typid == VARCHAROID);
}

/* Can texts be compared in place of values, by this operator? */
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

bool
ddb_variables_narrow(const DdbClauseContext *context, const char *attribute,
					 List *comparisons, const DdbComparison *comparison)
{
	const DdbKeyTemplate *template = find_template(context, attribute);
	AttrNumber column = comparison->condition.column;
	int end;
	int i;

	if (template == NULL)
		return false;
	end = first_unbound(template, comparisons);
	i = ddb_key_template_find(template, column, 0);
	if (i >= 0 && i < end)
		return gives_values(comparison);
	return i == end && end < template->parsed.n &&
		   is_comparable(template, i, comparison->condition.op);
}

bool
ddb_variables_decide(const DdbClauseContext *context, const char *attribute,
					 const DdbComparison *comparison)
{
	const DdbKeyTemplate *template = find_template(context, attribute);
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

/* Is any text at all a value of this variable? */
static bool
takes_any_text(const DdbVariable *variable)
{
	return is_plain_text(variable) && variable->sourced &&
		   variable->column->typmod < 0 &&
		   variable->column->typid == variable->column->base_typid;
}

bool
ddb_variables_decide_match(const DdbClauseContext *context,
						   const char *attribute, List *comparisons)
{
	const DdbKeyTemplate *template = find_template(context, attribute);
	int end = first_unbound(template, comparisons);

	/* Attributes of their own may say something else. */
	for (int i = 0; i < end; i++)
		if (template->variables[i].column != NULL &&
			!template->variables[i].sourced)
			return false;
	return end == template->parsed.n ||
		   (end + 1 == template->parsed.n &&
			takes_any_text(&template->variables[end]));
}

double
ddb_variables_shards(const DdbClauseContext *context, const char *attribute,
					 List *comparisons)
{
	const DdbKeyTemplate *template = find_template(context, attribute);
	double count = 1;

	for (int i = 0; template != NULL && i < template->parsed.n; i++)
	{
		const DdbVariable *variable = &template->variables[i];
		const DdbTemplateElement *element = &template->parsed.elements[i];

		if (element->form == DDB_FORM_SHARD &&
			(variable->column == NULL ||
			 !has_values(variable->column->attnum, comparisons)))
			count *= (double) (element->last - element->first + 1);
	}
	return count;
}
