/*
 * match.c
 *		Takes keys apart and holds them against the row's values.
 *
 * A key matches when each part is the one text of its variable's value: so
 * parsing it and composing it again would give the same bytes.
 */
#include "postgres.h"

#include "exec/match.h"

#include "mb/pg_wchar.h"
#include "utils/builtins.h"

/* A template; those of one index's key follow each other. */
typedef struct Check
{
	const DdbKeyTemplate *template;
	bool required;
} Check;

struct DdbMatcher
{
	Check *checks; /* in the order in which they give values */
	int n;
	Bitmapset *reads; /* attnums */
};

static void
add_check(DdbMatcher *matcher, const DdbKeyTemplate *template, bool required)
{
	ListCell *lc;

	matcher->checks[matcher->n++] = (Check){template, required};
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

DdbMatcher *
ddb_matcher_create(const DdbRelation *relation, List *columns, List *matched)
{
	const DdbKeyTemplates *templates = relation->templates;
	DdbMatcher *matcher;

	if (templates == NULL)
		return NULL;
	matcher = palloc0(sizeof(DdbMatcher));
	matcher->checks = palloc(sizeof(Check) * templates->n);
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

/* Is the part the text of a value that the row has from elsewhere? */
static bool
is_text_of(const DdbVariable *variable, const DdbTemplatePart *part,
		   const TupleTableSlot *slot)
{
	int i = variable->column->attnum - 1;
	DdbBound text;

	if (slot->tts_isnull[i])
		return false;
	ddb_variable_compose(variable, slot->tts_values[i],
						 variable->column->base_typid, &text);
	/* Only the beginning of a time may be in the key. */
	return (text.place == DDB_BOUND_EXACT || text.place == DDB_BOUND_BETWEEN) &&
		   text.len == (int) part->len &&
		   memcmp(text.data, part->text, part->len) == 0;
}

static bool
match_part(const DdbVariable *variable, const DdbTemplatePart *part,
		   TupleTableSlot *slot)
{
	int64 number;
	int i;

	if (variable->element->form == DDB_FORM_LITERAL)
		return true;
	if (variable->column == NULL)
		return ddb_template_parse_number(variable->element, part->text,
										 part->len, &number);
	if (!variable->sourced)
		return is_text_of(variable, part, slot);
	i = variable->column->attnum - 1;
	slot->tts_isnull[i] = !ddb_variable_parse(variable, part->text, part->len,
											  &slot->tts_values[i]);
	return !slot->tts_isnull[i];
}

static bool
match_key(const DdbKeyTemplate *template, TupleTableSlot *slot)
{
	DdbTemplatePart parts[DDB_TEMPLATE_MAX_ELEMENTS];
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
	if (!ddb_template_split(&template->parsed, utf8, len, parts))
		return false;
	for (i = 0; i < template->parsed.n; i++)
		if (!match_part(&template->variables[i], &parts[i], slot))
			return false;
	return true;
}

/* A key that says something else tells nothing. */
static void
forget_key(const DdbKeyTemplate *template, TupleTableSlot *slot)
{
	slot->tts_isnull[template->column->attnum - 1] = true;
	for (int i = 0; i < template->parsed.n; i++)
		if (template->variables[i].sourced)
			slot->tts_isnull[template->variables[i].column->attnum - 1] = true;
}

/* Are all attributes of the index's key there? */
static bool
has_companions(const DdbKeyTemplate *template, const TupleTableSlot *slot)
{
	ListCell *lc;

	foreach (lc, template->companions)
		if (slot->tts_isnull[lfirst_int(lc) - 1])
			return false;
	return true;
}

bool
ddb_matcher_apply(DdbMatcher *matcher, TupleTableSlot *slot)
{
	int i = 0;

	while (i < matcher->n)
	{
		List *companions = matcher->checks[i].template->companions;
		int first = i;
		bool required = false;
		bool matches = has_companions(matcher->checks[i].template, slot);

		do
		{
			required |= matcher->checks[i].required;
			matches = matches && match_key(matcher->checks[i].template, slot);
			i++;
		} while (i < matcher->n && companions != NIL &&
				 matcher->checks[i].template->companions == companions);
		if (!matches && required)
			return false;
		for (int j = first; !matches && j < i; j++)
			forget_key(matcher->checks[j].template, slot);
	}
	return true;
}
