/* SPDX-License-Identifier: PostgreSQL */
/*
 * document_writer.h
 *		jsonb and json → attribute values: the inverse of document.h.
 */
#ifndef DDB_DOCUMENT_WRITER_H
#define DDB_DOCUMENT_WRITER_H

#include "postgres.h"

#include "codec/payload.h"
#include "codec/value.h"

/* Appends the attribute value that stores a document. */
extern void ddb_document_encode(const DdbCodec *codec,
								const DdbWritePlace *place, Datum datum,
								StringInfo json);

#endif /* DDB_DOCUMENT_WRITER_H */
