/* SPDX-License-Identifier: PostgreSQL */
/*
 * replay_text.h
 *		Text of requests and replies.
 */
#ifndef REPLAY_TEXT_H
#define REPLAY_TEXT_H

#include <stddef.h>

typedef struct Buffer
{
	char *data;
	size_t len;
	size_t capacity;
} Buffer;

extern void put(Buffer *buffer, const char *data, size_t len);
extern void put_text(Buffer *buffer, const char *text);
extern void put_format(Buffer *buffer, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

extern const char *find(const char *p, const char *end, const char *text);

/* What follows name and its colon: where, or NULL; as a number. */
extern const char *find_value(const char *p, const char *end, const char *name);
extern long find_number(const char *p, const char *end, const char *name,
						long otherwise);

/* What stands behind the object or array that begins at p; it must end. */
extern const char *skip_object(const char *p);

/* End the program: always, or when memory is NULL. */
extern void die(const char *what) __attribute__((noreturn));
extern void *must(void *memory);

#endif /* REPLAY_TEXT_H */
