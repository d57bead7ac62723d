/* SPDX-License-Identifier: PostgreSQL */
/*
 * guard.h
 *		What keeps a statement from costing more than its owner allows.
 */
#ifndef DDB_GUARD_H
#define DDB_GUARD_H

#include "postgres.h"

#include "model/relation.h"
#include "nodes/execnodes.h"
#include "request/access_plan.h"

/* Full scans: nothing, a warning, or an error. Once a scan, before it reads. */
extern void ddb_guard_scan(const DdbRelation *relation,
						   const DdbAccessPlan *plan);

/*
 * FOR UPDATE and its like lock no item: a warning, once a statement; an error if
 * the query wants to know what others have locked.  When the scan begins.
 */
extern void ddb_guard_locks(ForeignScanState *node, const DdbRelation *relation,
							int eflags);

/*
 * Adds read units to what the running statement has consumed; scan_units is
 * what the scan has consumed with them.  Raises an error when either is more
 * than the statement may.
 */
extern void ddb_guard_add_read_units(const DdbRelation *relation, double units,
									 double scan_units);

/* Adds what was sent in vain, and raises nothing: the next request does. */
extern void ddb_guard_note_read_units(double units);

/* Raises the same error when nothing is left for another request. */
extern void ddb_guard_check_read_units(const DdbRelation *relation,
									   double scan_units);

/*
 * Read units that the running statement has consumed; and what it has at least,
 * when other processes read for it.
 */
extern double ddb_guard_read_units(void);
extern void ddb_guard_begin_with(double units);

/* Read units that the running statement may still consume; infinity: any. */
extern double ddb_guard_read_units_left(const DdbRelation *relation);

#endif /* DDB_GUARD_H */
