/* SPDX-License-Identifier: PostgreSQL */
/*
 * entity_match.c
 *		Takes keys apart and holds them against the row's values.
 *
 * A key matches when each part is the one text of its variable's value: so
 * parsing it and composing it again would give the same bytes.
 */
#include "postgres.h"

#include "scan/entity_match.h"

#include "mb/pg_wchar.h"
#include "utils/builtins.h"

/* A template; those of one index's key follow each other. */
typedef struct Check
{
	const DdbKeyTemplate *template;
	bool required;

	/* of the row */
	DdbTemplatePart parts[DDB_TEMPLATE_MAX_ELEMENTS];
	bool failed;
} Check;

struct DdbMatcher
{
	Check *checks; /* in the order in which they give values */
	int n;
	Bitmapset *reads; /* attnums */
};

/*
 * Adds a template to be matched.  The columns that it compares are added to
 * those that must be read.
 */
static void
add_check(DdbMatcher *matcher, const DdbKeyTemplate *template, bool required)
{
	ListCell *lc;

	matcher->checks[matcher->n].template = template;
	matcher->checks[matcher->n++].required = required;
	matcher->reads = bms_add_member(matcher->reads, template->column->attnum);
	foreach (lc, template->companions)
		matcher->reads = bms_add_member(matcher->reads, lfirst_int(lc));
	for (int i = 0; i < template->parsed.n; i++)
	{
		const DdbColumn *column = template->variables[i].column;

		if (column != NULL && column->source == 0)
			matcher->reads = bms_add_member(matcher->reads, column->attnum);
	}
}

/*
 * A key that is not required to match only makes its columns NULL if it does
 * not.
 */
DdbMatcher *
ddb_matcher_create(const DdbRelation *relation, List *columns, List *matched)
{
	const DdbKeyTemplates *templates = relation->templates;
	DdbMatcher *matcher;

	if (templates == NULL)
		return NULL;
	matcher = palloc0(sizeof(DdbMatcher));
	matcher->checks = palloc0(sizeof(Check) * templates->n);
	for (int i = 0; i < templates->n; i++)
	{
		AttrNumber column = templates->items[i]->column->attnum;

		if (list_member_int(columns, column))
			add_check(matcher, templates->items[i],
					  list_member_int(matched, column));
	}
	return matcher->n > 0 ? matcher : NULL;
}

bool
ddb_matcher_reads(const DdbMatcher *matcher, AttrNumber column)
{
	return matcher != NULL && bms_is_member(column, matcher->reads);
}

/*
 * True if the part is the text of the value that the row has from an attribute
 * of its own.
 */
static bool
is_text_of(const DdbVariable *variable, const DdbTemplatePart *part,
		   const TupleTableSlot *slot)
{
	int i = variable->column->attnum - 1;
	DdbStoredValue text;

	if (slot->tts_isnull[i])
		return false;
	ddb_variable_compose(variable, slot->tts_values[i],
						 variable->column->base_typid, &text);
	/* Only the beginning of a time may be in the key. */
	return (text.place == DDB_PLACE_EXACT || text.place == DDB_PLACE_BETWEEN) &&
		   text.len == (int) part->len &&
		   memcmp(text.data, part->text, part->len) == 0;
}

/*
 * Splits a key by its template and puts the values that it gives into the
 * slot.  False if the key is NULL, does not have that form, or a part of it is
 * not a value.
 */
static bool
take_apart(Check *check, TupleTableSlot *slot)
{
	const DdbKeyTemplate *template = check->template;
	int i = template->column->attnum - 1;
	text *key;
	char *utf8;
	int len;

	if (slot->tts_isnull[i])
		return false;
	key = DatumGetTextPP(slot->tts_values[i]);
	len = VARSIZE_ANY_EXHDR(key);
	utf8 = pg_server_to_any(VARDATA_ANY(key), len, PG_UTF8);
	if (utf8 != VARDATA_ANY(key))
		len = strlen(utf8);
	if (!ddb_template_split(&template->parsed, utf8, len, check->parts))
		return false;
	for (i = 0; i < template->parsed.n; i++)
	{
		const DdbVariable *variable = &template->variables[i];
		int column;

		if (!variable->sourced)
			continue;
		column = variable->column->attnum - 1;
		if (!ddb_variable_parse(variable, check->parts[i].text,
								check->parts[i].len, &slot->tts_values[column]))
			return false;
		slot->tts_isnull[column] = false;
	}
	return true;
}

/*
 * True if the parts that do not give values themselves agree with the row's
 * values, and shards are in their range.
 */
static bool
agrees(const Check *check, const TupleTableSlot *slot)
{
	const DdbKeyTemplate *template = check->template;
	int64 number;

	for (int i = 0; i < template->parsed.n; i++)
	{
		const DdbVariable *variable = &template->variables[i];
		const DdbTemplatePart *part = &check->parts[i];

		if (variable->element->form == DDB_FORM_LITERAL || variable->sourced)
			continue;
		if (variable->column == NULL
				? !ddb_template_parse_number(variable->element, part->text,
											 part->len, &number)
				: !is_text_of(variable, part, slot))
			return false;
	}
	return true;
}

/* A key that says something else tells nothing. */
static void
forget_key(Check *check, TupleTableSlot *slot)
{
	const DdbKeyTemplate *template = check->template;

	check->failed = true;
	slot->tts_isnull[template->column->attnum - 1] = true;
	for (int i = 0; i < template->parsed.n; i++)
		if (template->variables[i].sourced)
			slot->tts_isnull[template->variables[i].column->attnum - 1] = true;
}

/* True if the row has all attributes of the index's key that columns show. */
static bool
has_companions(const DdbKeyTemplate *template, const TupleTableSlot *slot)
{
	ListCell *lc;

	foreach (lc, template->companions)
		if (slot->tts_isnull[lfirst_int(lc) - 1])
			return false;
	return true;
}

/* The end of the templates of one key, of which the first is given. */
static int
end_of_key(const DdbMatcher *matcher, int first)
{
	List *companions = matcher->checks[first].template->companions;
	int end = first + 1;

	while (end < matcher->n && companions != NIL &&
		   matcher->checks[end].template->companions == companions)
		end++;
	return end;
}

/*
 * True if the templates first up to end, which are those of one key, all
 * match.
 */
static bool
key_matches(const DdbMatcher *matcher, int first, int end,
			const TupleTableSlot *slot)
{
	if (!has_companions(matcher->checks[first].template, slot))
		return false;
	for (int i = first; i < end; i++)
		if (matcher->checks[i].failed || !agrees(&matcher->checks[i], slot))
			return false;
	return true;
}

/*
 * Repeats until nothing changes, because one key may take its values from
 * another.
 */
bool
ddb_matcher_apply(DdbMatcher *matcher, TupleTableSlot *slot)
{
	bool settled = false;

	for (int i = 0; i < matcher->n; i++)
	{
		Check *check = &matcher->checks[i];

		check->failed = !take_apart(check, slot);
		if (check->failed && check->required)
			return false;
	}
	/* A key that is forgotten may leave another without its values. */
	while (!settled)
	{
		int end;

		settled = true;
		for (int first = 0; first < matcher->n; first = end)
		{
			bool required = false;
			bool forgotten = true;

			end = end_of_key(matcher, first);
			for (int i = first; i < end; i++)
			{
				required |= matcher->checks[i].required;
				forgotten &=
					matcher->checks[i].failed &&
					slot->tts_isnull
						[matcher->checks[i].template->column->attnum - 1];
			}
			if (forgotten || key_matches(matcher, first, end, slot))
				continue;
			if (required)
				return false;
			for (int i = first; i < end; i++)
				forget_key(&matcher->checks[i], slot);
			settled = false;
		}
	}
	return true;
}
