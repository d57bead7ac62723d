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

static bool
wrong_kind(DdbScanner *scan)
{
	if (scan->error == DDB_SCAN_OK)
		scan->error = DDB_SCAN_WRONG_KIND;
	return false;
}

static bool
read_container(DdbScanner *scan, DdbAttributeValue *value, DdbJsonKind kind)
{
	if (ddb_scan_peek(scan) != kind)
		return wrong_kind(scan);
	return ddb_scan_skip_span(scan, &value->span);
}

static bool
read_payload(DdbScanner *scan, DdbAttributeValue *value)
{
	bool flag;

	switch (value->type)
	{
		case DDB_VALUE_S:
		case DDB_VALUE_N:
		case DDB_VALUE_B:
			return ddb_scan_string(scan, &value->span);
		case DDB_VALUE_BOOL:
			return ddb_scan_bool(scan, &value->boolean);
		case DDB_VALUE_NULL:
			return ddb_scan_bool(scan, &flag);
		case DDB_VALUE_SS:
		case DDB_VALUE_NS:
		case DDB_VALUE_BS:
		case DDB_VALUE_L:
			return read_container(scan, value, DDB_JSON_ARRAY);
		case DDB_VALUE_M:
			return read_container(scan, value, DDB_JSON_OBJECT);
		case DDB_VALUE_NONE:
			return ddb_scan_skip_span(scan, &value->span);
	}
	return wrong_kind(scan);
}

bool
ddb_attribute_read_any(DdbScanner *scan, DdbAttributeValue *value)
{
	bool first = true;
	DdbSpan tag;
	if (!ddb_scan_enter_object(scan))
		return false;
	if (!ddb_scan_next_member(scan, &first, &tag))
		return wrong_kind(scan); /* {} is no value */
	value->type = ddb_attribute_type_from_tag(&tag);
	if (!read_payload(scan, value))
		return false;
	if (ddb_scan_next_member(scan, &first, &tag))
		return wrong_kind(scan); /* exactly one type */
	return scan->error == DDB_SCAN_OK;
}

bool
ddb_attribute_member(const DdbAttributeValue *value, const char *name,
					 size_t len, DdbAttributeValue *member)
{
	DdbScanner scan;
	DdbSpan key;
	bool first = true;

	if (value->type != DDB_VALUE_M)
		return false;
	ddb_scan_init(&scan, value->span.data, value->span.len);
	(void) ddb_scan_enter_object(&scan);
	while (ddb_scan_next_member(&scan, &first, &key))
	{
		if (ddb_span_equals(&key, name, len))
			return ddb_attribute_read(&scan, member);
		(void) ddb_scan_skip(&scan);
	}
	return false;
}

bool
ddb_attribute_element(const DdbAttributeValue *value, int index,
					  DdbAttributeValue *element)
{
	DdbScanner scan;
	bool first = true;

	if (value->type != DDB_VALUE_L)
		return false;
	ddb_scan_init(&scan, value->span.data, value->span.len);
	(void) ddb_scan_enter_array(&scan);
	while (ddb_scan_next_element(&scan, &first))
	{
		if (index-- == 0)
			return ddb_attribute_read(&scan, element);
		(void) ddb_scan_skip(&scan);
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
