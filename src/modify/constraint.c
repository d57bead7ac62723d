/* SPDX-License-Identifier: PostgreSQL */
/*
 * constraint.c
 *		Rows that break a constraint are refused before they are written, and
 *		rows that a parent's policies do not allow (row-level security).
 *
 * An INSERT's row must meet all of them, an UPDATE's those that look at what is
 * set: the others look at what it leaves alone, and may not have been read.
 * PostgreSQL relies on them when it leaves out partitions, so a row that breaks
 * one would not be found again.
 */
#include "postgres.h"

#include "modify/constraint.h"

#include "access/sysattr.h"
#include "access/table.h"
#include "compat.h"
#include "executor/executor.h"
#include "modify/item_key.h"
#include "modify/item_tree.h"
#include "modify/read_back.h"
#include "optimizer/optimizer.h"
#include "plan/create_plan.h"
#include "utils/partcache.h"
#include "utils/rel.h"

/* A condition that rows must meet. */
typedef struct Rule
{
	const char *name; /* NULL: the partition's bounds */
	Node *expression; /* or list of them */
	ExprState *state; /* NULL: not prepared yet */
	Bitmapset *columns; /* that it looks at, offset */
} Rule;

/* What is declared of a table. */
typedef struct Declared
{
	Rule *items;
	int n;
	Bitmapset *not_null; /* attnums */
} Declared;

struct DdbConstraints
{
	Relation rel;
	ResultRelInfo *target;
	EState *estate;
	Declared declared;
	bool has_policies; /* of a parent: row-level security */
	ExprContext *econtext;
	TupleTableSlot *slot; /* virtual: the row that is looked at */
	DdbReadBack *read_back; /* NULL: the row says it all */
};

/* ---- what is declared ---- */

/*
 * Appends a constraint; name is NULL for the bounds of a partition.  Notes
 * which columns it looks at.
 */
static void
add_rule(Declared *declared, const char *name, Node *expression)
{
	Rule *rule = &declared->items[declared->n++];

	memset(rule, 0, sizeof(*rule));
	rule->name = name;
	rule->expression = expression;
	pull_varattnos(expression, 1, &rule->columns);
}

/*
 * Gathers what is declared for the foreign table: enforced CHECK constraints,
 * NOT NULL columns, and the bounds if it is a partition. palloc'd.
 */
static Declared
find_declared(const DdbRelation *relation, Relation rel)
{
	const TupleConstr *constr = RelationGetDescr(rel)->constr;
	int nchecks = constr != NULL ? constr->num_check : 0;
	List *bounds = RelationGetPartitionQual(rel);
	Declared declared = {palloc(sizeof(Rule) * (nchecks + 1)), 0, NULL};

	for (int i = 0; i < nchecks; i++)
		if (ddb_compat_check_is_enforced(&constr->check[i]))
			add_rule(&declared, pstrdup(constr->check[i].ccname),
					 ddb_compat_check_expression(rel, &constr->check[i]));
	if (bounds != NIL)
		add_rule(&declared, NULL, (Node *) bounds);
	for (int i = 0; i < relation->ncolumns; i++)
		if (relation->columns[i].name != NULL &&
			TupleDescAttr(RelationGetDescr(rel), i)->attnotnull)
			declared.not_null = bms_add_member(declared.not_null, i + 1);
	return declared;
}

/* ---- which of them an update concerns ---- */

/*
 * True if setting one of the columns may change what the other one shows,
 * because both show the whole item, or parts of one attribute.
 */
static bool
overlap(const DdbColumn *a, const DdbColumn *b)
{
	if (a->reach == DDB_REACH_ITEM || b->reach == DDB_REACH_ITEM)
		return true;
	if (a->source != 0 || b->source != 0 || a->reach == DDB_REACH_OVERFLOW ||
		b->reach == DDB_REACH_OVERFLOW ||
		strcmp(a->attribute, b->attribute) != 0)
		return false;
	for (int i = 0; i < Min(a->nsteps, b->nsteps); i++)
		if (!ddb_path_step_equal(&a->steps[i], &b->steps[i]))
			return false;
	return true;
}

/* The columns, by number, that setting these may change besides them. */
static Bitmapset *
overlapped(const DdbRelation *relation, const Bitmapset *updated)
{
	Bitmapset *columns = NULL;
	int attnum = -1;

	while ((attnum = bms_next_member(updated, attnum)) >= 0)
		for (int i = 0; i < relation->ncolumns; i++)
			if (i + 1 != attnum && relation->columns[i].name != NULL &&
				overlap(&relation->columns[i], &relation->columns[attnum - 1]))
				columns = bms_add_member(columns, i + 1);
	return columns;
}

/*
 * True if the rule looks at one of these columns, by number.  A reference to
 * the whole row looks at all of them.
 */
static bool
looks_at(const Rule *rule, const Bitmapset *columns)
{
	int member = -1;

	while ((member = bms_next_member(rule->columns, member)) >= 0)
	{
		int attnum = member + FirstLowInvalidHeapAttributeNumber;

		/*
		 * Each column is a part of the whole row; tableoid is nothing that is
		 * set.
		 */
		if (attnum == InvalidAttrNumber ||
			(attnum > 0 && bms_is_member(attnum, columns)))
			return true;
	}
	return false;
}

/*
 * Adds attribute numbers to columns with the offset that pull_varattnos()
 * uses.  Changes columns in place.
 */
static Bitmapset *
add_offset(Bitmapset *columns, const Bitmapset *attnums)
{
	int attnum = -1;

	while ((attnum = bms_next_member(attnums, attnum)) >= 0)
		columns = bms_add_member(columns,
								 attnum - FirstLowInvalidHeapAttributeNumber);
	return columns;
}

/*
 * False means that the update need not be checked at all, and so may be sent
 * without reading the row.
 */
bool
ddb_constraints_concern(const DdbRelation *relation, List *updated,
						Bitmapset **columns)
{
	Relation rel = table_open(relation->relid, NoLock);
	Declared declared = find_declared(relation, rel);
	Bitmapset *set = NULL;
	Bitmapset *others;
	Bitmapset *needed = NULL;
	bool concern;
	ListCell *lc;

	table_close(rel, NoLock);
	foreach (lc, updated)
		set = bms_add_member(set, lfirst_int(lc));
	others = overlapped(relation, set);
	for (int i = 0; i < declared.n; i++)
		if (looks_at(&declared.items[i], bms_union(set, others)))
			needed = bms_add_members(needed, declared.items[i].columns);
	needed = add_offset(needed, bms_intersect(declared.not_null, others));
	concern = needed != NULL || bms_overlap(declared.not_null, set);
	*columns =
		bms_del_members(needed, add_offset(NULL, bms_difference(set, others)));
	return concern;
}

/* ---- the row ---- */

/*
 * The columns that constraints look at, by number.  Policies may look at
 * anything, and so may whole rows.
 */
static List *
columns_looked_at(const DdbConstraints *constraints,
				  const DdbRelation *relation)
{
	Bitmapset *columns = add_offset(NULL, constraints->declared.not_null);

	for (int i = 0; i < constraints->declared.n; i++)
		columns =
			bms_add_members(columns, constraints->declared.items[i].columns);
	/* Policies may look at anything. */
	if (constraints->has_policies)
		columns = bms_add_member(
			columns, InvalidAttrNumber - FirstLowInvalidHeapAttributeNumber);
	return ddb_plan_column_list(relation, columns);
}

/*
 * True if row-level security has something to say of new rows.  Checks of
 * views are PostgreSQL's own work.
 */
static bool
has_policies(const ResultRelInfo *target)
{
	ListCell *lc;

	foreach (lc, target->ri_WithCheckOptions)
		if (lfirst_node(WithCheckOption, lc)->kind != WCO_VIEW_CHECK)
			return true;
	return false;
}

/*
 * The executor's state of each expression is made at its first use.  Needs to
 * read items back only if columns show parts of each other.
 */
DdbConstraints *
ddb_constraints_create(EState *estate, ResultRelInfo *target,
					   const DdbItemWriter *writer)
{
	DdbConstraints *constraints = palloc0(sizeof(DdbConstraints));
	TupleDesc descriptor;

	constraints->rel = target->ri_RelationDesc;
	constraints->target = target;
	constraints->has_policies = has_policies(target);
	constraints->estate = estate;
	constraints->declared = find_declared(writer->relation, constraints->rel);
	constraints->econtext = CreateExprContext(estate);
	descriptor = CreateTupleDescCopy(RelationGetDescr(constraints->rel));
	constraints->slot = MakeSingleTupleTableSlot(descriptor, &TTSOpsVirtual);
	if (!writer->plain)
		constraints->read_back = ddb_read_back_create(
			writer, descriptor,
			columns_looked_at(constraints, writer->relation));
	return constraints;
}

/*
 * Has the constraints' slot show the row that the writer has at hand, without
 * copying its values.
 */
static void
show_row(const DdbConstraints *constraints, const DdbItemWriter *writer)
{
	TupleTableSlot *slot = constraints->slot;
	size_t n = writer->relation->ncolumns;

	ExecClearTuple(slot);
	memcpy(slot->tts_values, writer->values, sizeof(Datum) * n);
	memcpy(slot->tts_isnull, writer->nulls, sizeof(bool) * n);
	ExecStoreVirtualTuple(slot);
	slot->tts_tableOid = RelationGetRelid(constraints->rel);
}

/*
 * Has the slot show these columns as the stored item does; NULL means all of
 * them.  Nothing changes if the item is not a row.
 */
static void
show_item(const DdbConstraints *constraints, const char *item,
		  const Bitmapset *columns)
{
	TupleTableSlot *slot = constraints->slot;
	const TupleTableSlot *read =
		ddb_read_back_row(constraints->read_back, item);

	for (int i = 0; read != NULL && i < slot->tts_tupleDescriptor->natts; i++)
		if (columns == NULL || bms_is_member(i + 1, columns))
		{
			slot->tts_values[i] = read->tts_values[i];
			slot->tts_isnull[i] = read->tts_isnull[i];
		}
}

/* ---- what it must meet ---- */

/*
 * True if the row in the slot satisfies the constraint, or if it is NULL. The
 * expression is prepared at its first use.
 */
static bool
holds(DdbConstraints *constraints, Rule *rule)
{
	bool result;

	if (rule->state == NULL)
	{
		MemoryContext old =
			MemoryContextSwitchTo(constraints->estate->es_query_cxt);

		rule->state = IsA(rule->expression, List)
						  ? ExecPrepareCheck((List *) rule->expression,
											 constraints->estate)
						  : ExecPrepareExpr((Expr *) rule->expression,
											constraints->estate);
		MemoryContextSwitchTo(old);
	}
	ResetExprContext(constraints->econtext);
	constraints->econtext->ecxt_scantuple = constraints->slot;
	/* NULL is no reason to refuse a row. */
	result = ExecCheck(rule->state, constraints->econtext);
	constraints->econtext->ecxt_scantuple = NULL;
	return result;
}

/* The first that the row in the slot breaks, of those (NULL: of all columns). */
static Rule *
find_broken(DdbConstraints *constraints, const Bitmapset *columns)
{
	Declared *declared = &constraints->declared;

	for (int i = 0; i < declared->n; i++)
		if ((columns == NULL || looks_at(&declared->items[i], columns)) &&
			!holds(constraints, &declared->items[i]))
			return &declared->items[i];
	return NULL;
}

/*
 * The first column, by number, that is NULL in the slot and must not be; 0 if
 * there is none. columns restricts the search.
 */
static AttrNumber
find_null(const DdbConstraints *constraints, const Bitmapset *columns)
{
	int attnum = -1;

	while ((attnum = bms_next_member(constraints->declared.not_null, attnum)) >=
		   0)
		if (constraints->slot->tts_isnull[attnum - 1] &&
			(columns == NULL || bms_is_member(attnum, columns)))
			return attnum;
	return 0;
}

/*
 * Raises the error of a NULL in a column that is NOT NULL, in PostgreSQL's
 * words.  DETAIL gives the key, as the row may not be complete.
 */
static void
raise_null(const DdbConstraints *constraints, const DdbItemWriter *writer,
		   AttrNumber attnum, const char *key)
{
	ereport(ERROR,
			(errcode(ERRCODE_NOT_NULL_VIOLATION),
			 errmsg("null value in column \"%s\" of relation \"%s\" violates "
					"not-null constraint",
					writer->relation->columns[attnum - 1].name,
					RelationGetRelationName(constraints->rel)),
			 errdetail("Failing row has the key %s.",
					   ddb_item_describe_key(writer, key)),
			 errtablecol(constraints->rel, attnum)));
}

/*
 * Raises the error of a violated CHECK constraint, or of a row outside its
 * partition.
 */
static void
raise_broken(const DdbConstraints *constraints, const DdbItemWriter *writer,
			 const Rule *rule, const char *key)
{
	const char *name = RelationGetRelationName(constraints->rel);
	bool checks = rule->name != NULL;

	ereport(ERROR,
			(errcode(ERRCODE_CHECK_VIOLATION),
			 checks ? errmsg("new row for relation \"%s\" violates check "
							 "constraint \"%s\"",
							 name, rule->name)
					: errmsg("new row for relation \"%s\" violates partition "
							 "constraint",
							 name),
			 errdetail("Failing row has the key %s.",
					   ddb_item_describe_key(writer, key)),
			 checks ? errtableconstraint(constraints->rel, rule->name)
					: errtable(constraints->rel)));
}

/*
 * Raises an error if the row in the slot breaks a constraint that looks at one
 * of these columns; NULL means all of them.
 */
static void
check_slot(DdbConstraints *constraints, const DdbItemWriter *writer,
		   const Bitmapset *columns, const char *key)
{
	AttrNumber null = find_null(constraints, columns);
	const Rule *broken;

	if (null != 0)
		raise_null(constraints, writer, null, key);
	broken = find_broken(constraints, columns);
	if (broken != NULL)
		raise_broken(constraints, writer, broken, key);
}

/* Policies come first: other errors tell of rows that they may hide. */
static void
check_policies(const DdbConstraints *constraints, WCOKind kind)
{
	if (constraints->has_policies)
		ExecWithCheckOptions(kind, constraints->target, constraints->slot,
							 constraints->estate);
}

static bool
is_free(const DdbConstraints *constraints)
{
	return constraints->declared.n == 0 &&
		   constraints->declared.not_null == NULL && !constraints->has_policies;
}

/* Checks a whole item as it will be stored, by all constraints and policies. */
static void
check_whole(DdbConstraints *constraints, DdbItemWriter *writer,
			const char *item, const char *key, WCOKind kind)
{
	show_row(constraints, writer);
	if (constraints->read_back != NULL)
		show_item(constraints, item, NULL);
	check_policies(constraints, kind);
	check_slot(constraints, writer, NULL, key);
}

/* Costs nothing where nothing is declared. */
void
ddb_constraints_check_item(DdbConstraints *constraints, DdbItemWriter *writer,
						   const char *item, const char *key)
{
	if (!is_free(constraints))
		check_whole(constraints, writer, item, key, WCO_RLS_INSERT_CHECK);
}

/*
 * A constraint that looks at nothing which the update sets is not checked:
 * other columns may break it already.
 */
void
ddb_constraints_check_update(DdbConstraints *constraints, DdbItemWriter *writer,
							 TupleTableSlot *old, const char *key,
							 const DdbItemUpdate *update)
{
	Bitmapset *others;

	if (is_free(constraints))
		return;
	if (update->whole != NULL)
	{
		check_whole(constraints, writer, update->whole, key,
					WCO_RLS_UPDATE_CHECK);
		return;
	}
	if (writer->updated == NULL)
		return;
	show_row(constraints, writer);
	others = constraints->read_back == NULL
				 ? NULL
				 : overlapped(writer->relation, writer->updated);
	if (others != NULL)
		show_item(constraints,
				  ddb_item_after_update(writer, old, key, update, others),
				  others);
	check_policies(constraints, WCO_RLS_UPDATE_CHECK);
	check_slot(constraints, writer, bms_union(writer->updated, others), key);
}

/* NOT NULL counts as a constraint on its column. */
bool
ddb_constraints_look_at(const DdbConstraints *constraints,
						const Bitmapset *columns)
{
	const Declared *declared = &constraints->declared;

	for (int i = 0; i < declared->n; i++)
		if (looks_at(&declared->items[i], columns))
			return true;
	return bms_overlap(declared->not_null, columns);
}

bool
ddb_constraints_hold(DdbConstraints *constraints, const DdbItemWriter *writer,
					 const Bitmapset *updated)
{
	show_row(constraints, writer);
	return find_null(constraints, updated) == 0 &&
		   find_broken(constraints, updated) == NULL;
}
