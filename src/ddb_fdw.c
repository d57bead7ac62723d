/* SPDX-License-Identifier: PostgreSQL */
/*
 * ddb_fdw.c
 *		What PostgreSQL calls: module load, handler, validator, version.
 */
#include "postgres.h"

#include <curl/curl.h>
#include <openssl/crypto.h>

#include "access/reloptions.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_foreign_table.h"
#include "catalog/pg_user_mapping.h"
#include "client/error.h"
#include "compat.h"
#include "fmgr.h"
#include "foreign/fdwapi.h"
#include "join/join_hook.h"
#include "model/guc.h"
#include "model/options.h"
#include "modify/direct_modify_exec.h"
#include "modify/direct_modify_plan.h"
#include "modify/modify_exec.h"
#include "modify/modify_plan.h"
#include "modify/spool_exec.h"
#include "plan/create_plan.h"
#include "plan/parallel_path.h"
#include "plan/path_candidate.h"
#include "plan/paths.h"
#include "plan/relsize.h"
#include "plan/scalar_lookup.h"
#include "plan/upper.h"
#include "remote/written.h"
#include "scan/async.h"
#include "scan/explain.h"
#include "scan/parallel_scan.h"
#include "scan/scan.h"
#include "statistics/analyze.h"
#include "utils/builtins.h"

DDB_MODULE_MAGIC("ddb_fdw", "1.0");

extern void _PG_init(void);

PG_FUNCTION_INFO_V1(ddb_fdw_handler);
PG_FUNCTION_INFO_V1(ddb_fdw_validator);
PG_FUNCTION_INFO_V1(ddb_fdw_version);

void
_PG_init(void)
{
	ddb_guc_define();
	ddb_join_install();
	ddb_scalar_lookup_install();
	ddb_spool_install();
	ddb_written_install();
}

/* The feature set on one screen. */
static const FdwRoutine routine = {
	.type = T_FdwRoutine,

	/* planning */
	.GetForeignRelSize = ddbGetForeignRelSize,
	.GetForeignPaths = ddbGetForeignPaths,
	.GetForeignUpperPaths = ddbGetForeignUpperPaths,
	.GetForeignPlan = ddbGetForeignPlan,
	.ReparameterizeForeignPathByChild = ddbReparameterizeForeignPathByChild,

	/* reading */
	.BeginForeignScan = ddbBeginForeignScan,
	.IterateForeignScan = ddbIterateForeignScan,
	.ReScanForeignScan = ddbReScanForeignScan,
	.EndForeignScan = ddbEndForeignScan,

	/* several at once, below an Append */
	.IsForeignPathAsyncCapable = ddbIsForeignPathAsyncCapable,
	.ForeignAsyncRequest = ddbForeignAsyncRequest,
	.ForeignAsyncConfigureWait = ddbForeignAsyncConfigureWait,
	.ForeignAsyncNotify = ddbForeignAsyncNotify,

	/* shared by parallel workers */
	.IsForeignScanParallelSafe = ddbIsForeignScanParallelSafe,
	.EstimateDSMForeignScan = ddbEstimateDSMForeignScan,
	.InitializeDSMForeignScan = ddbInitializeDSMForeignScan,
	.ReInitializeDSMForeignScan = ddbReInitializeDSMForeignScan,
	.InitializeWorkerForeignScan = ddbInitializeWorkerForeignScan,
	.ShutdownForeignScan = ddbShutdownForeignScan,

	/* writing */
	.IsForeignRelUpdatable = ddbIsForeignRelUpdatable,
	.AddForeignUpdateTargets = ddbAddForeignUpdateTargets,
	.PlanForeignModify = ddbPlanForeignModify,
	.BeginForeignModify = ddbBeginForeignModify,
	.BeginForeignInsert = ddbBeginForeignInsert,
	.GetForeignModifyBatchSize = ddbGetForeignModifyBatchSize,
	.ExecForeignInsert = ddbExecForeignInsert,
	.ExecForeignBatchInsert = ddbExecForeignBatchInsert,
	.ExecForeignUpdate = ddbExecForeignUpdate,
	.ExecForeignDelete = ddbExecForeignDelete,
	.EndForeignModify = ddbEndForeignModify,
	.EndForeignInsert = ddbEndForeignModify,
	.PlanDirectModify = ddbPlanDirectModify,
	.BeginDirectModify = ddbBeginDirectModify,
	.IterateDirectModify = ddbIterateDirectModify,
	.EndDirectModify = ddbEndDirectModify,

	/* explaining */
	.ExplainForeignScan = ddbExplainForeignScan,
	.ExplainForeignModify = ddbExplainForeignModify,
	.ExplainDirectModify = ddbExplainDirectModify,

	/* statistics */
	.AnalyzeForeignTable = ddbAnalyzeForeignTable,
};

Datum
ddb_fdw_handler(PG_FUNCTION_ARGS)
{
	FdwRoutine *result = makeNode(FdwRoutine);

	*result = routine;
	PG_RETURN_POINTER(result);
}

/*
 * The DDB_ON_... bit of the kind of object whose options a catalog holds; 0
 * for the wrapper itself, which has none.
 */
static int
object_of_catalog(Oid catalog)
{
	switch (catalog)
	{
		case ForeignServerRelationId:
			return DDB_ON_SERVER;
		case UserMappingRelationId:
			return DDB_ON_USER;
		case ForeignTableRelationId:
			return DDB_ON_TABLE;
		case AttributeRelationId:
			return DDB_ON_COLUMN;
		default:
			return 0; /* the wrapper itself has no options */
	}
}

Datum
ddb_fdw_validator(PG_FUNCTION_ARGS)
{
	ddb_options_validate(untransformRelOptions(PG_GETARG_DATUM(0)),
						 object_of_catalog(PG_GETARG_OID(1)));
	PG_RETURN_VOID();
}

/*
 * SQL function: the versions of the extension and of the libraries that this
 * backend runs with.
 */
Datum
ddb_fdw_version(PG_FUNCTION_ARGS)
{
	char *version = psprintf("ddb_fdw 1.0, libcurl %s, %s, jansson %s",
							 curl_version_info(CURLVERSION_NOW)->version,
							 OpenSSL_version(OPENSSL_VERSION),
							 ddbc_error_library_version());

	PG_RETURN_DATUM(PointerGetDatum(cstring_to_text(version)));
}
