/*
 * modify.c
 *		What rows must carry to be updated and deleted: their item's key.
 */
#include "postgres.h"

#include "plan/modify.h"

#include "catalog/key_templates.h"
#include "catalog/table_info.h"
#include "codec/value.h"
#include "compat.h"
#include "nodes/makefuncs.h"
#include "optimizer/appendinfo.h"
#include "utils/builtins.h"

int
ddbIsForeignRelUpdatable(Relation rel)
{
	const DdbRelation *relation = ddb_relation_load(RelationGetRelid(rel));

	/* An index is read, never written. */
	if (!relation->updatable || relation->index_name != NULL)
		return 0;
	/* Nobody knows in which segment a new item will be. */
	return (relation->segment < 0 ? 1 << CMD_INSERT : 0) | (1 << CMD_UPDATE) |
		   (1 << CMD_DELETE);
}

const char *
ddb_modify_key_name(const DdbColumn *column)
{
	/* Partitions share it where their columns are alike. */
	return psprintf("ddb_fdw key %d %u %d %u", column->attnum, column->typid,
					column->typmod, column->collation);
}

static void
raise_unaddressable(const DdbRelation *relation, const char *attribute,
					const DdbColumn *column)
{
	if (column == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot update or delete rows of foreign table %s",
						relation->name),
				 errdetail("It has no column for key attribute \"%s\" of "
						   "DynamoDB table \"%s\".",
						   attribute, relation->table_name),
				 errhint("Add a column for the attribute.")));
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("cannot update or delete rows of foreign table %s",
					relation->name),
			 errdetail("Column \"%s\" shows key attribute \"%s\" as %s, which "
					   "may be rounded.",
					   column->name, attribute, format_type_be(column->typid)),
			 errhint("Change the column's type to numeric.")));
}

static void
add_key_column(PlannerInfo *root, Index rtindex, DdbRelation *relation,
			   TupleDesc descriptor, const char *attribute)
{
	const DdbColumn *column = ddb_relation_find_attribute(relation, attribute);
	Var *key;

	if (column == NULL || column->base_typid == FLOAT4OID ||
		column->base_typid == FLOAT8OID)
		raise_unaddressable(relation, attribute, column);
	key = makeVar(rtindex, column->attnum, column->typid,
				  TupleDescAttr(descriptor, column->attnum - 1)->atttypmod,
				  column->collation, 0);
	add_row_identity_var(root, key, rtindex, ddb_modify_key_name(column));
}

void
ddbAddForeignUpdateTargets(PlannerInfo *root, Index rtindex,
						   RangeTblEntry *target_rte, Relation target_relation)
{
	DdbRelation *relation =
		ddb_relation_load(RelationGetRelid(target_relation));
	DdbTableInfo *info = ddb_table_info_get(
		relation, ddb_compat_target_userid(root, target_rte));

	add_key_column(root, rtindex, relation, target_relation->rd_att,
				   info->keys.partition[0].name);
	if (info->keys.nsort > 0)
		add_key_column(root, rtindex, relation, target_relation->rd_att,
					   info->keys.sort[0].name);
	/* What DELETE returns; UPDATE carries the whole row anyway. */
	if (root->parse->commandType == CMD_DELETE &&
		root->parse->returningList != NIL)
		add_row_identity_var(
			root,
			makeVar(rtindex, InvalidAttrNumber, RECORDOID, -1, InvalidOid, 0),
			rtindex, "wholerow");
}
