/* SPDX-License-Identifier: PostgreSQL */
/*
 * read_request.c
 *		Builds requests with jansson: names and values only as placeholders.
 *
 * Attribute names never stand in an expression themselves (573 of them are
 * reserved words) and no constant does; each placeholder is defined once and
 * used, because unused ones are errors (dynamodb.md section 3.1).
 *
 * utils/builtins.h must not be included here: it declares a json_object of
 * PostgreSQL's own.  For the same reason jansson's json_object() is never
 * called (the server's function of that name would be found): objects are
 * made with json_pack().
 */
#include "postgres.h"

#include "request/read_request.h"

#include <jansson.h>

#include "common/base64.h"
#include "compat.h"
#include "lib/stringinfo.h"

/* Longest expression the service takes, in bytes. */
#define MAX_EXPRESSION_BYTES 4096

typedef struct Builder
{
	json_t *root;
	json_t *names; /* ExpressionAttributeNames */
	json_t *values; /* ExpressionAttributeValues */
	List *known; /* of char *: attribute of #n0, #n1, … */
	int nvalues;
	char *json; /* malloc's */
} Builder;

/* jansson's only reasons to fail here: memory, or text that is not UTF-8. */
static void
check(int failed)
{
	if (failed)
		ereport(ERROR,
				(errcode(ERRCODE_UNTRANSLATABLE_CHARACTER),
				 errmsg("could not put a value into a DynamoDB request"),
				 errdetail("It is not valid UTF-8, or memory is exhausted.")));
}

static void
set_new(json_t *object, const char *key, json_t *value)
{
	check(value == NULL || json_object_set_new(object, key, value) != 0);
}

/* The placeholder of an attribute's name; the same name gets the same one. */
static char *
name_placeholder(Builder *builder, const char *name)
{
	char *placeholder;
	ListCell *lc;
	int i = 0;

	foreach (lc, builder->known)
	{
		if (strcmp((char *) lfirst(lc), name) == 0)
			return psprintf("#n%d", i);
		i++;
	}
	placeholder = psprintf("#n%d", i);
	builder->known = lappend(builder->known, unconstify(char *, name));
	set_new(builder->names, placeholder, json_string(name));
	return placeholder;
}

/* The placeholders of a document path: #n0.#n1[2] */
static char *
path_placeholder(Builder *builder, const char *attribute,
				 const DdbPathStep *steps, int nsteps)
{
	StringInfoData path;

	initStringInfo(&path);
	appendStringInfoString(&path, name_placeholder(builder, attribute));
	for (int i = 0; i < nsteps; i++)
	{
		if (steps[i].name != NULL)
			appendStringInfo(&path, ".%s",
							 name_placeholder(builder, steps[i].name));
		else
			appendStringInfo(&path, "[%d]", steps[i].index);
	}
	return path.data;
}

static char *
column_placeholder(Builder *builder, const DdbColumn *column)
{
	return path_placeholder(builder, column->attribute, column->steps,
							column->nsteps);
}

/* {"S": "…"} of a bound. */
static json_t *
attribute_value(const DdbBound *bound)
{
	json_t *value = json_pack("{}");
	const char *type = ddb_stored_type_name(bound->type);
	int room;
	char *base64;

	check(value == NULL);
	if (bound->type == DDB_STORED_BOOL)
		set_new(value, type, json_boolean(bound->data[0] == 't'));
	else if (bound->type == DDB_STORED_B)
	{
		room = pg_b64_enc_len(bound->len) + 1;
		base64 = palloc(room);
		set_new(
			value, type,
			json_stringn(base64, ddb_compat_b64_encode(bound->data, bound->len,
													   base64, room)));
	}
	else
		set_new(value, type, json_stringn(bound->data, bound->len));
	return value;
}

static char *
value_placeholder(Builder *builder, const DdbBound *bound)
{
	char *placeholder = psprintf(":v%d", builder->nvalues++);

	set_new(builder->values, placeholder, attribute_value(bound));
	return placeholder;
}

/* One attribute's condition, in the one form that the service takes. */
static void
append_range(Builder *builder, StringInfo text, const char *attribute,
			 const DdbKeyRange *range)
{
	char *name;

	if (ddb_key_range_is_open(range))
		return;
	name = name_placeholder(builder, attribute);
	if (text->len > 0)
		appendStringInfoString(text, " AND ");
	if (ddb_key_range_is_value(range))
		appendStringInfo(text, "%s = %s", name,
						 value_placeholder(builder, &range->lower));
	else if (range->is_prefix)
		appendStringInfo(text, "begins_with(%s, %s)", name,
						 value_placeholder(builder, &range->lower));
	else if (range->has_lower && range->has_upper)
	{
		char *lower = value_placeholder(builder, &range->lower);

		appendStringInfo(text, "%s BETWEEN %s AND %s", name, lower,
						 value_placeholder(builder, &range->upper));
	}
	else if (range->has_lower)
		appendStringInfo(text, "%s %s %s", name,
						 range->lower_strict ? ">" : ">=",
						 value_placeholder(builder, &range->lower));
	else
		appendStringInfo(text, "%s %s %s", name,
						 range->upper_strict ? "<" : "<=",
						 value_placeholder(builder, &range->upper));
}

static void
put_key_condition(Builder *builder, const DdbRequestSpec *spec)
{
	const DdbKeySchema *keys = &spec->plan->keys;
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; i < keys->npartition; i++)
		append_range(builder, &text, keys->partition[i].name,
					 &spec->targets->partition[i]);
	for (int i = 0; i < keys->nsort; i++)
		append_range(builder, &text, keys->sort[i].name,
					 &spec->targets->sort[i]);
	set_new(builder->root, "KeyConditionExpression", json_string(text.data));
	if (spec->plan->backward)
		set_new(builder->root, "ScanIndexForward", json_false());
}

static void append_term(Builder *builder, StringInfo text, const DdbTerm *term);

/*
 * Parentheses around each OR inside an AND and nowhere else: redundant ones
 * are errors.
 */
static void
append_group(Builder *builder, StringInfo text, const DdbTerm *term)
{
	bool is_and = term->kind == DDB_TERM_AND;
	ListCell *lc;

	foreach (lc, term->children)
	{
		DdbTerm *child = (DdbTerm *) lfirst(lc);
		bool enclose = is_and && child->kind == DDB_TERM_OR;

		if (lc != list_head(term->children))
			appendStringInfoString(text, is_and ? " AND " : " OR ");
		if (enclose)
			appendStringInfoChar(text, '(');
		append_term(builder, text, child);
		if (enclose)
			appendStringInfoChar(text, ')');
	}
}

static void
append_in(Builder *builder, StringInfo text, const DdbTerm *term)
{
	appendStringInfo(text, "%s IN (",
					 column_placeholder(builder, term->column));
	for (int i = 0; i < term->nbounds; i++)
		appendStringInfo(text, "%s%s", i > 0 ? "," : "",
						 value_placeholder(builder, &term->bounds[i]));
	appendStringInfoChar(text, ')');
}

static void
append_type(Builder *builder, StringInfo text, const DdbTerm *term)
{
	char *placeholder = psprintf(":v%d", builder->nvalues++);

	set_new(builder->values, placeholder,
			json_pack("{s:s}", "S", ddb_stored_type_name(term->type)));
	appendStringInfo(text, "attribute_type(%s, %s)",
					 column_placeholder(builder, term->column), placeholder);
}

static void
append_call(Builder *builder, StringInfo text, const DdbTerm *term,
			const char *function)
{
	char *name = column_placeholder(builder, term->column);

	appendStringInfo(text, "%s(%s, %s)", function, name,
					 value_placeholder(builder, &term->bounds[0]));
}

static void
append_term(Builder *builder, StringInfo text, const DdbTerm *term)
{
	if (term->negated)
		appendStringInfoString(text, "NOT ");
	switch (term->kind)
	{
		case DDB_TERM_AND:
		case DDB_TERM_OR:
			append_group(builder, text, term);
			break;
		case DDB_TERM_COMPARE:
			appendStringInfo(text, "%s %s ",
							 column_placeholder(builder, term->column),
							 term->op);
			appendStringInfoString(
				text, value_placeholder(builder, &term->bounds[0]));
			break;
		case DDB_TERM_COMPARE_ATTRIBUTES:
			appendStringInfo(text, "%s %s ",
							 column_placeholder(builder, term->column),
							 term->op);
			appendStringInfoString(text,
								   column_placeholder(builder, term->other));
			break;
		case DDB_TERM_SIZE:
			appendStringInfo(text, "size(%s) %s ",
							 column_placeholder(builder, term->column),
							 term->op);
			appendStringInfoString(
				text, value_placeholder(builder, &term->bounds[0]));
			break;
		case DDB_TERM_IN:
			append_in(builder, text, term);
			break;
		case DDB_TERM_TYPE:
			append_type(builder, text, term);
			break;
		case DDB_TERM_EXISTS:
			appendStringInfo(text, "attribute_exists(%s)",
							 column_placeholder(builder, term->column));
			break;
		case DDB_TERM_PREFIX:
			append_call(builder, text, term, "begins_with");
			break;
		case DDB_TERM_CONTAINS:
			append_call(builder, text, term, "contains");
			break;
		case DDB_TERM_FALSE:
		case DDB_TERM_TRUE:
			elog(ERROR, "a constant condition cannot be written down");
	}
}

static void
put_filter(Builder *builder, const DdbRequestSpec *spec)
{
	StringInfoData text;

	if (spec->filter == NULL || spec->filter->kind == DDB_TERM_TRUE)
		return;
	initStringInfo(&text);
	append_term(builder, &text, spec->filter);
	set_new(builder->root, "FilterExpression", json_string(text.data));
}

/* A whole key: every attribute has one value. */
static json_t *
key_object(const DdbKeySchema *keys, const DdbTarget *target)
{
	json_t *key = json_pack("{}");

	check(key == NULL);
	for (int i = 0; i < keys->npartition; i++)
		set_new(key, keys->partition[i].name,
				attribute_value(&target->partition[i].lower));
	for (int i = 0; i < keys->nsort; i++)
		set_new(key, keys->sort[i].name,
				attribute_value(&target->sort[i].lower));
	return key;
}

/* How long the projection may become, at most. */
static int
projection_bytes(const Builder *builder, const DdbRequestSpec *spec)
{
	int nnames = list_length(builder->known);
	int bytes = 0;

	for (int i = 0; i < spec->npaths; i++)
		for (int j = 0; j <= spec->paths[i].nsteps; j++)
			bytes += snprintf(NULL, 0, "#n%d,", nnames++);
	return bytes;
}

/*
 * Asks for what is needed only; of more than one expression can name, for all.
 */
static void
put_projection(Builder *builder, json_t *object, const DdbRequestSpec *spec)
{
	StringInfoData text;

	if (spec->npaths == 0 && !spec->whole_items)
	{
		set_new(object, "Select", json_string("COUNT"));
		return;
	}
	if (spec->plan->all_projected)
		return;
	if (spec->whole_items ||
		projection_bytes(builder, spec) > MAX_EXPRESSION_BYTES)
	{
		/* An LSI would give what it holds, unless told to fetch the rest. */
		if (spec->plan->index_is_local)
			set_new(object, "Select", json_string("ALL_ATTRIBUTES"));
		return;
	}
	initStringInfo(&text);
	for (int i = 0; i < spec->npaths; i++)
		appendStringInfo(&text, "%s%s", i > 0 ? "," : "",
						 path_placeholder(builder, spec->paths[i].attribute,
										  spec->paths[i].steps,
										  spec->paths[i].nsteps));
	set_new(object, "ProjectionExpression", json_string(text.data));
}

static void
put_source(Builder *builder, const DdbRequestSpec *spec)
{
	const DdbAccessPlan *plan = spec->plan;

	set_new(builder->root, "TableName", json_string(plan->table_name));
	if (plan->index_name != NULL)
		set_new(builder->root, "IndexName", json_string(plan->index_name));
	if (plan->consistent_read)
		set_new(builder->root, "ConsistentRead", json_true());
	if (spec->segment >= 0)
	{
		set_new(builder->root, "Segment", json_integer(spec->segment));
		set_new(builder->root, "TotalSegments",
				json_integer(spec->total_segments));
	}
	set_new(builder->root, "ReturnConsumedCapacity", json_string("TOTAL"));
}

/* Empty maps are errors. */
static void
put_placeholders(Builder *builder, json_t *object)
{
	if (builder->known != NIL)
		check(json_object_set(object, "ExpressionAttributeNames",
							  builder->names) != 0);
	if (builder->nvalues > 0)
		check(json_object_set(object, "ExpressionAttributeValues",
							  builder->values) != 0);
}

static void
build_single(Builder *builder, const DdbRequestSpec *spec)
{
	put_source(builder, spec);
	if (spec->plan->operation == DDB_OP_QUERY)
		put_key_condition(builder, spec);
	else if (spec->plan->operation == DDB_OP_GET_ITEM)
		set_new(builder->root, "Key",
				key_object(&spec->plan->keys, spec->targets));
	put_filter(builder, spec);
	put_projection(builder, builder->root, spec);
	put_placeholders(builder, builder->root);
}

static void
build_batch(Builder *builder, const DdbRequestSpec *spec)
{
	json_t *tables = json_pack("{}");
	json_t *table = json_pack("{}");
	json_t *keys = json_array();

	check(tables == NULL || table == NULL || keys == NULL);
	set_new(builder->root, "RequestItems", tables);
	set_new(tables, spec->plan->table_name, table);
	set_new(table, "Keys", keys);
	for (int i = 0; i < spec->ntargets; i++)
		check(json_array_append_new(
				  keys, key_object(&spec->plan->keys, &spec->targets[i])) != 0);
	if (spec->plan->consistent_read)
		set_new(table, "ConsistentRead", json_true());
	put_projection(builder, table, spec);
	put_placeholders(builder, table);
	set_new(builder->root, "ReturnConsumedCapacity", json_string("TOTAL"));
}

static void
build_condition(Builder *builder, const DdbRequestSpec *spec)
{
	bool encloses = spec->filter->kind == DDB_TERM_OR;
	StringInfoData text;

	initStringInfo(&text);
	/* Another condition will stand before it, with AND. */
	appendStringInfoString(&text, encloses ? "(" : "");
	append_term(builder, &text, spec->filter);
	appendStringInfoString(&text, encloses ? ")" : "");
	set_new(builder->root, "ConditionExpression", json_string(text.data));
	put_placeholders(builder, builder->root);
}

/* Gives jansson's memory back, which no memory context does. */
static void
release(Builder *builder)
{
	free(builder->json);
	json_decref(builder->root);
	json_decref(builder->names);
	json_decref(builder->values);
}

typedef void (*FillFunction)(Builder *builder, const DdbRequestSpec *spec);

static pg_noinline char *
fill_and_dump(Builder *builder, const DdbRequestSpec *spec, FillFunction fill)
{
	builder->root = json_pack("{}");
	builder->names = json_pack("{}");
	builder->values = json_pack("{}");
	check(builder->root == NULL || builder->names == NULL ||
		  builder->values == NULL);
	fill(builder, spec);
	builder->json = json_dumps(builder->root, JSON_COMPACT);
	check(builder->json == NULL);
	return MemoryContextStrdup(CurrentMemoryContext, builder->json);
}

static char *
build(const DdbRequestSpec *spec, FillFunction fill)
{
	Builder builder = {0};
	char *volatile copy = NULL;

	PG_TRY();
	{
		copy = fill_and_dump(&builder, spec, fill);
	}
	PG_CATCH();
	{
		release(&builder);
		PG_RE_THROW();
	}
	PG_END_TRY();
	release(&builder);
	return copy;
}

char *
ddb_request_base(const DdbRequestSpec *spec)
{
	char *json = build(spec, build_single);

	json[strlen(json) - 1] = '\0';
	return json;
}

char *
ddb_request_batch(const DdbRequestSpec *spec)
{
	return build(spec, build_batch);
}

void
ddb_request_unprocessed(StringInfo buf, const char *keys, int len)
{
	resetStringInfo(buf);
	appendStringInfoString(buf, "{\"RequestItems\":");
	appendBinaryStringInfo(buf, keys, len);
	appendStringInfoString(buf, ",\"ReturnConsumedCapacity\":\"TOTAL\"}");
}

void
ddb_request_page(StringInfo buf, const char *base, int64 limit,
				 const char *start_key, int start_key_len)
{
	resetStringInfo(buf);
	appendStringInfoString(buf, base);
	if (limit > 0)
		appendStringInfo(buf, ",\"Limit\":" INT64_FORMAT, limit);
	if (start_key != NULL)
	{
		appendStringInfoString(buf, ",\"ExclusiveStartKey\":");
		appendBinaryStringInfo(buf, start_key, start_key_len);
	}
	appendStringInfoChar(buf, '}');
}

char *
ddb_request_condition(const DdbTerm *term)
{
	DdbRequestSpec spec = {.filter = term};

	return build(&spec, build_condition);
}

const char *
ddb_request_library_version(void)
{
	return jansson_version_str();
}
