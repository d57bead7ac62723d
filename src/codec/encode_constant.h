/* SPDX-License-Identifier: PostgreSQL */
/*
 * encode_constant.h
 *		Constants as DynamoDB stores them, and what comparing them there means.
 */
#ifndef DDB_ENCODE_CONSTANT_H
#define DDB_ENCODE_CONSTANT_H

#include "postgres.h"

#include "codec/codec.h"

/*
 * How far DynamoDB's comparison of stored values is the type's own.
 */
typedef enum DdbAgreement
{
	DDB_AGREES_NOT,
	DDB_AGREES_WIDELY, /* several stored values are one value here:
								 * compare with ddb_codec_encode_span */
	DDB_AGREES_EXACTLY,
} DdbAgreement;

extern DdbAgreement ddb_codec_equality(const DdbCodec *codec);

/*
 * How far comparisons by order, and by equality, mean the same in DynamoDB; of
 * text, collations aside.
 */
extern DdbAgreement ddb_codec_order(const DdbCodec *codec);
extern bool ddb_codec_can_prefix(const DdbCodec *codec);

/*
 * True if NULL, in a column that shows this codec's values, means the same as
 * "not of the stored type".  False where a value of the type may fail to fit.
 */
extern bool ddb_codec_fits_all(const DdbCodec *codec);

/* True if the stored order is the type's order, collations aside. */
extern bool ddb_codec_keeps_order(const DdbCodec *codec);

/*
 * True if a comparison of the column with a value of this type may be pushed.
 * Only types whose values convert to the stored form without judgement are.
 */
extern bool ddb_codec_takes_type(const DdbCodec *codec, Oid typid);

/*
 * max_len: longest value that the key part takes, in bytes; 0 of an attribute
 * that is not compared as a key, which may also be empty.
 */
extern void ddb_codec_encode_constant(const DdbCodec *codec, Datum datum,
									  Oid typid, int max_len,
									  DdbStoredValue *stored);

/* A datum of smallint, integer or bigint. */
extern int64 ddb_codec_integer(Datum datum, Oid typid);

/*
 * For a codec that agrees widely: every stored form of the value lies from low
 * to high, inclusive.
 */
extern void ddb_codec_encode_span(const DdbCodec *codec, Datum datum,
								  DdbStoredValue *low, DdbStoredValue *high);

#endif /* DDB_ENCODE_CONSTANT_H */
