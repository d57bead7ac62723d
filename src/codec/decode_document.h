/* SPDX-License-Identifier: PostgreSQL */
/*
 * decode_document.h
 *		Attribute values of any type → jsonb and json.
 */
#ifndef DDB_DECODE_DOCUMENT_H
#define DDB_DECODE_DOCUMENT_H

#include "postgres.h"

#include "codec/codec.h"

/*
 * Converts any value but NULL in the current memory context: as plain JSON, or
 * with DynamoDB's types where the column's format says so.
 */
extern DdbDecodeResult ddb_document_decode(const DdbCodec *codec,
										   const DdbAttributeValue *value,
										   Datum *datum, const char **reason);

#endif /* DDB_DECODE_DOCUMENT_H */
