/* SPDX-License-Identifier: PostgreSQL */
/*
 * written.c
 *		Says what stays written when a statement fails, or a transaction is
 *		rolled back.
 *
 * DynamoDB takes no part in transactions.  An error that ends a statement says
 * in its CONTEXT what the statement has written, whoever raises it: a callback
 * on the error context stack is there while the statement runs, beneath all
 * others.  What no error has said, a WARNING says when the transaction, the
 * savepoint or the block of a procedure is rolled back
 * (docs/decisions/40-errors-and-rollbacks-say-what-stays-written.md).
 */
#include "postgres.h"

#include "remote/written.h"

#include "access/xact.h"
#include "compat.h"
#include "executor/executor.h"
#include "lib/stringinfo.h"
#include "storage/ipc.h"
#include "tcop/utility.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

typedef struct Count
{
	int64 written;
	int64 open; /* perhaps written: no answer says */
} Count;

/* What was written in one transaction or subtransaction. */
typedef struct Level
{
	SubTransactionId subid;
	Count count;
	struct Level *below;
} Level;

struct DdbWrittenTable
{
	Oid serverid;
	char *name;
	Level *top; /* NULL: the transaction has written nothing */
	Count statement; /* by the client's statement that runs */
	Count rolled_back; /* of the transaction or savepoint that ends */
	DdbWrittenTable *next;
};

static DdbWrittenTable *tables = NULL;
static bool any_written = false; /* in this transaction */
static TimestampTz statement_start = 0; /* that the tables count */
static TimestampTz loading_statement = 0; /* during which hooks were set */

/* An error has said what the statement has written; it may end it. */
static bool error_said_it = false;

/* ROLLBACK, or what amounts to it, takes effect once the command is over. */
static bool command_rolls_back = false;

/* ROLLBACK TO has ended a savepoint, perhaps within another that ends, too. */
static bool warning_is_due = false;

static ExecutorRun_hook_type next_executor_run = NULL;
static ExecutorFinish_hook_type next_executor_finish = NULL;
static ProcessUtility_hook_type next_process_utility = NULL;

/* ---- errors ---- */

static bool
is_zero(const Count *count)
{
	return count->written == 0 && count->open == 0;
}

/*
 * Adds a line of CONTEXT about the table, if the statement has written it, or
 * may have.
 */
static void
say_context(const DdbWrittenTable *table)
{
	const Count *count = &table->statement;
	const char *more =
		count->open == 0
			? ""
			: psprintf("; " INT64_FORMAT " more may have been", count->open);

	if (count->written == 1)
		errcontext("after 1 item of DynamoDB table \"%s\" was written, which "
				   "is not undone%s",
				   table->name, more);
	else if (count->written > 0)
		errcontext("after " INT64_FORMAT " items of DynamoDB table \"%s\" were "
				   "written, which are not undone%s",
				   count->written, table->name, more);
	else if (count->open == 1)
		errcontext("1 item of DynamoDB table \"%s\" may have been written",
				   table->name);
	else if (count->open > 0)
		errcontext(INT64_FORMAT " items of DynamoDB table \"%s\" may have been "
								"written",
				   count->open, table->name);
}

/*
 * Error context callback.  Messages that are no errors do not end the
 * statement.
 */
static void
say_what_stays(void *arg)
{
	int category = ERRCODE_TO_CATEGORY(geterrcode());

	(void) arg;
	if (!any_written ||
		statement_start != GetCurrentStatementStartTimestamp() ||
		category == ERRCODE_SUCCESSFUL_COMPLETION ||
		category == ERRCODE_WARNING)
		return;
	error_said_it = true;
	for (const DdbWrittenTable *table = tables; table != NULL;
		 table = table->next)
		say_context(table);
}

/*
 * Where the callback stands on the error context stack, or would stand beneath
 * all others.
 */
static ErrorContextCallback **
find_context(void)
{
	ErrorContextCallback **place = &error_context_stack;

	while (*place != NULL && (*place)->callback != say_what_stays)
		place = &(*place)->previous;
	return place;
}

/*
 * A statement begins, or goes on.  True if the callback was put on the stack, to
 * be taken off when it ends or pauses.  The hooks have not seen the beginning of
 * the statement that loads the library: what they are called for may be within
 * it, so there each write sees to the callback.
 */
static bool
push_context(ErrorContextCallback *callback)
{
	if (GetCurrentStatementStartTimestamp() == loading_statement ||
		*find_context() != NULL)
		return false;
	error_said_it = false;
	callback->callback = say_what_stays;
	callback->arg = NULL;
	callback->previous = error_context_stack;
	error_context_stack = callback;
	return true;
}

/*
 * Puts the callback beneath those that are there, if it is not.  It stays until
 * PostgreSQL resets the stack, at the statement's end.
 */
static void
ensure_context(void)
{
	static ErrorContextCallback callback = {NULL, say_what_stays, NULL};
	ErrorContextCallback **place = find_context();

	if (*place == NULL)
	{
		callback.previous = NULL;
		*place = &callback;
	}
}

/* ---- transactions that are rolled back ---- */

/* Appends "3 items of table "A" and perhaps 1 more", or nothing. */
static void
append_rolled_back(StringInfo text, const DdbWrittenTable *table)
{
	const Count *count = &table->rolled_back;
	const char *items = (count->written > 0 ? count->written : count->open) == 1
							? "item"
							: "items";

	if (is_zero(count))
		return;
	if (text->len > 0)
		appendStringInfoString(text, ", ");
	if (count->written == 0)
		appendStringInfo(text, "perhaps " INT64_FORMAT " %s of table \"%s\"",
						 count->open, items, table->name);
	else
		appendStringInfo(text, INT64_FORMAT " %s of table \"%s\"",
						 count->written, items, table->name);
	if (count->written > 0 && count->open > 0)
		appendStringInfo(text, " and perhaps " INT64_FORMAT " more",
						 count->open);
}

/* The one WARNING of what is rolled back, if any of it was written. */
static void
warn(void)
{
	StringInfoData text;

	error_said_it = false;
	initStringInfo(&text);
	for (const DdbWrittenTable *table = tables; table != NULL;
		 table = table->next)
		append_rolled_back(&text, table);
	if (text.len > 0)
		ereport(WARNING,
				(errcode(ERRCODE_WARNING),
				 errmsg("not rolled back in DynamoDB: %s", text.data),
				 errdetail("DynamoDB takes no part in transactions: what was "
						   "written stays.")));
}

/*
 * True if the error that ends the transaction has just said all that is rolled
 * back with it.  An error that a function catches may be shown to nobody.
 */
static bool
was_just_said(void)
{
	if (!error_said_it || error_context_stack != NULL)
		return false;
	for (const DdbWrittenTable *table = tables; table != NULL;
		 table = table->next)
		if (table->rolled_back.written > table->statement.written ||
			table->rolled_back.open > table->statement.open)
			return false;
	return true;
}

/* A savepoint, or the block of a procedure that catches an error. */
static void
end_subtransaction(SubTransactionId subid)
{
	static const Count none = {0, 0};

	for (DdbWrittenTable *table = tables; table != NULL; table = table->next)
		table->rolled_back = table->top != NULL && table->top->subid == subid
								 ? table->top->count
								 : none;
	/* One warning for all that end together: when the savepoint is set anew. */
	warning_is_due = command_rolls_back;
	if (!command_rolls_back && !proc_exit_inprogress && !was_just_said())
		warn();
}

static void
end_transaction(void)
{
	for (DdbWrittenTable *table = tables; table != NULL; table = table->next)
	{
		Count *sum = &table->rolled_back;

		sum->written = sum->open = 0;
		for (const Level *level = table->top; level != NULL;
			 level = level->below)
		{
			sum->written += level->count.written;
			sum->open += level->count.open;
		}
	}
	if (!was_just_said())
		warn();
}

/* What a subtransaction has written its parent has. */
static void
merge(DdbWrittenTable *table, SubTransactionId subid, SubTransactionId parent)
{
	Level *level = table->top;
	Level *below = level != NULL ? level->below : NULL;

	if (level == NULL || level->subid != subid)
		return;
	if (below == NULL || below->subid != parent)
	{
		level->subid = parent;
		return;
	}
	below->count.written += level->count.written;
	below->count.open += level->count.open;
	table->top = below;
	pfree(level);
}

/* SubXactCallback. */
static void
subtransaction_event(SubXactEvent event, SubTransactionId subid,
					 SubTransactionId parent, void *arg)
{
	(void) arg;
	if (!any_written)
		return;
	if (event == SUBXACT_EVENT_START_SUB)
	{
		command_rolls_back = false;
		if (warning_is_due)
			warn();
		warning_is_due = false;
		return;
	}
	if (event == SUBXACT_EVENT_ABORT_SUB)
		end_subtransaction(subid);
	if (event == SUBXACT_EVENT_ABORT_SUB || event == SUBXACT_EVENT_COMMIT_SUB)
		for (DdbWrittenTable *table = tables; table != NULL;
			 table = table->next)
			merge(table, subid, parent);
}

/* Nothing is written in the next transaction. */
static void
forget(void)
{
	for (DdbWrittenTable *table = tables; table != NULL; table = table->next)
	{
		while (table->top != NULL)
		{
			Level *level = table->top;

			table->top = level->below;
			pfree(level);
		}
		memset(&table->statement, 0, sizeof(table->statement));
	}
	any_written = error_said_it = command_rolls_back = warning_is_due = false;
}

/* XactCallback. */
static void
transaction_event(XactEvent event, void *arg)
{
	(void) arg;
	if (!any_written)
		return;
	if (event == XACT_EVENT_PRE_PREPARE)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot prepare a transaction that has written to "
						"DynamoDB"),
				 errdetail("DynamoDB takes no part in transactions: what was "
						   "written is there already, and stays.")));
	if (event == XACT_EVENT_PRE_COMMIT)
		return;
	if (event == XACT_EVENT_ABORT)
		end_transaction();
	forget();
}

/* ---- what is written ---- */

/* The callbacks are registered with the first table of the backend. */
DdbWrittenTable *
ddb_written_table(Oid serverid, const char *name)
{
	DdbWrittenTable **place = &tables;
	DdbWrittenTable *table;

	for (; *place != NULL; place = &(*place)->next)
		if ((*place)->serverid == serverid && strcmp((*place)->name, name) == 0)
			return *place;
	if (tables == NULL)
	{
		RegisterXactCallback(transaction_event, NULL);
		RegisterSubXactCallback(subtransaction_event, NULL);
	}
	table = MemoryContextAllocZero(TopMemoryContext, sizeof(DdbWrittenTable));
	table->serverid = serverid;
	table->name = MemoryContextStrdup(TopMemoryContext, name);
	*place = table;
	return table;
}

/* Statements are told apart by their start time. */
static void
begin_statement(void)
{
	if (statement_start == GetCurrentStatementStartTimestamp())
		return;
	statement_start = GetCurrentStatementStartTimestamp();
	for (DdbWrittenTable *table = tables; table != NULL; table = table->next)
		memset(&table->statement, 0, sizeof(table->statement));
}

/* What the present subtransaction has written of the table. */
static Count *
current_count(DdbWrittenTable *table)
{
	SubTransactionId subid = GetCurrentSubTransactionId();
	Level *level = table->top;

	if (level == NULL || level->subid != subid)
	{
		level = MemoryContextAllocZero(TopMemoryContext, sizeof(Level));
		level->subid = subid;
		level->below = table->top;
		table->top = level;
	}
	return &level->count;
}

void
ddb_written_send(DdbWrittenTable *table, int items)
{
	if (items == 0)
		return;
	begin_statement();
	current_count(table)->open += items;
	table->statement.open += items;
	any_written = true;
	error_said_it = false;
	ensure_context();
}

void
ddb_written_settle(DdbWrittenTable *table, int items, int written)
{
	Count *count;

	if (items == 0)
		return;
	count = current_count(table);
	count->open -= items;
	count->written += written;
	table->statement.open -= items;
	table->statement.written += written;
}

/* ---- statements ---- */

/* ExecutorRun_hook. */
static void
executor_run(DDB_EXECUTOR_RUN_PARAMETERS)
{
	ErrorContextCallback callback;
	bool pushed = push_context(&callback);

	if (next_executor_run != NULL)
		next_executor_run(DDB_EXECUTOR_RUN_ARGUMENTS);
	else
		standard_ExecutorRun(DDB_EXECUTOR_RUN_ARGUMENTS);
	if (pushed)
		error_context_stack = callback.previous;
}

/* ExecutorFinish_hook: triggers run. */
static void
executor_finish(QueryDesc *query)
{
	ErrorContextCallback callback;
	bool pushed = push_context(&callback);

	if (next_executor_finish != NULL)
		next_executor_finish(query);
	else
		standard_ExecutorFinish(query);
	if (pushed)
		error_context_stack = callback.previous;
}

/* True if the command ends a transaction or goes back to a savepoint. */
static bool
may_roll_back(const PlannedStmt *statement)
{
	const TransactionStmt *command =
		(const TransactionStmt *) statement->utilityStmt;

	return IsA(command, TransactionStmt) &&
		   (command->kind == TRANS_STMT_ROLLBACK ||
			command->kind == TRANS_STMT_ROLLBACK_TO ||
			command->kind == TRANS_STMT_COMMIT);
}

/* ProcessUtility_hook: COPY, procedures, and ends of transactions. */
static void
process_utility(PlannedStmt *statement, const char *query_string,
				bool read_only_tree, ProcessUtilityContext context,
				ParamListInfo params, QueryEnvironment *environment,
				DestReceiver *receiver, QueryCompletion *completion)
{
	ErrorContextCallback callback;
	bool pushed = push_context(&callback);
	bool rolls_back = may_roll_back(statement);

	if (next_process_utility != NULL)
		next_process_utility(statement, query_string, read_only_tree, context,
							 params, environment, receiver, completion);
	else
		standard_ProcessUtility(statement, query_string, read_only_tree,
								context, params, environment, receiver,
								completion);
	if (pushed)
		error_context_stack = callback.previous;
	/* (The statement may be gone by now.) */
	command_rolls_back = any_written && rolls_back;
}

void
ddb_written_install(void)
{
	loading_statement = GetCurrentStatementStartTimestamp();
	next_executor_run = ExecutorRun_hook;
	ExecutorRun_hook = executor_run;
	next_executor_finish = ExecutorFinish_hook;
	ExecutorFinish_hook = executor_finish;
	next_process_utility = ProcessUtility_hook;
	ProcessUtility_hook = process_utility;
}
