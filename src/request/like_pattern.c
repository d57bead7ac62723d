/* SPDX-License-Identifier: PostgreSQL */
/*
 * like_pattern.c
 *		What a LIKE pattern says that DynamoDB can be asked.
 */
#include "postgres.h"

#include "request/like_pattern.h"

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"

/*
 * Appends the plain characters from p on, without backslashes, and returns
 * where the first wildcard is. *dangling is set if a backslash ends the
 * pattern.
 */
static const char *
literal_part(const char *p, StringInfo literal, bool *dangling)
{
	*dangling = false;
	while (*p != '\0' && *p != '%' && *p != '_')
	{
		int len;

		/* A backslash takes the next character as it is. */
		*dangling = *p == '\\' && p[1] == '\0';
		if (*p == '\\')
			p++;
		if (*dangling)
			break;
		len = pg_mblen(p);
		appendBinaryStringInfo(literal, p, len);
		p += len;
	}
	return p;
}

/* The prefix is unescaped and palloc'd, and set in any case. */
bool
ddb_like_prefix(const char *pattern, char **prefix, bool *equality)
{
	StringInfoData literal;
	bool dangling;
	const char *p;

	initStringInfo(&literal);
	p = literal_part(pattern, &literal, &dangling);
	*prefix = literal.data;
	/* A backslash at the end is an error, which the re-check raises. */
	*equality = *p == '\0' && !dangling;
	return !dangling && p[strspn(p, "%")] == '\0';
}

/*
 * True if the pattern is '%text%' with text free of wildcards, which is then
 * in *infix, unescaped and palloc'd.
 */
bool
ddb_like_infix(const char *pattern, char **infix)
{
	StringInfoData literal;
	bool dangling;
	const char *p = pattern + strspn(pattern, "%");

	if (p == pattern)
		return false;
	initStringInfo(&literal);
	p = literal_part(p, &literal, &dangling);
	*infix = literal.data;
	return !dangling && *p == '%' && p[strspn(p, "%")] == '\0';
}
