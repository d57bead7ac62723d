/* SPDX-License-Identifier: PostgreSQL */
/*
 * json_text.h
 *		JSON of requests, appended to a StringInfo.
 */
#ifndef DDB_JSON_TEXT_H
#define DDB_JSON_TEXT_H

#include "postgres.h"

#include "lib/stringinfo.h"

/* Appends "…": UTF-8 of any length, NUL among it. */
extern void ddb_json_append_string(StringInfo json, const char *text, int len);

/* The same of a C string. */
extern void ddb_json_append_text(StringInfo json, const char *text);

/* Appends bytes as a string of base64. */
extern void ddb_json_append_base64(StringInfo json, const char *bytes, int len);

/*
 * Appends "name": behind a comma unless the object has just been opened.  name
 * needs no escape.
 */
extern void ddb_json_append_member(StringInfo json, const char *name);

#endif /* DDB_JSON_TEXT_H */
