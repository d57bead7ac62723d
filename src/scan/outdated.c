/* SPDX-License-Identifier: PostgreSQL */
/*
 * outdated.c
 *		Plans that were made for another table than there is now.
 *
 * Prepared statements and functions keep their plans.  When a description
 * differs from the one before it, all plans are made anew (model/table_info);
 * what is here sees to it that a session which plans nothing asks for one in
 * time, and that what was planned before but begins only now does not run.
 */
#include "postgres.h"

#include "scan/outdated.h"

#include "access/parallel.h"
#include "model/table_info.h"
#include "remote/describe.h"

static bool
same_keys(const DdbKeySchema *a, const DdbKeySchema *b)
{
	if (a->n != b->n || a->npartition != b->npartition)
		return false;
	for (int i = 0; i < a->n; i++)
		if (strcmp(a->attributes[i].name, b->attributes[i].name) != 0 ||
			a->attributes[i].type != b->attributes[i].type)
			return false;
	return true;
}

/* True while the index that the plan reads is what the plan takes it for. */
static bool
suits_index(const DdbAccessPlan *plan, const DdbRelation *relation,
			DdbTableInfo *info)
{
	const DdbIndexInfo *index;

	if (plan->source.index_name == NULL)
		return true;
	index = ddb_table_info_index(info, plan->source.index_name);
	return index != NULL && index->usable &&
		   index->global != plan->source.index_is_local &&
		   same_keys(&index->keys, &plan->source.keys) &&
		   (!index->global ||
			(ddb_table_info_holds_all(info, relation, index,
									  plan->projection.columns) &&
			 ddb_table_info_holds_all(info, relation, index,
									  plan->projection.recheck_columns))) &&
		   (plan->filter.ttl_attribute == NULL ||
			ddb_table_info_holds(info, index, plan->filter.ttl_attribute));
}

/*
 * True while attributes that the plan takes for keys, and so for values of one
 * spelling, are keys.
 */
static bool
suits_attributes(const DdbAccessPlan *plan, const DdbTableInfo *info)
{
	ListCell *lc;

	foreach (lc, plan->source.key_attributes)
	{
		const DdbKeyAttribute *key = (const DdbKeyAttribute *) lfirst(lc);

		if (ddb_key_attributes_type(info->key_attributes, key->name) !=
			key->type)
			return false;
	}
	return true;
}

/* True while items expire by the attribute that the plan knows. */
static bool
suits_expiry(const DdbAccessPlan *plan, DdbRelation *relation, Oid userid)
{
	const DdbAccessPlan *rows = ddb_access_plan_last_step(plan);
	const char *attribute;

	if (!relation->hide_expired)
		return true;
	attribute = ddb_describe_ttl_attribute(relation, userid);
	if (attribute == NULL || rows->filter.ttl_attribute == NULL)
		return attribute == rows->filter.ttl_attribute;
	return strcmp(attribute, rows->filter.ttl_attribute) == 0;
}

/*
 * True if the table is still what the plan was made for: the same keys, and
 * the same index and attributes as far as the plan uses them.
 */
static bool
suits_table(const DdbAccessPlan *plan, DdbRelation *relation, Oid userid)
{
	DdbTableInfo *info;

	if (ddb_describe_is_current(relation, userid, plan->source.generation))
		return true;
	info = ddb_describe_table(relation, userid);
	return info->generation == plan->source.generation ||
		   (same_keys(&info->keys, &plan->source.table_keys) &&
			suits_index(plan, relation, info) && suits_attributes(plan, info));
}

/* The error is 40001, so that clients which retry plan anew. */
void
ddb_scan_check_plan(const DdbScanState *state, Oid userid)
{
	/* Workers run what the leader has looked at. */
	if (IsParallelWorker() ||
		(suits_table(state->plan, state->relation, userid) &&
		 suits_expiry(state->plan, state->relation, userid)))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
			 errmsg("DynamoDB table \"%s\" has changed since the statement was "
					"planned",
					state->plan->source.table_name),
			 errdetail("The keys of the table or of an index are different, or "
					   "items expire by another attribute."),
			 errhint("Repeat the statement: it is planned anew.")));
}
