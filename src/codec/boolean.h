/* SPDX-License-Identifier: PostgreSQL */
/*
 * boolean.h
 *		Booleans that are stored as numbers or as text.
 *
 * Mappers of languages whose DynamoDB library is older than BOOL store 0 and 1
 * (.NET, Java), and keys cannot be of type BOOL at all.
 */
#ifndef DDB_BOOLEAN_H
#define DDB_BOOLEAN_H

#include "postgres.h"

#include "codec/codec.h"

/*
 * N: 0 or 1.  S: true or false, t or f too where the attribute is no key, of
 * which only one spelling fits.
 */
extern DdbDecodeResult ddb_boolean_decode(const DdbCodec *codec,
										  const DdbAttributeValue *value,
										  Datum *datum, const char **reason);

/* The text that is written for a value of a codec that stores N or S. */
extern const char *ddb_boolean_text(const DdbCodec *codec, bool value);

/* The least and the greatest spelling of a value, as DynamoDB sorts them. */
extern void ddb_boolean_spellings(bool value, const char **low,
								  const char **high);

#endif /* DDB_BOOLEAN_H */
