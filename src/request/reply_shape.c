/* SPDX-License-Identifier: PostgreSQL */
/*
 * reply_shape.c
 *		What replies of every operation have, and the error for one that is none.
 */
#include "postgres.h"

#include "request/reply_shape.h"

/*
 * Never returns. what completes a sentence and begins with "it", or names an
 * error and its place.
 */
void
ddb_reply_raise_malformed(const char *table_name, const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_FDW_UNABLE_TO_CREATE_REPLY),
			 errmsg("could not understand a reply about DynamoDB table \"%s\"",
					table_name),
			 errdetail("The reply is not what DynamoDB documents: %s.", what),
			 errhint("Something between the database and DynamoDB changes "
					 "replies, or the endpoint is not DynamoDB.")));
}

/* A member's number; 0 if it is none. */
static double
read_number(DdbJsonReader *json)
{
	DdbSpan number;
	char text[64];

	if (ddb_json_peek(json) != DDB_JSON_NUMBER)
		(void) ddb_json_skip(json);
	else if (ddb_json_number(json, &number) && number.len < sizeof(text))
	{
		memcpy(text, number.data, number.len);
		text[number.len] = '\0';
		return strtod(text, NULL);
	}
	return 0;
}

/* {"TableName": "…", "CapacityUnits": 0.5, …} */
static double
read_table_capacity(DdbJsonReader *json, double *read_units)
{
	bool first = true;
	DdbSpan key;
	double units = 0;

	if (ddb_json_peek(json) != DDB_JSON_OBJECT)
	{
		(void) ddb_json_skip(json);
		return 0;
	}
	(void) ddb_json_enter_object(json);
	while (ddb_json_next_member(json, &first, &key))
	{
		if (ddb_span_equals(&key, "CapacityUnits", 13))
			units = read_number(json);
		else if (read_units != NULL &&
				 ddb_span_equals(&key, "ReadCapacityUnits", 17))
			*read_units += read_number(json);
		else
			(void) ddb_json_skip(json);
	}
	return units;
}

/* 0 if the value is not what it should be; the scanner then holds the error. */
double
ddb_reply_read_capacity(DdbJsonReader *json, double *read_units)
{
	bool first = true;
	double units = 0;

	if (ddb_json_peek(json) != DDB_JSON_ARRAY)
		return read_table_capacity(json, read_units);
	(void) ddb_json_enter_array(json);
	while (ddb_json_next_element(json, &first))
		units += read_table_capacity(json, read_units);
	return units;
}
