/* SPDX-License-Identifier: PostgreSQL */
/*
 * decode_array.c
 *		Lists and sets of scalars, as one-dimensional arrays.
 *
 * A list's elements have types of their own, each of which must be what the
 * array's element type takes; NULL stays NULL.  A set's elements share one,
 * and keep the order in which DynamoDB sends them.
 */
#include "postgres.h"

#include "codec/decode_array.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/lsyscache.h"

/*
 * The stored type of a set's members; DDB_STORED_NONE if the type is not a
 * set.
 */
static DdbStoredType
member_type(DdbStoredType set)
{
	switch (set)
	{
		case DDB_STORED_SS:
			return DDB_STORED_S;
		case DDB_STORED_NS:
			return DDB_STORED_N;
		case DDB_STORED_BS:
			return DDB_STORED_B;
		default:
			return DDB_STORED_NONE;
	}
}

/*
 * A copy of the column with the type of its elements, palloc'd, so that
 * options about values hold for each element.
 */
static DdbColumn *
element_column(const DdbColumn *column)
{
	DdbColumn *element = palloc(sizeof(DdbColumn));

	*element = *column;
	element->typid = get_element_type(column->base_typid);
	element->base_typid =
		getBaseTypeAndTypmod(element->typid, &element->typmod);
	element->declared_type = member_type(column->declared_type);
	return element;
}

/*
 * Without a declared type the array accepts lists, and the set whose members
 * its elements accept.
 */
void
ddb_array_init(DdbCodec *codec, const DdbRelation *relation)
{
	const DdbColumn *column = codec->column;

	codec->element = palloc(sizeof(DdbCodec));
	ddb_codec_init(codec->element, relation, element_column(column),
				   DDB_STORED_NONE);
	get_typlenbyvalalign(codec->element->column->typid, &codec->element_len,
						 &codec->element_byval, &codec->element_align);
	/* Where nothing is said, a list or the set of such elements. */
	for (int type = DDB_STORED_SS; type <= DDB_STORED_BS; type++)
		if (column->declared_type == DDB_STORED_NONE &&
			(codec->element->accepts &
			 DDB_ACCEPTS(member_type((DdbStoredType) type))) != 0)
			codec->accepts |= DDB_ACCEPTS(type);
}

/* Reads the next element: of a list a value with its type, of a set a string. */
static bool
read_element(DdbJsonReader *json, DdbStoredType member,
			 DdbAttributeValue *value)
{
	if (member == DDB_STORED_NONE)
		return ddb_attribute_read(json, value);
	value->type = (DdbValueType) member;
	value->boolean = false;
	return ddb_json_string(json, &value->span);
}

/*
 * The reason why an element does not fit, palloc'd; it names the element by
 * its position, counted from 1.
 */
static const char *
misfit_reason(int position, const DdbAttributeValue *value, const char *reason)
{
	return psprintf("element %d is of type %s%s%s", position,
					ddb_attribute_type_name(value->type),
					reason != NULL ? " and does not fit: " : "",
					reason != NULL ? reason : "");
}

/*
 * Decodes each element and adds it to the array.  The reason of a misfit names
 * the element by its position, counted from 1.
 */
static DdbDecodeResult
decode_elements(DdbCodec *codec, DdbJsonReader *json, DdbStoredType member,
				bool soft, ArrayBuildState *array, const char **reason)
{
	bool first = true;
	int position = 0;
	DdbAttributeValue value;

	while (ddb_json_next_element(json, &first) &&
		   read_element(json, member, &value))
	{
		Datum element = (Datum) 0;
		DdbDecodeResult result = ddb_codec_decode(
			codec->element, &value,
			soft ? DDB_MISFITS_ARE_TOLD : DDB_MISFITS_RAISE, &element, reason);

		position++;
		if (result == DDB_DECODE_MISFIT)
		{
			*reason = misfit_reason(position, &value, *reason);
			return DDB_DECODE_MISFIT;
		}
		(void) accumArrayResult(array, element, result == DDB_DECODE_NULL,
								codec->element->column->typid,
								CurrentMemoryContext);
	}
	*reason = "it is not well-formed";
	return json->error == DDB_JSON_OK ? DDB_DECODE_OK : DDB_DECODE_MISFIT;
}

/*
 * Elements keep the order in which they are stored; an empty list becomes an
 * empty array.
 */
DdbDecodeResult
ddb_array_decode(DdbCodec *codec, const DdbAttributeValue *value, bool soft,
				 Datum *datum, const char **reason)
{
	ArrayBuildState *array = initArrayResult(codec->element->column->typid,
											 CurrentMemoryContext, false);
	DdbJsonReader json;
	DdbDecodeResult result;

	ddb_json_init(&json, value->span.data, value->span.len);
	(void) ddb_json_enter_array(&json);
	result =
		decode_elements(codec, &json, member_type((DdbStoredType) value->type),
						soft, array, reason);
	if (result == DDB_DECODE_OK)
		*datum = makeArrayResult(array, CurrentMemoryContext);
	return result;
}
