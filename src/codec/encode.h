/* SPDX-License-Identifier: PostgreSQL */
/*
 * encode.h
 *		Datums as DynamoDB stores them: the inverse of value.h.
 *
 * What is written reads back as an equal value, or is refused with an error of
 * class 22 that names table and column.  Everything is text that is appended
 * to a request, UTF-8; garbage is left in the current memory context.
 */
#ifndef DDB_ENCODE_H
#define DDB_ENCODE_H

#include "postgres.h"

#include "codec/codec.h"
#include "lib/stringinfo.h"

/*
 * Appends the attribute value that stores a value of the codec's column,
 * {"S":"…"}.  The value is never NULL; the column is one of an attribute or a
 * path.  A JSON null is stored as NULL, which reads back as SQL NULL.
 */
extern void ddb_codec_encode(DdbCodec *codec, const DdbRelation *relation,
							 Datum datum, StringInfo json);

/*
 * The value as the column shows it once it is stored: a time cut to the digits
 * of its fixed form, number text in its one spelling; others unchanged.
 */
extern Datum ddb_codec_cut(const DdbCodec *codec, Datum datum);

#endif /* DDB_ENCODE_H */
