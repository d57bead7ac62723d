/* SPDX-License-Identifier: PostgreSQL */
/*
 * key_variables.h
 *		What comparisons of a template's variables say of the key.
 */
#ifndef DDB_KEY_VARIABLES_H
#define DDB_KEY_VARIABLES_H

#include "postgres.h"

#include "codec/key_templates.h"
#include "clause/clause.h"

/* A key attribute, and which part of the key it is. */
typedef struct DdbKeyPlace
{
	const char *attribute;
	bool is_partition; /* whose values must be known: they may be listed */
} DdbKeyPlace;

/*
 * True if the attribute is bound to values, because all variables of its
 * template are. comparisons: of DdbComparison *, which hold together.
 */
extern bool ddb_variables_bind(const DdbClauseContext *context,
							   const DdbKeyPlace *place, List *comparisons);

/*
 * True if a comparison of a variable narrows the attribute, beside the others.
 */
extern bool ddb_variables_narrow(const DdbClauseContext *context,
								 const DdbKeyPlace *place, List *comparisons,
								 const DdbComparison *comparison);

/* And then, true if it is true of every matching item that is left. */
extern bool ddb_variables_decide(const DdbClauseContext *context,
								 const DdbKeyPlace *place,
								 const DdbComparison *comparison);

/*
 * True if every item that is left matches the template, so that they need not
 * be looked at to be counted.
 */
extern bool ddb_variables_decide_match(const DdbClauseContext *context,
									   const DdbKeyPlace *place,
									   List *comparisons);

/*
 * How many values the attribute has for want of a single one: of shards, and of
 * units of time that are walked through (*walks is set), estimated.
 */
extern double ddb_variables_count(const DdbClauseContext *context,
								  const DdbKeyPlace *place, List *comparisons,
								  bool *walks);

#endif /* DDB_KEY_VARIABLES_H */
