/* SPDX-License-Identifier: PostgreSQL */
/*
 * replay_text.c
 *		Finds things in requests, and puts replies together.
 */
#define _GNU_SOURCE
#include "replay_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
die(const char *what)
{
	perror(what);
	exit(1);
}

void *
must(void *memory)
{
	if (memory == NULL)
		die("replay");
	return memory;
}

const char *
find(const char *p, const char *end, const char *text)
{
	return memmem(p, (size_t) (end - p), text, strlen(text));
}

const char *
find_value(const char *p, const char *end, const char *name)
{
	p = find(p, end, name);
	if (p == NULL)
		return NULL;
	p += strlen(name);
	while (p < end && (*p == ' ' || *p == ':'))
		p++;
	return p < end ? p : NULL;
}

long
find_number(const char *p, const char *end, const char *name, long otherwise)
{
	const char *value = find_value(p, end, name);

	return value != NULL ? strtol(value, NULL, 10) : otherwise;
}

static const char *
skip_string(const char *p)
{
	for (p++; *p != '"'; p++)
	{
		if (*p == '\\')
			p++;
	}
	return p + 1;
}

const char *
skip_object(const char *p)
{
	int depth = 0;

	for (;;)
	{
		char c = *p;

		if (c == '"')
		{
			p = skip_string(p);
			continue;
		}
		p++;
		if (c == '{' || c == '[')
			depth++;
		else if ((c == '}' || c == ']') && --depth == 0)
			return p;
	}
}

/* ---- replies --------------------------------------------------------------- */

void
put(Buffer *buffer, const char *data, size_t len)
{
	if (buffer->len + len > buffer->capacity)
	{
		buffer->capacity = (buffer->len + len) * 2 + 1024;
		buffer->data = must(realloc(buffer->data, buffer->capacity));
	}
	memcpy(buffer->data + buffer->len, data, len);
	buffer->len += len;
}

void
put_text(Buffer *buffer, const char *text)
{
	put(buffer, text, strlen(text));
}

void
put_format(Buffer *buffer, const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	put_text(buffer, text);
}
