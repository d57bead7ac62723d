/* SPDX-License-Identifier: PostgreSQL */
/*
 * attribute.h
 *		Reads one attribute value, {"S": "…"}, off the scanner.
 *
 * Pure, like the scanner: spans of the page, no memory, no errors thrown.
 */
#ifndef DDB_ATTRIBUTE_H
#define DDB_ATTRIBUTE_H

#include "format/json_reader.h"

/*
 * The types of AttributeValue (API reference), in the order in which
 * DdbStoredType of catalog/relation.h lists them.
 */
typedef enum DdbValueType
{
	DDB_VALUE_NONE, /* a type this version does not know */
	DDB_VALUE_S,
	DDB_VALUE_N,
	DDB_VALUE_B,
	DDB_VALUE_BOOL,
	DDB_VALUE_NULL,
	DDB_VALUE_SS,
	DDB_VALUE_NS,
	DDB_VALUE_BS,
	DDB_VALUE_M,
	DDB_VALUE_L,
} DdbValueType;

typedef struct DdbAttributeValue
{
	DdbValueType type;
	DdbSpan span; /* S, N, B: the string; SS … L: raw JSON */
	bool boolean; /* of BOOL */
} DdbAttributeValue;

/* As ddb_attribute_read, which takes the shortcut first. */
extern bool ddb_attribute_read_any(DdbJsonReader *json,
								   DdbAttributeValue *value);

/*
 * Consumes one attribute value.  False when the bytes are not one; the
 * scanner's error then says why.
 */
static inline bool
ddb_attribute_read(DdbJsonReader *json, DdbAttributeValue *value)
{
	const char *start = json->pos;
	char tag;

	/* Most values, as the service sends them. */
	if (ddb_json_try_tagged_string(json, &tag, &value->span))
	{
		value->type = tag == 'S'   ? DDB_VALUE_S
					  : tag == 'N' ? DDB_VALUE_N
					  : tag == 'B' ? DDB_VALUE_B
								   : DDB_VALUE_NONE;
		if (value->type != DDB_VALUE_NONE)
			return true;
		json->pos = start;
	}
	return ddb_attribute_read_any(json, value);
}

/*
 * The member of a map, the element of a list, as values of their own.  False
 * when there is none, or the value is no map, no list.
 */
extern bool ddb_attribute_member(const DdbAttributeValue *value,
								 const char *name, size_t len,
								 DdbAttributeValue *member);
extern bool ddb_attribute_element(const DdbAttributeValue *value, int index,
								  DdbAttributeValue *element);

/* What a type tag, such as S or BOOL, stands for. */
extern DdbValueType ddb_attribute_type_from_tag(const DdbSpan *tag);

/* "S", "BOOL"; "unknown" of DDB_VALUE_NONE. */
extern const char *ddb_attribute_type_name(DdbValueType type);

#endif /* DDB_ATTRIBUTE_H */
