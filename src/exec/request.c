/*
 * request.c
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

#include "exec/request.h"

#include <jansson.h>

#include "common/base64.h"
#include "compat.h"

/* Longest expression the service takes, in bytes. */
#define MAX_EXPRESSION_BYTES 4096

typedef struct Builder
{
	json_t	   *root;
	json_t	   *names;			/* ExpressionAttributeNames */
	json_t	   *values;			/* ExpressionAttributeValues */
	const char **known;			/* attribute of #n0, #n1, … */
	int			nknown;
	int			nvalues;
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
	char	   *placeholder;
	int			i = 0;

	while (i < builder->nknown && strcmp(builder->known[i], name) != 0)
		i++;
	placeholder = psprintf("#n%d", i);
	if (i == builder->nknown)
	{
		builder->known[builder->nknown++] = name;
		set_new(builder->names, placeholder, json_string(name));
	}
	return placeholder;
}

/* {"S": "…"} of a bound. */
static json_t *
attribute_value(const DdbBound *bound)
{
	json_t	   *value = json_pack("{}");
	const char *type = ddb_stored_type_name(bound->type);
	int			room;
	char	   *base64;

	check(value == NULL);
	if (bound->type == DDB_STORED_B)
	{
		room = pg_b64_enc_len(bound->len) + 1;
		base64 = palloc(room);
		set_new(value, type,
				json_stringn(base64,
							 ddb_compat_b64_encode(bound->data, bound->len,
												   base64, room)));
	}
	else
		set_new(value, type, json_stringn(bound->data, bound->len));
	return value;
}

static char *
value_placeholder(Builder *builder, const DdbBound *bound)
{
	char	   *placeholder = psprintf(":v%d", builder->nvalues++);

	set_new(builder->values, placeholder, attribute_value(bound));
	return placeholder;
}

/* One attribute's condition, in the one form that the service takes. */
static void
append_range(Builder *builder, StringInfo text, const char *attribute,
			 const DdbKeyRange *range)
{
	char	   *name;

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
		char	   *lower = value_placeholder(builder, &range->lower);

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
					 &spec->ranges->partition[i]);
	for (int i = 0; i < keys->nsort; i++)
		append_range(builder, &text, keys->sort[i].name,
					 &spec->ranges->sort[i]);
	set_new(builder->root, "KeyConditionExpression", json_string(text.data));
	if (spec->plan->backward)
		set_new(builder->root, "ScanIndexForward", json_false());
}

static void
put_key(Builder *builder, const DdbRequestSpec *spec)
{
	const DdbKeySchema *keys = &spec->plan->keys;
	json_t	   *key = json_pack("{}");

	check(key == NULL);
	set_new(builder->root, "Key", key);
	for (int i = 0; i < keys->npartition; i++)
		set_new(key, keys->partition[i].name,
				attribute_value(&spec->ranges->partition[i].lower));
	for (int i = 0; i < keys->nsort; i++)
		set_new(key, keys->sort[i].name,
				attribute_value(&spec->ranges->sort[i].lower));
}

/*
 * Asks for the needed attributes only; of more than one expression can name,
 * for all.
 */
static void
put_projection(Builder *builder, const DdbRequestSpec *spec)
{
	StringInfoData text;
	int			bytes = 0;

	if (spec->nattributes == 0)
	{
		set_new(builder->root, "Select", json_string("COUNT"));
		return;
	}
	for (int i = 0; i < spec->nattributes; i++)
		bytes += snprintf(NULL, 0, "#n%d,", builder->nknown + i);
	if (bytes > MAX_EXPRESSION_BYTES)
		return;
	initStringInfo(&text);
	for (int i = 0; i < spec->nattributes; i++)
		appendStringInfo(&text, "%s%s", i > 0 ? "," : "",
						 name_placeholder(builder, spec->attributes[i]));
	set_new(builder->root, "ProjectionExpression", json_string(text.data));
}

static void
put_source(Builder *builder, const DdbAccessPlan *plan)
{
	set_new(builder->root, "TableName", json_string(plan->table_name));
	if (plan->index_name != NULL)
		set_new(builder->root, "IndexName", json_string(plan->index_name));
	if (plan->consistent_read)
		set_new(builder->root, "ConsistentRead", json_true());
	if (plan->segment >= 0)
	{
		set_new(builder->root, "Segment", json_integer(plan->segment));
		set_new(builder->root, "TotalSegments",
				json_integer(plan->total_segments));
	}
	set_new(builder->root, "ReturnConsumedCapacity", json_string("TOTAL"));
}

static char *
build(Builder *builder, const DdbRequestSpec *spec)
{
	char	   *json;
	char	   *copy;

	builder->root = json_pack("{}");
	builder->names = json_pack("{}");
	builder->values = json_pack("{}");
	check(builder->root == NULL || builder->names == NULL ||
		  builder->values == NULL);
	put_source(builder, spec->plan);
	if (spec->plan->operation == DDB_OP_QUERY)
		put_key_condition(builder, spec);
	else if (spec->plan->operation == DDB_OP_GET_ITEM)
		put_key(builder, spec);
	put_projection(builder, spec);
	/* Empty maps are errors. */
	if (builder->nknown > 0)
		check(json_object_set(builder->root, "ExpressionAttributeNames",
							  builder->names) != 0);
	if (builder->nvalues > 0)
		check(json_object_set(builder->root, "ExpressionAttributeValues",
							  builder->values) != 0);
	json = json_dumps(builder->root, JSON_COMPACT);
	check(json == NULL);
	copy = MemoryContextStrdup(CurrentMemoryContext, json);
	free(json);
	copy[strlen(copy) - 1] = '\0';
	return copy;
}

char *
ddb_request_base(const DdbRequestSpec *spec)
{
	Builder		builder = {0};
	char	   *volatile json = NULL;

	builder.known = palloc(sizeof(char *) *
						   (spec->nattributes + 2 * DDB_MAX_KEY_PART));
	PG_TRY();
	{
		json = build(&builder, spec);
	}
	PG_FINALLY();
	{
		json_decref(builder.root);
		json_decref(builder.names);
		json_decref(builder.values);
	}
	PG_END_TRY();
	return json;
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

const char *
ddb_request_library_version(void)
{
	return jansson_version_str();
}
