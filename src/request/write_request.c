/* SPDX-License-Identifier: PostgreSQL */
/*
 * write_request.c
 *		PutItem, UpdateItem, DeleteItem and BatchWriteItem, as JSON; or
 *		TransactWriteItems of one action.
 *
 * Items are JSON already, and what is around them is short: so it is appended
 * as text.  Names stand in expressions as placeholders only (dynamodb.md
 * section 3.1).
 */
#include "postgres.h"

#include "request/write_request.h"

#include "codec/json_text.h"

/* Longest expression the service takes, in bytes (dynamodb.md section 2.1). */
#define MAX_EXPRESSION_BYTES 4096

/* Of a ClientRequestToken, which has at most 36 characters: twice as many. */
#define TOKEN_BYTES 16

#define NULL_VALUE "{\"NULL\":true}"

/* The pointer is valid until the next one is added.  Nothing is copied. */
DdbAssignment *
ddb_update_add(DdbItemUpdate *update, const char *attribute,
			   const DdbPathStep *steps, int nsteps)
{
	DdbAssignment *assignment;

	if (update->n == update->room)
	{
		update->room = Max(update->room * 2, 16);
		update->assignments =
			update->assignments == NULL
				? palloc(sizeof(DdbAssignment) * update->room)
				: repalloc(update->assignments,
						   sizeof(DdbAssignment) * update->room);
	}
	assignment = &update->assignments[update->n++];
	memset(assignment, 0, sizeof(*assignment));
	assignment->attribute = attribute;
	assignment->steps = steps;
	assignment->nsteps = nsteps;
	return assignment;
}

static void
begin(StringInfo json, const DdbWriteTarget *target, const char *member,
	  const char *value)
{
	appendStringInfoString(json, "{\"TableName\":");
	ddb_json_append_text(json, target->table_name);
	appendStringInfo(json, ",\"%s\":", member);
	appendStringInfoString(json, value);
}

static void
end(StringInfo json)
{
	appendStringInfoString(json, ",\"ReturnConsumedCapacity\":\"TOTAL\"}");
}

/* action: what TransactWriteItems calls it. */
static void
begin_write(StringInfo json, const DdbWriteTarget *target, const char *action,
			const char *member, const char *value)
{
	if (target->exactly_once)
		appendStringInfo(json, "{\"TransactItems\":[{\"%s\":", action);
	begin(json, target, member, value);
}

/* ,"ClientRequestToken":"…": nobody else's, so nothing that can be guessed. */
static void
append_token(StringInfo json)
{
	unsigned char token[TOKEN_BYTES];

	if (!pg_strong_random(token, sizeof(token)))
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR),
						errmsg("could not generate a token for a write")));
	appendStringInfoString(json, ",\"ClientRequestToken\":\"");
	for (int i = 0; i < TOKEN_BYTES; i++)
		appendStringInfo(json, "%02x", token[i]);
	appendStringInfoChar(json, '"');
}

static void
end_write(StringInfo json, const DdbWriteTarget *target)
{
	if (target->exactly_once)
	{
		appendStringInfoString(json, "}}]");
		append_token(json);
	}
	end(json);
}

/* The names that expressions use begin with that of the partition key. */
static void
append_key_name(StringInfo json, const DdbWriteTarget *target)
{
	appendStringInfoString(json, ",\"ExpressionAttributeNames\":{\"#k\":");
	ddb_json_append_text(json, target->partition_key);
}

/* Behind a condition that stands there. */
static void
append_condition(StringInfo json, const DdbWriteTarget *target)
{
	if (target->condition != NULL)
		appendStringInfo(json, " AND %s", target->condition->text);
	appendStringInfoChar(json, '"');
	/* What it was refused for tells whether it had been done before. */
	if (target->condition != NULL || target->exactly_once)
		appendStringInfoString(
			json, ",\"ReturnValuesOnConditionCheckFailure\":\"ALL_OLD\"");
}

/* The names of the condition, behind others. */
static void
append_condition_names(StringInfo json, const DdbWriteTarget *target)
{
	if (target->condition != NULL && target->condition->names[0] != '\0')
		appendStringInfo(json, ",%s", target->condition->names);
}

/*
 * Adds the condition that the item is there, with the write's own condition if
 * it has one.
 */
static void
append_exists(StringInfo json, const DdbWriteTarget *target)
{
	appendStringInfoString(json,
						   ",\"ConditionExpression\":\"attribute_exists(#k)");
	append_condition(json, target);
	append_key_name(json, target);
	append_condition_names(json, target);
	appendStringInfoChar(json, '}');
	if (target->condition != NULL && target->condition->values[0] != '\0')
		appendStringInfo(json, ",\"ExpressionAttributeValues\":{%s}",
						 target->condition->values);
}

/*
 * The item that is there comes back when it is in the way: it may be the one
 * that was put, by an attempt whose answer was lost.
 */
static void
append_is_new(StringInfo json, const DdbWriteTarget *target)
{
	bool expires = target->ttl_attribute != NULL;

	appendStringInfoString(
		json, ",\"ReturnValuesOnConditionCheckFailure\":\"ALL_OLD\""
			  ",\"ConditionExpression\":\"attribute_not_exists(#k)");
	appendStringInfoString(json, expires ? " OR #t BETWEEN :since AND :until\""
										 : "\"");
	append_key_name(json, target);
	if (expires)
	{
		appendStringInfoString(json, ",\"#t\":");
		ddb_json_append_text(json, target->ttl_attribute);
	}
	appendStringInfoChar(json, '}');
	if (expires)
		appendStringInfo(
			json,
			",\"ExpressionAttributeValues\":{\":since\":{\"N\":\"" INT64_FORMAT
			"\"},\":until\":{\"N\":\"" INT64_FORMAT "\"}}",
			target->expiry.since, target->expiry.until);
}

/*
 * A PutItem of the whole item, whose condition is that it is new, that it is
 * there, or none.
 */
void
ddb_write_put(StringInfo json, const DdbWriteTarget *target, const char *item,
			  DdbPutCondition condition)
{
	begin_write(json, target, "Put", "Item", item);
	if (condition == DDB_PUT_NEW)
		append_is_new(json, target);
	else if (condition == DDB_PUT_OLD)
		append_exists(json, target);
	end_write(json, target);
}

/*
 * A DeleteItem, on condition that the item is there.  Asks for what it was if
 * that is to be returned.
 */
void
ddb_write_delete(StringInfo json, const DdbWriteTarget *target, const char *key)
{
	begin_write(json, target, "Delete", "Key", key);
	append_exists(json, target);
	if (target->returns && !target->exactly_once)
		appendStringInfoString(json, ",\"ReturnValues\":\"ALL_OLD\"");
	end_write(json, target);
}

/*
 * #a0.#a0_1[2]: the path of the i-th assignment, so many steps of it, as
 * placeholders.
 */
static void
append_path(StringInfo text, const DdbAssignment *assignment, int i, int nsteps)
{
	appendStringInfo(text, "#a%d", i);
	for (int j = 0; j < nsteps; j++)
		if (assignment->steps[j].name != NULL)
			appendStringInfo(text, ".#a%d_%d", i, j);
		else
			appendStringInfo(text, "[%d]", assignment->steps[j].index);
}

/* Steps up to the last one that leads to an element of a list; 0: none does. */
static int
element_steps(const DdbAssignment *assignment)
{
	int n = assignment->nsteps;

	while (n > 0 && assignment->steps[n - 1].name != NULL)
		n--;
	return n;
}

bool
ddb_assignment_is_element(const DdbAssignment *assignment)
{
	return assignment->nsteps > 0 &&
		   element_steps(assignment) == assignment->nsteps;
}

bool
ddb_assignment_meets_element(const DdbAssignment *assignment)
{
	return element_steps(assignment) > 0;
}

/* NULL is stored where removing would move the elements behind. */
static bool
removes(const DdbAssignment *assignment)
{
	return assignment->value == NULL && !ddb_assignment_is_element(assignment);
}

/*
 * Appends the SET or the REMOVE clause, of the assignments that belong into
 * it.  Nothing if there are none.
 */
static void
append_section(StringInfo text, const DdbItemUpdate *update, bool removals)
{
	bool first = true;

	for (int i = 0; i < update->n; i++)
	{
		if (removes(&update->assignments[i]) != removals)
			continue;
		if (!first)
			appendStringInfoChar(text, ',');
		else
			appendStringInfo(text, "%s%s ", text->len > 0 ? " " : "",
							 removals ? "REMOVE" : "SET");
		first = false;
		append_path(text, &update->assignments[i], i,
					update->assignments[i].nsteps);
		if (!removals)
			appendStringInfo(text, "=:s%d", i);
	}
}

/*
 * The item is there, and what is checked of it is as it was; so are elements of
 * lists: DynamoDB would append what is set behind the end.
 */
static void
append_unchanged(StringInfo json, const DdbWriteTarget *target,
				 const DdbItemUpdate *update)
{
	appendStringInfoString(json,
						   ",\"ConditionExpression\":\"attribute_exists(#k)");
	for (int i = 0; i < update->n; i++)
	{
		const DdbAssignment *assignment = &update->assignments[i];

		if (assignment->checked && assignment->old != NULL)
			appendStringInfo(json, " AND #a%d = :o%d", i, i);
		else if (assignment->checked)
			appendStringInfo(json, " AND attribute_not_exists(#a%d)", i);
		if (ddb_assignment_meets_element(assignment))
		{
			appendStringInfoString(json, " AND attribute_exists(");
			append_path(json, assignment, i, element_steps(assignment));
			appendStringInfoChar(json, ')');
		}
	}
	append_condition(json, target);
}

/*
 * Adds the names that the assignments' paths use.  Steps into lists have none.
 */
static void
append_names(StringInfo json, const DdbItemUpdate *update)
{
	for (int i = 0; i < update->n; i++)
	{
		const DdbAssignment *assignment = &update->assignments[i];

		appendStringInfo(json, ",\"#a%d\":", i);
		ddb_json_append_text(json, assignment->attribute);
		for (int j = 0; j < assignment->nsteps; j++)
			if (assignment->steps[j].name != NULL)
			{
				appendStringInfo(json, ",\"#a%d_%d\":", i, j);
				ddb_json_append_text(json, assignment->steps[j].name);
			}
	}
}

/* One of the values, named by a letter and a number. */
static void
append_value(StringInfo json, bool *first, char letter, int i,
			 const char *value, int len)
{
	if (value == NULL)
		return;
	appendStringInfo(
		json, "%s\":%c%d\":", *first ? ",\"ExpressionAttributeValues\":{" : ",",
		letter, i);
	appendBinaryStringInfo(json, value, len);
	*first = false;
}

/*
 * Adds the values of assignments, and the old ones that they are compared
 * with.  No member is written if there are no values.
 */
static void
append_values(StringInfo json, const DdbWriteTarget *target,
			  const DdbItemUpdate *update)
{
	bool first =
		target->condition == NULL || target->condition->values[0] == '\0';

	if (!first)
		appendStringInfo(json, ",\"ExpressionAttributeValues\":{%s",
						 target->condition->values);
	for (int i = 0; i < update->n; i++)
	{
		const DdbAssignment *assignment = &update->assignments[i];

		if (assignment->value == NULL && !removes(assignment))
			append_value(json, &first, 's', i, NULL_VALUE, strlen(NULL_VALUE));
		append_value(json, &first, 's', i, assignment->value, assignment->len);
		append_value(json, &first, 'o', i, assignment->old,
					 assignment->old_len);
	}
	if (!first)
		appendStringInfoChar(json, '}');
}

/*
 * An UpdateItem.  Raises an error if the expression would be longer than
 * DynamoDB takes.
 */
void
ddb_write_update(StringInfo json, const DdbWriteTarget *target, const char *key,
				 const DdbItemUpdate *update)
{
	StringInfoData text;

	initStringInfo(&text);
	append_section(&text, update, false);
	append_section(&text, update, true);
	if (text.len > MAX_EXPRESSION_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many attributes of DynamoDB table \"%s\" are set "
						"at once",
						target->table_name),
				 errdetail("The update expression would have %d bytes, and "
						   "DynamoDB takes %d.",
						   text.len, MAX_EXPRESSION_BYTES)));
	/* Nothing to be changed: the condition alone is asked. */
	begin_write(json, target, text.len > 0 ? "Update" : "ConditionCheck", "Key",
				key);
	if (text.len > 0)
	{
		appendStringInfoString(json, ",\"UpdateExpression\":");
		ddb_json_append_text(json, text.data);
	}
	append_unchanged(json, target, update);
	append_key_name(json, target);
	append_condition_names(json, target);
	append_names(json, update);
	appendStringInfoChar(json, '}');
	append_values(json, target, update);
	if (target->returns && !target->exactly_once)
		appendStringInfoString(json, ",\"ReturnValues\":\"ALL_NEW\"");
	end_write(json, target);
}

void
ddb_write_get(StringInfo json, const DdbWriteTarget *target, const char *key)
{
	begin(json, target, "Key", key);
	appendStringInfoString(json, ",\"ConsistentRead\":true");
	end(json);
}

/* A BatchWriteItem; at most 25 items, which is for the caller to see to. */
void
ddb_write_batch(StringInfo json, const DdbWriteTarget *target,
				char *const *items, int n)
{
	appendStringInfoString(json, "{\"RequestItems\":{");
	ddb_json_append_text(json, target->table_name);
	appendStringInfoString(json, ":[");
	for (int i = 0; i < n; i++)
	{
		appendStringInfoString(json, i > 0 ? ",{\"PutRequest\":{\"Item\":"
										   : "{\"PutRequest\":{\"Item\":");
		appendStringInfoString(json, items[i]);
		appendStringInfoString(json, "}}");
	}
	appendStringInfoString(json, "]}");
	end(json);
}

void
ddb_write_unprocessed(StringInfo json, const char *items, int len)
{
	appendStringInfoString(json, "{\"RequestItems\":");
	appendBinaryStringInfo(json, items, len);
	end(json);
}
