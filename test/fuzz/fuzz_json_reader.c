/* SPDX-License-Identifier: PostgreSQL */
/*
 * fuzz_json_reader.c
 *		libFuzzer target: does the scanner accept JSON and nothing else?
 *
 * Three readers must agree on every input: ddb_json_skip, a walk through the
 * pull functions, and jansson.  Where jansson is known to be stricter (see
 * Walk) its refusal counts for nothing.  What is in the padding must not
 * matter either.
 *
 * clang -g -O1 -fsanitize=fuzzer,address,undefined -Isrc test/fuzz/fuzz_json_reader.c src/format/json_reader.c -ljansson -o fuzz_json_reader && ./fuzz_json_reader -max_total_time=120 NEW_CORPUS test/fuzz/corpus/fuzz_json_reader
 */
#include "format/json_reader.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                       \
	do                                                                         \
	{                                                                          \
		if (!(condition))                                                      \
			abort();                                                           \
	} while (0)

/* Integers of this many characters always fit jansson's. */
#define SAFE_NUMBER_CHARS 18

/* What a walk met that jansson refuses although it is JSON. */
typedef struct Walk
{
	bool bad_utf8;
	bool lone_surrogate;
	bool nul_in_key;
	bool big_number;
} Walk;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * Unescapes the span in every way there is and notes what it held.
 */
static void
check_text(const DdbSpan *span, bool is_key, Walk *walk)
{
	char *out = malloc(span->len + 1);
	size_t out_len = 0;
	DdbUnescapeResult result = ddb_json_unescape(span, out, &out_len);

	CHECK(result != DDB_UNESCAPE_INVALID);
	CHECK(out_len <= span->len);
	CHECK(span->escaped == (memchr(span->data, '\\', span->len) != NULL));
	if (!ddb_json_valid_utf8(span->data, span->len))
		walk->bad_utf8 = true;
	else if (result <= DDB_UNESCAPE_NUL)
		CHECK(ddb_json_valid_utf8(out, out_len));
	if (result == DDB_UNESCAPE_SURROGATE)
	{
		walk->lone_surrogate = true;
		CHECK(!ddb_span_equals(span, out, out_len));
	}
	else
	{
		CHECK((memchr(out, '\0', out_len) != NULL) ==
			  (result == DDB_UNESCAPE_NUL));
		CHECK(ddb_span_equals(span, out, out_len));
		CHECK(out_len == 0 || !ddb_span_equals(span, out, out_len - 1));
		out[out_len] = 'x';
		CHECK(!ddb_span_equals(span, out, out_len + 1));
	}
	if (is_key && result == DDB_UNESCAPE_NUL)
		walk->nul_in_key = true;
	free(out);
}

/*
 * Notes what jansson may not be able to hold.
 */
static void
check_number(const DdbSpan *span, Walk *walk)
{
	if (span->len > SAFE_NUMBER_CHARS || memchr(span->data, 'e', span->len) ||
		memchr(span->data, 'E', span->len))
		walk->big_number = true;
}

static void walk_value(DdbJsonReader *reader, Walk *walk);

static void
walk_object(DdbJsonReader *reader, Walk *walk)
{
	DdbSpan key;
	bool first = true;

	if (!ddb_json_enter_object(reader))
		return;
	while (ddb_json_next_member(reader, &first, &key))
	{
		check_text(&key, true, walk);
		walk_value(reader, walk);
	}
}

static void
walk_array(DdbJsonReader *reader, Walk *walk)
{
	bool first = true;

	if (!ddb_json_enter_array(reader))
		return;
	while (ddb_json_next_element(reader, &first))
		walk_value(reader, walk);
}

static void
walk_value(DdbJsonReader *reader, Walk *walk)
{
	DdbSpan span;
	bool value;

	switch (ddb_json_peek(reader))
	{
		case DDB_JSON_OBJECT:
			walk_object(reader, walk);
			break;
		case DDB_JSON_ARRAY:
			walk_array(reader, walk);
			break;
		case DDB_JSON_STRING:
			if (ddb_json_string(reader, &span))
				check_text(&span, false, walk);
			break;
		case DDB_JSON_NUMBER:
			if (ddb_json_number(reader, &span))
				check_number(&span, walk);
			break;
		case DDB_JSON_TRUE:
		case DDB_JSON_FALSE:
			ddb_json_bool(reader, &value);
			break;
		case DDB_JSON_NULL:
			ddb_json_skip(reader);
			break;
		case DDB_JSON_INVALID:
			CHECK(reader->error != DDB_JSON_OK);
			break;
	}
}

/*
 * Both of our readers over an exactly sized copy with that padding; returns
 * whether they accept, with the error in *error.
 */
static bool
read_ours(const uint8_t *data, size_t size, int padding, Walk *walk,
		  DdbJsonError *error, size_t *where)
{
	char *input = malloc(size + DDB_JSON_PADDING);
	DdbJsonReader skip;
	DdbJsonReader pull;
	DdbJsonReader part;
	DdbSpan span;

	memcpy(input, data, size);
	memset(input + size, padding, DDB_JSON_PADDING);
	ddb_json_init(&skip, input, size);
	if (ddb_json_skip_span(&skip, &span))
	{
		/* What was skipped is a value by itself, wherever it is. */
		ddb_json_init(&part, span.data, span.len);
		CHECK(ddb_json_skip(&part) && ddb_json_finish(&part));
	}
	ddb_json_init(&pull, input, size);
	walk_value(&pull, walk);
	CHECK(skip.pos == pull.pos);
	CHECK(ddb_json_finish(&skip) == ddb_json_finish(&pull));
	CHECK(skip.pos == pull.pos && skip.pos <= input + size);
	CHECK(skip.error == pull.error);
	CHECK(!ddb_json_skip(&skip) || skip.error == DDB_JSON_OK);
	*error = pull.error;
	*where = (size_t) (pull.pos - input);
	free(input);
	return *error == DDB_JSON_OK;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char paddings[] = {'"', '\\', '0', ']', ' ', 'e'};
	Walk walk = {false, false, false, false};
	DdbJsonError error;
	DdbJsonError other_error;
	size_t where;
	size_t other_where;
	json_error_t json_error;
	json_t *json;
	bool ours = read_ours(data, size, 0, &walk, &error, &where);
	size_t i;

	for (i = 0; i < sizeof(paddings); i++)
	{
		CHECK(read_ours(data, size, paddings[i], &walk, &other_error,
						&other_where) == ours);
		CHECK(other_error == error && other_where == where);
	}
	CHECK(error != DDB_JSON_WRONG_KIND);

	json = json_loadb((const char *) data, size,
					  JSON_ALLOW_NUL | JSON_DECODE_ANY, &json_error);
	/* A bare NUL behind a value is the end of the input to jansson. */
	if (json != NULL)
		CHECK(ours || error == DDB_JSON_TOO_DEEP ||
			  (error == DDB_JSON_SYNTAX && where < size && data[where] == 0));
	else
		CHECK(!ours || walk.bad_utf8 || walk.lone_surrogate ||
			  walk.nul_in_key || walk.big_number);
	json_decref(json);
	return 0;
}
