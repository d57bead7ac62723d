/*
 * explain.c
 *		Shows what goes to DynamoDB, in EXPLAIN's own formats and words.
 *
 * Labels are settled in docs/manual.md.  Conditions that PostgreSQL checks
 * stay on its own Filter line.
 */
#include "postgres.h"

#include "exec/scan.h"

#include "compat.h"
#include "lib/stringinfo.h"
#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/ruleutils.h"

/* What the condition builder needs at hand. */
typedef struct Context
{
	ForeignScanState *node;
	DdbScanState *state;
	List	   *deparse_context;
} Context;

static char *
deparse_value(const Context *context, int index)
{
	ForeignScan *scan = (ForeignScan *) context->node->ss.ps.plan;

	return deparse_expression((Node *) list_nth(scan->fdw_exprs, index),
							  context->deparse_context, false, false);
}

/* The column that shows an attribute, else the attribute itself. */
static const char *
attribute_label(const Context *context, const char *attribute)
{
	DdbColumn  *column = ddb_relation_find_attribute(context->state->relation,
													 attribute);

	return quote_identifier(column != NULL ? column->name : attribute);
}

static const char *
operator_text(DdbKeyOperator op)
{
	static const char *const texts[] = {"=", "<", "<=", ">", ">=", "^@", "~~"};

	return texts[op];
}

static char *
key_condition_text(const Context *context)
{
	const DdbAccessPlan *plan = context->state->plan;
	StringInfoData text;
	ListCell   *lc;

	initStringInfo(&text);
	foreach(lc, plan->conditions)
	{
		DdbKeyCondition *condition = (DdbKeyCondition *) lfirst(lc);
		const DdbKeyAttribute *attribute = condition->on_sort ?
			&plan->keys.sort[condition->position] :
			&plan->keys.partition[condition->position];

		appendStringInfo(&text, "%s(%s %s %s)", text.len > 0 ? " AND " : "",
						 attribute_label(context, attribute->name),
						 operator_text(condition->op),
						 deparse_value(context, condition->value));
	}
	return text.data;
}

/* The attributes asked for, as a list in the order of the columns. */
static List *
projection_names(const DdbScanState *state)
{
	List	   *names = NIL;
	ListCell   *lc;

	foreach(lc, state->plan->columns)
	{
		const DdbColumn *column = &state->relation->columns[lfirst_int(lc) - 1];
		bool		known = false;
		ListCell   *other;

		foreach(other, names)
			known |= strcmp((char *) lfirst(other), column->attribute) == 0;
		if (!known)
			names = lappend(names, unconstify(char *, column->attribute));
	}
	return names;
}

static bool
constant_int64(const Context *context, int index, int64 *value)
{
	ForeignScan *scan = (ForeignScan *) context->node->ss.ps.plan;
	Const	   *constant;

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
	const char *label = plan->filtered ? "Page Size" : "DynamoDB Limit";
	int64		limit;
	int64		offset;
	char	   *text;

	if (plan->limit_value < 0)
		return;
	if (constant_int64(context, plan->limit_value, &limit) &&
		constant_int64(context, plan->offset_value, &offset))
	{
		ExplainPropertyInteger(label, NULL,
							   ddb_scan_first_page(plan, Max(limit, 0) +
												   Max(offset, 0)), es);
		return;
	}
	text = deparse_value(context, plan->limit_value);
	if (plan->offset_value >= 0)
		text = psprintf("%s + %s", text,
						deparse_value(context, plan->offset_value));
	ExplainPropertyText(label, text, es);
}

static void
show_reach(const Context *context, ExplainState *es)
{
	const DdbAccessPlan *plan = context->state->plan;

	if (plan->conditions != NIL)
		ExplainPropertyText("Key Condition", key_condition_text(context), es);
	if (plan->count_only)
		ExplainPropertyText("Select", "COUNT", es);
	else if (plan->columns != NIL)
		ExplainPropertyList("Projection", projection_names(context->state),
							es);
	if (plan->ordered)
		ExplainPropertyText("Order", plan->backward ? "backward" : "forward",
							es);
	show_limit(context, es);
	if (plan->segment >= 0)
		ExplainPropertyText("Segments", psprintf("%d of %d", plan->segment,
												 plan->total_segments), es);
}

static void
show_counters(const DdbScanState *state, ExplainState *es)
{
	const DdbScanCounters *counters = &state->counters;
	double		cost = counters->read_units *
		state->relation->read_unit_price / 1e6;

	ExplainPropertyInteger("Requests", NULL, counters->requests, es);
	ExplainPropertyInteger("Items Scanned", NULL, counters->items_scanned, es);
	ExplainPropertyInteger("Items Returned", NULL, counters->items_returned,
						   es);
	ExplainPropertyFloat("Read Units", NULL, counters->read_units, 1, es);
	ExplainPropertyFloat("Write Units", NULL, 0, 1, es);
	ExplainPropertyInteger("Retries", NULL, counters->retries, es);
	ExplainPropertyInteger("Throttles", NULL, counters->throttles, es);
	ExplainPropertyUInteger("Bytes Received", NULL, counters->bytes_received,
							es);
	ExplainPropertyFloat("Estimated Cost", "USD", cost, 9, es);
}

void
ddbExplainForeignScan(ForeignScanState *node, ExplainState *es)
{
	DdbScanState *state = (DdbScanState *) node->fdw_state;
	Context		context = {node, state, NIL};

	context.deparse_context = set_deparse_context_plan(es->deparse_cxt,
													   node->ss.ps.plan, NIL);
	ExplainPropertyText("DynamoDB Operation",
						ddb_access_plan_operation_name(state->plan->operation),
						es);
	if (state->plan->index_name != NULL)
		ExplainPropertyText("DynamoDB Index", state->plan->index_name, es);
	show_reach(&context, es);
	if (es->costs)
		ExplainPropertyFloat("Estimated Read Units", NULL,
							 state->plan->read_units, 1, es);
	if (es->analyze)
		show_counters(state, es);
}
