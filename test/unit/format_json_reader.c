/* SPDX-License-Identifier: PostgreSQL */
/*
 * format_json_reader.c
 *		Unit tests of the JSON scanner.
 *
 * Build from the top of the tree:
 * cc -std=c11 -Isrc -Itest/unit test/unit/format_json_reader.c src/format/json_reader.c -lcmocka -o format_json_reader
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "format/json_reader.h"

#define LENGTH_OF(array) (sizeof(array) / sizeof((array)[0]))

/* A reply of every kind of value, compact as the service sends it. */
static const char sample[] =
	"{\"Count\":2,\"Items\":[{\"pk\":{\"S\":"
	"\"a\\\"b\\\\c\\u00e9\\ud83d\\ude00\"},"
	"\"n\":{\"N\":\"-12.5\"},\"t\":{\"SS\":[\"x\",\"y\"]},"
	"\"m\":{\"M\":{\"k\":{\"BOOL\":true},\"z\":{\"NULL\":true}}},"
	"\"l\":{\"L\":[{\"BOOL\":false},{\"L\":[]}]},"
	"\"long\":{\"S\":\"more than sixty-four bytes, so that the string goes on "
	"into the next block and the one after it, na\xc3\xafve\"}},{}],"
	"\"x\":[0,-0,1.5,-2e3,4E-5,6.25e+7,null],\"ScannedCount\":2}";

/* Input with its padding, of exactly that size, for sanitizers to see. */
static char *
padded(const char *text, size_t len, int padding)
{
	char *input = malloc(len + DDB_JSON_PADDING);

	assert_non_null(input);
	memcpy(input, text, len);
	memset(input + len, padding, DDB_JSON_PADDING);
	return input;
}

static void walk_value(DdbJsonReader *json);

/*
 * Walks through an object or array with the pull functions.
 */
static void
walk_container(DdbJsonReader *json, DdbJsonKind kind)
{
	bool first = true;
	DdbSpan key;

	if (kind == DDB_JSON_OBJECT)
	{
		if (ddb_json_enter_object(json))
		{
			while (ddb_json_try_member(json, &first, "S", 1) ||
				   ddb_json_next_member(json, &first, &key))
				walk_value(json);
		}
	}
	else if (ddb_json_enter_array(json))
	{
		while (ddb_json_next_element(json, &first))
			walk_value(json);
	}
}

static void
walk_value(DdbJsonReader *json)
{
	DdbJsonKind kind = ddb_json_peek(json);
	DdbSpan span;
	bool value;
	char tag;

	/* must never see anything in another way than what comes after it */
	if (kind == DDB_JSON_OBJECT &&
		ddb_json_try_tagged_string(json, &tag, &span))
		return;
	switch (kind)
	{
		case DDB_JSON_OBJECT:
		case DDB_JSON_ARRAY:
			walk_container(json, kind);
			break;
		case DDB_JSON_STRING:
			ddb_json_string(json, &span);
			break;
		case DDB_JSON_NUMBER:
			ddb_json_number(json, &span);
			break;
		case DDB_JSON_TRUE:
		case DDB_JSON_FALSE:
			ddb_json_bool(json, &value);
			break;
		default:
			ddb_json_skip(json);
	}
}

/*
 * Reads the whole input by skipping and by walking, behind harmless and
 * misleading padding; all must end alike.  Returns the error.
 */
static DdbJsonError
read_all(const char *text, size_t len)
{
	static const char paddings[] = {'\0', '"', ']', '7', ' '};
	DdbJsonError first_error = DDB_JSON_OK;
	size_t i;

	for (i = 0; i < sizeof(paddings); i++)
	{
		char *input = padded(text, len, paddings[i]);
		DdbJsonReader skip;
		DdbJsonReader walk;

		ddb_json_init(&skip, input, len);
		ddb_json_init(&walk, input, len);
		ddb_json_skip(&skip);
		walk_value(&walk);
		assert_ptr_equal(skip.pos, walk.pos);
		assert_int_equal(ddb_json_finish(&skip), ddb_json_finish(&walk));
		assert_int_equal(skip.error, walk.error);
		assert_ptr_equal(skip.pos, walk.pos);
		assert_true(skip.pos <= skip.end);
		if (i == 0)
			first_error = skip.error;
		assert_int_equal(skip.error, first_error);
		free(input);
	}
	return first_error;
}

typedef struct Case
{
	const char *text;
	DdbJsonError error;
} Case;

static const Case accepted[] = {
	{"0", 0},
	{"-0", 0},
	{"1", 0},
	{"-1", 0},
	{"10", 0},
	{"1234567890", 0},
	{"0.5", 0},
	{"-0.5", 0},
	{"0.0", 0},
	{"1e1", 0},
	{"1E1", 0},
	{"1e+1", 0},
	{"1e-1", 0},
	{"1.5e10", 0},
	{"0e0", 0},
	{"0E+05", 0},
	{"1.000", 0},
	{"123456789012345678901234567890.123456789e-1000", 0},
	{"true", 0},
	{"false", 0},
	{"null", 0},
	{"\"\"", 0},
	{"\"a\"", 0},
	{" 1", 0},
	{"1 ", 0},
	{"\t\n\r 1\t\n\r ", 0},
	{"[]", 0},
	{"[ ]", 0},
	{"[\n]", 0},
	{"[1]", 0},
	{"[1,2]", 0},
	{"[ 1 , 2 ]", 0},
	{"[[]]", 0},
	{"[[],[]]", 0},
	{"[{}]", 0},
	{"[true,false,null]", 0},
	{"[\"a\",\"b\"]", 0},
	{"{}", 0},
	{"{ }", 0},
	{"{\"a\":1}", 0},
	{"{\"\":0}", 0},
	{" { \"a\" : 1 , \"b\" : [ ] } ", 0},
	{"{\"a\":1,\"a\":2}", 0},
	{"{\"a\":{\"b\":{\"c\":[{}]}}}", 0},
	{"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", 0},
	{"\"\\u0000\"", 0},
	{"\"\\uABCD\\uabcd\\u1234\"", 0},
	{"\"\\ud800\"", 0},
	{"\"/\"", 0},
	{"\"\x7f\"", 0},
	{"\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"", 0},
	{"\"[]{},:\"", 0},
	{"\"\\\\\"", 0},
	{"{\"\\u0061\":1}", 0},
};

#define SYNTAX DDB_JSON_SYNTAX
#define TRUNCATED DDB_JSON_TRUNCATED
#define BAD_STRING DDB_JSON_BAD_STRING

static const Case rejected[] = {
	/* nothing at all */
	{"", TRUNCATED},
	{" ", TRUNCATED},
	{"\n\n", TRUNCATED},
	{"\xef\xbb\xbf{}", SYNTAX},
	{"\f1", SYNTAX},
	{"\v1", SYNTAX},
	{"\xc2\xa0"
	 "1",
	 SYNTAX},
	/* numbers */
	{"01", SYNTAX},
	{"-01", SYNTAX},
	{"00", SYNTAX},
	{"-", TRUNCATED},
	{"+1", SYNTAX},
	{".5", SYNTAX},
	{"-.5", SYNTAX},
	{"1.", TRUNCATED},
	{"1.e1", SYNTAX},
	{"1e", TRUNCATED},
	{"1e+", TRUNCATED},
	{"1e+-1", SYNTAX},
	{"1e1.5", SYNTAX},
	{"1.5.5", SYNTAX},
	{"1a", SYNTAX},
	{"- 1", SYNTAX},
	{"--1", SYNTAX},
	{"0x1", SYNTAX},
	{"1_000", SYNTAX},
	{"NaN", SYNTAX},
	{"-NaN", SYNTAX},
	{"Infinity", SYNTAX},
	{"-Infinity", SYNTAX},
	{"1 2", SYNTAX},
	{"[-]", SYNTAX},
	{"[1.]", SYNTAX},
	{"[1e]", SYNTAX},
	{"[01]", SYNTAX},
	{"\xef\xbc\x91", SYNTAX},
	/* words */
	{"tru", TRUNCATED},
	{"t", TRUNCATED},
	{"nul", TRUNCATED},
	{"fals", TRUNCATED},
	{"True", SYNTAX},
	{"TRUE", SYNTAX},
	{"trua", SYNTAX},
	{"truee", SYNTAX},
	{"nulll", SYNTAX},
	{"undefined", SYNTAX},
	{"truefalse", SYNTAX},
	{"[tru]", SYNTAX},
	{"[nul]", SYNTAX},
	/* strings */
	{"\"", TRUNCATED},
	{"\"a", TRUNCATED},
	{"\"\\", TRUNCATED},
	{"\"\\\"", TRUNCATED},
	{"'a'", SYNTAX},
	{"a", SYNTAX},
	{"\"\\a\"", BAD_STRING},
	{"\"\\'\"", BAD_STRING},
	{"\"\\0\"", BAD_STRING},
	{"\"\\x41\"", BAD_STRING},
	{"\"\\U0041\"", BAD_STRING},
	{"\"\\u\"", BAD_STRING},
	{"\"\\u1\"", BAD_STRING},
	{"\"\\u123\"", BAD_STRING},
	{"\"\\u123g\"", BAD_STRING},
	{"\"\\u 123\"", BAD_STRING},
	{"\"\\u+123\"", BAD_STRING},
	{"\"\\u12", TRUNCATED},
	{"\"\\u1234", TRUNCATED},
	{"\"\n\"", BAD_STRING},
	{"\"\t\"", BAD_STRING},
	{"\"\x1f\"", BAD_STRING},
	{"\"\x01\"", BAD_STRING},
	{"\"\\\n\"", BAD_STRING},
	{"\"a\"b", SYNTAX},
	{"\"a\"\"b\"", SYNTAX},
	{"{\"a\n\":1}", BAD_STRING},
	{"{\"a\\q\":1}", BAD_STRING},
	/* arrays */
	{"[", TRUNCATED},
	{"]", SYNTAX},
	{"[1", TRUNCATED},
	{"[1,", TRUNCATED},
	{"[,", SYNTAX},
	{"[,1]", SYNTAX},
	{"[1,]", SYNTAX},
	{"[1,,2]", SYNTAX},
	{"[1 2]", SYNTAX},
	{"[1;2]", SYNTAX},
	{"[1}", SYNTAX},
	{"[[]", TRUNCATED},
	{"[]]", SYNTAX},
	{"[1]]", SYNTAX},
	{"[][]", SYNTAX},
	{"[\"a\":1]", SYNTAX},
	{"[1]x", SYNTAX},
	{"[\"a\",", TRUNCATED},
	{"[*]", SYNTAX},
	{"[ 1, ]", SYNTAX},
	{"[/*c*/1]", SYNTAX},
	{"[1]//c", SYNTAX},
	/* objects */
	{"{", TRUNCATED},
	{"}", SYNTAX},
	{"{\"a\"", TRUNCATED},
	{"{\"a\":", TRUNCATED},
	{"{\"a\":1", TRUNCATED},
	{"{\"a\":1,", TRUNCATED},
	{"{,", SYNTAX},
	{"{,\"a\":1}", SYNTAX},
	{"{\"a\":1,}", SYNTAX},
	{"{\"a\":1,,\"b\":2}", SYNTAX},
	{"{\"a\"}", SYNTAX},
	{"{\"a\":}", SYNTAX},
	{"{\"a\",1}", SYNTAX},
	{"{\"a\" 1}", SYNTAX},
	{"{\"a\"::1}", SYNTAX},
	{"{a:1}", SYNTAX},
	{"{1:1}", SYNTAX},
	{"{null:1}", SYNTAX},
	{"{'a':1}", SYNTAX},
	{"{\"a\":1 \"b\":2}", SYNTAX},
	{"{\"a\":1]", SYNTAX},
	{"{[]:1}", SYNTAX},
	{"{}}", SYNTAX},
	{"{}{}", SYNTAX},
	{"{:1}", SYNTAX},
	{"{\"a\":1:2}", SYNTAX},
	{"{]", SYNTAX},
	{"[}", SYNTAX},
	{"{\"a\":[}]", SYNTAX},
	{"{\"a\":1}#", SYNTAX},
	{"{} x", SYNTAX},
};

static void
test_accepts(void **state)
{
	size_t i;

	(void) state;
	for (i = 0; i < LENGTH_OF(accepted); i++)
	{
		DdbJsonError error =
			read_all(accepted[i].text, strlen(accepted[i].text));

		if (error != DDB_JSON_OK)
			fail_msg("%s: %s", accepted[i].text, ddb_json_error_text(error));
	}
}

static void
test_rejects(void **state)
{
	size_t i;

	(void) state;
	for (i = 0; i < LENGTH_OF(rejected); i++)
	{
		DdbJsonError error =
			read_all(rejected[i].text, strlen(rejected[i].text));

		if (error != rejected[i].error)
			fail_msg("%s: %s", rejected[i].text, ddb_json_error_text(error));
	}
}

/* NUL bytes are neither whitespace nor the end of anything. */
static void
test_rejects_nul(void **state)
{
	(void) state;
	assert_int_equal(read_all("\0", 1), SYNTAX);
	assert_int_equal(read_all("1\0", 2), SYNTAX);
	assert_int_equal(read_all("[\0]", 3), SYNTAX);
	assert_int_equal(read_all("[1\0", 3), SYNTAX);
	assert_int_equal(read_all("{\0", 2), SYNTAX);
	assert_int_equal(read_all("\"\0\"", 3), BAD_STRING);
	assert_int_equal(read_all("\"\\\0", 3), BAD_STRING);
	assert_int_equal(read_all("tru\0", 4), SYNTAX);
	assert_int_equal(read_all("{\"a\"\0:1}", 8), SYNTAX);
}

/* Every control character is refused within a string, nothing else is. */
static void
test_every_byte_in_string(void **state)
{
	char text[] = "\"ab.de\"";
	int c;

	(void) state;
	for (c = 0; c < 256; c++)
	{
		DdbJsonError error;

		if (c == '"' || c == '\\')
			continue;
		text[3] = (char) c;
		error = read_all(text, sizeof(text) - 1);
		assert_int_equal(error, c < 0x20 ? BAD_STRING : DDB_JSON_OK);
	}
}

static void
test_every_truncation(void **state)
{
	size_t len = sizeof(sample) - 1;
	size_t cut;

	(void) state;
	assert_int_equal(read_all(sample, len), DDB_JSON_OK);
	for (cut = 0; cut < len; cut++)
		assert_int_equal(read_all(sample, cut), TRUNCATED);
}

/* Any byte replaced: never a crash, and all readers agree. */
static void
test_every_corruption(void **state)
{
	static const char bytes[] = "\"\\{}[]:,0e-.tnu \n\x01";
	char text[sizeof(sample)];
	size_t at;
	size_t i;

	(void) state;
	for (at = 0; at < sizeof(sample) - 1; at++)
	{
		memcpy(text, sample, sizeof(sample));
		for (i = 0; i < sizeof(bytes); i++)
		{
			text[at] = bytes[i];
			read_all(text, sizeof(sample) - 1);
		}
	}
}

/*
 * One string, at that offset in memory, with that byte at that place.
 */
static void
check_string_at(char *memory, size_t offset, size_t len, size_t at, char byte)
{
	char *input = memory + offset;
	DdbJsonReader json;
	DdbSpan span;
	bool ok;

	input[0] = '"';
	memset(input + 1, 'a', len);
	input[len + 1] = '"';
	if (at < len)
		input[at + 1] = byte;
	ddb_json_init(&json, input, len + 2);
	ok = ddb_json_string(&json, &span);
	if (at >= len || byte == '\x7f' || byte == '\x80' || byte == '!')
	{
		assert_true(ok);
		assert_int_equal(span.len, len);
		assert_false(span.escaped);
		assert_true(ddb_json_finish(&json));
	}
	else if (byte == '"')
	{
		assert_true(ok);
		assert_int_equal(span.len, at);
		assert_false(ddb_json_finish(&json));
	}
	else if (byte == '\\')
	{
		/* "\a" is none; "\"" swallows the closing quote. */
		assert_false(ok);
		assert_int_equal(json.error, at + 1 < len ? BAD_STRING : TRUNCATED);
	}
	else
	{
		assert_false(ok);
		assert_int_equal(json.error, BAD_STRING);
		assert_ptr_equal(json.pos, input + 1 + at);
	}
}

static void
test_alignment_sweep(void **state)
{
	static const char bytes[] = {'"', '\\', '\x1f', '\0', '!', '\x7f', '\x80'};
	char *memory = calloc(1, 64 + 132 + DDB_JSON_PADDING);
	size_t offset;
	size_t len;
	size_t at;
	size_t i;

	(void) state;
	for (offset = 0; offset < 64; offset++)
	{
		for (len = 0; len <= 130; len++)
		{
			check_string_at(memory, offset, len, len, '\0');
			for (at = 0; at < len; at++)
			{
				for (i = 0; i < sizeof(bytes); i++)
					check_string_at(memory, offset, len, at, bytes[i]);
			}
		}
	}
	free(memory);
}

/*
 * A row of strings of all short lengths: blocks begin and end everywhere in
 * them, with and without escapes.
 */
static void
test_many_strings(void **state)
{
	size_t room = 100 * 110;
	char *text = malloc(room + DDB_JSON_PADDING);
	size_t len = 0;
	size_t n;
	DdbJsonReader json;
	DdbSpan span;
	bool first = true;

	(void) state;
	text[len++] = '[';
	for (n = 0; n < 100; n++)
	{
		text[len++] = n == 0 ? ' ' : ',';
		text[len++] = '"';
		memset(text + len, 'a' + (int) (n % 26), n);
		if (n % 7 == 2)
			memcpy(text + len + (n - 2) / 2, "\\t", 2);
		len += n;
		text[len++] = '"';
	}
	text[len++] = ']';
	memset(text + len, 0, DDB_JSON_PADDING);
	assert_int_equal(read_all(text, len), DDB_JSON_OK);
	ddb_json_init(&json, text, len);
	assert_true(ddb_json_enter_array(&json));
	for (n = 0; ddb_json_next_element(&json, &first); n++)
	{
		assert_true(ddb_json_string(&json, &span));
		assert_int_equal(span.len, n);
		assert_int_equal(span.escaped, n % 7 == 2);
	}
	assert_int_equal(n, 100);
	assert_true(ddb_json_finish(&json));
	free(text);
}

/* Nests n arrays, or objects, into each other. */
static char *
nested(size_t n, bool objects, size_t *len)
{
	char *text = malloc(n * 6 + 1);
	size_t i;

	*len = 0;
	for (i = 0; i < n; i++)
	{
		memcpy(text + *len, objects ? "{\"a\":" : "[", objects ? 5 : 1);
		*len += objects ? 5 : 1;
	}
	text[(*len)++] = '1';
	for (i = 0; i < n; i++)
		text[(*len)++] = objects ? '}' : ']';
	return text;
}

static void
test_depth(void **state)
{
	static const size_t depths[] = {1, 64, 127, 128, 129, 1000, 100000};
	size_t i;
	int objects;

	(void) state;
	for (i = 0; i < LENGTH_OF(depths); i++)
	{
		for (objects = 0; objects < 2; objects++)
		{
			size_t len;
			char *text = nested(depths[i], objects, &len);

			assert_int_equal(read_all(text, len),
							 depths[i] <= DDB_JSON_MAX_DEPTH
								 ? DDB_JSON_OK
								 : DDB_JSON_TOO_DEEP);
			free(text);
		}
	}
}

/* Each input with what the two shortcuts make of it, at its start. */
static void
test_shortcuts(void **state)
{
	static const struct
	{
		const char *input;
		bool member; /* of name "n" */
		bool first;
		bool tagged;
	} cases[] = {
		{"\"n\":1", true, true, false},
		{",\"n\":1", true, false, false},
		{"\"n\":1", false, false, false},
		{",\"n\":1", false, true, false},
		{"\"n\" :1", false, true, false},
		{" \"n\":1", false, true, false},
		{"\"nn\":1", false, true, false},
		{"\"n\"", false, true, false},
		{"{\"S\":\"x\"}", false, true, true},
		{"{\"N\":\"\"}", false, true, true},
		{"{\"S\":\"\\\"\"}", false, true, true},
		{"{\"s\":\"x\"}", false, true, false},
		{"{\"S\":\"x\" }", false, true, false},
		{"{\"S\":\"x\",\"N\":\"1\"}", false, true, false},
		{"{\"S\" :\"x\"}", false, true, false},
		{"{\"SS\":\"x\"}", false, true, false},
		{"{\"S\":[\"x\"]}", false, true, false},
		{"{\"S\":\"x\"", false, true, false},
		{"{\"S\":\"x", false, true, false},
		{"{\"S\":\"\\x\"}", false, true, false},
	};
	size_t i;

	(void) state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		size_t len = strlen(cases[i].input);
		char *input = padded(cases[i].input, len, '}');
		bool first = cases[i].first;
		DdbJsonReader json;
		DdbSpan span;
		char tag;

		ddb_json_init(&json, input, len);
		assert_int_equal(ddb_json_try_member(&json, &first, "n", 1),
						 cases[i].member);
		assert_int_equal(first, cases[i].first && !cases[i].member);
		ddb_json_init(&json, input, len);
		assert_int_equal(ddb_json_try_tagged_string(&json, &tag, &span),
						 cases[i].tagged);
		assert_true(cases[i].tagged
						? json.pos == json.end
						: json.pos == input || json.error != DDB_JSON_OK);
		free(input);
	}
	assert_true(ddb_json_is_plain("a.b-c é", 8));
	assert_false(ddb_json_is_plain("a\"", 2));
	assert_false(ddb_json_is_plain("\\a", 2));
	assert_false(ddb_json_is_plain("a\n", 2));
}

/* Skipping counts the levels that were entered before it. */
static void
test_depth_of_skip(void **state)
{
	size_t n;

	(void) state;
	for (n = DDB_JSON_MAX_DEPTH; n <= DDB_JSON_MAX_DEPTH + 1; n++)
	{
		size_t len;
		char *text = nested(n, false, &len);
		char *input = padded(text, len, 0);
		DdbJsonReader json;
		bool first = true;

		ddb_json_init(&json, input, len);
		assert_true(ddb_json_enter_array(&json));
		assert_true(ddb_json_next_element(&json, &first));
		assert_int_equal(ddb_json_skip(&json), n <= DDB_JSON_MAX_DEPTH);
		assert_int_equal(json.error, n <= DDB_JSON_MAX_DEPTH
										 ? DDB_JSON_OK
										 : DDB_JSON_TOO_DEEP);
		free(input);
		free(text);
	}
}

static void
test_wide(void **state)
{
	size_t n = 100000;
	size_t len = 0;
	char *text = malloc(n * 3 + 2);
	size_t i;

	(void) state;
	text[len++] = '[';
	for (i = 0; i < n; i++)
	{
		memcpy(text + len, "[],", 3);
		len += 3;
	}
	text[len - 1] = ']';
	assert_int_equal(read_all(text, len), DDB_JSON_OK);
	free(text);
}

static bool
span_is(const DdbSpan *span, const char *expected)
{
	return span->len == strlen(expected) &&
		   memcmp(span->data, expected, span->len) == 0;
}

/* The way a page is read: some members taken, others skipped. */
static void
test_reading(void **state)
{
	char *input = padded(sample, sizeof(sample) - 1, 0);
	DdbJsonReader json;
	DdbSpan key;
	DdbSpan span;
	bool outer = true;
	bool items = true;
	bool members = true;
	bool types = true;

	(void) state;
	ddb_json_init(&json, input, sizeof(sample) - 1);
	assert_true(ddb_json_enter_object(&json));
	assert_true(ddb_json_next_member(&json, &outer, &key));
	assert_true(ddb_span_equals(&key, "Count", 5));
	assert_true(ddb_json_number(&json, &span));
	assert_true(span_is(&span, "2"));
	assert_true(ddb_json_next_member(&json, &outer, &key));
	assert_true(ddb_span_equals(&key, "Items", 5));
	assert_int_equal(ddb_json_peek(&json), DDB_JSON_ARRAY);
	assert_true(ddb_json_enter_array(&json));
	assert_true(ddb_json_next_element(&json, &items));
	assert_true(ddb_json_enter_object(&json));
	assert_true(ddb_json_next_member(&json, &members, &key));
	assert_true(ddb_json_enter_object(&json));
	assert_true(ddb_json_next_member(&json, &types, &key));
	assert_true(ddb_json_string(&json, &span));
	assert_true(span.escaped);
	assert_false(ddb_json_next_member(&json, &types, &key));
	assert_int_equal(json.depth, 3);
	assert_true(ddb_json_next_member(&json, &members, &key));
	assert_true(ddb_json_skip_span(&json, &span));
	assert_true(span_is(&span, "{\"N\":\"-12.5\"}"));
	while (ddb_json_next_member(&json, &members, &key))
		assert_true(ddb_json_skip(&json));
	assert_true(ddb_json_next_element(&json, &items));
	assert_true(ddb_json_skip_span(&json, &span));
	assert_true(span_is(&span, "{}"));
	assert_false(ddb_json_next_element(&json, &items));
	assert_int_equal(json.error, DDB_JSON_OK);
	while (ddb_json_next_member(&json, &outer, &key))
		assert_true(ddb_json_skip(&json));
	assert_true(ddb_json_finish(&json));
	free(input);
}

/* Asking for one kind where another stands: told apart from bad JSON. */
static void
test_wrong_kind(void **state)
{
	static const char *const texts[] = {"{}", "[]",   "\"a\"", "1",
										"-1", "true", "false", "null"};
	size_t i;
	int ask;

	(void) state;
	for (i = 0; i < LENGTH_OF(texts); i++)
	{
		for (ask = 0; ask < 5; ask++)
		{
			char *input = padded(texts[i], strlen(texts[i]), 0);
			DdbJsonReader json;
			DdbSpan span;
			bool value;
			bool ok;

			ddb_json_init(&json, input, strlen(texts[i]));
			ok = ask == 0   ? ddb_json_enter_object(&json)
				 : ask == 1 ? ddb_json_enter_array(&json)
				 : ask == 2 ? ddb_json_string(&json, &span)
				 : ask == 3 ? ddb_json_number(&json, &span)
							: ddb_json_bool(&json, &value);
			assert_int_equal(json.error,
							 ok ? DDB_JSON_OK : DDB_JSON_WRONG_KIND);
			assert_int_equal(ok, ask == (i < 3   ? (int) i
										 : i < 5 ? 3
										 : i < 7 ? 4
												 : 5));
			if (ok && ask == 4)
				assert_int_equal(value, i == 5);
			free(input);
		}
	}
}

/* After an error nothing works any more, and the error stays. */
static void
test_sticky(void **state)
{
	char *input = padded("[1,,2]", 6, 0);
	DdbJsonReader json;
	DdbSpan span;
	bool first = true;
	bool value;

	(void) state;
	ddb_json_init(&json, input, 6);
	assert_false(ddb_json_enter_object(&json));
	assert_int_equal(json.error, DDB_JSON_WRONG_KIND);
	assert_int_equal(ddb_json_peek(&json), DDB_JSON_INVALID);
	assert_false(ddb_json_enter_array(&json));
	assert_false(ddb_json_next_element(&json, &first));
	assert_false(ddb_json_next_member(&json, &first, &span));
	assert_false(ddb_json_string(&json, &span));
	assert_false(ddb_json_number(&json, &span));
	assert_false(ddb_json_bool(&json, &value));
	assert_false(ddb_json_skip(&json));
	assert_false(ddb_json_skip_span(&json, &span));
	assert_false(ddb_json_finish(&json));
	assert_int_equal(json.error, DDB_JSON_WRONG_KIND);
	assert_ptr_equal(json.pos, input);
	free(input);
}

/* Finishing within a container is an error too. */
static void
test_finish(void **state)
{
	char *input = padded("[ ", 2, 0);
	DdbJsonReader json;

	(void) state;
	ddb_json_init(&json, input, 2);
	assert_true(ddb_json_enter_array(&json));
	assert_false(ddb_json_finish(&json));
	assert_int_equal(json.error, SYNTAX);
	free(input);
}

typedef struct Unescape
{
	const char *text;
	const char *expected;
	size_t len;
	DdbUnescapeResult result;
} Unescape;

static const Unescape unescapes[] = {
	{"", "", 0, DDB_UNESCAPE_OK},
	{"plain", "plain", 5, DDB_UNESCAPE_OK},
	{"\\\"\\\\\\/\\b\\f\\n\\r\\t", "\"\\/\b\f\n\r\t", 8, DDB_UNESCAPE_OK},
	{"a\\nb", "a\nb", 3, DDB_UNESCAPE_OK},
	{"\\u0041\\u007f", "A\x7f", 2, DDB_UNESCAPE_OK},
	{"\\u0080\\u07ff", "\xc2\x80\xdf\xbf", 4, DDB_UNESCAPE_OK},
	{"\\u0800\\uFFFF", "\xe0\xa0\x80\xef\xbf\xbf", 6, DDB_UNESCAPE_OK},
	{"\\ud7ff\\ue000", "\xed\x9f\xbf\xee\x80\x80", 6, DDB_UNESCAPE_OK},
	{"\\ud800\\udc00", "\xf0\x90\x80\x80", 4, DDB_UNESCAPE_OK},
	{"x\\uDBFF\\uDFFFy", "x\xf4\x8f\xbf\xbfy", 6, DDB_UNESCAPE_OK},
	{"\xc3\xa9\\u00e9", "\xc3\xa9\xc3\xa9", 4, DDB_UNESCAPE_OK},
	{"a\\u0000b", "a\0b", 3, DDB_UNESCAPE_NUL},
	{"\\u0000", "\0", 1, DDB_UNESCAPE_NUL},
	{"a\\ud800", "a", 1, DDB_UNESCAPE_SURROGATE},
	{"a\\ud800b", "a", 1, DDB_UNESCAPE_SURROGATE},
	{"a\\udc00\\ud800", "a", 1, DDB_UNESCAPE_SURROGATE},
	{"a\\ud800\\ud800\\udc00", "a", 1, DDB_UNESCAPE_SURROGATE},
	{"a\\ud800\\u0041", "a", 1, DDB_UNESCAPE_SURROGATE},
	{"a\\ud800\\n", "a", 1, DDB_UNESCAPE_SURROGATE},
	{"\\u0000\\udfff", "\0", 1, DDB_UNESCAPE_SURROGATE},
	{"a\\", "a", 1, DDB_UNESCAPE_INVALID},
	{"a\\q", "a", 1, DDB_UNESCAPE_INVALID},
	{"a\\u12", "a", 1, DDB_UNESCAPE_INVALID},
	{"a\\u12g4", "a", 1, DDB_UNESCAPE_INVALID},
};

static void
test_unescape(void **state)
{
	size_t i;

	(void) state;
	for (i = 0; i < LENGTH_OF(unescapes); i++)
	{
		const Unescape *test = &unescapes[i];
		size_t len = strlen(test->text);
		char *out = malloc(len + 1);
		DdbSpan span = {test->text, (uint32_t) len,
						strchr(test->text, '\\') != NULL};
		size_t out_len;

		assert_int_equal(ddb_json_unescape(&span, out, &out_len), test->result);
		assert_int_equal(out_len, test->len);
		assert_memory_equal(out, test->expected, out_len);
		assert_int_equal(ddb_span_equals(&span, test->expected, test->len),
						 test->result <= DDB_UNESCAPE_NUL);
		assert_false(ddb_span_equals(&span, "something else", 14));
		free(out);
	}
}

static void
test_span_equals(void **state)
{
	DdbSpan plain = {"abc", 3, false};
	DdbSpan escaped = {"a\\u0062c", 8, true};

	(void) state;
	assert_true(ddb_span_equals(&plain, "abc", 3));
	assert_false(ddb_span_equals(&plain, "ab", 2));
	assert_false(ddb_span_equals(&plain, "abcd", 4));
	assert_false(ddb_span_equals(&plain, "abd", 3));
	assert_true(ddb_span_equals(&escaped, "abc", 3));
	assert_false(ddb_span_equals(&escaped, "ab", 2));
	assert_false(ddb_span_equals(&escaped, "a", 1));
	assert_false(ddb_span_equals(&escaped, "", 0));
	assert_false(ddb_span_equals(&escaped, "abcd", 4));
	assert_false(ddb_span_equals(&escaped, "aBc", 3));
}

static void
test_utf8(void **state)
{
	static const char *const good[] = {
		"",
		"a",
		"plain text of more than eight bytes",
		"\x7f",
		"\xc2\x80",
		"\xdf\xbf",
		"\xe0\xa0\x80",
		"\xed\x9f\xbf",
		"\xee\x80\x80",
		"\xef\xbf\xbf",
		"\xf0\x90\x80\x80",
		"\xf4\x8f\xbf\xbf",
		"1234567\xc3\xa9 12345678",
	};
	static const char *const bad[] = {
		"\x80",
		"\xbf",
		"\xc0\x80",
		"\xc1\xbf",
		"\xc2",
		"\xc2"
		"a",
		"\xe0\x80\x80",
		"\xe0\x9f\xbf",
		"\xe1\x80",
		"\xe1\x80"
		"a",
		"\xed\xa0\x80",
		"\xed\xbf\xbf",
		"\xf0\x80\x80\x80",
		"\xf0\x8f\xbf\xbf",
		"\xf1\x80\x80",
		"\xf4\x90\x80\x80",
		"\xf5\x80\x80\x80",
		"\xff",
		"\xfe",
		"12345678\xff",
		"1234567\xc3",
		"\xf1\x80\x80"
		"a",
	};
	size_t i;

	(void) state;
	for (i = 0; i < LENGTH_OF(good); i++)
		assert_true(ddb_json_valid_utf8(good[i], strlen(good[i])));
	for (i = 0; i < LENGTH_OF(bad); i++)
		assert_false(ddb_json_valid_utf8(bad[i], strlen(bad[i])));
}

static void
test_error_text(void **state)
{
	int error;

	(void) state;
	for (error = DDB_JSON_OK; error <= DDB_JSON_WRONG_KIND + 1; error++)
		assert_non_null(ddb_json_error_text((DdbJsonError) error));
	assert_string_equal(ddb_json_error_text(DDB_JSON_TRUNCATED), "truncated");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepts),
		cmocka_unit_test(test_rejects),
		cmocka_unit_test(test_rejects_nul),
		cmocka_unit_test(test_every_byte_in_string),
		cmocka_unit_test(test_every_truncation),
		cmocka_unit_test(test_every_corruption),
		cmocka_unit_test(test_alignment_sweep),
		cmocka_unit_test(test_many_strings),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_shortcuts),
		cmocka_unit_test(test_depth_of_skip),
		cmocka_unit_test(test_wide),
		cmocka_unit_test(test_reading),
		cmocka_unit_test(test_wrong_kind),
		cmocka_unit_test(test_sticky),
		cmocka_unit_test(test_finish),
		cmocka_unit_test(test_unescape),
		cmocka_unit_test(test_span_equals),
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_error_text),
	};

	return cmocka_run_group_tests_name("format_json_reader", tests, NULL, NULL);
}
