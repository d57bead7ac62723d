/* SPDX-License-Identifier: PostgreSQL */
/*
 * encode_check.h
 *		Pieces of attribute values as requests hold them: strings, numbers,
 *		bytes and sets, checked.
 *
 * What DynamoDB would refuse, or keep as something else, raises an error that
 * says where it stands.
 */
#ifndef DDB_ENCODE_CHECK_H
#define DDB_ENCODE_CHECK_H

#include "postgres.h"

#include "format/decimal.h"
#include "lib/stringinfo.h"
#include "model/relation.h"

/* Where a value stands, for messages: each place knows what it is inside. */
typedef struct DdbWritePlace
{
	const struct DdbWritePlace *parent; /* NULL: all of the column's value */
	const DdbRelation *relation;
	const DdbColumn *column;
	bool is_array; /* an SQL array's element */
	const char *name; /* a member's, in the database's encoding; NULL: an
								 * element */
	int name_len;
	int position; /* of an element, from 0 */
} DdbWritePlace;

extern DdbWritePlace ddb_payload_place(const DdbRelation *relation,
									   const DdbColumn *column);

/* Element or, with a name, member of what is at the place. */
extern DdbWritePlace ddb_payload_inside(const DdbWritePlace *place,
										const char *name, int len,
										int position);

/*
 * Raises an error: "The value …" is how DETAIL begins that the predicate goes
 * on.  hint may be NULL.
 */
extern void ddb_payload_refuse(const DdbWritePlace *place, int sqlstate,
							   const char *predicate, const char *hint)
	__attribute__((noreturn));

/* For what PostgreSQL's own functions raise: push it around their call. */
typedef struct DdbPayloadContext
{
	ErrorContextCallback callback;
	const DdbWritePlace *place;
} DdbPayloadContext;

extern void ddb_payload_push_context(DdbPayloadContext *context,
									 const DdbWritePlace *place);
extern void ddb_payload_pop_context(DdbPayloadContext *context);

/* UTF-8, or the ASCII of numbers and base64. */
typedef struct DdbPayload
{
	const char *data;
	int len;
} DdbPayload;

/* Text of the database's encoding, which need not end in NUL. */
extern DdbPayload ddb_payload_text(const DdbWritePlace *place, const char *text,
								   int len);

/*
 * A number's canonical text; bad_sqlstate is raised where the text is none,
 * such as NaN.
 */
extern DdbPayload ddb_payload_number(const DdbWritePlace *place,
									 const char *text, size_t len,
									 int bad_sqlstate);

/* Bytes, and the base64 of some, which is checked. */
extern DdbPayload ddb_payload_bytes(const char *bytes, int len);
extern DdbPayload ddb_payload_base64(const DdbWritePlace *place,
									 const char *text, int len);

/* Appends "…", escaped. */
extern void ddb_payload_append_string(StringInfo json, DdbPayload payload);

/* Appends {"S":"…"}; type: S, N or B. */
extern void ddb_payload_append(StringInfo json, DdbStoredType type,
							   DdbPayload payload);

/* Appends {"SS":["…"]}; type: SS, NS or BS. */
extern void ddb_payload_append_set(StringInfo json, const DdbWritePlace *place,
								   DdbStoredType type,
								   const DdbPayload *members, int n);

#endif /* DDB_ENCODE_CHECK_H */
