/* SPDX-License-Identifier: PostgreSQL */
/*
 * guard_settings.c
 *		Looks up what ALTER ROLE, ALTER DATABASE and postgresql.conf say.
 *
 * Before the library is loaded its settings are placeholders, which anybody
 * may set: PGOPTIONS='-c ddb_fdw.scan=allow' outranks ALTER ROLE … SET.  When
 * the settings are defined, PostgreSQL throws the value of a startup option
 * away that the user may not set, and is left with the default, because the
 * value that it outranked was never kept.  So that one is looked up here.
 * Values go in with the rank of where they come from, so that they do not
 * replace what the session may set.
 */
#include "postgres.h"

#include "model/guard_settings.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/parallel.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/pg_db_role_setting.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/rel.h"

#define PREFIX "ddb_fdw."

static const char *const guards[] = {"ddb_fdw.scan", "ddb_fdw.max_read_units"};

/* True if one of the guards had a value before it was defined. */
static bool had_value;

static bool
is_guard(const char *name)
{
	for (int i = 0; i < (int) lengthof(guards); i++)
		if (pg_strcasecmp(guards[i], name) == 0)
			return true;
	return false;
}

/* Sets the guard, unless a higher rank has; a value that is none is told. */
static void
apply(const char *name, const char *value, GucContext context, GucSource source)
{
	(void) set_config_option(name, value, context, source, GUC_ACTION_SET, true,
							 WARNING, false);
}

/* Applies "name=value", if it is a guard's. */
static void
apply_item(char *item, GucSource source)
{
	char *value = strchr(item, '=');

	if (value == NULL || pg_strncasecmp(item, PREFIX, strlen(PREFIX)) != 0)
		return;
	*value++ = '\0';
	if (is_guard(item))
		apply(item, value, PGC_SUSET, source);
}

/* Applies what is set for the role in the database; InvalidOid: any. */
static void
apply_role_settings(Relation rel, Oid database, Oid role, GucSource source)
{
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple tuple;

	ScanKeyInit(&keys[0], Anum_pg_db_role_setting_setdatabase,
				BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(database));
	ScanKeyInit(&keys[1], Anum_pg_db_role_setting_setrole,
				BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(role));
	scan = systable_beginscan(rel, DbRoleSettingDatidRolidIndexId, true, NULL,
							  2, keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		bool isnull;
		Datum *items;
		bool *nulls;
		int n;
		Datum array = heap_getattr(tuple, Anum_pg_db_role_setting_setconfig,
								   RelationGetDescr(rel), &isnull);

		if (isnull)
			continue;
		deconstruct_array(DatumGetArrayTypeP(array), TEXTOID, -1, false,
						  TYPALIGN_INT, &items, &nulls, &n);
		for (int i = 0; i < n; i++)
			if (!nulls[i])
				apply_item(TextDatumGetCString(items[i]), source);
	}
	systable_endscan(scan);
}

/* What the configuration files say; later lines, and files, win. */
static void
apply_files(void)
{
	ConfigVariable *head = NULL;
	ConfigVariable *tail = NULL;

	(void) ParseConfigFile(ConfigFileName, true, NULL, 0, 0, DEBUG3, &head,
						   &tail);
	(void) ParseConfigFile(PG_AUTOCONF_FILENAME, false, NULL, 0, 0, DEBUG3,
						   &head, &tail);
	for (const ConfigVariable *item = head; item != NULL; item = item->next)
		if (!item->ignore && item->errmsg == NULL && is_guard(item->name))
			apply(item->name, item->value, PGC_SIGHUP, PGC_S_FILE);
	FreeConfigVariables(head);
}

/* From general to specific: of two, the more specific wins. */
static void
apply_all(void)
{
	Relation rel = table_open(DbRoleSettingRelationId, AccessShareLock);
	Oid role = GetAuthenticatedUserId();

	apply_files();
	apply_role_settings(rel, InvalidOid, InvalidOid, PGC_S_GLOBAL);
	apply_role_settings(rel, MyDatabaseId, InvalidOid, PGC_S_DATABASE);
	apply_role_settings(rel, InvalidOid, role, PGC_S_USER);
	apply_role_settings(rel, MyDatabaseId, role, PGC_S_DATABASE_USER);
	table_close(rel, AccessShareLock);
}

void
ddb_guard_settings_before(void)
{
	had_value = false;
	for (int i = 0; i < (int) lengthof(guards); i++)
		had_value |= GetConfigOption(guards[i], true, false) != NULL;
}

/*
 * Where the library is loaded before there is a session, nothing has been a
 * placeholder for users to set.  A worker gets its leader's values.
 */
void
ddb_guard_settings_after(void)
{
	bool is_alone = !IsTransactionState();

	if (!had_value || !OidIsValid(MyDatabaseId) || IsParallelWorker() ||
		process_shared_preload_libraries_in_progress)
		return;
	if (is_alone)
		StartTransactionCommand();
	apply_all();
	if (is_alone)
		CommitTransactionCommand();
}
