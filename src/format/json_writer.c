/* SPDX-License-Identifier: PostgreSQL */
/*
 * json_writer.c
 *		Strings as JSON writes them.
 *
 * Only what must be escaped is: quotes, backslashes and control characters.
 * The text is not checked to be UTF-8.
 */
#include "format/json_writer.h"

#include <stdbool.h>
#include <string.h>

/* \u0000 */
#define ESCAPE_SIZE 6

/*
 * The letter behind the backslash of a short escape, or NUL if JSON has none
 * for this byte.
 */
static char
short_escape(unsigned char c)
{
	switch (c)
	{
		case '"':
		case '\\':
			return (char) c;
		case '\b':
			return 'b';
		case '\f':
			return 'f';
		case '\n':
			return 'n';
		case '\r':
			return 'r';
		case '\t':
			return 't';
		default:
			return '\0';
	}
}

static bool
is_plain(unsigned char c)
{
	return c >= ' ' && c != '"' && c != '\\';
}

/*
 * Lets callers allocate exactly once.  Bytes of 0x80 and above are counted as
 * they are: JSON takes UTF-8 unescaped.
 */
size_t
ddb_json_string_size(const char *text, size_t len)
{
	size_t size = len + 2;

	for (size_t i = 0; i < len; i++)
	{
		unsigned char c = (unsigned char) text[i];

		if (!is_plain(c))
			size += short_escape(c) != '\0' ? 1 : ESCAPE_SIZE - 1;
	}
	return size;
}

/*
 * Writes the escape of c, of two bytes where JSON has a short one, otherwise
 * of six, and returns where it ends.
 */
static char *
put_escape(char *out, unsigned char c)
{
	static const char digits[] = "0123456789abcdef";
	char letter = short_escape(c);

	*out++ = '\\';
	if (letter != '\0')
	{
		*out++ = letter;
		return out;
	}
	memcpy(out, "u00", 3);
	out[3] = digits[c >> 4];
	out[4] = digits[c & 15];
	return out + 5;
}

/*
 * Copies stretches that need no escape whole.  The room needed is
 * ddb_json_string_size() bytes.
 */
char *
ddb_json_put_string(char *out, const char *text, size_t len)
{
	const char *end = text + len;

	*out++ = '"';
	while (text < end)
	{
		const char *plain = text;

		while (text < end && is_plain((unsigned char) *text))
			text++;
		memcpy(out, plain, (size_t) (text - plain));
		out += text - plain;
		if (text < end)
			out = put_escape(out, (unsigned char) *text++);
	}
	*out++ = '"';
	return out;
}
