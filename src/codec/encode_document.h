/* SPDX-License-Identifier: PostgreSQL */
/*
 * encode_document.h
 *		jsonb and json → attribute values: the inverse of document.h.
 */
#ifndef DDB_ENCODE_DOCUMENT_H
#define DDB_ENCODE_DOCUMENT_H

#include "postgres.h"

#include "codec/codec.h"
#include "codec/encode_check.h"

/* Appends the attribute value that stores a document. */
extern void ddb_document_encode(const DdbCodec *codec,
								const DdbWritePlace *place, Datum datum,
								StringInfo json);

#endif /* DDB_ENCODE_DOCUMENT_H */
