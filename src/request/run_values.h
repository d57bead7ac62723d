/* SPDX-License-Identifier: PostgreSQL */
/*
 * run_values.h
 *		Values of fdw_exprs, which access plans refer to by position.
 */
#ifndef DDB_RUN_VALUES_H
#define DDB_RUN_VALUES_H

#include "postgres.h"

#include "codec/codec.h"
#include "nodes/execnodes.h"
#include "request/nearest_value.h"

/*
 * Evaluates one of them into the current context; false when it is NULL.
 * states: the ExprStates of fdw_exprs.
 */
extern bool ddb_values_evaluate(ForeignScanState *node, List *states, int index,
								Datum *value);

/*
 * What turns the condition's values into values of its column; NULL where they
 * are of its type.
 */
extern DdbSearch *ddb_values_search(ForeignScanState *node, List *states,
									const DdbCodecSet *codecs,
									const DdbCondition *condition);

/* Takes an array apart; returns how many elements it has. */
extern int ddb_values_elements(Datum array, Datum **elements, bool **nulls);

/* Sorts the values, and drops those that are equal; how many are left. */
extern int ddb_values_unique(Datum *values, int n, Oid typid);

#endif /* DDB_RUN_VALUES_H */
