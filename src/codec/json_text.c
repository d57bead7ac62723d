/* SPDX-License-Identifier: PostgreSQL */
/*
 * json_text.c
 *		JSON of requests, appended to a StringInfo.
 *
 * PostgreSQL's escape_json() wants a terminated string, and takes a length
 * only since version 18.
 */
#include "postgres.h"

#include "codec/json_text.h"

#include "common/base64.h"
#include "compat.h"
#include "format/json_writer.h"

/*
 * The string is quoted and escaped.  Raises an error if it would exceed the
 * memory that one allocation can have.
 */
void
ddb_json_append_string(StringInfo json, const char *text, int len)
{
	size_t size = ddb_json_string_size(text, (size_t) len);
	char *end;

	if (size > MaxAllocSize)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("value is too long for a DynamoDB request: %zu bytes",
						size)));
	enlargeStringInfo(json, (int) size);
	end = ddb_json_put_string(json->data + json->len, text, (size_t) len);
	*end = '\0';
	json->len = (int) (end - json->data);
}

void
ddb_json_append_text(StringInfo json, const char *text)
{
	ddb_json_append_string(json, text, (int) strlen(text));
}

/* Base64 needs no escapes, so only the quotes are added. */
void
ddb_json_append_base64(StringInfo json, const char *bytes, int len)
{
	int room = pg_b64_enc_len(len) + 1;
	char *base64 = palloc(room);

	len = ddb_compat_b64_encode(bytes, len, base64, room);
	ddb_json_append_string(json, base64, len);
	pfree(base64);
}

void
ddb_json_append_member(StringInfo json, const char *name)
{
	if (json->len > 0 && json->data[json->len - 1] != '{')
		appendStringInfoChar(json, ',');
	appendStringInfo(json, "\"%s\":", name);
}
