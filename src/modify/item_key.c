/* SPDX-License-Identifier: PostgreSQL */
/*
 * item_key.c
 *		Keys of templates, composed from a row's values.
 *
 * What a key tells and what the row says must agree: reading the item back
 * would otherwise give another row, or none.
 */
#include "postgres.h"

#include "modify/item_key.h"

#include "codec/encode.h"
#include "codec/encode_constant.h"
#include "mb/pg_wchar.h"
#include "modify/item_writer.h"
#include "utils/builtins.h"

/* FNV-1a: the same for ever, whatever the server or its version. */
#define FNV_OFFSET UINT64CONST(0xcbf29ce484222325)
#define FNV_PRIME UINT64CONST(0x100000001b3)

static bool *
null_of(const DdbItemWriter *writer, const DdbColumn *column)
{
	return &writer->nulls[column->attnum - 1];
}

/* Sets a column of the row, and notes that the row was completed. */
static void
set_value(DdbItemWriter *writer, const DdbColumn *column, Datum value)
{
	writer->values[column->attnum - 1] = value;
	*null_of(writer, column) = false;
	writer->completed = true;
}

static void
set_null(DdbItemWriter *writer, const DdbColumn *column)
{
	*null_of(writer, column) = true;
	writer->completed = true;
}

/*
 * True if the statement sets the column. given is NULL for an INSERT, which
 * sets all.
 */
static bool
is_given(const Bitmapset *given, const DdbColumn *column)
{
	return given == NULL || bms_is_member(column->attnum, given);
}

static bool
is_shard(const DdbVariable *variable)
{
	return variable->element->form == DDB_FORM_SHARD;
}

/*
 * Raises the error of a value that a key cannot hold. reason completes the
 * DETAIL.
 */
static void
raise_no_key(const DdbItemWriter *writer, const DdbKeyTemplate *template,
			 const DdbColumn *column, const char *reason)
{
	ereport(
		ERROR,
		(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
		 errmsg("value of column \"%s\" of foreign table %s cannot be part of "
				"the key",
				column->name, writer->relation->name),
		 errdetail(
			 "The key is composed by template \"%s\" of column \"%s\", and %s.",
			 template->column->template, template->column->name, reason)));
}

/* Raises the error of a key that was given but does not match its template. */
static void
raise_mismatch(const DdbItemWriter *writer, const DdbKeyTemplate *template)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("value of column \"%s\" of foreign table %s does "
						   "not match its template",
						   template->column->name, writer->relation->name),
					errdetail("Template \"%s\" makes another value of the row.",
							  template->column->template),
					errhint("Leave the column out, so that it is composed from "
							"the other columns.")));
}

/* Raises the error of a NULL that the table's key would be composed of. */
static void
raise_missing_variable(const DdbItemWriter *writer,
					   const DdbKeyTemplate *template, const DdbColumn *column)
{
	ereport(
		ERROR,
		(errcode(ERRCODE_NOT_NULL_VIOLATION),
		 errmsg("null value not allowed in column \"%s\" of foreign table %s",
				column->name, writer->relation->name),
		 errdetail(
			 "The key in column \"%s\" is composed from it by template \"%s\".",
			 template->column->name, template->column->template)));
}

/* ---- values and their texts ---- */

/*
 * The text of a variable that is not NULL, in *text.  Raises an error if the
 * value has no text in a key.
 */
static void
variable_text(const DdbItemWriter *writer, const DdbKeyTemplate *template,
			  int i, DdbStoredValue *text)
{
	const DdbVariable *variable = &template->variables[i];

	ddb_variable_compose(variable, writer->values[variable->column->attnum - 1],
						 variable->column->base_typid, text);
	/* Times have a text that is cut; they are cut themselves before. */
	if (text->place != DDB_PLACE_EXACT &&
		(text->place != DDB_PLACE_BETWEEN ||
		 variable->element->unit == DDB_UNIT_NONE))
		raise_no_key(
			writer, template, variable->column,
			"the value has no text in the form that the template asks for");
	if (!ddb_template_takes(&template->parsed, i, text->data, text->len))
		raise_no_key(
			writer, template, variable->column,
			"the value contains the text that separates it from what follows");
}

/*
 * Cuts the values that only keys tell to what is read back from the key.
 * RETURNING then shows what is stored.
 */
static void
settle_values(DdbItemWriter *writer, const DdbKeyTemplate *template,
			  const Bitmapset *given)
{
	for (int i = 0; i < template->parsed.n; i++)
	{
		const DdbVariable *variable = &template->variables[i];
		DdbStoredValue text;
		Datum value;

		if (!variable->sourced || *null_of(writer, variable->column) ||
			!is_given(given, variable->column))
			continue;
		variable_text(writer, template, i, &text);
		if (!ddb_variable_parse(variable, text.data, text.len, &value))
			raise_no_key(writer, template, variable->column,
						 "another value would be read back from the key");
		set_value(writer, variable->column, value);
	}
}

/* ---- keys that are given ---- */

/* The value of the templated column in UTF-8, palloc'd, and its length. */
static char *
key_text(const DdbItemWriter *writer, const DdbKeyTemplate *template, int *len)
{
	char *utf8 =
		TextDatumGetCString(writer->values[template->column->attnum - 1]);

	utf8 = pg_server_to_any(utf8, strlen(utf8), PG_UTF8);
	*len = strlen(utf8);
	return utf8;
}

/*
 * Takes from a key that is given what the row does not say: what the key alone
 * tells, or what others tell as well.
 */
static void
take_apart(DdbItemWriter *writer, const DdbKeyTemplate *template, bool sourced,
		   const Bitmapset *updated)
{
	DdbTemplatePart parts[DDB_TEMPLATE_MAX_ELEMENTS];
	int len;
	char *text;

	if (*null_of(writer, template->column))
		return;
	text = key_text(writer, template, &len);
	if (!ddb_template_split(&template->parsed, text, len, parts))
		raise_mismatch(writer, template);
	for (int i = 0; i < template->parsed.n; i++)
	{
		const DdbVariable *variable = &template->variables[i];
		const DdbColumn *column = variable->column;
		Datum value;

		/* The beginning of a time is not that time. */
		if (column == NULL || !*null_of(writer, column) ||
			variable->sourced != sourced || !(sourced || variable->exact) ||
			bms_is_member(column->attnum, updated))
			continue;
		if (!ddb_variable_parse(variable, parts[i].text, parts[i].len, &value))
			raise_mismatch(writer, template);
		if (column->source == 0)
			value = ddb_codec_cut(
				ddb_codec_set_get(writer->codecs, column->attnum), value);
		set_value(writer, column, value);
	}
}

/* ---- shards ---- */

/*
 * Goes on with an FNV hash.  The end of each text counts, so that "a", "bc"
 * differs from "ab", "c".
 */
static uint64
hash_bytes_fnv(uint64 hash, const char *bytes, int len)
{
	for (int i = 0; i < len; i++)
		hash = (hash ^ (unsigned char) bytes[i]) * FNV_PRIME;
	/* What ends here is not what goes on. */
	return hash * FNV_PRIME;
}

/*
 * Goes on with a hash of the template's variables, shards excepted.  Raises an
 * error if one is NULL.
 */
static uint64
hash_template(const DdbItemWriter *writer, const DdbKeyTemplate *template,
			  uint64 hash)
{
	for (int i = 0; i < template->parsed.n; i++)
	{
		const DdbVariable *variable = &template->variables[i];
		DdbStoredValue text;

		if (variable->element->form == DDB_FORM_LITERAL || is_shard(variable))
			continue;
		if (*null_of(writer, variable->column))
			raise_missing_variable(writer, template, variable->column);
		variable_text(writer, template, i, &text);
		hash = hash_bytes_fnv(hash, text.data, text.len);
	}
	return hash;
}

/*
 * A number that the rest of the table's key decides, so that the same row
 * always finds its shard.
 */
static uint64
hash_key(const DdbItemWriter *writer)
{
	uint64 hash = FNV_OFFSET;

	for (int i = 0; i < writer->nkeys; i++)
	{
		const DdbColumn *column = writer->key_columns[i];
		const DdbKeyTemplate *template =
			ddb_key_template_of(writer->relation, writer->key_names[i]);
		DdbStoredValue text = {0};

		if (template != NULL)
		{
			hash = hash_template(writer, template, hash);
			continue;
		}
		if (column == NULL || *null_of(writer, column))
			ddb_item_raise_missing_key(writer, i);
		ddb_codec_encode_constant(
			ddb_codec_set_get(writer->codecs, column->attnum),
			writer->values[column->attnum - 1], column->base_typid, 0, &text);
		/* What has no stored form is refused when the item is composed. */
		if (text.data != NULL)
			hash = hash_bytes_fnv(hash, text.data, text.len);
	}
	/* The low bits of FNV are its worst. */
	return hash ^ (hash >> 32);
}

/*
 * The shard of the row: a hash of the table key's other variables, within the
 * element's range.  It is the same whenever the row is written.
 */
static int64
shard_of(const DdbItemWriter *writer, const DdbTemplateElement *element)
{
	uint64 shards = (uint64) (element->last - element->first + 1);

	return element->first + (int64) (hash_key(writer) % shards);
}

/* The shard's number as a value of the variable's column. */
static Datum
shard_datum(const DdbVariable *variable, int64 shard)
{
	char text[DDB_TEMPLATE_TIME_BUFFER];
	Datum value;
	size_t len = ddb_template_format_number(variable->element, shard, text);

	if (!ddb_variable_parse(variable, text, len, &value))
		elog(ERROR, "shard " INT64_FORMAT " is no value of column \"%s\"",
			 shard, variable->column->name);
	return value;
}

/* Sets columns that are shards, where the row does not say which. */
static void
fill_shards(DdbItemWriter *writer, const DdbKeyTemplate *template)
{
	for (int i = 0; i < template->parsed.n; i++)
	{
		const DdbVariable *variable = &template->variables[i];

		if (is_shard(variable) && variable->column != NULL &&
			*null_of(writer, variable->column))
			set_value(
				writer, variable->column,
				shard_datum(variable, shard_of(writer, variable->element)));
	}
}

/* ---- composing ---- */

/* The text of a shard that is no column: that of the key, if it is given. */
static void
shard_text(const DdbItemWriter *writer, const DdbKeyTemplate *template, int i,
		   const DdbTemplatePart *given, DdbStoredValue *text)
{
	const DdbTemplateElement *element = &template->parsed.elements[i];
	char *digits = palloc(DDB_TEMPLATE_TIME_BUFFER);
	int64 number;

	if (given == NULL)
		number = shard_of(writer, element);
	else if (!ddb_template_parse_number(element, given->text, given->len,
										&number))
		raise_mismatch(writer, template);
	*text =
		ddb_stored_value(DDB_STORED_S, digits,
						 ddb_template_format_number(element, number, digits));
	if (!ddb_template_takes(&template->parsed, i, text->data, text->len))
		raise_no_key(
			writer, template, template->column,
			"the shard contains the text that separates it from what follows");
}

/*
 * Appends the key of the row's values, none of which is NULL. Shards without a
 * column come from the key that was given, if there is one.
 */
static void
compose(const DdbItemWriter *writer, const DdbKeyTemplate *template,
		const DdbTemplatePart *given, StringInfo text)
{
	const DdbTemplate *parsed = &template->parsed;

	for (int i = 0; i < parsed->n; i++)
	{
		DdbStoredValue part = {0};

		if (parsed->elements[i].form == DDB_FORM_LITERAL)
		{
			appendBinaryStringInfo(text, parsed->elements[i].text,
								   parsed->elements[i].len);
			continue;
		}
		if (template->variables[i].column == NULL)
			shard_text(writer, template, i, given == NULL ? NULL : &given[i],
					   &part);
		else
			variable_text(writer, template, i, &part);
		appendBinaryStringInfo(text, part.data, part.len);
	}
}

/*
 * Composes a key that is NULL, or compares the one that is given with what the
 * row's values make.
 */
static void
settle(DdbItemWriter *writer, const DdbKeyTemplate *template)
{
	DdbTemplatePart parts[DDB_TEMPLATE_MAX_ELEMENTS];
	StringInfoData text;
	char *given;
	int len;

	initStringInfo(&text);
	fill_shards(writer, template);
	if (*null_of(writer, template->column))
	{
		compose(writer, template, NULL, &text);
		given = pg_any_to_server(text.data, text.len, PG_UTF8);
		set_value(writer, template->column, CStringGetTextDatum(given));
		return;
	}
	given = key_text(writer, template, &len);
	if (!ddb_template_split(&template->parsed, given, len, parts))
		raise_mismatch(writer, template);
	compose(writer, template, parts, &text);
	if (len != text.len || memcmp(given, text.data, len) != 0)
		raise_mismatch(writer, template);
}

/*
 * The first variable's column that is NULL, or NULL if there is none.  Shards
 * do not count, since they can be computed.
 */
static const DdbColumn *
null_variable(const DdbItemWriter *writer, const DdbKeyTemplate *template)
{
	for (int i = 0; i < template->parsed.n; i++)
	{
		const DdbColumn *column = template->variables[i].column;

		if (column != NULL && !is_shard(&template->variables[i]) &&
			*null_of(writer, column))
			return column;
	}
	return NULL;
}

/* ---- keys of indexes ---- */

/* True if both are templates of one key. */
static bool
same_key(const DdbKeyTemplate *a, const DdbKeyTemplate *b)
{
	return a == b || (a->companions != NIL && a->companions == b->companions);
}

/*
 * True if this is the first template of its key, and the key is an index's.
 * Each key is settled once, at its first template.
 */
static bool
leads_key(const DdbKeyTemplates *templates, int i)
{
	for (int j = 0; j < i; j++)
		if (same_key(templates->items[j], templates->items[i]))
			return false;
	return templates->items[i]->companions != NIL;
}

/*
 * Raises the error of a NULL that keeps an item out of an index, while another
 * column would be stored in that index's key only.
 */
static void
raise_half_key(const DdbItemWriter *writer, const DdbKeyTemplate *template,
			   const DdbColumn *missing, const DdbColumn *present)
{
	ereport(ERROR,
			(errcode(ERRCODE_NOT_NULL_VIOLATION),
			 errmsg("null value not allowed in column \"%s\" of foreign table "
					"%s while column \"%s\" has a value",
					missing->name, writer->relation->name, present->name),
			 errdetail("Column \"%s\" is stored only in the key of an index, "
					   "and its template \"%s\" needs both columns.",
					   present->name, template->column->template)));
}

/*
 * The same, of a column that says when the key is composed, and is not true.
 */
static void
raise_not_when(const DdbItemWriter *writer, const DdbKeyTemplate *template,
			   const DdbColumn *when, const DdbColumn *present)
{
	ereport(
		ERROR,
		(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
		 errmsg("column \"%s\" of foreign table %s must be NULL while column "
				"\"%s\" is not true",
				present->name, writer->relation->name, when->name),
		 errdetail("Column \"%s\" is stored only in the key of an index, "
				   "which template \"%s\" composes when column \"%s\" is "
				   "true.",
				   present->name, template->column->template, when->name)));
}

/* What keeps an item out of an index. */
typedef struct Reason
{
	const DdbColumn *column; /* NULL: nothing */
	bool is_when; /* it says when the key is composed */
} Reason;

static void
raise_left_out(const DdbItemWriter *writer, const DdbKeyTemplate *template,
			   Reason reason, const DdbColumn *present)
{
	if (reason.is_when)
		raise_not_when(writer, template, reason.column, present);
	raise_half_key(writer, template, reason.column, present);
}

/*
 * Its templates are read back only if its key is complete.  Where it is not,
 * the item is not in the index; so nothing may be known from the key alone.
 */
static void
leave_out(DdbItemWriter *writer, const DdbKeyTemplate *template, Reason reason,
		  const Bitmapset *given)
{
	for (int i = 0; i < template->parsed.n; i++)
	{
		const DdbVariable *variable = &template->variables[i];

		if (!variable->sourced || *null_of(writer, variable->column))
			continue;
		/* One that was found out goes as it came. */
		if (!is_shard(variable) || is_given(given, variable->column))
			raise_left_out(writer, template, reason, variable->column);
		set_null(writer, variable->column);
	}
	if (!*null_of(writer, template->column))
		raise_left_out(writer, template, reason, template->column);
}

/* The columns (attnums) in which NULL means NULL, of INSERT and UPDATE. */
static const Bitmapset *
meant_null(const DdbItemWriter *writer, const Bitmapset *given)
{
	return given != NULL ? given : writer->named;
}

/*
 * What a template of an index's key lacks: that it is to be composed, or a
 * variable.
 */
static Reason
find_lack(const DdbItemWriter *writer, const DdbKeyTemplate *template)
{
	const DdbColumn *when = template->when;

	if (when != NULL && (*null_of(writer, when) ||
						 !DatumGetBool(writer->values[when->attnum - 1])))
		return (Reason){when, true};
	return (Reason){null_variable(writer, template), false};
}

/*
 * The first column that keeps the item out of the index, because it is NULL or
 * not true; none if the key is complete.
 */
static Reason
find_reason(const DdbItemWriter *writer, const DdbKeyTemplates *templates,
			int first, const Bitmapset *given)
{
	const DdbRelation *relation = writer->relation;
	ListCell *lc;

	for (int i = first; i < templates->n; i++)
		if (same_key(templates->items[first], templates->items[i]))
		{
			Reason reason = find_lack(writer, templates->items[i]);

			if (reason.column != NULL)
				return reason;
		}
	foreach (lc, templates->items[first]->companions)
	{
		const DdbColumn *column = &relation->columns[lfirst_int(lc) - 1];
		const DdbKeyTemplate *template =
			ddb_key_template_of_column(relation, column->attnum);

		if (!*null_of(writer, column))
			continue;
		/* Those of this key are composed, unless the statement says NULL. */
		if (template == NULL || !same_key(templates->items[first], template) ||
			bms_is_member(column->attnum, meant_null(writer, given)))
			return (Reason){column, false};
	}
	return (Reason){NULL, false};
}

/*
 * Settles the templates of an index's key, from the first of them on, or
 * leaves the item out of the index.
 */
static void
settle_index(DdbItemWriter *writer, const DdbKeyTemplates *templates, int first,
			 const Bitmapset *given)
{
	Reason reason = find_reason(writer, templates, first, given);

	for (int i = first; i < templates->n; i++)
	{
		const DdbKeyTemplate *template = templates->items[i];

		if (!same_key(templates->items[first], template))
			continue;
		if (reason.column == NULL)
			settle(writer, template);
		else
			leave_out(writer, template, reason, given);
	}
}

/* Keys that several indexes share come before those that they are a part of. */
static bool
comes_now(const DdbKeyTemplates *templates, int i, bool alone)
{
	return leads_key(templates, i) &&
		   (list_length(templates->items[i]->companions) == 1) == alone;
}

/* ---- new rows ---- */

/*
 * Composes the templated parts of the table's key.  Raises an error if a
 * variable is NULL.
 */
static void
settle_table_key(DdbItemWriter *writer)
{
	const DdbKeyTemplates *templates = writer->relation->templates;

	for (int i = 0; i < templates->n; i++)
	{
		const DdbColumn *missing = null_variable(writer, templates->items[i]);

		if (templates->items[i]->companions == NIL && missing != NULL)
			raise_missing_variable(writer, templates->items[i], missing);
	}
	for (int i = 0; i < templates->n; i++)
		if (templates->items[i]->companions == NIL)
			settle(writer, templates->items[i]);
}

/*
 * The table's key is settled before those of indexes, which may take shards
 * and values from it.
 */
void
ddb_item_complete_keys(DdbItemWriter *writer)
{
	const DdbKeyTemplates *templates = writer->relation->templates;

	if (templates == NULL)
		return;
	for (int i = 0; i < templates->n; i++)
		take_apart(writer, templates->items[i], true, NULL);
	for (int i = 0; i < templates->n; i++)
		take_apart(writer, templates->items[i], false, NULL);
	for (int i = 0; i < templates->n; i++)
		settle_values(writer, templates->items[i], NULL);
	settle_table_key(writer);
	for (int i = 0; i < templates->n; i++)
		if (comes_now(templates, i, true))
			settle_index(writer, templates, i, NULL);
	for (int i = 0; i < templates->n; i++)
		if (comes_now(templates, i, false))
			settle_index(writer, templates, i, NULL);
}

/* ---- old rows ---- */

/*
 * True if one of these columns, by attribute number, is a variable of the
 * template, or says when it holds.
 */
static bool
sets_variable(const DdbKeyTemplate *template, const Bitmapset *updated)
{
	for (int i = 0; i < template->parsed.n; i++)
		if (template->variables[i].column != NULL &&
			bms_is_member(template->variables[i].column->attnum, updated))
			return true;
	return template->when != NULL &&
		   bms_is_member(template->when->attnum, updated);
}

/*
 * Raises an error if a variable of the table's key is set to another value
 * than the old key has.
 */
static void
check_table_key(DdbItemWriter *writer, const DdbKeyTemplate *template,
				Datum old_key, const Bitmapset *updated)
{
	DdbTemplatePart parts[DDB_TEMPLATE_MAX_ELEMENTS];
	char *old = TextDatumGetCString(old_key);

	old = pg_server_to_any(old, strlen(old), PG_UTF8);
	if (!ddb_template_split(&template->parsed, old, strlen(old), parts))
		elog(ERROR, "a key does not match its template");
	for (int i = 0; i < template->parsed.n; i++)
	{
		const DdbVariable *variable = &template->variables[i];
		DdbStoredValue text;

		if (variable->column == NULL ||
			!bms_is_member(variable->column->attnum, updated))
			continue;
		if (*null_of(writer, variable->column))
			ddb_item_raise_key_change(writer, variable->column);
		variable_text(writer, template, i, &text);
		if (text.len != (int) parts[i].len ||
			memcmp(text.data, parts[i].text, text.len) != 0)
			ddb_item_raise_key_change(writer, variable->column);
	}
}

/*
 * An index's key that was set leads its variables, unless they were set as
 * well: returns what is other than it was.
 */
static Bitmapset *
follow_key(DdbItemWriter *writer, const DdbKeyTemplate *template,
		   const Bitmapset *given)
{
	Bitmapset *changed = NULL;

	for (int i = 0; i < template->parsed.n; i++)
	{
		const DdbVariable *variable = &template->variables[i];

		if (!variable->sourced ||
			bms_is_member(variable->column->attnum, given))
			continue;
		set_null(writer, variable->column);
		changed = bms_add_member(changed, variable->column->attnum);
	}
	take_apart(writer, template, true, given);
	return changed;
}

/* True if an index's key depends on one of these columns. */
static bool
is_concerned(const DdbKeyTemplates *templates, int first,
			 const Bitmapset *updated)
{
	ListCell *lc;

	foreach (lc, templates->items[first]->companions)
		if (bms_is_member(lfirst_int(lc), updated))
			return true;
	for (int i = first; i < templates->n; i++)
	{
		const DdbKeyTemplate *template = templates->items[i];

		if (same_key(templates->items[first], template) &&
			sets_variable(template, updated))
			return true;
	}
	return false;
}

/*
 * Composes an index's key anew.  Its parts that were not set follow the
 * variables; all of them count as updated.
 */
static void
recompose_index(DdbItemWriter *writer, int first, const Bitmapset *given,
				Bitmapset **updated)
{
	const DdbKeyTemplates *templates = writer->relation->templates;

	for (int i = first; i < templates->n; i++)
	{
		const DdbColumn *column = templates->items[i]->column;

		if (!same_key(templates->items[first], templates->items[i]))
			continue;
		if (!bms_is_member(column->attnum, given))
			set_null(writer, column);
		*updated = bms_add_member(*updated, column->attnum);
	}
	settle_index(writer, templates, first, given);
}

/*
 * For an UPDATE: composes the keys of indexes that depend on what is set, and
 * adds their columns to *updated.  Raises an error if the table's key would
 * change.
 */
void
ddb_item_recompose_keys(DdbItemWriter *writer, const Datum *keys,
						Bitmapset **updated)
{
	const DdbKeyTemplates *templates = writer->relation->templates;
	const Bitmapset *given = *updated;
	Bitmapset *all = bms_copy(given);

	if (templates == NULL || given == NULL)
		return;
	for (int i = 0; i < templates->n; i++)
		if (templates->items[i]->companions != NIL &&
			bms_is_member(templates->items[i]->column->attnum, given))
			all = bms_add_members(
				all, follow_key(writer, templates->items[i], given));
	/* When an index's key is set, it may give variables of the table's. */
	for (int i = 0; i < writer->nkeys; i++)
	{
		const DdbKeyTemplate *template =
			ddb_key_template_of(writer->relation, writer->key_names[i]);

		if (template != NULL && sets_variable(template, all))
			check_table_key(writer, template, keys[i], all);
	}
	for (int i = 0; i < templates->n; i++)
		settle_values(writer, templates->items[i], given);
	for (int i = 0; i < templates->n; i++)
		if (comes_now(templates, i, true) && is_concerned(templates, i, all))
			recompose_index(writer, i, given, &all);
	for (int i = 0; i < templates->n; i++)
		if (comes_now(templates, i, false) && is_concerned(templates, i, all))
			recompose_index(writer, i, given, &all);
	*updated = all;
}

/* ---- for messages ---- */

/*
 * The scalar of the attribute value at the scanner's position, as text in the
 * database's encoding.
 */
static char *
plain_text(DdbJsonReader *json)
{
	DdbAttributeValue value;
	const char *reason;
	size_t len;
	char *text;

	if (!ddb_attribute_read(json, &value))
		elog(ERROR, "a key that was composed is not well-formed");
	text = ddb_value_text(&value.span, NULL, 0, &len, &reason);
	return text != NULL ? pg_any_to_server(text, len, PG_UTF8) : "…";
}

/*
 * The text is palloc'd and in the database's encoding.  Parts without a column
 * go by the attribute's name.
 */
char *
ddb_item_describe_key(const DdbItemWriter *writer, const char *key)
{
	StringInfoData padded;
	StringInfoData names;
	StringInfoData values;
	DdbJsonReader json;
	DdbSpan name;
	bool first = true;

	initStringInfo(&padded);
	initStringInfo(&names);
	initStringInfo(&values);
	appendStringInfoString(&padded, key);
	enlargeStringInfo(&padded, DDB_JSON_PADDING);
	ddb_json_init(&json, padded.data, padded.len);
	(void) ddb_json_enter_object(&json);
	for (int i = 0; ddb_json_next_member(&json, &first, &name); i++)
	{
		const DdbColumn *column = writer->key_columns[i];
		const char *separator = i > 0 ? ", " : "";

		appendStringInfo(&names, "%s%s", separator,
						 column != NULL ? column->name : writer->key_names[i]);
		appendStringInfo(&values, "%s%s", separator, plain_text(&json));
	}
	return psprintf("(%s)=(%s)", names.data, values.data);
}
