/* SPDX-License-Identifier: PostgreSQL */
/*
 * json_reader.h
 *		A pull scanner over JSON bytes: the hot path of every read.
 *
 * Works on a whole page in memory, allocates nothing, copies nothing: keys and
 * strings come out as spans of the input with a flag that says whether they
 * hold escapes.  Accepts exactly the JSON grammar of RFC 8259 (any whitespace,
 * any key order; strings must be valid UTF-8 and hold no control characters
 * when they are read, see ddb_json_string), bounded in depth.
 * Never reads outside [input, input + len + DDB_JSON_PADDING).
 *
 * Knows nothing of PostgreSQL: no palloc, no ereport; errors are values.
 */
#ifndef DDB_JSON_READER_H
#define DDB_JSON_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * Readable bytes that must follow the input.  What is in them does not matter,
 * so that a part of a page can be scanned in place.
 */
#define DDB_JSON_PADDING 64

/* DynamoDB nests 32 levels, each two levels of JSON, plus the reply's own. */
#define DDB_JSON_MAX_DEPTH 128

typedef enum DdbJsonError
{
	DDB_JSON_OK = 0,
	DDB_JSON_TRUNCATED, /* input ends inside a value */
	DDB_JSON_SYNTAX, /* not JSON at this place */
	DDB_JSON_TOO_DEEP,
	DDB_JSON_BAD_STRING, /* control character, escape or UTF-8 */
	DDB_JSON_WRONG_KIND, /* JSON, but not what the caller asked for */
} DdbJsonError;

typedef struct DdbJsonReader
{
	const char *pos; /* next byte to read */
	const char *end; /* one past the input */
	const char *start;
	DdbJsonError error; /* sticky: once set every call fails */
	int depth;
	const char *block; /* private: 64 bytes that were looked at, */
	uint64_t special; /* and which of them can end a string */
} DdbJsonReader;

/* A string or key: the bytes between the quotes, escapes still in them. */
typedef struct DdbSpan
{
	const char *data;
	uint32_t len;
	bool escaped; /* holds at least one backslash */
} DdbSpan;

typedef enum DdbJsonKind
{
	DDB_JSON_INVALID = 0, /* error is set */
	DDB_JSON_OBJECT,
	DDB_JSON_ARRAY,
	DDB_JSON_STRING,
	DDB_JSON_NUMBER,
	DDB_JSON_TRUE,
	DDB_JSON_FALSE,
	DDB_JSON_NULL,
} DdbJsonKind;

extern void ddb_json_init(DdbJsonReader *json, const char *input, size_t len);

/* What the next value is, without consuming it. */
extern DdbJsonKind ddb_json_peek(DdbJsonReader *json);

/* Consumes '{' or '['. */
extern bool ddb_json_enter_object(DdbJsonReader *json);
extern bool ddb_json_enter_array(DdbJsonReader *json);

/*
 * Inside an object: reads the next key and its colon, true; or consumes the
 * closing '}' and returns false (as it does on error: check json->error).
 * *first must be true before the first call and is maintained here; the same
 * for ddb_json_next_element, which stops before the element's value.
 */
extern bool ddb_json_next_member(DdbJsonReader *json, bool *first,
								 DdbSpan *key);
extern bool ddb_json_next_element(DdbJsonReader *json, bool *first);

/*
 * Reads a string.  Checks control characters and the syntax of escapes;
 * UTF-8 validity is checked by ddb_json_valid_utf8, the pairing of surrogates
 * by ddb_json_unescape, where the consumer needs it (PostgreSQL verifies the
 * encoding itself).
 */
extern bool ddb_json_string(DdbJsonReader *json, DdbSpan *string);

/*
 * Shortcuts for what is expected next, in compact JSON.  True: it was read;
 * false: it is something else, or not compact, and nothing was consumed, so
 * that the functions above say what it is (json->error may be set).
 *
 * try_member: the member of that name, up to its colon; first as of
 * next_member.  The name must hold nothing that JSON escapes.
 * try_tagged_string: {"X":"…"} for a capital letter X.
 */
static inline bool
ddb_json_try_member(DdbJsonReader *json, bool *first, const char *name,
					size_t len)
{
	const char *p = json->pos;

	/* a comma, a quote, the name, a quote, a colon */
	if (json->error != DDB_JSON_OK || (size_t) (json->end - p) < len + 4)
		return false;
	if (!*first && *p++ != ',')
		return false;
	if (*p != '"' || p[len + 1] != '"' || p[len + 2] != ':' ||
		memcmp(p + 1, name, len) != 0)
		return false;
	*first = false;
	json->pos = p + len + 3;
	return true;
}

extern bool ddb_json_try_tagged_string(DdbJsonReader *json, char *tag,
									   DdbSpan *string);

/* True if JSON holds these bytes as they are. */
extern bool ddb_json_is_plain(const char *bytes, size_t len);

/* Reads a JSON number as its text (never escaped). */
extern bool ddb_json_number(DdbJsonReader *json, DdbSpan *number);

/* Reads true or false. */
extern bool ddb_json_bool(DdbJsonReader *json, bool *value);

/* Skips one value of any kind, checking its syntax fully. */
extern bool ddb_json_skip(DdbJsonReader *json);

/*
 * As skip, and reports the value's bytes, from its first to its last (of a
 * string, the quotes too; escaped is not determined but false).
 */
extern bool ddb_json_skip_span(DdbJsonReader *json, DdbSpan *value);

/* True when only whitespace is left; sets DDB_JSON_SYNTAX otherwise. */
extern bool ddb_json_finish(DdbJsonReader *json);

/* True if the span without its escapes equals the given bytes. */
extern bool ddb_span_equals(const DdbSpan *span, const char *bytes, size_t len);

/* What an unescape can meet that is legal JSON but not text elsewhere. */
typedef enum DdbUnescapeResult
{
	DDB_UNESCAPE_OK,
	DDB_UNESCAPE_NUL, /* \u0000 met (still written to the output) */
	DDB_UNESCAPE_SURROGATE, /* lone surrogate met */
	DDB_UNESCAPE_INVALID, /* malformed escape */
} DdbUnescapeResult;

/*
 * Writes the span without its escapes to out (room for span->len bytes: output
 * is never longer) and its length to *out_len.  Stops at the first surrogate
 * or malformed escape.
 */
extern DdbUnescapeResult ddb_json_unescape(const DdbSpan *span, char *out,
										   size_t *out_len);

/*
 * True if the bytes are UTF-8 (no overlong forms, no surrogates, up to
 * U+10FFFF).  Unescaping adds nothing invalid, so it does not matter whether
 * this is asked before or after.
 */
extern bool ddb_json_valid_utf8(const char *bytes, size_t len);

/* "truncated", "syntax error", …: for messages. */
extern const char *ddb_json_error_text(DdbJsonError error);

#endif /* DDB_JSON_READER_H */
