/* SPDX-License-Identifier: PostgreSQL */
/*
 * like_pattern.h
 *		What a LIKE pattern says that DynamoDB can be asked.
 */
#ifndef DDB_LIKE_PATTERN_H
#define DDB_LIKE_PATTERN_H

#include "postgres.h"

/*
 * The literal prefix of a LIKE pattern into *prefix; true when the pattern is
 * nothing but a prefix (*equality false) or a plain string (*equality true).
 */
extern bool ddb_like_prefix(const char *pattern, char **prefix, bool *equality);

/* True if it is '%text%' with plain text, which is then *infix. */
extern bool ddb_like_infix(const char *pattern, char **infix);

#endif /* DDB_LIKE_PATTERN_H */
