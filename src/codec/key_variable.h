/* SPDX-License-Identifier: PostgreSQL */
/*
 * key_variable.h
 *		A variable of a key template: its column's values ↔ their text.
 *
 * Each value has one text, which reads back as that value: what else stands in
 * a key is none.
 */
#ifndef DDB_KEY_VARIABLE_H
#define DDB_KEY_VARIABLE_H

#include "postgres.h"

#include "codec/codec.h"
#include "format/key_template.h"

typedef struct DdbVariable
{
	DdbTemplateElement *element;
	const DdbColumn *column; /* NULL: a shard that is no column */
	bool sourced; /* gives its column's values */
	bool exact; /* equal texts mean equal values of the column */
	DdbCodec *codec; /* of plain text forms */
} DdbVariable;

/*
 * Makes a variable of a column; raises an error when the column's type does not
 * go with the element.  Settles the element's width and order, which of plain
 * forms depend on the type.  Lives in the current memory context.
 */
extern void ddb_variable_init(DdbVariable *variable,
							  const DdbRelation *relation,
							  const DdbColumn *column,
							  DdbTemplateElement *element);

/*
 * True if its text tells so much that the column's value can be taken from it.
 */
extern bool ddb_variable_tells_value(const DdbVariable *variable);

/* True if its text tells as much of a time as that of the other variable. */
extern bool ddb_variable_is_as_fine(const DdbVariable *variable,
									const DdbVariable *other);

/*
 * A value's place among the texts: EXACT; BETWEEN, with the text of the
 * greatest value below it that has one; BELOW_ALL or ABOVE_ALL.  typid: the
 * value's type, which its column's codec takes.
 */
extern void ddb_variable_compose(const DdbVariable *variable, Datum value,
								 Oid typid, DdbStoredValue *stored);

/*
 * A date's or timestamp's microseconds since 1970; false of infinity and what
 * comes near it.
 */
extern bool ddb_variable_to_micros(Oid typid, Datum value, int64 *micros,
								   bool *is_positive);

/* The present, likewise: the statement's, which does not change in it. */
extern int64 ddb_variable_now(void);

/* The value of a text (UTF-8); false when it is of none. */
extern bool ddb_variable_parse(const DdbVariable *variable, const char *text,
							   size_t len, Datum *value);

/*
 * The codec of a column whose values are parsed out of keys: compared as the
 * type compares, and never read from an attribute.
 */
extern void ddb_variable_init_codec(DdbCodec *codec,
									const DdbRelation *relation,
									const DdbColumn *column);

#endif /* DDB_KEY_VARIABLE_H */
