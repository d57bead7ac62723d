/* SPDX-License-Identifier: PostgreSQL */
/*
 * decode_array.h
 *		Lists and sets ↔ arrays, element by element.
 */
#ifndef DDB_DECODE_ARRAY_H
#define DDB_DECODE_ARRAY_H

#include "postgres.h"

#include "codec/codec.h"

/*
 * Resolves the codec of the elements; the rest of the codec is set.  Raises an
 * error when elements of that type cannot be what is stored.
 */
extern void ddb_array_init(DdbCodec *codec, const DdbRelation *relation);

/* Converts a list or set in the current memory context. */
extern DdbDecodeResult ddb_array_decode(DdbCodec *codec,
										const DdbAttributeValue *value,
										bool soft, Datum *datum,
										const char **reason);

#endif /* DDB_DECODE_ARRAY_H */
