/* SPDX-License-Identifier: PostgreSQL */
/*
 * json_reader.c
 *		A pull scanner over JSON bytes: the hot path of every read.
 *
 * Almost all bytes of a page are inside strings, so the one thing made fast
 * by hand is finding a string's end, see scanner_block.h.  That reads past the end of the
 * input, into the padding, but never believes what it finds there: every
 * position is compared with the end before it counts.  So a part of a page
 * can be scanned where it lies, whatever follows it.
 *
 * Whether strings are valid UTF-8 and surrogates come in pairs is left to
 * those who read the strings, see scanner.h.
 */
#include "format/json_reader.h"

#include <string.h>

#include "json_block.h"

#define likely(x) __builtin_expect((x) != 0, 1)
#define unlikely(x) __builtin_expect((x) != 0, 0)

#define LOWEST_SURROGATE 0xD800
#define LOWEST_TRAIL_SURROGATE 0xDC00
#define ABOVE_SURROGATES 0xE000

/* What a value is, by its first byte. */
static const uint8_t kind_by_byte[256] = {
	['{'] = DDB_JSON_OBJECT, ['['] = DDB_JSON_ARRAY,  ['"'] = DDB_JSON_STRING,
	['-'] = DDB_JSON_NUMBER, ['0'] = DDB_JSON_NUMBER, ['1'] = DDB_JSON_NUMBER,
	['2'] = DDB_JSON_NUMBER, ['3'] = DDB_JSON_NUMBER, ['4'] = DDB_JSON_NUMBER,
	['5'] = DDB_JSON_NUMBER, ['6'] = DDB_JSON_NUMBER, ['7'] = DDB_JSON_NUMBER,
	['8'] = DDB_JSON_NUMBER, ['9'] = DDB_JSON_NUMBER, ['t'] = DDB_JSON_TRUE,
	['f'] = DDB_JSON_FALSE,  ['n'] = DDB_JSON_NULL,
};

/* Sets the sticky error and where it was; returns NULL, for callers' sake. */
static __attribute__((noinline, cold)) const char *
fail(DdbJsonReader *json, const char *where, DdbJsonError error)
{
	json->pos = where < json->end ? where : json->end;
	if (json->error == DDB_JSON_OK)
		json->error = error;
	return NULL;
}

/* As fail, for a byte that should have been something else. */
static __attribute__((noinline, cold)) const char *
fail_at(DdbJsonReader *json, const char *where)
{
	return fail(json, where,
				where >= json->end ? DDB_JSON_TRUNCATED : DDB_JSON_SYNTAX);
}

/* As fail, for a value that is not of the kind that was asked for. */
static __attribute__((noinline, cold)) bool
fail_kind(DdbJsonReader *json, const char *where)
{
	if (where < json->end &&
		kind_by_byte[(unsigned char) *where] != DDB_JSON_INVALID)
		fail(json, where, DDB_JSON_WRONG_KIND);
	else
		fail_at(json, where);
	return false;
}

static inline bool
is_digit(char c)
{
	return (unsigned char) (c - '0') < 10;
}

/*
 * Value of a hexadecimal digit, or -1.
 */
static inline int
hex_value(char c)
{
	if (is_digit(c))
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/*
 * The first byte from p on that is not whitespace; p itself in compact JSON,
 * as the service sends it.  May be the end.
 */
static inline const char *
skip_space(const char *p, const char *end)
{
	if (likely((unsigned char) *p > ' '))
		return p;
	while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
		p++;
	return p;
}

/*
 * True if the byte at p is c and lies within the input.  Reads p before it
 * compares with end, which the padding behind every input allows.
 */
static inline bool
at_byte(const char *p, const char *end, char c)
{
	return *p == c && p < end;
}

/*
 * Checks the escape whose backslash is at p.  Returns what follows it, or NULL
 * with the scanner's error set.  Surrogates are not paired here.
 */
static const char *
skip_escape(DdbJsonReader *json, const char *p)
{
	int i;

	p++;
	if (p >= json->end)
		return fail(json, p, DDB_JSON_TRUNCATED);
	switch (*p)
	{
		case '"':
		case '\\':
		case '/':
		case 'b':
		case 'f':
		case 'n':
		case 'r':
		case 't':
			return p + 1;
		case 'u':
			break;
		default:
			return fail(json, p, DDB_JSON_BAD_STRING);
	}
	for (i = 1; i <= 4; i++)
	{
		if (p + i >= json->end)
			return fail(json, p, DDB_JSON_TRUNCATED);
		if (hex_value(p[i]) < 0)
			return fail(json, p, DDB_JSON_BAD_STRING);
	}
	return p + 5;
}

/*
 * As next_special(), when the next special byte is not in the block at hand:
 * moves the block.  Returns the end of input if there is none.
 */
static __attribute__((noinline)) const char *
far_special(DdbJsonReader *json, const char *p)
{
	while (p < json->end)
	{
		json->block = p;
		json->special = find_specials(p);
		if (json->special != 0)
			return p + __builtin_ctzll(json->special);
		p += BLOCK;
	}
	return p;
}

/*
 * The first quote, backslash or control character from p on.  May be past the
 * end, when there is none before it.
 *
 * The strings of an item are short, so one look at a block finds the ends of
 * several: what each costs is then a shift, not a vector's way from memory.
 */
static inline const char *
next_special(DdbJsonReader *json, const char *p)
{
	size_t at = (size_t) (p - json->block);
	uint64_t special = at < BLOCK ? json->special >> at : 0;

	if (likely(special != 0))
		return p + __builtin_ctzll(special);
	return far_special(json, p);
}

/*
 * As string_end(), when what was found at p is not the closing quote.  A
 * control character is an error.  Sets *escaped if there is an escape.
 */
static __attribute__((noinline)) const char *
escaped_string_end(DdbJsonReader *json, const char *p, bool *escaped)
{
	while (p < json->end && *p != '"')
	{
		if (*p != '\\')
			return fail(json, p, DDB_JSON_BAD_STRING);
		*escaped = true;
		p = skip_escape(json, p);
		if (p == NULL)
			return NULL;
		p = next_special(json, p);
	}
	return p < json->end ? p : fail(json, p, DDB_JSON_TRUNCATED);
}

/*
 * From the byte after a string's opening quote, returns its closing quote; or
 * NULL with the error set.  Sets *escaped when there are escapes.
 */
static inline const char *
string_end(DdbJsonReader *json, const char *p, bool *escaped)
{
	const char *quote = next_special(json, p);

	if (likely(at_byte(quote, json->end, '"')))
		return quote;
	return escaped_string_end(json, quote, escaped);
}

/*
 * Fills the span from the byte after a string's opening quote.  Returns what
 * follows the closing quote, or NULL with the scanner's error set.
 */
static inline const char *
read_string(DdbJsonReader *json, const char *p, DdbSpan *string)
{
	const char *quote;

	string->escaped = false;
	string->data = p;
	quote = string_end(json, p, &string->escaped);
	if (unlikely(quote == NULL))
		return NULL;
	string->len = (uint32_t) (quote - p);
	return quote + 1;
}

/*
 * Steps over at least one digit; returns what follows, or NULL (error set).
 */
static inline const char *
skip_digits(DdbJsonReader *json, const char *p)
{
	const char *start = p;

	while (p < json->end && is_digit(*p))
		p++;
	if (p == start)
		return fail_at(json, p);
	return p;
}

/*
 * Steps over the number at p, which is a digit or '-'.  What follows is not
 * looked at: whoever reads on finds it out of place ("01", "1x").
 */
static const char *
skip_number(DdbJsonReader *json, const char *p)
{
	const char *end = json->end;

	if (*p == '-')
		p++;
	if (at_byte(p, end, '0'))
		p++;
	else
		p = skip_digits(json, p);
	if (p != NULL && at_byte(p, end, '.'))
		p = skip_digits(json, p + 1);
	if (p != NULL && p < end && (*p == 'e' || *p == 'E'))
	{
		p++;
		if (p < end && (*p == '+' || *p == '-'))
			p++;
		p = skip_digits(json, p);
	}
	return p;
}

/*
 * Steps over the word at p, of len bytes.  Returns what follows, or NULL with
 * the error at the first byte that differs.
 */
static inline const char *
skip_word(DdbJsonReader *json, const char *p, const char *word, size_t len)
{
	size_t i;

	/* The padding makes it safe to compare before looking at the end. */
	if (likely(memcmp(p, word, len) == 0) && p + len <= json->end)
		return p + len;
	for (i = 0; p + i < json->end && p[i] == word[i]; i++)
		;
	return fail_at(json, p + i);
}

/* Steps over the string whose quote is at p; returns what follows, or NULL. */
static inline const char *
skip_string(DdbJsonReader *json, const char *p)
{
	bool escaped;

	p = string_end(json, p + 1, &escaped);
	return likely(p != NULL) ? p + 1 : NULL;
}

/*
 * Steps over the number or word at p.  Returns what follows, or NULL with the
 * scanner's error set.
 */
static const char *
skip_other(DdbJsonReader *json, const char *p)
{
	switch (kind_by_byte[(unsigned char) *p])
	{
		case DDB_JSON_NUMBER:
			return skip_number(json, p);
		case DDB_JSON_TRUE:
			return skip_word(json, p, "true", 4);
		case DDB_JSON_FALSE:
			return skip_word(json, p, "false", 5);
		case DDB_JSON_NULL:
			return skip_word(json, p, "null", 4);
		default:
			return fail_at(json, p);
	}
}

/*
 * Steps over an object's key and colon.  Returns what follows, or NULL with
 * the scanner's error set.
 */
static inline const char *
skip_key(DdbJsonReader *json, const char *p)
{
	const char *end = json->end;

	p = skip_space(p, end);
	if (unlikely(!at_byte(p, end, '"')))
		return fail_at(json, p);
	p = skip_string(json, p);
	if (unlikely(p == NULL))
		return NULL;
	p = skip_space(p, end);
	if (unlikely(!at_byte(p, end, ':')))
		return fail_at(json, p);
	return p + 1;
}

/*
 * Steps over the object or array whose bracket is at p; returns what follows,
 * or NULL.  Keeps the closing brackets it waits for in a stack of its own.
 */
static const char *
skip_container(DdbJsonReader *json, const char *p)
{
	const char *end = json->end;
	char closers[DDB_JSON_MAX_DEPTH + 1];
	int room = DDB_JSON_MAX_DEPTH - json->depth;
	int depth = 0;
	char closer;

enter:
	if (unlikely(depth >= room))
		return fail(json, p, DDB_JSON_TOO_DEEP);
	closer = *p == '{' ? '}' : ']';
	closers[depth++] = closer;
	p = skip_space(p + 1, end);
	if (at_byte(p, end, closer))
		goto leave;

entry:
	if (closer == '}')
	{
		p = skip_key(json, p);
		if (unlikely(p == NULL))
			return NULL;
	}
	p = skip_space(p, end);
	if (unlikely(p >= end))
		return fail(json, p, DDB_JSON_TRUNCATED);
	if (*p == '"')
		p = skip_string(json, p);
	else if (*p == '{' || *p == '[')
		goto enter;
	else
		p = skip_other(json, p);
	if (unlikely(p == NULL))
		return NULL;

next:
	p = skip_space(p, end);
	if (unlikely(p >= end))
		return fail(json, p, DDB_JSON_TRUNCATED);
	if (*p == ',')
	{
		p++;
		goto entry;
	}
	if (unlikely(*p != closer))
		return fail(json, p, DDB_JSON_SYNTAX);

leave:
	p++;
	if (--depth == 0)
		return p;
	closer = closers[depth - 1];
	goto next;
}

/*
 * Consumes the bracket that opens an object or array.  False with an error at
 * anything else, and beyond DDB_JSON_MAX_DEPTH.
 */
static inline bool
enter(DdbJsonReader *json, char bracket)
{
	const char *p;

	if (unlikely(json->error != DDB_JSON_OK))
		return false;
	p = skip_space(json->pos, json->end);
	if (unlikely(!at_byte(p, json->end, bracket)))
		return fail_kind(json, p);
	if (unlikely(json->depth >= DDB_JSON_MAX_DEPTH))
	{
		fail(json, p, DDB_JSON_TOO_DEEP);
		return false;
	}
	json->depth++;
	json->pos = p + 1;
	return true;
}

/*
 * Steps over the comma before the next entry of an object or array, and
 * returns where the entry starts; or consumes the closing bracket and returns
 * NULL, as it does on error.
 */
static inline const char *
next_entry(DdbJsonReader *json, bool *first, char closer)
{
	const char *end = json->end;
	const char *p;

	if (unlikely(json->error != DDB_JSON_OK))
		return NULL;
	p = skip_space(json->pos, end);
	if (unlikely(p >= end))
		return fail(json, p, DDB_JSON_TRUNCATED);
	if (*p == closer)
	{
		json->pos = p + 1;
		json->depth--;
		return NULL;
	}
	if (*first)
	{
		*first = false;
		return p;
	}
	if (unlikely(*p != ','))
		return fail(json, p, DDB_JSON_SYNTAX);
	return skip_space(p + 1, end);
}

/*
 * Sets scan to the start of the input, of which it borrows the bytes.  Spans
 * count in 32 bits: longer inputs are refused, as a syntax error.
 */
void
ddb_json_init(DdbJsonReader *json, const char *input, size_t len)
{
	json->start = input;
	json->pos = input;
	json->end = input + len;
	json->error = len > UINT32_MAX ? DDB_JSON_SYNTAX : DDB_JSON_OK;
	json->depth = 0;
	json->block = input;
	json->special = find_specials(input);
}

/*
 * Skips the whitespace in front, so that the position is the value's first
 * byte afterwards.  A byte that begins no value sets the scanner's error,
 * truncation included.
 */
DdbJsonKind
ddb_json_peek(DdbJsonReader *json)
{
	const char *p;
	DdbJsonKind kind = DDB_JSON_INVALID;

	if (unlikely(json->error != DDB_JSON_OK))
		return DDB_JSON_INVALID;
	p = skip_space(json->pos, json->end);
	if (likely(p < json->end))
		kind = (DdbJsonKind) kind_by_byte[(unsigned char) *p];
	if (unlikely(kind == DDB_JSON_INVALID))
		fail_at(json, p);
	else
		json->pos = p;
	return kind;
}

bool
ddb_json_enter_object(DdbJsonReader *json)
{
	return enter(json, '{');
}

bool
ddb_json_enter_array(DdbJsonReader *json)
{
	return enter(json, '[');
}

/*
 * The position is behind the colon when this returns true.  The value must be
 * read or skipped before the next call.
 */
bool
ddb_json_next_member(DdbJsonReader *json, bool *first, DdbSpan *key)
{
	const char *end = json->end;
	const char *p = next_entry(json, first, '}');

	if (p == NULL)
		return false;
	if (likely(at_byte(p, end, '"')))
	{
		p = read_string(json, p + 1, key);
		if (unlikely(p == NULL))
			return false;
		p = skip_space(p, end);
		if (likely(at_byte(p, end, ':')))
		{
			json->pos = p + 1;
			return true;
		}
	}
	fail_at(json, p);
	return false;
}

/*
 * The position is at the element's first byte when this returns true; the
 * element must be read or skipped before the next call.
 */
bool
ddb_json_next_element(DdbJsonReader *json, bool *first)
{
	const char *p = next_entry(json, first, ']');

	if (p == NULL)
		return false;
	json->pos = p;
	return true;
}

/*
 * The span lies between the quotes and points into the input. string->escaped
 * tells whether it must be unescaped before use.
 */
bool
ddb_json_string(DdbJsonReader *json, DdbSpan *string)
{
	const char *p;

	if (unlikely(json->error != DDB_JSON_OK))
		return false;
	p = skip_space(json->pos, json->end);
	if (unlikely(!at_byte(p, json->end, '"')))
		return fail_kind(json, p);
	p = read_string(json, p + 1, string);
	if (unlikely(p == NULL))
		return false;
	json->pos = p;
	return true;
}

/*
 * Reads a whole {"X":"..."} without whitespace, X being one capital letter, by
 * one comparison of eight bytes.  This is how DynamoDB writes S, N and B.
 *
 * Returns false and leaves the position where it was if the input looks
 * different; the general reader then decides.  Only a broken string sets the
 * scanner's error.
 */
bool
ddb_json_try_tagged_string(DdbJsonReader *json, char *tag, DdbSpan *string)
{
	const char *p = json->pos;
	const char *after;
	uint64_t bytes;
	uint64_t mask;
	uint64_t shape;

	if (unlikely(json->error != DDB_JSON_OK ||
				 json->depth >= DDB_JSON_MAX_DEPTH))
		return false;
	memcpy(&bytes, p, sizeof(bytes));
	memcpy(&mask, "\xFF\xFF\0\xFF\xFF\xFF\0\0", sizeof(mask));
	memcpy(&shape, "{\"\0\":\"\0\0", sizeof(shape));
	if ((bytes & mask) != shape || (unsigned char) (p[2] - 'A') > 'Z' - 'A')
		return false;
	after = read_string(json, p + strlen("{\"X\":\""), string);
	if (unlikely(after == NULL || !at_byte(after, json->end, '}')))
		return false;
	*tag = p[2];
	json->pos = after + 1;
	return true;
}

/*
 * True if JSON can hold these bytes between quotes as they are: no quote, no
 * backslash, no control character.  Validity as UTF-8 is not looked at.
 */
bool
ddb_json_is_plain(const char *bytes, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
	{
		if (bytes[i] == '"' || bytes[i] == '\\' ||
			(unsigned char) bytes[i] < ' ')
			return false;
	}
	return true;
}

/*
 * Checks the syntax of JSON numbers, not their range: the text is for
 * ddb_decimal_parse() to read.
 */
bool
ddb_json_number(DdbJsonReader *json, DdbSpan *number)
{
	const char *start;
	const char *p;

	if (ddb_json_peek(json) != DDB_JSON_NUMBER)
		return json->error == DDB_JSON_OK && fail_kind(json, json->pos);
	start = json->pos;
	p = skip_number(json, start);
	if (p == NULL)
		return false;
	number->data = start;
	number->len = (uint32_t) (p - start);
	number->escaped = false;
	json->pos = p;
	return true;
}

/* Fails with DDB_JSON_WRONG_KIND at any other value, which is not consumed. */
bool
ddb_json_bool(DdbJsonReader *json, bool *value)
{
	DdbJsonKind kind = ddb_json_peek(json);
	const char *p;

	if (kind == DDB_JSON_TRUE)
		p = skip_word(json, json->pos, "true", 4);
	else if (kind == DDB_JSON_FALSE)
		p = skip_word(json, json->pos, "false", 5);
	else
		return json->error == DDB_JSON_OK && fail_kind(json, json->pos);
	if (p == NULL)
		return false;
	*value = kind == DDB_JSON_TRUE;
	json->pos = p;
	return true;
}

/*
 * Containers are skipped without recursion.  Nothing of what is skipped is
 * unescaped or kept.
 */
bool
ddb_json_skip(DdbJsonReader *json)
{
	const char *p;

	if (unlikely(json->error != DDB_JSON_OK))
		return false;
	p = skip_space(json->pos, json->end);
	if (unlikely(p >= json->end))
		p = fail(json, p, DDB_JSON_TRUNCATED);
	else if (*p == '{' || *p == '[')
		p = skip_container(json, p);
	else if (*p == '"')
		p = skip_string(json, p);
	else
		p = skip_other(json, p);
	if (unlikely(p == NULL))
		return false;
	json->pos = p;
	return true;
}

/*
 * The span points into the input and begins at the value itself, not at the
 * whitespace before it.
 */
bool
ddb_json_skip_span(DdbJsonReader *json, DdbSpan *value)
{
	const char *start;

	if (ddb_json_peek(json) == DDB_JSON_INVALID)
		return false;
	start = json->pos;
	if (!ddb_json_skip(json))
		return false;
	value->data = start;
	value->len = (uint32_t) (json->pos - start);
	value->escaped = false;
	return true;
}

/*
 * Fails too if an object or array is still open.  An earlier error of the
 * scanner stays as it was.
 */
bool
ddb_json_finish(DdbJsonReader *json)
{
	if (json->error != DDB_JSON_OK)
		return false;
	json->pos = skip_space(json->pos, json->end);
	if (json->pos < json->end || json->depth != 0)
	{
		fail(json, json->pos, DDB_JSON_SYNTAX);
		return false;
	}
	return true;
}

/*
 * Reads the four digits of the \u escape at p into *unit; false when there is
 * no such escape.
 */
static bool
read_code_unit(const char *p, const char *end, uint32_t *unit)
{
	int i;

	if (end - p < 6 || p[0] != '\\' || p[1] != 'u')
		return false;
	*unit = 0;
	for (i = 2; i < 6; i++)
	{
		int digit = hex_value(p[i]);

		if (digit < 0)
			return false;
		*unit = *unit << 4 | (uint32_t) digit;
	}
	return true;
}

/*
 * Writes a code point as UTF-8 to out, which has room for 4 bytes.  Returns
 * its length.
 */
static size_t
write_utf8(uint32_t code, char *out)
{
	static const unsigned char lead[] = {0, 0, 0xC0, 0xE0, 0xF0};
	size_t len = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
	size_t i;

	for (i = len - 1; i > 0; i--)
	{
		out[i] = (char) (0x80 | (code & 0x3F));
		code >>= 6;
	}
	out[0] = (char) (lead[len] | code);
	return len;
}

/*
 * Decodes the \u escape at *p, with the one of the trailing surrogate if
 * there is one, to out (room for 4 bytes), and advances *p.
 */
static DdbUnescapeResult
decode_unicode(const char **p, const char *end, char *out, size_t *out_len)
{
	uint32_t unit;
	uint32_t trail;

	if (!read_code_unit(*p, end, &unit))
		return DDB_UNESCAPE_INVALID;
	if (unit >= LOWEST_SURROGATE && unit < ABOVE_SURROGATES)
	{
		if (unit >= LOWEST_TRAIL_SURROGATE ||
			!read_code_unit(*p + 6, end, &trail) ||
			trail < LOWEST_TRAIL_SURROGATE || trail >= ABOVE_SURROGATES)
			return DDB_UNESCAPE_SURROGATE;
		unit = 0x10000 + ((unit - LOWEST_SURROGATE) << 10) +
			   (trail - LOWEST_TRAIL_SURROGATE);
		*p += 6;
	}
	*p += 6;
	*out_len = write_utf8(unit, out);
	return unit == 0 ? DDB_UNESCAPE_NUL : DDB_UNESCAPE_OK;
}

/*
 * Decodes the escape at *p to out (room for 4 bytes) and advances *p past it;
 * on SURROGATE and INVALID neither is touched.
 */
static DdbUnescapeResult
decode_escape(const char **p, const char *end, char *out, size_t *out_len)
{
	static const char letters[] = "\"\\/bfnrt";
	static const char meanings[] = "\"\\/\b\f\n\r\t";
	const char *letter;

	if (end - *p < 2)
		return DDB_UNESCAPE_INVALID;
	if ((*p)[1] == 'u')
		return decode_unicode(p, end, out, out_len);
	letter = memchr(letters, (*p)[1], sizeof(letters) - 1);
	if (letter == NULL)
		return DDB_UNESCAPE_INVALID;
	out[0] = meanings[letter - letters];
	*out_len = 1;
	*p += 2;
	return DDB_UNESCAPE_OK;
}

/*
 * True if the span, without its escapes, has exactly these bytes.  Decodes as
 * it compares and needs no memory.  A span with a malformed escape or a lone
 * surrogate equals nothing.
 */
bool
ddb_span_equals(const DdbSpan *span, const char *bytes, size_t len)
{
	const char *p = span->data;
	const char *end = span->data + span->len;
	size_t at = 0;

	if (!span->escaped)
		return span->len == len && memcmp(p, bytes, len) == 0;
	while (p < end)
	{
		char decoded[4] = {*p};
		size_t n = 1;

		if (*p != '\\')
			p++;
		else if (decode_escape(&p, end, decoded, &n) > DDB_UNESCAPE_NUL)
			return false;
		if (n > len - at || memcmp(decoded, bytes + at, n) != 0)
			return false;
		at += n;
	}
	return at == len;
}

/*
 * Copies the stretches between escapes whole.  An escaped U+0000 is written
 * and reported, but does not end the work, while worse findings do.
 */
DdbUnescapeResult
ddb_json_unescape(const DdbSpan *span, char *out, size_t *out_len)
{
	const char *p = span->data;
	const char *end = span->data + span->len;
	char *to = out;
	DdbUnescapeResult result = DDB_UNESCAPE_OK;

	while (p < end)
	{
		const char *backslash = memchr(p, '\\', (size_t) (end - p));
		const char *plain_end = backslash != NULL ? backslash : end;
		DdbUnescapeResult one;
		char decoded[4];
		size_t n = 0;

		memcpy(to, p, (size_t) (plain_end - p));
		to += plain_end - p;
		p = plain_end;
		if (p == end)
			break;
		one = decode_escape(&p, end, decoded, &n);
		memcpy(to, decoded, n);
		to += n;
		if (one != DDB_UNESCAPE_OK)
			result = one;
		if (one > DDB_UNESCAPE_NUL)
			break;
	}
	*out_len = (size_t) (to - out);
	return result;
}

/*
 * Length of the valid UTF-8 sequence at p, or 0: no overlong forms, no
 * surrogates, nothing above U+10FFFF (Unicode, table 3-7).
 */
static size_t
utf8_sequence(const unsigned char *p, size_t left)
{
	unsigned char lowest = 0x80;
	unsigned char highest = 0xBF;
	size_t len;
	size_t i;

	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xC2 || p[0] > 0xF4)
		return 0;
	len = p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : 4;
	if (p[0] == 0xE0)
		lowest = 0xA0;
	else if (p[0] == 0xED)
		highest = 0x9F;
	else if (p[0] == 0xF0)
		lowest = 0x90;
	else if (p[0] == 0xF4)
		highest = 0x8F;
	if (left < len || p[1] < lowest || p[1] > highest)
		return 0;
	for (i = 2; i < len; i++)
	{
		if ((p[i] & 0xC0) != 0x80)
			return 0;
	}
	return len;
}

/*
 * Strides over ASCII many bytes at a time, which most texts are made of, and
 * looks at other sequences one by one.
 */
bool
ddb_json_valid_utf8(const char *bytes, size_t len)
{
	const unsigned char *p = (const unsigned char *) bytes;
	const unsigned char *end = p + len;

	for (;;)
	{
		size_t n;

		p = skip_ascii(p, end);
		if (p == end)
			return true;
		n = utf8_sequence(p, (size_t) (end - p));
		if (n == 0)
			return false;
		p += n;
	}
}

/* The text is static and lower case, fit for the end of a message. */
const char *
ddb_json_error_text(DdbJsonError error)
{
	switch (error)
	{
		case DDB_JSON_OK:
			return "no error";
		case DDB_JSON_TRUNCATED:
			return "truncated";
		case DDB_JSON_SYNTAX:
			return "syntax error";
		case DDB_JSON_TOO_DEEP:
			return "nested too deeply";
		case DDB_JSON_BAD_STRING:
			return "invalid string";
		case DDB_JSON_WRONG_KIND:
			return "unexpected kind of value";
	}
	return "unknown error";
}
