/* SPDX-License-Identifier: PostgreSQL */
/*
 * key_template_range.c
 *		Composes keys of values, as far as there are values.
 *
 * Variables with values make a beginning of the key; the first without one may
 * still be bounded.  Ends of ranges are inclusive wherever the key that lies on
 * the end is none of this template, so that DynamoDB's BETWEEN says it exactly.
 */
#include "postgres.h"

#include "request/key_template_range.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "request/like_pattern.h"
#include "utils/builtins.h"

/* What composing one key needs at hand. */
typedef struct Context
{
	DdbKeyRange *range;
	const DdbKeyTemplate *template;
	const DdbComposeInput *inputs;
	int ninputs;
	int max_len;
	StringInfoData prefix; /* composed so far */
} Context;

/*
 * True if the input speaks of this variable: of its column, or of it as a
 * shard.
 */
static bool
concerns(const DdbComposeInput *input, const DdbVariable *variable)
{
	if (input->shard != NULL)
		return input->shard == variable;
	return variable->column != NULL &&
		   input->column == variable->column->attnum;
}

/*
 * The text that a value has in the key; false when it has none there.  What an
 * attribute of its own has beyond the text's precision is cut off.
 */
static bool
text_of_value(const Context *context, int i, const DdbComposeInput *input,
			  DdbStoredValue *text)
{
	const DdbVariable *variable = &context->template->variables[i];
	char out[DDB_TEMPLATE_TIME_BUFFER];
	Datum unused;
	bool exact;

	if (input->shard != NULL)
	{
		size_t len = variable->element->form == DDB_FORM_SHARD
						 ? ddb_template_format_number(variable->element,
													  input->number, out)
						 : ddb_template_format_time(variable->element,
													input->number, out, &exact);

		*text = ddb_stored_value(DDB_STORED_S, pnstrdup(out, len), (int) len);
	}
	else
	{
		ddb_variable_compose(variable, input->value, input->typid, text);
		if (text->place != DDB_PLACE_EXACT &&
			(variable->exact || text->place != DDB_PLACE_BETWEEN))
			return false;
		/* A wider type's value, or one that the column's domain refuses. */
		if (variable->sourced &&
			!ddb_variable_parse(variable, text->data, text->len, &unused))
			return false;
	}
	return ddb_template_takes(&context->template->parsed, i, text->data,
							  text->len);
}

/*
 * Appends the text of a variable that has values; false when it has none.  Two
 * that differ contradict each other.
 */
static bool
append_values(Context *context, int i)
{
	const DdbVariable *variable = &context->template->variables[i];
	DdbStoredValue first = {0};
	DdbStoredValue text;
	bool found = false;

	for (int j = 0; j < context->ninputs; j++)
	{
		const DdbComposeInput *input = &context->inputs[j];

		if (input->op != DDB_COMPARE_EQ || !concerns(input, variable))
			continue;
		if (!text_of_value(context, i, input, &text) ||
			(found && ddb_stored_value_compare(&first, &text) != 0))
			context->range->empty = true;
		if (context->range->empty)
			return true;
		first = text;
		found = true;
	}
	if (found)
		appendBinaryStringInfo(&context->prefix, first.data, first.len);
	return found;
}

/* A bound on the key: the prefix and a text. */
static void
add_bound(Context *context, DdbCompare op, const char *text, int len)
{
	StringInfoData key;

	initStringInfo(&key);
	appendBinaryStringInfo(&key, context->prefix.data, context->prefix.len);
	appendBinaryStringInfo(&key, text, len);
	ddb_key_range_add_text(context->range, op, key.data, key.len,
						   context->max_len);
}

/*
 * A bound on what begins with the prefix and a text: at it, or (behind) just
 * past all that do.
 */
static void
add_end(Context *context, int i, DdbCompare op, const DdbStoredValue *text,
		bool behind)
{
	const DdbKeyTemplate *template = context->template;
	bool is_last = i + 1 == template->parsed.n;
	const DdbTemplateElement *next =
		is_last ? NULL : &template->parsed.elements[i + 1];
	bool upward = op == DDB_COMPARE_GE || op == DDB_COMPARE_GT;
	StringInfoData key;

	/* Nothing follows, so the text itself is the key. */
	if (is_last)
	{
		add_bound(context, op, text->data, text->len);
		return;
	}
	initStringInfo(&key);
	appendBinaryStringInfo(&key, text->data, text->len);
	if (next->form == DDB_FORM_LITERAL)
	{
		/* No key ends before the literal, or goes on with its successor. */
		if (behind)
			appendBinaryStringInfo(&key, next->text, next->len);
		op = upward ? DDB_COMPARE_GE : DDB_COMPARE_LE;
	}
	else
		op = upward ? DDB_COMPARE_GE : DDB_COMPARE_LT;
	if (behind && !ddb_key_range_next_prefix(&key))
		return;
	add_bound(context, op, key.data, key.len);
}

/*
 * Adds a comparison of an element whose texts sort as its values do.  Where
 * the text tells less than the value, the range includes its end.
 */
static void
add_order(Context *context, int i, const DdbComposeInput *input)
{
	const DdbVariable *variable = &context->template->variables[i];
	DdbCompare op = input->op;
	bool upward = op == DDB_COMPARE_GT || op == DDB_COMPARE_GE;
	DdbStoredValue text;

	ddb_variable_compose(variable, input->value, input->typid, &text);
	if (text.place == DDB_PLACE_BELOW_ALL || text.place == DDB_PLACE_ABOVE_ALL)
	{
		context->range->empty |= upward == (text.place == DDB_PLACE_ABOVE_ALL);
		return;
	}
	/* What the text is cut off from lies above it, or is not told apart. */
	if (!variable->exact)
		op = upward ? DDB_COMPARE_GE : DDB_COMPARE_LE;
	else if (text.place == DDB_PLACE_BETWEEN)
		op = upward ? DDB_COMPARE_GT : DDB_COMPARE_LE;
	add_end(context, i, op, &text,
			op == DDB_COMPARE_GT || op == DDB_COMPARE_LE);
}

/*
 * Adds a prefix of text, or what a LIKE pattern says of one.  Sets recheck if
 * the pattern says more.
 */
static void
add_prefix(Context *context, const DdbComposeInput *input)
{
	char *prefix = TextDatumGetCString(input->value);
	char *utf8;
	bool equality = false;

	if (input->op == DDB_COMPARE_LIKE)
	{
		if (!ddb_like_prefix(prefix, &prefix, &equality))
		{
			context->range->recheck = true;
			context->range->surplus = -1;
		}
	}
	utf8 = pg_server_to_any(prefix, strlen(prefix), PG_UTF8);
	add_bound(context, DDB_COMPARE_PREFIX, utf8, strlen(utf8));
	/* A pattern without wildcards that came at run time. */
	if (equality)
	{
		context->range->recheck = true;
		context->range->surplus = -1;
	}
}

/*
 * Adds the ends that follow from the prefix alone.  It stays a begins_with()
 * if no element has other bounds.
 */
static void
close_range(Context *context, bool bounded)
{
	StringInfoData next;

	if (context->prefix.len == 0)
		return;
	if (!bounded)
	{
		add_bound(context, DDB_COMPARE_PREFIX, "", 0);
		return;
	}
	initStringInfo(&next);
	appendBinaryStringInfo(&next, context->prefix.data, context->prefix.len);
	add_bound(context, DDB_COMPARE_GE, "", 0);
	/* No key of this template is just the successor of its beginning. */
	if (ddb_key_range_next_prefix(&next))
		ddb_key_range_add_text(context->range, DDB_COMPARE_LE, next.data,
							   next.len, context->max_len);
}

/*
 * Adds what the inputs say of the first element that has no single value.
 * Elements after it cannot narrow the range.
 */
static void
add_unbound(Context *context, int i)
{
	const DdbVariable *variable = &context->template->variables[i];
	bool ordered =
		variable->element->ordered ||
		(i + 1 == context->template->parsed.n && variable->codec != NULL &&
		 variable->codec->conversion == DDB_CONVERT_TEXT);
	bool bounded = false;

	for (int j = 0; j < context->ninputs; j++)
	{
		const DdbComposeInput *input = &context->inputs[j];

		if (!concerns(input, variable))
			continue;
		if (input->op == DDB_COMPARE_PREFIX || input->op == DDB_COMPARE_LIKE)
			add_prefix(context, input);
		else if (ordered)
		{
			add_order(context, i, input);
			bounded = true;
		}
	}
	close_range(context, bounded);
}

/*
 * Goes through the elements as long as they are bound to one value; the first
 * that is not may still have bounds or a prefix.
 */
void
ddb_compose_range(DdbKeyRange *range, const DdbKeyTemplate *template,
				  const DdbComposeInput *inputs, int ninputs, int max_len)
{
	Context context = {range, template, inputs, ninputs, max_len, {0}};

	initStringInfo(&context.prefix);
	for (int i = 0; i < template->parsed.n && !range->empty; i++)
	{
		const DdbTemplateElement *element = &template->parsed.elements[i];

		if (element->form == DDB_FORM_LITERAL)
			appendBinaryStringInfo(&context.prefix, element->text,
								   element->len);
		else if (!append_values(&context, i))
		{
			add_unbound(&context, i);
			return;
		}
	}
	add_bound(&context, DDB_COMPARE_EQ, "", 0);
}
