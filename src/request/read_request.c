/* SPDX-License-Identifier: PostgreSQL */
/*
 * read_request.c
 *		Query, Scan, GetItem and BatchGetItem, as JSON.
 *
 * Attribute names never stand in an expression themselves (573 of them are
 * reserved words) and no constant does; each placeholder is defined once and
 * used, because unused ones are errors (dynamodb.md section 3.1).
 */
#include "postgres.h"

#include "request/read_request.h"

#include "codec/json_text.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"

/* Longest expression the service takes, in bytes. */
#define MAX_EXPRESSION_BYTES 4096

typedef struct Builder
{
	StringInfoData json; /* the request, as far as it is written */
	StringInfoData names; /* members of ExpressionAttributeNames */
	StringInfoData values; /* members of ExpressionAttributeValues */
	List *known; /* of char *: attribute of #n0, #n1, … */
	int nvalues;
} Builder;

/* A request that is empty yet, in the current memory context. */
static Builder
begin(void)
{
	Builder builder = {0};

	initStringInfo(&builder.json);
	initStringInfo(&builder.names);
	initStringInfo(&builder.values);
	return builder;
}

/* NUL is a character as any other, though not of PostgreSQL's texts. */
static bool
is_utf8(const char *text, int len)
{
	const char *end = text + len;

	while (text < end)
	{
		const char *nul = memchr(text, '\0', end - text);
		const char *stop = nul != NULL ? nul : end;

		if (!pg_verify_mbstr(PG_UTF8, text, stop - text, true))
			return false;
		text = stop + 1;
	}
	return true;
}

/*
 * Appends a string.  Databases in SQL_ASCII may hold what is no UTF-8, which
 * JSON cannot say: raises an error.
 */
static void
append_string(StringInfo json, const char *text, int len)
{
	if (!is_utf8(text, len))
		ereport(ERROR, (errcode(ERRCODE_UNTRANSLATABLE_CHARACTER),
						errmsg("cannot send a value to DynamoDB"),
						errdetail("The value is not valid UTF-8.")));
	ddb_json_append_string(json, text, len);
}

static void
append_text_member(StringInfo json, const char *name, const char *text)
{
	ddb_json_append_member(json, name);
	append_string(json, text, strlen(text));
}

static void
append_raw_member(StringInfo json, const char *name, const char *value)
{
	ddb_json_append_member(json, name);
	appendStringInfoString(json, value);
}

/*
 * The placeholder of an attribute's name, palloc'd.  The same name gets the
 * same one, which keeps requests small.
 */
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
	append_text_member(&builder->names, placeholder, name);
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

/* Appends {"S":"…"} of a stored value. */
static void
append_attribute_value(StringInfo json, const DdbStoredValue *bound)
{
	appendStringInfo(json, "{\"%s\":", ddb_stored_type_name(bound->type));
	if (bound->type == DDB_STORED_BOOL)
		appendStringInfoString(json, bound->data[0] == 't' ? "true" : "false");
	else if (bound->type == DDB_STORED_B)
		ddb_json_append_base64(json, bound->data, bound->len);
	else
		append_string(json, bound->data, bound->len);
	appendStringInfoChar(json, '}');
}

/*
 * Adds the value to ExpressionAttributeValues and returns its placeholder,
 * palloc'd.
 */
static char *
value_placeholder(Builder *builder, const DdbStoredValue *bound)
{
	char *placeholder = psprintf(":v%d", builder->nvalues++);

	ddb_json_append_member(&builder->values, placeholder);
	append_attribute_value(&builder->values, bound);
	return placeholder;
}

/*
 * Appends the condition on one key attribute.  DynamoDB takes one for each
 * attribute, so two ends become a BETWEEN.
 */
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

/*
 * Adds KeyConditionExpression for the only target, and the direction if it is
 * backward.
 */
static void
put_key_condition(Builder *builder, const DdbRequestSpec *spec)
{
	const DdbKeySchema *keys = &spec->plan->source.keys;
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; i < keys->n; i++)
		append_range(builder, &text, keys->attributes[i].name,
					 &spec->targets->ranges[i]);
	append_text_member(&builder->json, "KeyConditionExpression", text.data);
	if (spec->plan->order.is_backward)
		append_raw_member(&builder->json, "ScanIndexForward", "false");
}

static void append_term(Builder *builder, StringInfo text, const DdbTerm *term);

/*
 * Appends the children, joined by AND or OR. An OR inside an AND gets
 * parentheses and nothing else does: DynamoDB refuses redundant ones.
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

/* Appends "#a IN (:v0,:v1)". */
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

/* Appends attribute_type(), whose type is a value too. */
static void
append_type(Builder *builder, StringInfo text, const DdbTerm *term)
{
	char *placeholder = psprintf(":v%d", builder->nvalues++);

	ddb_json_append_member(&builder->values, placeholder);
	appendStringInfo(&builder->values, "{\"S\":\"%s\"}",
					 ddb_stored_type_name(term->type));
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

/*
 * Appends a term as an expression, with placeholders for all names and values.
 * Constants never get here.
 */
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

/* Adds FilterExpression, unless there is no filter or it is always true. */
static void
put_filter(Builder *builder, const DdbRequestSpec *spec)
{
	StringInfoData text;

	if (spec->filter == NULL || spec->filter->kind == DDB_TERM_TRUE)
		return;
	initStringInfo(&text);
	append_term(builder, &text, spec->filter);
	append_text_member(&builder->json, "FilterExpression", text.data);
}

/* Each attribute has one value: the lower end of its range. */
void
ddb_request_append_key(StringInfo json, const DdbKeySchema *keys,
					   const DdbTarget *target)
{
	appendStringInfoChar(json, '{');
	for (int i = 0; i < keys->n; i++)
	{
		const char *name = keys->attributes[i].name;

		if (i > 0)
			appendStringInfoChar(json, ',');
		append_string(json, name, strlen(name));
		appendStringInfoChar(json, ':');
		append_attribute_value(json, &target->ranges[i].lower);
	}
	appendStringInfoChar(json, '}');
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
put_projection(Builder *builder, const DdbRequestSpec *spec)
{
	StringInfoData text;

	if (spec->npaths == 0 && !spec->whole_items)
	{
		append_text_member(&builder->json, "Select", "COUNT");
		return;
	}
	if (spec->plan->projection.is_all)
		return;
	if (spec->whole_items ||
		projection_bytes(builder, spec) > MAX_EXPRESSION_BYTES)
	{
		/* An LSI would give what it holds, unless told to fetch the rest. */
		if (spec->plan->source.index_is_local)
			append_text_member(&builder->json, "Select", "ALL_ATTRIBUTES");
		return;
	}
	initStringInfo(&text);
	for (int i = 0; i < spec->npaths; i++)
		appendStringInfo(&text, "%s%s", i > 0 ? "," : "",
						 path_placeholder(builder, spec->paths[i].attribute,
										  spec->paths[i].steps,
										  spec->paths[i].nsteps));
	append_text_member(&builder->json, "ProjectionExpression", text.data);
}

/*
 * Adds what is read from: table, index, consistency and segment.  Asks for
 * consumed capacity too.
 */
static void
put_source(Builder *builder, const DdbRequestSpec *spec)
{
	const DdbAccessPlan *plan = spec->plan;
	StringInfo json = &builder->json;

	append_text_member(json, "TableName", plan->source.table_name);
	if (plan->source.index_name != NULL)
		append_text_member(json, "IndexName", plan->source.index_name);
	if (plan->source.is_consistent)
		append_raw_member(json, "ConsistentRead", "true");
	if (spec->segment >= 0)
	{
		ddb_json_append_member(json, "Segment");
		appendStringInfo(json, "%d", spec->segment);
		ddb_json_append_member(json, "TotalSegments");
		appendStringInfo(json, "%d", spec->total_segments);
	}
	append_text_member(json, "ReturnConsumedCapacity", "TOTAL");
}

/*
 * Adds what placeholders stand for.  A map is left out if it would be empty,
 * which is an error.
 */
static void
put_placeholders(Builder *builder)
{
	StringInfo json = &builder->json;

	if (builder->known != NIL)
	{
		ddb_json_append_member(json, "ExpressionAttributeNames");
		appendStringInfo(json, "{%s}", builder->names.data);
	}
	if (builder->nvalues > 0)
	{
		ddb_json_append_member(json, "ExpressionAttributeValues");
		appendStringInfo(json, "{%s}", builder->values.data);
	}
}

/*
 * For Query, Scan and GetItem.  Names and values of all expressions are in it.
 */
char *
ddb_request_base(const DdbRequestSpec *spec)
{
	Builder builder = begin();

	appendStringInfoChar(&builder.json, '{');
	put_source(&builder, spec);
	if (spec->plan->operation == DDB_OP_QUERY)
		put_key_condition(&builder, spec);
	else if (spec->plan->operation == DDB_OP_GET_ITEM)
	{
		ddb_json_append_member(&builder.json, "Key");
		ddb_request_append_key(&builder.json, &spec->plan->source.keys,
							   spec->targets);
	}
	put_filter(&builder, spec);
	put_projection(&builder, spec);
	put_placeholders(&builder);
	return builder.json.data;
}

/* palloc'd.  At most 100 targets, each a whole key. */
char *
ddb_request_batch(const DdbRequestSpec *spec)
{
	Builder builder = begin();
	StringInfo json = &builder.json;
	const char *table_name = spec->plan->source.table_name;

	appendStringInfoString(json, "{\"RequestItems\":{");
	append_string(json, table_name, strlen(table_name));
	appendStringInfoString(json, ":{\"Keys\":[");
	for (int i = 0; i < spec->ntargets; i++)
	{
		if (i > 0)
			appendStringInfoChar(json, ',');
		ddb_request_append_key(json, &spec->plan->source.keys,
							   &spec->targets[i]);
	}
	appendStringInfoChar(json, ']');
	if (spec->plan->source.is_consistent)
		append_raw_member(json, "ConsistentRead", "true");
	put_projection(&builder, spec);
	put_placeholders(&builder);
	appendStringInfoString(json, "}},\"ReturnConsumedCapacity\":\"TOTAL\"}");
	return json->data;
}

void
ddb_request_unprocessed(StringInfo buf, const char *keys, int len)
{
	resetStringInfo(buf);
	appendStringInfoString(buf, "{\"RequestItems\":");
	appendBinaryStringInfo(buf, keys, len);
	appendStringInfoString(buf, ",\"ReturnConsumedCapacity\":\"TOTAL\"}");
}

/* buf is overwritten, and may be used again for the next page. */
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

/* Expression, names and values are separate, as the write adds its own. */
DdbWriteCondition *
ddb_request_condition(const DdbTerm *term)
{
	Builder builder = begin();
	bool encloses = term->kind == DDB_TERM_OR;
	DdbWriteCondition *condition = palloc(sizeof(DdbWriteCondition));

	/* Another condition will stand before it, with AND. */
	appendStringInfoString(&builder.json, encloses ? "(" : "");
	append_term(&builder, &builder.json, term);
	appendStringInfoString(&builder.json, encloses ? ")" : "");
	condition->text = builder.json.data;
	condition->names = builder.names.data;
	condition->values = builder.values.data;
	return condition;
}
