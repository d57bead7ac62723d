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

/* name is UTF-8, value the JSON of an attribute value; neither ends in NUL. */
typedef void (*DdbMemberCallback)(void *arg, const char *name, int len,
								  const char *value, int value_len);

/*
 * For a column that shows whole items or the overflow: hands over the value's
 * members one by one, each as the attribute that stores it.
 */
extern void ddb_document_members(DdbCodec *codec, const DdbRelation *relation,
								 Datum datum, DdbMemberCallback callback,
								 void *arg);

#endif /* DDB_ENCODE_DOCUMENT_H */
