/* SPDX-License-Identifier: PostgreSQL */
/*
 * guc.c
 *		Defines the settings of the extension.
 *
 * Guards (scan, max_read_units) are PGC_SUSET: a DBA sets them with ALTER ROLE
 * or ALTER DATABASE and they bind.
 */
#include "postgres.h"

#include "model/guc.h"

#include <float.h>

#include "model/guard_settings.h"
#include "utils/guc.h"
#include "utils/plancache.h"

int ddb_guc_scan = DDB_SCAN_ALLOW;
double ddb_guc_max_read_units = 0;
int ddb_guc_on_type_mismatch = DDB_MISMATCH_ERROR;
bool ddb_guc_pushdown = true;
bool ddb_guc_batch_join = true;
bool ddb_guc_log_requests = false;

/*
 * Schemas of tables hardly change, and errors show when they did; sizes only
 * steer estimates, and DynamoDB itself renews them every six hours.
 */
int ddb_guc_description_lifetime = 600;

static const struct config_enum_entry scan_choices[] = {
	{"allow", DDB_SCAN_ALLOW, false},
	{"warn", DDB_SCAN_WARN, false},
	{"deny", DDB_SCAN_DENY, false},
	{NULL, 0, false}};

static const struct config_enum_entry mismatch_choices[] = {
	{"error", DDB_MISMATCH_ERROR, false},
	{"null", DDB_MISMATCH_NULL, false},
	{NULL, 0, false}};

/* What was planned under the old setting is planned again. */
static void
forget_plans_of_enum(int newval, void *extra)
{
	(void) newval;
	(void) extra;
	ResetPlanCache();
}

/*
 * Assign hook: plans were made under the old value, and none may be used under
 * the new one.
 */
static void
forget_plans_of_bool(bool newval, void *extra)
{
	(void) newval;
	(void) extra;
	ResetPlanCache();
}

/*
 * Settings that change which paths there are forget cached plans when they
 * change.  Those that only concern how a plan runs do not.
 */
void
ddb_guc_define(void)
{
	ddb_guard_settings_before();
	DefineCustomEnumVariable("ddb_fdw.scan",
							 "What to do about full scans of DynamoDB tables.",
							 "The strictest of this setting and the options of "
							 "server and table wins.",
							 &ddb_guc_scan, DDB_SCAN_ALLOW, scan_choices,
							 PGC_SUSET, 0, NULL, forget_plans_of_enum, NULL);
	DefineCustomRealVariable("ddb_fdw.max_read_units",
							 "Ends a statement with an error once it has "
							 "consumed this many read units.",
							 "0 means no limit. The stricter of this setting "
							 "and the server's option wins.",
							 &ddb_guc_max_read_units, 0, 0, DBL_MAX, PGC_SUSET,
							 0, NULL, NULL, NULL);
	DefineCustomEnumVariable(
		"ddb_fdw.on_type_mismatch",
		"What a DynamoDB value that does not fit its column becomes.",
		"Used where neither column, table nor server sets it.",
		&ddb_guc_on_type_mismatch, DDB_MISMATCH_ERROR, mismatch_choices,
		PGC_USERSET, 0, NULL, forget_plans_of_enum, NULL);
	DefineCustomBoolVariable(
		"ddb_fdw.pushdown", "Lets conditions, order and limits reach DynamoDB.",
		"Off reads whole tables and decides locally: for testing and "
		"diagnosis.",
		&ddb_guc_pushdown, true, PGC_USERSET, 0, NULL, forget_plans_of_bool,
		NULL);
	DefineCustomBoolVariable(
		"ddb_fdw.batch_join",
		"Lets joins look up the keys of many rows at once.",
		"Off leaves nested loops, which look up one row's key after another, "
		"and joins with a full scan.",
		&ddb_guc_batch_join, true, PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomBoolVariable(
		"ddb_fdw.log_requests",
		"Logs each request: operation, table, index, units, time, attempts.",
		"Never logs credentials or values.", &ddb_guc_log_requests, false,
		PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable(
		"ddb_fdw.description_lifetime",
		"How long it is relied on what DynamoDB said of a table.",
		"Then its keys and indexes are asked for again.",
		&ddb_guc_description_lifetime, ddb_guc_description_lifetime, 0,
		PG_INT32_MAX / 1000, PGC_USERSET, GUC_UNIT_S, NULL, NULL, NULL);
	MarkGUCPrefixReserved("ddb_fdw");
	ddb_guard_settings_after();
}
