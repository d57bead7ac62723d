/* SPDX-License-Identifier: PostgreSQL */
/*
 * attribute.c
 *		One attribute value: its type tag, then what the tag promises.
 *
 * A value whose JSON does not match its tag is malformed, not a misfit: no
 * DynamoDB sends such a thing.
 */
#include "format/attribute.h"

#include <string.h>

/*
 * Compares by length first, since tags have one, two or four bytes.  Returns
 * DDB_VALUE_NONE for a tag that DynamoDB does not define; such a value can
 * still be skipped.
 */
DdbValueType
ddb_attribute_type_from_tag(const DdbSpan *tag)
{
	const char *p = tag->data;

	if (tag->len == 1)
	{
		switch (p[0])
		{
			case 'S':
				return DDB_VALUE_S;
			case 'N':
				return DDB_VALUE_N;
			case 'B':
				return DDB_VALUE_B;
			case 'M':
				return DDB_VALUE_M;
			case 'L':
				return DDB_VALUE_L;
			default:
				return DDB_VALUE_NONE;
		}
	}
	if (tag->len == 2 && p[1] == 'S')
		return p[0] == 'S'   ? DDB_VALUE_SS
			   : p[0] == 'N' ? DDB_VALUE_NS
			   : p[0] == 'B' ? DDB_VALUE_BS
							 : DDB_VALUE_NONE;
	if (tag->len == 4 && memcmp(p, "BOOL", 4) == 0)
		return DDB_VALUE_BOOL;
	if (tag->len == 4 && memcmp(p, "NULL", 4) == 0)
		return DDB_VALUE_NULL;
	return DDB_VALUE_NONE;
}

/*
 * Sets DDB_JSON_WRONG_KIND unless the scanner has an error already.  Returns
 * false for the caller's return.
 */
static bool
wrong_kind(DdbJsonReader *json)
{
	if (json->error == DDB_JSON_OK)
		json->error = DDB_JSON_WRONG_KIND;
	return false;
}

/*
 * Reads an object or array as a span of raw JSON, whose syntax is checked, but
 * whose values are not looked at.
 */
static bool
read_container(DdbJsonReader *json, DdbAttributeValue *value, DdbJsonKind kind)
{
	if (ddb_json_peek(json) != kind)
		return wrong_kind(json);
	return ddb_json_skip_span(json, &value->span);
}

/*
 * Reads what follows the tag and its colon into value, whose type is set
 * already.  The payload of an unknown type is kept as a span of raw JSON.
 * False when the JSON kind does not suit the type; the scanner then holds the
 * error.
 */
static bool
read_payload(DdbJsonReader *json, DdbAttributeValue *value)
{
	bool flag;

	switch (value->type)
	{
		case DDB_VALUE_S:
		case DDB_VALUE_N:
		case DDB_VALUE_B:
			return ddb_json_string(json, &value->span);
		case DDB_VALUE_BOOL:
			return ddb_json_bool(json, &value->boolean);
		case DDB_VALUE_NULL:
			return ddb_json_bool(json, &flag);
		case DDB_VALUE_SS:
		case DDB_VALUE_NS:
		case DDB_VALUE_BS:
		case DDB_VALUE_L:
			return read_container(json, value, DDB_JSON_ARRAY);
		case DDB_VALUE_M:
			return read_container(json, value, DDB_JSON_OBJECT);
		case DDB_VALUE_NONE:
			return ddb_json_skip_span(json, &value->span);
	}
	return wrong_kind(json);
}

/*
 * Reads an object with exactly one member, whose name is the type tag.  An
 * empty object or a second member is DDB_JSON_WRONG_KIND. Spans point into the
 * scanner's input.
 */
bool
ddb_attribute_read_any(DdbJsonReader *json, DdbAttributeValue *value)
{
	bool first = true;
	DdbSpan tag;
	if (!ddb_json_enter_object(json))
		return false;
	if (!ddb_json_next_member(json, &first, &tag))
		return wrong_kind(json); /* {} is no value */
	value->type = ddb_attribute_type_from_tag(&tag);
	if (!read_payload(json, value))
		return false;
	if (ddb_json_next_member(json, &first, &tag))
		return wrong_kind(json); /* exactly one type */
	return json->error == DDB_JSON_OK;
}

/*
 * Looks through the members in stored order, so it takes time in the size of
 * the map.  The value's span has been checked before; errors of the scanner
 * are not told apart from a missing member.
 */
bool
ddb_attribute_member(const DdbAttributeValue *value, const char *name,
					 size_t len, DdbAttributeValue *member)
{
	DdbJsonReader json;
	DdbSpan key;
	bool first = true;

	if (value->type != DDB_VALUE_M)
		return false;
	ddb_json_init(&json, value->span.data, value->span.len);
	(void) ddb_json_enter_object(&json);
	while (ddb_json_next_member(&json, &first, &key))
	{
		if (ddb_span_equals(&key, name, len))
			return ddb_attribute_read(&json, member);
		(void) ddb_json_skip(&json);
	}
	return false;
}

/*
 * The element at this index, counted from 0.  False for an index beyond the
 * end, and for one below 0, which is never reached.
 */
bool
ddb_attribute_element(const DdbAttributeValue *value, int index,
					  DdbAttributeValue *element)
{
	DdbJsonReader json;
	bool first = true;

	if (value->type != DDB_VALUE_L)
		return false;
	ddb_json_init(&json, value->span.data, value->span.len);
	(void) ddb_json_enter_array(&json);
	while (ddb_json_next_element(&json, &first))
	{
		if (index-- == 0)
			return ddb_attribute_read(&json, element);
		(void) ddb_json_skip(&json);
	}
	return false;
}

const char *
ddb_attribute_type_name(DdbValueType type)
{
	static const char *const names[] = {
		"unknown", "S", "N", "B", "BOOL", "NULL", "SS", "NS", "BS", "M", "L"};

	return names[type];
}
