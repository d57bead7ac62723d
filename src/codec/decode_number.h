/* SPDX-License-Identifier: PostgreSQL */
/*
 * decode_number.h
 *		Numbers as Datums of PostgreSQL's number types.
 */
#ifndef DDB_DECODE_NUMBER_H
#define DDB_DECODE_NUMBER_H

#include "postgres.h"

#include "codec/codec.h"

/* smallint, integer or bigint, as the conversion says. */
extern DdbDecodeResult ddb_number_decode_integer(DdbConversion conversion,
												 const char *text, size_t len,
												 Datum *datum,
												 const char **reason);

/* numeric, as the column's precision and scale allow. */
extern DdbDecodeResult ddb_number_decode_numeric(const DdbCodec *codec,
												 const DdbSpan *span,
												 Datum *datum,
												 const char **reason);

/* real or double precision. */
extern DdbDecodeResult ddb_number_decode_float(DdbConversion conversion,
											   const DdbSpan *span,
											   Datum *datum,
											   const char **reason);

/*
 * A number of few digits as numeric; false when it takes the input function.
 */
extern bool ddb_number_small_numeric(const char *text, size_t len,
									 Datum *datum);

#endif /* DDB_DECODE_NUMBER_H */
