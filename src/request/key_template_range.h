/* SPDX-License-Identifier: PostgreSQL */
/*
 * key_template_range.h
 *		Conditions on a template's variables → the range of its key attribute.
 */
#ifndef DDB_KEY_TEMPLATE_RANGE_H
#define DDB_KEY_TEMPLATE_RANGE_H

#include "postgres.h"

#include "codec/key_templates.h"
#include "request/key_range.h"

/* A condition with its value of this run, or a shard. */
typedef struct DdbComposeInput
{
	AttrNumber column;
	DdbCompare op; /* of = ANY: EQ, one value at a time */
	Datum value;
	Oid typid; /* the value's */
	const DdbVariable *shard; /* not NULL: this one's number is … */
	int64 number;
} DdbComposeInput;

/*
 * Narrows the range by what the inputs say of the template's variables;
 * max_len: bytes that the key attribute may have.  Values that no key can hold
 * leave the range empty.
 */
extern void ddb_compose_range(DdbKeyRange *range,
							  const DdbKeyTemplate *template,
							  const DdbComposeInput *inputs, int ninputs,
							  int max_len);

#endif /* DDB_KEY_TEMPLATE_RANGE_H */
