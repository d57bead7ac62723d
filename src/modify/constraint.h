/* SPDX-License-Identifier: PostgreSQL */
/*
 * constraint.h
 *		CHECK, NOT NULL and the bounds of partitions, which PostgreSQL leaves to
 *		the owners of foreign tables, and DynamoDB does not know.
 */
#ifndef DDB_CONSTRAINT_H
#define DDB_CONSTRAINT_H

#include "postgres.h"

#include "modify/item_writer.h"
#include "nodes/execnodes.h"

typedef struct DdbConstraints DdbConstraints;

/*
 * At planning: do constraints look at what is set?  *columns: which others
 * (attnums, offset as pull_varattnos has them) have to be known then.
 */
extern bool ddb_constraints_concern(const DdbRelation *relation, List *updated,
									Bitmapset **columns);

/* In the current memory context. */
extern DdbConstraints *ddb_constraints_create(EState *estate,
											  ResultRelInfo *target,
											  const DdbItemWriter *writer);

/*
 * Raises an error when a new row breaks a constraint or a policy.  It is the row that the
 * writer has composed the item of; both are JSON.
 */
extern void ddb_constraints_check_item(DdbConstraints *constraints,
									   DdbItemWriter *writer, const char *item,
									   const char *key);

/*
 * The same of what an update makes of the old row (NULL: it was not read), where
 * a constraint looks at what is set.
 */
extern void ddb_constraints_check_update(DdbConstraints *constraints,
										 DdbItemWriter *writer,
										 TupleTableSlot *old, const char *key,
										 const DdbItemUpdate *update);

/* True when one of them looks at these columns (attnums). */
extern bool ddb_constraints_look_at(const DdbConstraints *constraints,
									const Bitmapset *columns);

/* True if they hold of what is set alone.  No error is raised. */
extern bool ddb_constraints_hold(DdbConstraints *constraints,
								 const DdbItemWriter *writer,
								 const Bitmapset *updated);

#endif /* DDB_CONSTRAINT_H */
