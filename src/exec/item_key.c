/*
 * item_key.c
 *		Keys of templates, composed from a row's values.
 *
 * What a key tells and what the row says must agree: reading the item back
 * would otherwise give another row, or none.
 */
#include "postgres.h"

#include "exec/item.h"

#include "codec/writer.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"

/* FNV-1a: the same for ever, whatever the server or its version. */
#define FNV_OFFSET UINT64CONST(0xcbf29ce484222325)
#define FNV_PRIME UINT64CONST(0x100000001b3)

/* A template and the row at hand. */
typedef struct KeyParts
{
	DdbItemWriter *writer;
	const DdbKeyTemplate *template;
	DdbTemplatePart parts[DDB_TEMPLATE_MAX_ELEMENTS]; /* of the key given */
	bool given;
} KeyParts;

static bool *
null_of(const DdbItemWriter *writer, const DdbColumn *column)
{
	return &writer->nulls[column->attnum - 1];
}

static void
raise_no_key(const DdbItemWriter *writer, const DdbKeyTemplate *template,
			 const DdbColumn *column, const char *reason)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("value of column \"%s\" of foreign table %s cannot stand "
					"in the key",
					column->name, writer->relation->name),
			 errdetail("Template \"%s\" of column \"%s\" says how the key is "
					   "composed; %s.",
					   template->column->template, template->column->name,
					   reason)));
}

static void
raise_mismatch(const DdbItemWriter *writer, const DdbKeyTemplate *template)
{
	ereport(
		ERROR,
		(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
		 errmsg("value of column \"%s\" of foreign table %s is not what its "
				"template makes of the row",
				template->column->name, writer->relation->name),
		 errdetail("The template is \"%s\".", template->column->template),
		 errhint("Leave the column out: it is composed from the others.")));
}

/* ---- keys that are given ---- */

static char *
key_text(const DdbItemWriter *writer, const DdbKeyTemplate *template, int *len)
{
	char *utf8 =
		TextDatumGetCString(writer->values[template->column->attnum - 1]);

	utf8 = pg_server_to_any(utf8, strlen(utf8), PG_UTF8);
	*len = strlen(utf8);
	return utf8;
}

/* Takes from a key that is given what the row does not say. */
static void
take_apart(KeyParts *key)
{
	const DdbKeyTemplate *template = key->template;
	DdbItemWriter *writer = key->writer;
	int len;
	char *text;

	key->given = !*null_of(writer, template->column);
	if (!key->given)
		return;
	text = key_text(writer, template, &len);
	if (!ddb_template_split(&template->parsed, text, len, key->parts))
		raise_mismatch(writer, template);
	for (int i = 0; i < template->parsed.n; i++)
	{
		const DdbVariable *variable = &template->variables[i];
		int column;

		if (variable->column == NULL || !*null_of(writer, variable->column))
			continue;
		column = variable->column->attnum - 1;
		if (!ddb_variable_parse(variable, key->parts[i].text, key->parts[i].len,
								&writer->values[column]))
			raise_mismatch(writer, template);
		writer->nulls[column] = false;
		writer->completed = true;
	}
}

/* ---- shards ---- */

static uint64
hash_bytes_fnv(uint64 hash, const char *bytes, int len)
{
	for (int i = 0; i < len; i++)
		hash = (hash ^ (unsigned char) bytes[i]) * FNV_PRIME;
	/* What ends here is not what goes on. */
	return hash * FNV_PRIME;
}

static bool
is_shard(const DdbVariable *variable)
{
	return variable->element->form == DDB_FORM_SHARD;
}

/* A template's variables but the shards; false while one of them is NULL. */
static bool
hash_template(const DdbItemWriter *writer, const DdbKeyTemplate *template,
			  uint64 *hash)
{
	for (int i = 0; i < template->parsed.n; i++)
	{
		const DdbVariable *variable = &template->variables[i];
		DdbBound text;

		if (variable->element->form == DDB_FORM_LITERAL || is_shard(variable))
			continue;
		if (*null_of(writer, variable->column))
			return false;
		ddb_variable_compose(variable,
							 writer->values[variable->column->attnum - 1],
							 variable->column->base_typid, &text);
		if (text.data == NULL)
			return false;
		*hash = hash_bytes_fnv(*hash, text.data, text.len);
	}
	return true;
}

/*
 * A number that the rest of the table's key decides, so that the same row
 * always finds its shard.
 */
static bool
hash_key(const DdbItemWriter *writer, uint64 *hash)
{
	*hash = FNV_OFFSET;
	for (int i = 0; i < writer->nkeys; i++)
	{
		const DdbColumn *column = writer->key_columns[i];
		const DdbKeyTemplate *template =
			ddb_key_template_of(writer->relation, writer->key_names[i]);
		StringInfoData json;

		if (template != NULL)
		{
			if (!hash_template(writer, template, hash))
				return false;
			continue;
		}
		if (column == NULL || *null_of(writer, column))
			return false;
		initStringInfo(&json);
		ddb_codec_encode(ddb_codec_set_get(writer->codecs, column->attnum),
						 writer->relation, writer->values[column->attnum - 1],
						 &json);
		*hash = hash_bytes_fnv(*hash, json.data, json.len);
	}
	/* The low bits of FNV are its worst. */
	*hash ^= *hash >> 32;
	return true;
}

static int64
shard_of(const DdbTemplateElement *element, uint64 hash)
{
	return element->first +
		   (int64) (hash % (uint64) (element->last - element->first + 1));
}

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

/* Columns that are shards, where the row does not say which. */
static void
fill_shards(DdbItemWriter *writer, const DdbKeyTemplate *template)
{
	uint64 hash;

	for (int i = 0; i < template->parsed.n; i++)
	{
		const DdbVariable *variable = &template->variables[i];

		if (!is_shard(variable) || variable->column == NULL ||
			!*null_of(writer, variable->column) || !hash_key(writer, &hash))
			continue;
		writer->values[variable->column->attnum - 1] =
			shard_datum(variable, shard_of(variable->element, hash));
		*null_of(writer, variable->column) = false;
		writer->completed = true;
	}
}

/* ---- composing ---- */

/*
 * The text of a variable that is not NULL.  A time that the key alone tells is
 * cut to what it can tell.
 */
static void
compose_variable(KeyParts *key, int i, DdbBound *text)
{
	DdbItemWriter *writer = key->writer;
	const DdbVariable *variable = &key->template->variables[i];
	int column = variable->column->attnum - 1;

	ddb_variable_compose(variable, writer->values[column],
						 variable->column->base_typid, text);
	if (text->place != DDB_BOUND_EXACT &&
		(text->place != DDB_BOUND_BETWEEN ||
		 variable->element->unit == DDB_UNIT_NONE))
		raise_no_key(writer, key->template, variable->column,
					 "the value has no text of that form");
	if (!ddb_template_takes(&key->template->parsed, i, text->data, text->len))
		raise_no_key(writer, key->template, variable->column,
					 "the value holds the text that separates it from what "
					 "follows");
	if (!variable->sourced)
		return;
	if (text->place == DDB_BOUND_BETWEEN)
		writer->completed = true;
	if (!ddb_variable_parse(variable, text->data, text->len,
							&writer->values[column]))
		raise_no_key(writer, key->template, variable->column,
					 "the value would not be read back from it");
}

/* The text of a shard that is no column. */
static bool
compose_shard(KeyParts *key, int i, DdbBound *text)
{
	const DdbTemplateElement *element = &key->template->parsed.elements[i];
	uint64 hash;

	text->data = palloc(DDB_TEMPLATE_TIME_BUFFER);
	if (key->given)
	{
		int64 number;

		text->data = unconstify(char *, key->parts[i].text);
		text->len = key->parts[i].len;
		return ddb_template_parse_number(element, text->data, text->len,
										 &number);
	}
	if (!hash_key(key->writer, &hash))
		return false;
	text->len = ddb_template_format_number(element, shard_of(element, hash),
										   text->data);
	return true;
}

/*
 * The key of a template, into text; false where a variable is NULL: *missing
 * is its column.
 */
static bool
compose(KeyParts *key, StringInfo text, const DdbColumn **missing)
{
	const DdbTemplate *parsed = &key->template->parsed;

	for (int i = 0; i < parsed->n; i++)
	{
		const DdbVariable *variable = &key->template->variables[i];
		DdbBound part = {0};

		if (parsed->elements[i].form == DDB_FORM_LITERAL)
		{
			appendBinaryStringInfo(text, parsed->elements[i].text,
								   parsed->elements[i].len);
			continue;
		}
		*missing = variable->column;
		if (variable->column == NULL)
		{
			if (!compose_shard(key, i, &part))
				return false;
		}
		else if (*null_of(key->writer, variable->column))
			return false;
		else
			compose_variable(key, i, &part);
		appendBinaryStringInfo(text, part.data, part.len);
	}
	return true;
}

/* Composes a key, or holds the one that is given against the row. */
static bool
settle(KeyParts *key, const DdbColumn **missing)
{
	DdbItemWriter *writer = key->writer;
	const DdbColumn *column = key->template->column;
	StringInfoData text;
	char *local;

	initStringInfo(&text);
	fill_shards(writer, key->template);
	if (!compose(key, &text, missing))
	{
		if (key->given)
			raise_mismatch(writer, key->template);
		return false;
	}
	if (key->given)
	{
		int len;
		char *given = key_text(writer, key->template, &len);

		if (len != text.len || memcmp(given, text.data, len) != 0)
			raise_mismatch(writer, key->template);
		return true;
	}
	local = pg_any_to_server(text.data, text.len, PG_UTF8);
	writer->values[column->attnum - 1] = CStringGetTextDatum(local);
	writer->nulls[column->attnum - 1] = false;
	writer->completed = true;
	return true;
}

static void
raise_missing_variable(const DdbItemWriter *writer,
					   const DdbKeyTemplate *template, const DdbColumn *column)
{
	ereport(ERROR,
			(errcode(ERRCODE_NOT_NULL_VIOLATION),
			 errmsg("null value in column \"%s\" of foreign table %s",
					column != NULL ? column->name : template->column->name,
					writer->relation->name),
			 errdetail("The key in column \"%s\" is composed of it: \"%s\".",
					   template->column->name, template->column->template)));
}

/* ---- keys of indexes ---- */

/*
 * Its templates are read back only if its key is complete.  Where it is not,
 * the item is not in the index; so nothing may be known from the key alone.
 */
static void
leave_out(DdbItemWriter *writer, const DdbKeyTemplate *template,
		  const DdbColumn *missing)
{
	for (int i = 0; i < template->parsed.n; i++)
	{
		const DdbVariable *variable = &template->variables[i];

		if (!variable->sourced || *null_of(writer, variable->column))
			continue;
		ereport(
			ERROR,
			(errcode(ERRCODE_NOT_NULL_VIOLATION),
			 errmsg("null value in column \"%s\" of foreign table %s, while "
					"column \"%s\" has a value",
					missing != NULL ? missing->name : template->column->name,
					writer->relation->name, variable->column->name),
			 errdetail("Column \"%s\" is stored in the index key of column "
					   "\"%s\" alone, which needs both.",
					   variable->column->name, template->column->name)));
	}
	*null_of(writer, template->column) = true;
}

static bool
same_key(const DdbKeyTemplate *a, const DdbKeyTemplate *b)
{
	return a == b || (a->companions != NIL && a->companions == b->companions);
}

/* The first column of the key that is NULL. */
static const DdbColumn *
missing_companion(const DdbItemWriter *writer, const DdbKeyTemplate *template)
{
	ListCell *lc;

	foreach (lc, template->companions)
	{
		const DdbColumn *column =
			&writer->relation->columns[lfirst_int(lc) - 1];

		if (*null_of(writer, column))
			return column;
	}
	return NULL;
}

/* Settles the templates of an index's key, from the first of them on. */
static void
settle_index(DdbItemWriter *writer, const DdbKeyTemplates *templates, int first)
{
	const DdbColumn *missing = NULL;
	const DdbColumn *column;

	for (int i = first; i < templates->n; i++)
	{
		KeyParts key = {.writer = writer, .template = templates->items[i]};

		if (!same_key(templates->items[first], templates->items[i]))
			continue;
		take_apart(&key);
		if (!settle(&key, &column) && missing == NULL)
			missing = column;
	}
	column = missing_companion(writer, templates->items[first]);
	if (column == NULL)
		return;
	if (missing == NULL)
		missing = column;
	for (int i = first; i < templates->n; i++)
		if (same_key(templates->items[first], templates->items[i]))
			leave_out(writer, templates->items[i], missing);
}

/* Is it the first template of its key? */
static bool
leads_key(const DdbKeyTemplates *templates, int i)
{
	for (int j = 0; j < i; j++)
		if (same_key(templates->items[j], templates->items[i]))
			return false;
	return true;
}

void
ddb_item_complete_keys(DdbItemWriter *writer)
{
	const DdbKeyTemplates *templates = writer->relation->templates;
	KeyParts keys[DDB_MAX_ITEM_KEYS];
	int n = 0;

	if (templates == NULL)
		return;
	/* All are taken apart first: shards hang on the whole key. */
	for (int i = 0; i < templates->n; i++)
		if (templates->items[i]->companions == NIL)
		{
			memset(&keys[n], 0, sizeof(keys[n]));
			keys[n].writer = writer;
			keys[n].template = templates->items[i];
			take_apart(&keys[n++]);
		}
	for (int i = 0; i < n; i++)
	{
		const DdbColumn *missing = NULL;

		if (!settle(&keys[i], &missing))
			raise_missing_variable(writer, keys[i].template, missing);
	}
	for (int i = 0; i < templates->n; i++)
		if (templates->items[i]->companions != NIL && leads_key(templates, i))
			settle_index(writer, templates, i);
}

/* ---- old rows ---- */

/* A variable of the table's key that was set must be what it was. */
static void
check_table_key(DdbItemWriter *writer, const DdbKeyTemplate *template,
				Datum old_key, Bitmapset *updated)
{
	KeyParts key = {.writer = writer, .template = template};
	char *old = TextDatumGetCString(old_key);

	old = pg_server_to_any(old, strlen(old), PG_UTF8);
	if (!ddb_template_split(&template->parsed, old, strlen(old), key.parts))
		elog(ERROR, "a key does not match its template");
	for (int i = 0; i < template->parsed.n; i++)
	{
		const DdbVariable *variable = &template->variables[i];
		DdbBound text;

		if (variable->column == NULL ||
			!bms_is_member(variable->column->attnum, updated))
			continue;
		if (*null_of(writer, variable->column))
			ddb_item_raise_key_change(writer, variable->column);
		compose_variable(&key, i, &text);
		if (text.len != (int) key.parts[i].len ||
			memcmp(text.data, key.parts[i].text, text.len) != 0)
			ddb_item_raise_key_change(writer, variable->column);
	}
}

/* Does an index's key hang on a column that was set? */
static bool
is_concerned(const DdbKeyTemplates *templates, int first, Bitmapset *updated)
{
	ListCell *lc;

	foreach (lc, templates->items[first]->companions)
		if (bms_is_member(lfirst_int(lc), updated))
			return true;
	for (int i = first; i < templates->n; i++)
	{
		const DdbKeyTemplate *template = templates->items[i];

		for (int j = 0; j < template->parsed.n; j++)
			if (same_key(templates->items[first], template) &&
				template->variables[j].column != NULL &&
				bms_is_member(template->variables[j].column->attnum, updated))
				return true;
	}
	return false;
}

/*
 * Before an index's key is composed anew: what was not set follows what was, a
 * variable the key, or a key its variables.
 */
static void
forget_followers(DdbItemWriter *writer, const DdbKeyTemplate *template,
				 Bitmapset *updated)
{
	bool key_set = bms_is_member(template->column->attnum, updated);

	if (!key_set)
	{
		*null_of(writer, template->column) = true;
		return;
	}
	for (int i = 0; i < template->parsed.n; i++)
	{
		const DdbVariable *variable = &template->variables[i];

		if (variable->sourced &&
			!bms_is_member(variable->column->attnum, updated))
			*null_of(writer, variable->column) = true;
	}
}

void
ddb_item_recompose_keys(DdbItemWriter *writer, const Datum *keys,
						Bitmapset **updated)
{
	const DdbKeyTemplates *templates = writer->relation->templates;
	Bitmapset *set = *updated;

	if (templates == NULL)
		return;
	for (int i = 0; i < writer->nkeys; i++)
	{
		const DdbKeyTemplate *template =
			ddb_key_template_of(writer->relation, writer->key_names[i]);

		if (template != NULL)
			check_table_key(writer, template, keys[i], set);
	}
	for (int first = 0; first < templates->n; first++)
	{
		if (templates->items[first]->companions == NIL ||
			!leads_key(templates, first) ||
			!is_concerned(templates, first, set))
			continue;
		for (int i = first; i < templates->n; i++)
			if (same_key(templates->items[first], templates->items[i]))
				forget_followers(writer, templates->items[i], set);
		settle_index(writer, templates, first);
		for (int i = first; i < templates->n; i++)
			if (same_key(templates->items[first], templates->items[i]))
				*updated = bms_add_member(bms_copy(*updated),
										  templates->items[i]->column->attnum);
	}
}
