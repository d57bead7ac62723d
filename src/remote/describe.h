/* SPDX-License-Identifier: PostgreSQL */
/*
 * describe.h
 *		DescribeTable and DescribeTimeToLive, cached per backend.
 *
 * Refreshed by age, by a change of options, and when an error shows that the
 * schema moved.
 */
#ifndef DDB_DESCRIBE_H
#define DDB_DESCRIBE_H

#include "postgres.h"

#include "model/table_info.h"

/*
 * The table behind a relation, in the current memory context.  Raises an error
 * when there is no such table, or when the role may not describe it and its
 * columns do not declare the key.
 */
extern DdbTableInfo *ddb_describe_table(DdbRelation *relation, Oid userid);

/*
 * The attribute whose time in the past means that DynamoDB will delete the
 * item; NULL where there is none.  Raises an error when the role may not ask.
 */
extern char *ddb_describe_ttl_attribute(DdbRelation *relation, Oid userid);

/* True while the description of that generation is the newest, and new enough. */
extern bool ddb_describe_is_current(DdbRelation *relation, Oid userid,
									int generation);

/*
 * Forget what is cached of a table, and all plans: an error showed that it is
 * wrong.
 */
extern void ddb_describe_forget(Oid serverid, const char *table_name);

#endif /* DDB_DESCRIBE_H */
