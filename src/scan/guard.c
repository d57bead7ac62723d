/* SPDX-License-Identifier: PostgreSQL */
/*
 * guard.c
 *		Scan policy, the cap on read units, and locks that nobody holds.
 *
 * Units are summed over all scans of one statement of the client: that is what
 * a user understands by a statement, however many functions it calls.  A
 * cursor is one statement, however many FETCH read it: its scans are held
 * against the cap by themselves, too.
 */
#include "postgres.h"

#include "scan/guard.h"

#include "access/xact.h"
#include "executor/executor.h"
#include "nodes/plannodes.h"
#include "utils/float.h"
#include "utils/timestamp.h"

/* Tables above this size get a warning unless "scan" says otherwise. */
#define WARN_BYTES (1024.0 * 1024.0 * 1024.0)

static TimestampTz statement_start = 0;
static double statement_units = 0;
static bool statement_locks = false; /* a warning has said that it does not */

/*
 * What indexes might have been used, as sentences that go on after others;
 * empty if there are none.
 */
static const char *
obstacle_sentences(const DdbAccessPlan *plan)
{
	StringInfoData text;
	ListCell *lc;

	initStringInfo(&text);
	foreach (lc, plan->source.obstacles)
	{
		const char *obstacle = (const char *) lfirst(lc);

		appendStringInfo(&text, " %c%s.",
						 pg_toupper((unsigned char) obstacle[0]), obstacle + 1);
	}
	return text.data;
}

/*
 * The stricter of option and setting decides.  A large table gives a warning
 * where neither says anything.
 */
void
ddb_guard_scan(const DdbRelation *relation, const DdbAccessPlan *plan)
{
	DdbScanPolicy policy = ddb_relation_scan_policy(relation);

	if (plan->operation != DDB_OP_SCAN)
		return;
	if (policy == DDB_SCAN_DENY)
		ereport(ERROR, (errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
						errmsg("full scan of DynamoDB table \"%s\" is denied",
							   plan->source.table_name),
						errdetail("The query has no condition that selects by "
								  "the table's partition key \"%s\".%s",
								  plan->source.keys.attributes[0].name,
								  obstacle_sentences(plan)),
						errhint("Add an equality condition on the partition "
								"key, or set \"scan\" to \"allow\".")));
	if (policy == DDB_SCAN_WARN || (relation->scan_policy == DDB_SCAN_UNSET &&
									plan->estimate.table_bytes > WARN_BYTES))
		ereport(WARNING, (errcode(ERRCODE_WARNING),
						  errmsg("full scan of DynamoDB table \"%s\"",
								 plan->source.table_name),
						  errdetail("It reads about %.0f read units.%s",
									plan->estimate.read_units,
									obstacle_sentences(plan))));
}

/* Raises the error of a statement that has used up its read units. */
static void
raise_cap(const DdbRelation *relation, double units, double cap)
{
	ereport(ERROR,
			(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
			 errmsg("statement stopped after %g read units of DynamoDB", units),
			 errdetail("max_read_units allows %g, reached while reading "
					   "foreign table %s.",
					   cap, relation->name),
			 errhint("Select fewer items, or raise \"max_read_units\".")));
}

/*
 * Starts counting anew if another statement runs now.  Statements are told
 * apart by their start time.
 */
static void
begin_statement(void)
{
	if (statement_start != GetCurrentStatementStartTimestamp())
	{
		statement_start = GetCurrentStatementStartTimestamp();
		statement_units = 0;
		statement_locks = false;
	}
}

/*
 * Called for each reply, so the error comes after the page that reached the
 * cap.
 */
void
ddb_guard_add_read_units(const DdbRelation *relation, double units,
						 double scan_units)
{
	double cap = ddb_relation_max_read_units(relation);

	begin_statement();
	statement_units += units;
	if (cap > 0 && Max(statement_units, scan_units) > cap)
		raise_cap(relation, Max(statement_units, scan_units), cap);
}

void
ddb_guard_note_read_units(double units)
{
	begin_statement();
	statement_units += units;
}

double
ddb_guard_read_units(void)
{
	begin_statement();
	return statement_units;
}

void
ddb_guard_begin_with(double units)
{
	begin_statement();
	statement_units = Max(statement_units, units);
}

double
ddb_guard_read_units_left(const DdbRelation *relation)
{
	double cap = ddb_relation_max_read_units(relation);

	begin_statement();
	return cap > 0 ? Max(cap - statement_units, 0) : get_float8_infinity();
}

/* Called before each request. */
void
ddb_guard_check_read_units(const DdbRelation *relation, double scan_units)
{
	double cap = ddb_relation_max_read_units(relation);

	begin_statement();
	if (cap > 0 && Max(statement_units, scan_units) >= cap)
		raise_cap(relation, Max(statement_units, scan_units), cap);
}

/* ---- row locks ---- */

/*
 * Raises the error of rows that are to be passed over, or not to be waited for,
 * where others have locked them.
 */
static void
raise_lock(const DdbRelation *relation, LockWaitPolicy policy)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("cannot use %s with foreign table %s",
					policy == LockWaitSkip ? "SKIP LOCKED" : "NOWAIT",
					relation->name),
			 errdetail("DynamoDB locks no items, so each session would get the "
					   "same rows."),
			 errhint("Claim rows by changing them, of which each is one "
					 "session's only: UPDATE %s SET state = 'taken' WHERE "
					 "state = 'new' RETURNING *.",
					 relation->name)));
}

/* In EXPLAIN there is nothing to warn of, but what is refused is refused. */
void
ddb_guard_locks(ForeignScanState *node, const DdbRelation *relation, int eflags)
{
	EState *estate = node->ss.ps.state;
	const ForeignScan *plan = (const ForeignScan *) node->ss.ps.plan;
	const ExecRowMark *mark;

	/* Rows of joins and aggregates are not locked. */
	if (plan->scan.scanrelid == 0)
		return;
	mark = ExecFindRowMark(estate, plan->scan.scanrelid, true);
	if (mark == NULL || mark->strength == LCS_NONE)
		return;
	if (mark->waitPolicy != LockWaitBlock)
		raise_lock(relation, mark->waitPolicy);
	begin_statement();
	if (statement_locks || estate->es_epq_active != NULL ||
		(eflags & EXEC_FLAG_EXPLAIN_ONLY) != 0)
		return;
	statement_locks = true;
	ereport(WARNING,
			(errcode(ERRCODE_WARNING),
			 errmsg("rows of foreign table %s are not locked", relation->name),
			 errdetail("DynamoDB locks no items: others may change them before "
					   "this transaction ends."),
			 errhint("Let the UPDATE or DELETE say in WHERE what the items "
					 "must still be.")));
}
