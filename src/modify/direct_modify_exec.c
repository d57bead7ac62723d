/* SPDX-License-Identifier: PostgreSQL */
/*
 * direct_modify_exec.c
 *		Rows of a scan, changed many at once.
 *
 * A batch of rows is read, their changes are sent side by side while the scan's
 * next page is under way, and what came of them is given.
 */
#include "postgres.h"

#include "modify/direct_modify_exec.h"

#include "codec/json_text.h"
#include "compat.h"
#include "executor/executor.h"
#include "executor/instrument.h"
#include "executor/nodeSubplan.h"
#include "modify/item_tree.h"
#include "modify/row_change.h"
#include "nodes/nodeFuncs.h"
#include "request/condition.h"
#include "request/read_request.h"
#include "scan/explain.h"
#include "scan/groups.h"
#include "scan/item_identity.h"
#include "scan/scan.h"
#include "scan/stream.h"
#include "utils/memutils.h"
#include "utils/rel.h"

typedef struct DdbDirectModify
{
	const DdbWritePlan *plan;
	DdbScanState *scan;
	DdbRowWriter *rows;
	ExprState *filter; /* NULL: none */
	Bitmapset *updated; /* attnums */
	bool sets_key; /* to what it is, or an error is raised */
	bool begun;
	const DdbWriteCondition *condition; /* of the run; NULL: none */
	bool blind; /* keys are written without their items being read */
	bool finished; /* all rows were read */
	Bitmapset *subqueries; /* parameters that must be known before the first
							* write; NULL: none */
	MemoryContext context; /* of the batch */

	/* of the batch */
	DdbRowChange *changes;
	HeapTuple *tuples; /* what RETURNING shows of them */
	int n;
	size_t bytes; /* of their requests and tuples */
	int next; /* to be given */

	/* of a blind one: which key is next */
	int stream;
	int target;
} DdbDirectModify;

/*
 * Tree walker: gathers the numbers of the executor's parameters that
 * expressions refer to.  Never stops early.
 */
static bool
collect_parameters(Node *node, void *context)
{
	Bitmapset **parameters = (Bitmapset **) context;

	if (node == NULL)
		return false;
	if (IsA(node, Param) && ((Param *) node)->paramkind == PARAM_EXEC)
		*parameters = bms_add_member(*parameters, ((Param *) node)->paramid);
	return expression_tree_walker(node, collect_parameters, context);
}

/*
 * A subquery is evaluated when it is first needed: where it reads the table, not
 * after rows have been written.
 */
static void
evaluate_subqueries(ForeignScanState *node, DdbDirectModify *modify)
{
	if (modify->subqueries != NULL && !modify->finished)
		ExecSetParamPlanMulti(modify->subqueries, node->ss.ps.ps_ExprContext);
	modify->subqueries = NULL;
}

/*
 * Executor callback: begins the scan, and sets up what writes its rows.  The
 * scan's state owns it all.
 */
void
ddbBeginDirectModify(ForeignScanState *node, int eflags)
{
	MemoryContext context = node->ss.ps.state->es_query_cxt;
	DdbDirectModify *modify;
	DdbScanState *scan;
	ListCell *lc;

	ddbBeginForeignScan(node, eflags);
	if ((eflags & EXEC_FLAG_EXPLAIN_ONLY) != 0)
		return;
	scan = (DdbScanState *) node->fdw_state;
	modify = palloc0(sizeof(DdbDirectModify));
	modify->scan = scan;
	modify->plan = scan->plan->write;
	modify->rows = ddb_row_writer_create(node->ss.ps.state, node->resultRelInfo,
										 modify->plan->returned, true);
	if (modify->plan->filter >= 0)
		modify->filter =
			(ExprState *) list_nth(scan->values, modify->plan->filter);
	foreach (lc, modify->plan->updated)
	{
		modify->updated = bms_add_member(modify->updated, lfirst_int(lc));
		modify->sets_key |=
			ddb_item_is_key(modify->rows->items, lfirst_int(lc));
	}
	foreach (lc, modify->plan->kept)
		modify->rows->items->kept =
			bms_add_member(modify->rows->items->kept, lfirst_int(lc));
	if (modify->plan->rereads)
		(void) collect_parameters(
			(Node *) ((ForeignScan *) node->ss.ps.plan)->fdw_exprs,
			&modify->subqueries);
	modify->context = AllocSetContextCreate(context, "ddb_fdw changes",
											ALLOCSET_DEFAULT_SIZES);
	scan->modify = modify;
}

void
ddbEndDirectModify(ForeignScanState *node)
{
	ddbEndForeignScan(node);
}

/*
 * Evaluates the new values of the columns that are set, into the row that the
 * writer has at hand.
 */
static void
set_values(DdbDirectModify *modify, ExprContext *econtext)
{
	DdbItemWriter *items = modify->rows->items;
	int index = modify->plan->first_value;
	ListCell *lc;

	foreach (lc, modify->plan->updated)
	{
		int i = lfirst_int(lc) - 1;
		ExprState *value =
			(ExprState *) list_nth(modify->scan->values, index++);

		items->values[i] = ExecEvalExpr(value, econtext, &items->nulls[i]);
	}
}

/*
 * True if what is set breaks no constraint.  Otherwise it is to be known
 * whether there is a row that would.
 */
static bool
meets_constraints(ForeignScanState *node, DdbDirectModify *modify)
{
	DdbItemWriter *items = modify->rows->items;
	MemoryContext old;
	bool met;

	if (modify->plan->deletes ||
		!ddb_constraints_look_at(ddb_row_writer_constraints(modify->rows),
								 modify->updated))
		return true;
	old = MemoryContextSwitchTo(modify->context);
	memset(items->nulls, true, items->relation->ncolumns);
	set_values(modify, node->ss.ps.ps_ExprContext);
	met = ddb_constraints_hold(ddb_row_writer_constraints(modify->rows), items,
							   modify->updated);
	MemoryContextSwitchTo(old);
	return met;
}

/*
 * What WHERE says becomes a condition of every request.  False when no item can
 * meet it.
 */
static bool
begin_run(ForeignScanState *node, DdbDirectModify *modify)
{
	DdbScanState *scan = modify->scan;
	MemoryContext old;
	DdbTermContext terms = {node, scan->values, scan->codecs, NULL, false};
	DdbTerm *term;

	ddb_scan_ensure_started(node, scan);
	old = MemoryContextSwitchTo(scan->run_context);
	term = ddb_term_resolve(&terms, modify->plan->condition);
	modify->condition = NULL;
	if (term->kind != DDB_TERM_TRUE && term->kind != DDB_TERM_FALSE)
		modify->condition = ddb_request_condition(term);
	MemoryContextSwitchTo(old);
	/* Values of this run may want the item to be looked at after all. */
	modify->blind = modify->plan->is_blind && !scan->run.recheck &&
					!terms.recheck && meets_constraints(node, modify);
	modify->begun = true;
	return term->kind != DDB_TERM_FALSE;
}

/* ---- changes ---- */

static DdbRowChange *
add_change(DdbDirectModify *modify)
{
	return &modify->changes[modify->n++];
}

/*
 * The values of the key columns, for an UPDATE that sets them.  Raises an
 * error if one is NULL.
 */
static void
take_keys(const DdbDirectModify *modify, TupleTableSlot *slot, Datum *keys)
{
	const DdbItemWriter *items = modify->rows->items;

	for (int i = 0; i < items->nkeys; i++)
	{
		bool isnull;

		if (items->key_columns[i] == NULL)
			continue;
		keys[i] = slot_getattr(slot, items->key_columns[i]->attnum, &isnull);
		if (isnull)
			ddb_row_writer_raise_null_key(modify->rows, i);
	}
}

/* Whose page holds the item that was read last. */
static const DdbStream *
current_stream(const DdbDirectModify *modify)
{
	return modify->scan->run.source->page_of;
}

/*
 * The key of the item that was read last, as JSON with its stored values,
 * palloc'd.
 */
static char *
key_of_item(const DdbDirectModify *modify)
{
	const DdbScanState *scan = modify->scan;
	const DdbStream *stream = current_stream(modify);
	DdbIdentity identity;
	DdbTarget target;
	StringInfoData key;

	ddb_identity_read(stream->scan->run.reader, &stream->page,
					  stream->page.item_note, &identity, &target);
	initStringInfo(&key);
	ddb_request_append_key(&key, &scan->plan->source.table_keys, &target);
	return key.data;
}

/* What was read of the item, as JSON. */
static DdbKeptValue
item_of_row(const DdbDirectModify *modify)
{
	const DdbPage *page = &current_stream(modify)->page;
	const DdbNote *note = &page->notes.items[page->item_note];
	DdbKeptValue item = {page->body + note->offset, (int) note->len};

	return item;
}

/*
 * What the item has of attribute number i of its identity, as JSON; NULL if
 * the attribute is missing.
 */
static char *
stored_value(const DdbStream *stream, int i)
{
	DdbAttributeValue value;
	const char *type;
	bool quoted;

	if (!ddb_row_identity(stream->scan->run.reader, &stream->page,
						  stream->page.item_note, i, &value))
		return NULL;
	type = ddb_attribute_type_name(value.type);
	quoted = value.type == DDB_VALUE_S || value.type == DDB_VALUE_N ||
			 value.type == DDB_VALUE_B;
	if (value.type == DDB_VALUE_NULL || value.type == DDB_VALUE_BOOL)
		return psprintf(
			"{\"%s\":%s}", type,
			value.type == DDB_VALUE_NULL || value.boolean ? "true" : "false");
	return psprintf("{\"%s\":%s%.*s%s}", type, quoted ? "\"" : "",
					(int) value.span.len, value.span.data, quoted ? "\"" : "");
}

/*
 * With option optimistic: what was read of the item is unchanged, and so WHERE
 * holds still.
 */
static const DdbWriteCondition *
condition_of_row(const DdbDirectModify *modify)
{
	const DdbStream *stream = current_stream(modify);
	DdbWriteCondition *condition = palloc(sizeof(DdbWriteCondition));
	StringInfoData text;
	StringInfoData names;
	StringInfoData values;
	int i = 0;
	ListCell *lc;

	initStringInfo(&text);
	initStringInfo(&names);
	initStringInfo(&values);
	foreach (lc, modify->plan->checked)
	{
		char *value = stored_value(stream, modify->rows->items->nkeys + i);

		appendStringInfo(&text,
						 value != NULL ? "%s#c%d = :c%d"
									   : "%sattribute_not_exists(#c%d)",
						 text.len > 0 ? " AND " : "", i, i);
		appendStringInfo(&names, "%s\"#c%d\":", names.len > 0 ? "," : "", i);
		ddb_json_append_text(&names, lfirst(lc));
		if (value != NULL)
			appendStringInfo(&values, "%s\":c%d\":%s",
							 values.len > 0 ? "," : "", i, value);
		i++;
	}
	condition->text = text.data;
	condition->names = names.data;
	condition->values = values.data;
	return condition;
}

/*
 * Adds the change of the row that was read, with what RETURNING will show of
 * it.  An item that this statement has changed before is left out.
 */
static void
add_row(DdbDirectModify *modify, ExprContext *econtext, TupleTableSlot *slot)
{
	DdbItemWriter *items = modify->rows->items;
	Datum keys[DDB_MAX_ITEM_KEYS] = {0};
	char *key = key_of_item(modify);
	DdbKeptValue item = item_of_row(modify);
	DdbRowChange *change;
	HeapTuple tuple = NULL;

	if (modify->plan->moves && ddb_row_writer_met(modify->rows, key))
		return;
	change = add_change(modify);
	modify->rows->wire.condition = modify->plan->checked != NIL
									   ? condition_of_row(modify)
									   : modify->condition;
	if (modify->plan->deletes)
	{
		ddb_row_change_delete(modify->rows, key, &item, change);
		if (modify->plan->returns)
			tuple = ExecCopySlotHeapTuple(slot);
	}
	else
	{
		if (modify->sets_key)
			take_keys(modify, slot, keys);
		ddb_item_load(items, slot);
		items->stored = item;
		set_values(modify, econtext);
		ddb_row_change_update(modify->rows, keys, key, &item, slot,
							  modify->updated, change);
		if (modify->plan->returns)
			tuple = heap_form_tuple(slot->tts_tupleDescriptor, items->values,
									items->nulls);
	}
	modify->bytes += change->job.len;
	if (tuple != NULL)
		modify->bytes += tuple->t_len;
	/* It is copied, and made again as it will be. */
	if (change->item != NULL)
		modify->bytes += (size_t) item.len * 2;
	/* The item comes back, and is about as large. */
	if (tuple != NULL && modify->rows->wire.returns)
		modify->bytes += tuple->t_len;
	modify->tuples[modify->n - 1] = tuple;
}

/*
 * True if the row in the expression context passes what PostgreSQL checks of
 * WHERE. Rows that do not are counted for EXPLAIN.
 */
static bool
passes_filter(ForeignScanState *node, const DdbDirectModify *modify)
{
	bool isnull;
	Datum result;

	if (modify->filter == NULL)
		return true;
	result = ExecEvalExprSwitchContext(modify->filter,
									   node->ss.ps.ps_ExprContext, &isnull);
	if (!isnull && DatumGetBool(result))
		return true;
	InstrCountFiltered1(node, 1);
	return false;
}

/*
 * Reads rows until a batch is full or the scan ends.  The limit on bytes
 * bounds memory, whatever the size of items.
 */
static void
read_rows(ForeignScanState *node, DdbDirectModify *modify)
{
	ExprContext *econtext = node->ss.ps.ps_ExprContext;

	while (modify->n < DDB_WRITE_ROWS && modify->bytes < DDB_WRITE_BYTES)
	{
		TupleTableSlot *slot = ddb_scan_next(node);
		MemoryContext old;

		if (slot == NULL)
		{
			modify->finished = true;
			return;
		}
		ResetExprContext(econtext);
		econtext->ecxt_scantuple = slot;
		if (!passes_filter(node, modify))
			continue;
		old = MemoryContextSwitchTo(modify->context);
		add_row(modify, econtext, slot);
		MemoryContextSwitchTo(old);
	}
}

/* ---- rows that need not be read ---- */

/* The next key that was asked for; NULL after the last one. */
static const DdbTarget *
next_target(DdbDirectModify *modify)
{
	const DdbGroups *groups = modify->scan->run.groups;

	return groups != NULL ? ddb_groups_next_target(groups, &modify->stream,
												   &modify->target)
						  : NULL;
}

/*
 * Adds a change of the item with this key, which is written without being
 * read.
 */
static void
add_target(ForeignScanState *node, DdbDirectModify *modify,
		   const DdbTarget *target)
{
	DdbItemWriter *items = modify->rows->items;
	const Datum no_keys[DDB_MAX_ITEM_KEYS] = {0};
	StringInfoData key;
	DdbRowChange *change = add_change(modify);

	modify->rows->wire.condition = modify->condition;
	initStringInfo(&key);
	ddb_request_append_key(&key, &modify->scan->plan->source.table_keys,
						   target);
	if (modify->plan->deletes)
		ddb_row_change_delete(modify->rows, key.data, NULL, change);
	else
	{
		memset(items->nulls, true, items->relation->ncolumns);
		items->updated = NULL;
		set_values(modify, node->ss.ps.ps_ExprContext);
		ddb_row_change_update(modify->rows, no_keys, key.data, NULL, NULL,
							  modify->updated, change);
	}
	modify->bytes += change->job.len;
	if (modify->rows->wire.returns)
		modify->bytes += (size_t) modify->scan->plan->estimate.item_bytes;
	modify->tuples[modify->n - 1] = NULL;
}

/* The same for keys: fills a batch with changes of items that are not read. */
static void
take_targets(ForeignScanState *node, DdbDirectModify *modify)
{
	while (modify->n < DDB_WRITE_ROWS && modify->bytes < DDB_WRITE_BYTES)
	{
		const DdbTarget *target = next_target(modify);
		MemoryContext old;

		if (target == NULL)
		{
			modify->finished = true;
			return;
		}
		ResetExprContext(node->ss.ps.ps_ExprContext);
		old = MemoryContextSwitchTo(modify->context);
		add_target(node, modify, target);
		MemoryContextSwitchTo(old);
	}
}

/* ---- batches ---- */

/*
 * Adds the changes that were applied to the statement's row count, and to the
 * node's for EXPLAIN.
 */
static void
count_applied(ForeignScanState *node, const DdbDirectModify *modify)
{
	int64 applied = 0;

	for (int i = 0; i < modify->n; i++)
		applied += modify->changes[i].applied;
	if (modify->plan->counts)
		node->ss.ps.state->es_processed += applied;
	/* What is returned the executor counts itself. */
	if (node->ss.ps.instrument != NULL && !modify->plan->returns)
		node->ss.ps.instrument->tuplecount += applied;
}

/* Reads and writes one batch.  Everything of it lives until the next one. */
static void
run_batch(ForeignScanState *node, DdbDirectModify *modify)
{
	MemoryContext old;

	MemoryContextReset(modify->context);
	old = MemoryContextSwitchTo(modify->context);
	modify->changes = palloc(sizeof(DdbRowChange) * DDB_WRITE_ROWS);
	modify->tuples = palloc(sizeof(HeapTuple) * DDB_WRITE_ROWS);
	modify->n = modify->next = 0;
	modify->bytes = 0;
	MemoryContextSwitchTo(old);
	if (!modify->begun && !begin_run(node, modify))
		modify->finished = true;
	else if (modify->blind)
		take_targets(node, modify);
	else
		read_rows(node, modify);
	evaluate_subqueries(node, modify);
	old = MemoryContextSwitchTo(modify->context);
	ddb_row_writer_apply(modify->rows, modify->changes, modify->n);
	MemoryContextSwitchTo(old);
	count_applied(node, modify);
}

/*
 * The next row of the batch for RETURNING; NULL when it has no more.  A value
 * that does not fit raises an error here, after it was written.
 */
static TupleTableSlot *
next_result(ForeignScanState *node, DdbDirectModify *modify)
{
	ResultRelInfo *target = node->resultRelInfo;
	TupleTableSlot *slot = node->ss.ss_ScanTupleSlot;
	MemoryContext old;
	HeapTuple tuple;

	if (!modify->plan->returns)
		return NULL;
	while (modify->next < modify->n && !modify->changes[modify->next].applied)
		modify->next++;
	if (modify->next >= modify->n)
		return NULL;
	tuple = modify->tuples[modify->next];
	if (tuple != NULL)
		ExecForceStoreHeapTuple(tuple, slot, false);
	else
		ExecStoreAllNullTuple(slot);
	slot->tts_tableOid = RelationGetRelid(target->ri_RelationDesc);
	/* It is written, whether or not it can be shown. */
	old = MemoryContextSwitchTo(modify->context);
	ddb_row_change_show(modify->rows, &modify->changes[modify->next],
						tuple != NULL, slot);
	MemoryContextSwitchTo(old);
	modify->next++;
	target->ri_projectReturning->pi_exprContext->ecxt_scantuple = slot;
	return slot;
}

/*
 * Executor callback: with RETURNING the next changed row, otherwise nothing
 * until all is written.  NULL-like empty slot at the end.
 */
TupleTableSlot *
ddbIterateDirectModify(ForeignScanState *node)
{
	DdbDirectModify *modify = ((DdbScanState *) node->fdw_state)->modify;

	for (;;)
	{
		TupleTableSlot *slot = next_result(node, modify);

		if (slot != NULL)
			return slot;
		if (modify->finished)
			return ExecClearTuple(node->ss.ss_ScanTupleSlot);
		run_batch(node, modify);
	}
}

/* EXPLAIN callback: what a scan shows, with the counters of writes added. */
void
ddbExplainDirectModify(ForeignScanState *node, ExplainState *es)
{
	const DdbScanState *state = (const DdbScanState *) node->fdw_state;

	/* Without ANALYZE nothing writes. */
	if (state->modify == NULL)
		ddbExplainForeignScan(node, es);
	else
		ddb_explain_scan(node, &state->modify->rows->writes->counters, es);
}
