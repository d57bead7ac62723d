/* SPDX-License-Identifier: PostgreSQL */
/*
 * time_partitions.h
 *		Lists the units of time that a partition key is derived from.
 */
#ifndef DDB_TIME_PARTITIONS_H
#define DDB_TIME_PARTITIONS_H

#include "postgres.h"

#include "codec/key_templates.h"
#include "request/key_template_range.h"

/*
 * The first instants of all units between the ends that the inputs give, oldest
 * first, into *instants; their number.  Without a lower end from the option
 * partitions_since on; without an upper one to the unit after the present.
 * Raises an error when there is no beginning, or too much between.
 */
extern int ddb_walk_list(const DdbRelation *relation,
						 const DdbKeyTemplate *template,
						 const DdbVariable *variable,
						 const DdbComposeInput *inputs, int ninputs,
						 int64 **instants);

#endif /* DDB_TIME_PARTITIONS_H */
