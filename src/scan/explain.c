/* SPDX-License-Identifier: PostgreSQL */
/*
 * explain.c
 *		Shows what goes to DynamoDB, in EXPLAIN's own formats and words.
 *
 * Labels are settled in docs/manual.md.  Conditions that PostgreSQL checks
 * stay on its own Filter line.
 */
#include "postgres.h"

#include "scan/explain.h"

#include "common/int.h"
#include "compat.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "remote/describe.h"
#include "scan/page_size.h"
#include "scan/parallel_scan.h"
#include "scan/rescan.h"
#include "scan/scan.h"
#include "scan/stream.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/ruleutils.h"

/* What the condition builder needs at hand. */
typedef struct Context
{
	ForeignScanState *node;
	DdbScanState *state;
	List *deparse_context;
} Context;

/* The plan's expression at this index, as SQL text. */
static char *
deparse_value(const Context *context, int index)
{
	ForeignScan *scan = (ForeignScan *) context->node->ss.ps.plan;
	bool joined =
		list_member_int(context->state->plan->keys.batch_values, index);

	/* Columns of other tables always say which. */
	return deparse_expression((Node *) list_nth(scan->fdw_exprs, index),
							  context->deparse_context, joined, false);
}

/* The column's name, as the query spells it. */
static const char *
column_label(const Context *context, AttrNumber column)
{
	return quote_identifier(context->state->relation->columns[column - 1].name);
}

/* document -> 'a' ->> 'b' */
static void
append_members(const Context *context, StringInfo text,
			   const DdbCondition *condition)
{
	bool as_text = condition->access == DDB_ACCESS_TEXT ||
				   condition->access == DDB_ACCESS_TEXT_NUMBER;
	ListCell *lc;

	appendStringInfoString(text, column_label(context, condition->column));
	foreach (lc, condition->path)
	{
		char *name = (char *) lfirst(lc);

		appendStringInfo(
			text, " %s %s",
			as_text && lnext(condition->path, lc) == NULL ? "->>" : "->",
			quote_literal_cstr(pg_any_to_server(name, strlen(name), PG_UTF8)));
	}
}

/* Puts the column into the place that a view has for its value. */
static Node *
fill_place(Node *node, void *column)
{
	if (node != NULL && IsA(node, CaseTestExpr))
		return copyObject((Node *) column);
	return expression_tree_mutator(node, fill_place, column);
}

/* What is made of the column, as SQL would write it. */
static char *
deparse_view(const Context *context, const DdbCondition *condition)
{
	ForeignScan *scan = (ForeignScan *) context->node->ss.ps.plan;
	const DdbColumn *column =
		&context->state->relation->columns[condition->column - 1];
	Var *var = makeVar(scan->fs_relids != NULL && scan->scan.scanrelid == 0
						   ? bms_next_member(scan->fs_relids, -1)
						   : (int) scan->scan.scanrelid,
					   condition->column, column->typid, column->typmod,
					   column->collation, 0);

	return deparse_expression(
		fill_place((Node *) list_nth(scan->fdw_exprs, condition->view), var),
		context->deparse_context, false, false);
}

/* What is compared, as SQL would write it. */
static void
append_subject(const Context *context, StringInfo text,
			   const DdbCondition *condition)
{
	static const char *const around[][2] = {
		[DDB_ACCESS_VALUE] = {"", ""},
		[DDB_ACCESS_JSON] = {"(", ")"},
		[DDB_ACCESS_TEXT] = {"(", ")"},
		[DDB_ACCESS_NUMBER] = {"(", ")::numeric"},
		[DDB_ACCESS_TEXT_NUMBER] = {"(", ")::numeric"},
		[DDB_ACCESS_SIZE] = {"size(", ")"},
		[DDB_ACCESS_CHARACTERS] = {"length(", ")"},
		[DDB_ACCESS_OCTETS] = {"octet_length(", ")"},
	};

	if (condition->view >= 0)
	{
		appendStringInfoString(text, deparse_view(context, condition));
		return;
	}
	appendStringInfoString(text, around[condition->access][0]);
	append_members(context, text, condition);
	appendStringInfoString(text, around[condition->access][1]);
}

/* A comparison, as SQL would write it. */
static void
append_condition(const Context *context, StringInfo text,
				 const DdbCondition *condition)
{
	static const char *const formats[] = {
		[DDB_COMPARE_EQ] = "%s = %s",
		[DDB_COMPARE_LT] = "%s < %s",
		[DDB_COMPARE_LE] = "%s <= %s",
		[DDB_COMPARE_GT] = "%s > %s",
		[DDB_COMPARE_GE] = "%s >= %s",
		[DDB_COMPARE_PREFIX] = "%s ^@ %s",
		[DDB_COMPARE_LIKE] = "%s ~~ %s",
		[DDB_COMPARE_IN] = "%s = ANY (%s)",
		[DDB_COMPARE_NE] = "%s <> %s",
		[DDB_COMPARE_NOT_PREFIX] = "NOT %s ^@ %s",
		[DDB_COMPARE_NOT_LIKE] = "%s !~~ %s",
		[DDB_COMPARE_NOT_IN] = "%s <> ALL (%s)",
		[DDB_COMPARE_CONTAINS] = "strpos(%s, %s) > 0",
		[DDB_COMPARE_NOT_CONTAINS] = "strpos(%s, %s) = 0",
		[DDB_COMPARE_DISTINCT] = "%s IS DISTINCT FROM %s",
		[DDB_COMPARE_NOT_DISTINCT] = "%s IS NOT DISTINCT FROM %s",
		[DDB_COMPARE_NULL] = "%s IS NULL",
		[DDB_COMPARE_NOT_NULL] = "%s IS NOT NULL",
		[DDB_COMPARE_MEMBER] = "%s @> ARRAY[%s]",
		[DDB_COMPARE_NOT_MEMBER] = "NOT %s @> ARRAY[%s]",
		[DDB_COMPARE_HOLDS] = "%s @> %s",
		[DDB_COMPARE_NOT_HOLDS] = "NOT %s @> %s",
		[DDB_COMPARE_OVERLAPS] = "%s && %s",
		[DDB_COMPARE_NOT_OVERLAPS] = "NOT %s && %s",
		[DDB_COMPARE_JSON_HOLDS] = "%s @> %s",
		[DDB_COMPARE_HAS_KEY] = "%s ? %s",
		[DDB_COMPARE_HAS_ANY_KEY] = "%s ?| %s",
		[DDB_COMPARE_HAS_ALL_KEYS] = "%s ?& %s",
	};
	const char *value = "";
	const char *format = formats[condition->op];
	const char *rest;

	if (condition->other != 0)
		value = column_label(context, condition->other);
	else if (condition->value >= 0)
		value = deparse_value(context, condition->value);
	/* The formats are ours, each with the column first, then the value. */
	rest = strstr(format, "%s") + 2;
	appendBinaryStringInfo(text, format, rest - 2 - format);
	append_subject(context, text, condition);
	if (strstr(rest, "%s") == NULL)
	{
		appendStringInfoString(text, rest);
		return;
	}
	appendBinaryStringInfo(text, rest, strstr(rest, "%s") - rest);
	appendStringInfoString(text, value);
	appendStringInfoString(text, strstr(rest, "%s") + 2);
}

/* Appends the conditions, joined by AND, each in parentheses. */
static void
append_conditions(const Context *context, StringInfo text, List *conditions)
{
	ListCell *lc;

	foreach (lc, conditions)
	{
		appendStringInfoString(text,
							   lc == list_head(conditions) ? "(" : " AND (");
		append_condition(context, text, (DdbCondition *) lfirst(lc));
		appendStringInfoChar(text, ')');
	}
}

/*
 * What selects by key, as SQL; alternatives are joined by OR. Empty if there
 * is nothing.
 */
static char *
key_condition_text(const Context *context)
{
	const DdbAccessPlan *plan = context->state->plan;
	bool many = list_length(plan->keys.alternatives) > 1;
	StringInfoData text;
	ListCell *lc;

	initStringInfo(&text);
	foreach (lc, plan->keys.alternatives)
	{
		if (lc != list_head(plan->keys.alternatives))
			appendStringInfoString(&text, " OR ");
		if (many)
			appendStringInfoChar(&text, '(');
		append_conditions(context, &text, (List *) lfirst(lc));
		if (many)
			appendStringInfoChar(&text, ')');
	}
	return text.data;
}

/*
 * Appends the filter as SQL, in parentheses.  It looks as DynamoDB gets it,
 * with NOT carried down.
 */
static void
append_filter(const Context *context, StringInfo text, const DdbFilter *filter)
{
	const char *between = filter->kind == DDB_FILTER_AND ? " AND " : " OR ";
	ListCell *lc;

	appendStringInfoChar(text, '(');
	if (filter->kind == DDB_FILTER_CONDITION)
		append_condition(context, text, &filter->condition);
	foreach (lc, filter->children)
	{
		if (lc != list_head(filter->children))
			appendStringInfoString(text, between);
		append_filter(context, text, (DdbFilter *) lfirst(lc));
	}
	appendStringInfoChar(text, ')');
}

/*
 * The attributes and paths asked for, each once, in the order of the columns.
 * Those of the last step, which rows are made of.
 */
static List *
projection_names(const DdbScanState *state)
{
	List *names = NIL;
	ListCell *lc;

	foreach (lc, ddb_access_plan_last_step(state->plan)->projection.columns)
	{
		const DdbColumn *column = &state->relation->columns[lfirst_int(lc) - 1];
		bool known = column->source != 0;
		ListCell *other;

		foreach (other, names)
			known |= strcmp((char *) lfirst(other), column->label) == 0;
		if (!known)
			names = lappend(names, unconstify(char *, column->label));
	}
	return names;
}

/* What keys must look like: "PK = USER#${user_id}". */
static List *
template_texts(const DdbScanState *state)
{
	List *texts = NIL;
	ListCell *lc;

	foreach (lc, ddb_access_plan_last_step(state->plan)->filter.matched)
	{
		const DdbColumn *column = &state->relation->columns[lfirst_int(lc) - 1];

		texts = lappend(
			texts, psprintf("%s = %s", column->attribute, column->template));
	}
	return texts;
}

/*
 * The value of the plan's expression at this index, if it is a constant; 0 for
 * index -1.  False if it is known at run time only.
 */
static bool
constant_int64(const Context *context, int index, int64 *value)
{
	ForeignScan *scan = (ForeignScan *) context->node->ss.ps.plan;
	Const *constant;

	*value = 0;
	if (index < 0)
		return true;
	constant = (Const *) list_nth(scan->fdw_exprs, index);
	if (!IsA(constant, Const) || constant->constisnull)
		return false;
	*value = DatumGetInt64(constant->constvalue);
	return true;
}

/*
 * The first request's Limit: a number, or the expressions it comes from.
 * Behind a filter it is no limit of the answer, but the size of a page.
 */
static void
show_limit(const Context *context, ExplainState *es)
{
	const DdbAccessPlan *plan = context->state->plan;
	const char *label =
		ddb_access_plan_is_filtered(plan) ? "Page Size" : "DynamoDB Limit";
	int64 limit;
	int64 offset;
	int64 wanted;
	char *text;

	if (plan->limit.count < 0)
		return;
	if (constant_int64(context, plan->limit.count, &limit) &&
		constant_int64(context, plan->limit.offset, &offset))
	{
		/* A sum that overflows is no limit. */
		if (!pg_add_s64_overflow(Max(limit, 0), Max(offset, 0), &wanted))
			ExplainPropertyInteger(label, NULL,
								   ddb_page_size_first(plan, wanted), es);
		return;
	}
	text = deparse_value(context, plan->limit.count);
	if (plan->limit.offset >= 0)
		text = psprintf("%s + %s", text,
						deparse_value(context, plan->limit.offset));
	ExplainPropertyText(label, text, es);
}

/*
 * The direction inside partitions, and in which order partitions follow each
 * other if that is settled; palloc'd.
 */
static char *
order_text(const Context *context)
{
	const DdbAccessPlan *plan = context->state->plan;
	StringInfoData text;
	ListCell *lc;

	initStringInfo(&text);
	appendStringInfoString(&text,
						   plan->order.is_backward ? "backward" : "forward");
	foreach (lc, plan->order.partitions)
	{
		DdbPartitionOrder *key = (DdbPartitionOrder *) lfirst(lc);

		appendStringInfo(
			&text, "%s %s%s",
			lc == list_head(plan->order.partitions) ? ", partitions by" : ",",
			column_label(context, key->column), key->descending ? " DESC" : "");
	}
	return text.data;
}

/* What a walk over partitions derives them from: "date_time:YYYY-MM-DD". */
static List *
walked_texts(const DdbScanState *state)
{
	const DdbKeySchema *keys = &state->plan->source.keys;
	List *texts = NIL;

	for (int i = 0; i < keys->npartition; i++)
	{
		const DdbKeyTemplate *template =
			ddb_key_template_of(state->relation, keys->attributes[i].name);

		for (int j = 0; template != NULL && j < template->parsed.n; j++)
			if (ddb_key_template_walks(&template->variables[j]))
				texts = lappend(texts, pstrdup(template->column->template));
	}
	return texts;
}

/*
 * Shows what is asked of DynamoDB: keys, filter, projection, order and limits.
 * Lines that do not apply are left out.
 */
static void
show_reach(const Context *context, ExplainState *es)
{
	const DdbAccessPlan *plan = context->state->plan;
	const DdbAccessPlan *rows = ddb_access_plan_last_step(plan);

	if (plan->operation != DDB_OP_SCAN &&
		key_condition_text(context)[0] != '\0')
		ExplainPropertyText("Key Condition", key_condition_text(context), es);
	if (rows->filter.matched != NIL)
		ExplainPropertyList("Key Templates", template_texts(context->state),
							es);
	if (plan->keys.are_walked)
		ExplainPropertyList("Partitions", walked_texts(context->state), es);
	if (plan->filter.pushed != NULL)
	{
		StringInfoData text;

		initStringInfo(&text);
		append_filter(context, &text, plan->filter.pushed);
		ExplainPropertyText("DynamoDB Filter", text.data, es);
	}
	if (rows->filter.ttl_attribute != NULL)
		ExplainPropertyText("Hide Expired", rows->filter.ttl_attribute, es);
	if (plan->fetch.plan != NULL)
		ExplainPropertyText("Fetch",
							psprintf("%s of %s",
									 ddb_access_plan_operation_name(rows),
									 rows->source.table_name),
							es);
	/* A run that must check rows again fetches them after all. */
	if (plan->projection.is_count &&
		(!es->analyze || !context->state->run.started ||
		 context->state->run.count_only))
		ExplainPropertyText("Select", "COUNT", es);
	else if (rows->projection.columns != NIL)
		ExplainPropertyList("Projection", projection_names(context->state), es);
	if (plan->order.is_relied_upon)
		ExplainPropertyText("Order", order_text(context), es);
	show_limit(context, es);
	if (plan->source.is_snapshot)
		ExplainPropertyText("Read", "before the statement writes", es);
	if (plan->keys.rows_per_key > 0)
		ExplainPropertyInteger("Rows per Key", NULL, plan->keys.rows_per_key,
							   es);
	if (plan->skip.is_wanted)
		ExplainPropertyText("Skip", "to the next partition", es);
	if (plan->segments.count > 1)
		ExplainPropertyInteger("Segments", NULL, plan->segments.count, es);
	if (plan->segments.declared >= 0)
		ExplainPropertyText("Segments",
							psprintf("%d of %d", plan->segments.declared,
									 plan->segments.declared_total),
							es);
}

/* Used by nodes that only write as well. */
void
ddb_explain_consumption(const DdbRelation *relation, double read_units,
						double write_units, int64 retries, int64 throttles,
						uint64 bytes_received, ExplainState *es)
{
	double cost = (read_units * relation->read_unit_price +
				   write_units * relation->write_unit_price) /
				  1e6;

	ExplainPropertyFloat("Read Units", NULL, read_units, 1, es);
	ExplainPropertyFloat("Write Units", NULL, write_units, 1, es);
	ExplainPropertyInteger("Retries", NULL, retries, es);
	ExplainPropertyInteger("Throttles", NULL, throttles, es);
	ExplainPropertyUInteger("Bytes Received", NULL, bytes_received, es);
	ExplainPropertyFloat("Estimated Cost", "USD", cost, 9, es);
}

/* How many of the requests nobody read; as text only where there are any. */
static void
show_abandoned(const DdbScanCounters *counters, ExplainState *es)
{
	if (counters->abandoned == 0 && es->format == EXPLAIN_FORMAT_TEXT)
		return;
	ExplainPropertyInteger("Abandoned", NULL, counters->abandoned, es);
	ExplainPropertyFloat("Abandoned Read Units", NULL,
						 counters->abandoned_units, 1, es);
}

/*
 * Shows what the scan has done, and what was written on its behalf.  Of two
 * steps, both are added up.
 */
static void
show_counters(const DdbScanState *state, const DdbWriteCounters *writes,
			  ExplainState *es)
{
	DdbScanCounters counted = *state->counters;
	const DdbScanCounters *counters = &counted;

	/* Nobody asks for more rows: what is under way is for nothing. */
	ddb_stream_count_under_way(state, &counted);
	ExplainPropertyInteger("Requests", NULL,
						   counters->requests + writes->requests, es);
	show_abandoned(counters, es);
	if (state->plan->fetch.plan != NULL)
		ExplainPropertyInteger("Keys Fetched", NULL, counters->keys_fetched,
							   es);
	ExplainPropertyInteger("Items Scanned", NULL, counters->items_scanned, es);
	ExplainPropertyInteger("Items Returned", NULL, counters->items_returned,
						   es);
	if (state->modify != NULL)
		ExplainPropertyInteger("Items Written", NULL, writes->items, es);
	ddb_explain_consumption(
		state->relation, counters->read_units + writes->read_units,
		writes->write_units, counters->retries + writes->retries,
		counters->throttles + writes->throttles,
		counters->bytes_received + writes->bytes_received, es);
}

/* Shows how many runs were given what others had read. */
static void
show_rescans(const DdbScanState *state, ExplainState *es)
{
	const DdbRescanCounters *counters = ddb_rescan_counters(state);

	if (counters == NULL || counters->served == 0)
		return;
	ExplainPropertyInteger("Rescans Served Locally", NULL, counters->served,
						   es);
	ExplainPropertyInteger("Rows Kept", NULL, counters->rows, es);
}

/* PostgreSQL itself names the table of a scan that gives the table's rows. */
static void
show_relation(const DdbScanState *state, ExplainState *es)
{
	const char *name = state->relation->name;

	if (!state->plan->counts.are_wanted)
		return;
	if (!es->verbose)
		name = quote_identifier(get_rel_name(state->relation->relid));
	ExplainPropertyText("Relations", psprintf("Aggregate on (%s)", name), es);
}

/*
 * Shows the indexes that no query of the foreign table can use, each with the
 * column that cannot hold its key, and those that this one might have used.
 */
static void
show_unused_indexes(const DdbScanState *state, Oid userid, ExplainState *es)
{
	const DdbTableInfo *info = ddb_describe_table(state->relation, userid);
	ListCell *lc;

	foreach (lc, state->plan->source.obstacles)
		ExplainPropertyText("Unused Index", (const char *) lfirst(lc), es);
	foreach (lc, info->indexes)
	{
		const DdbIndexInfo *index = (const DdbIndexInfo *) lfirst(lc);

		if (index->unsuited != NULL)
			ExplainPropertyText(
				"Unused Index",
				psprintf("%s: column %s of type %s cannot hold its key",
						 index->name, quote_identifier(index->unsuited->name),
						 format_type_be(index->unsuited->typid)),
				es);
	}
}

/* What it does to items. */
static const char *
write_name(const Context *context)
{
	const DdbWritePlan *write = context->state->plan->write;

	return write->deletes ? "DeleteItem" : "UpdateItem";
}

/*
 * Shows what a scan that writes its rows does with them: what is checked
 * before, what DynamoDB checks, and the operation.
 */
static void
show_write(const Context *context, ExplainState *es)
{
	const DdbWritePlan *write = context->state->plan->write;

	if (write == NULL)
		return;
	if (write->filter >= 0)
		ExplainPropertyText("Filter", deparse_value(context, write->filter),
							es);
	if (write->condition != NULL)
	{
		StringInfoData text;

		initStringInfo(&text);
		append_filter(context, &text, write->condition);
		ExplainPropertyText("Write Condition", text.data, es);
	}
	if (!write->is_blind)
		ExplainPropertyText("DynamoDB Write", write_name(context), es);
	ddb_explain_exactly_once(context->state->relation, es);
}

/* Shown where rows are written, also by nodes that only write. */
void
ddb_explain_exactly_once(const DdbRelation *relation, ExplainState *es)
{
	if (relation->exactly_once)
		ExplainPropertyText("Exactly Once",
							"TransactWriteItems, at twice the write units", es);
}

void
ddbExplainForeignScan(ForeignScanState *node, ExplainState *es)
{
	static const DdbWriteCounters none = {0};

	ddb_explain_scan(node, &none, es);
}

/* Counters are those of all processes. */
void
ddb_explain_scan(ForeignScanState *node, const DdbWriteCounters *writes,
				 ExplainState *es)
{
	DdbScanState *state = (DdbScanState *) node->fdw_state;
	Context context = {node, state, NIL};

	context.deparse_context =
		set_deparse_context_plan(es->deparse_cxt, node->ss.ps.plan, NIL);
	show_relation(state, es);
	ExplainPropertyText("DynamoDB Operation",
						ddb_access_plan_operation_name(state->plan), es);
	if (state->plan->source.index_name != NULL)
		ExplainPropertyText("DynamoDB Index", state->plan->source.index_name,
							es);
	if (es->verbose)
		show_unused_indexes(state, ddb_compat_scan_userid(node), es);
	if (es->verbose && state->plan->order.obstacle != NULL)
		ExplainPropertyText("Unused Order", state->plan->order.obstacle, es);
	show_reach(&context, es);
	show_write(&context, es);
	if (es->costs)
		ExplainPropertyFloat("Estimated Read Units", NULL,
							 state->plan->estimate.read_units, 1, es);
	if (!es->analyze)
		return;
	ddb_parallel_collect(state);
	show_counters(state, writes, es);
	show_rescans(state, es);
}
