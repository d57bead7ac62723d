/* SPDX-License-Identifier: PostgreSQL */
/*
 * json_writer.h
 *		Strings as JSON writes them (RFC 8259, section 7).
 */
#ifndef DDB_JSON_WRITER_H
#define DDB_JSON_WRITER_H

#include <stddef.h>

/*
 * The bytes that ddb_json_put_string() writes for so many bytes of UTF-8, NUL
 * among them, with the quotes.
 */
extern size_t ddb_json_string_size(const char *text, size_t len);

/*
 * Writes "…" to out, which has room for it, and returns where it ends.  The
 * result is not terminated.
 */
extern char *ddb_json_put_string(char *out, const char *text, size_t len);

#endif /* DDB_JSON_WRITER_H */
