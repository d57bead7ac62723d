/* SPDX-License-Identifier: PostgreSQL */
/*
 * describe.c
 *		Asks DescribeTable and DescribeTimeToLive, keeps the answers, reads them.
 *
 * The cache keeps reply texts: they are small, and reading one anew for each
 * plan means that no plan ever holds a pointer into the cache.
 */
#include "postgres.h"

#include "remote/describe.h"

#include <jansson.h>

#include "catalog/pg_foreign_server.h"
#include "catalog/pg_user_mapping.h"
#include "codec/codec.h"
#include "common/hashfn.h"
#include "foreign/foreign.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "model/guc.h"
#include "remote/report.h"
#include "remote/session.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/plancache.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

/* TableName may be an ARN of up to 1024 bytes (API reference). */
#define MAX_TABLE_NAME 1024

typedef struct CacheKey
{
	Oid serverid;
	Oid userid;
	DdbcOperation operation; /* whose reply it is */
	char table_name[MAX_TABLE_NAME + 1];
} CacheKey;

typedef struct CacheEntry
{
	CacheKey key; /* hash key, must be first */
	char *reply; /* NULL: access was denied */
	size_t reply_len;
	TimestampTz fetched_at;
	TimestampTz retry_at; /* asking failed: not again before; 0: it did not */
	bool valid;
	Oid umid; /* of the user mapping that it was fetched by */
	uint32 server_hash; /* of syscache invalidations */
	uint32 mapping_hash;
	uint64 invalidations; /* how often it became invalid */
	uint64 digest; /* of what plans rely on, in the reply read last */
	int generation; /* of that digest; 0: none was read yet */
} CacheEntry;

/* After a failure the old description serves for so long before another try. */
#define RETRY_AFTER_MS 10000

static HTAB *cache = NULL;
static int generations = 0;

static void
invalidate(CacheEntry *entry)
{
	entry->valid = false;
	entry->invalidations++;
}

/*
 * Syscache callback: a server or user mapping has changed, so what was fetched
 * by it may be the description of another table.  Runs while the cache may be
 * in use, so it only marks entries.
 */
static void
invalidate_cache(Datum arg, int cacheid, uint32 hash)
{
	HASH_SEQ_STATUS status;
	CacheEntry *entry;

	hash_seq_init(&status, cache);
	while ((entry = hash_seq_search(&status)) != NULL)
		/* hash 0 means everything of that cache */
		if (hash == 0 ||
			hash == (cacheid == FOREIGNSERVEROID ? entry->server_hash
												 : entry->mapping_hash))
			invalidate(entry);
}

/*
 * Made at first use, and lives as long as the backend.  The callbacks stay
 * registered with it.
 */
static void
create_cache(void)
{
	HASHCTL ctl;

	ctl.keysize = sizeof(CacheKey);
	ctl.entrysize = sizeof(CacheEntry);
	cache = hash_create("ddb_fdw table descriptions", 16, &ctl,
						HASH_ELEM | HASH_BLOBS);
	CacheRegisterSyscacheCallback(FOREIGNSERVEROID, invalidate_cache,
								  (Datum) 0);
	CacheRegisterSyscacheCallback(USERMAPPINGOID, invalidate_cache, (Datum) 0);
}

/*
 * The roles of all users share the finding: entries of this table are invalid
 * for each of them.
 */
void
ddb_describe_forget(Oid serverid, const char *table_name)
{
	HASH_SEQ_STATUS status;
	CacheEntry *entry;

	if (cache == NULL)
		return;
	hash_seq_init(&status, cache);
	while ((entry = hash_seq_search(&status)) != NULL)
		if (entry->key.serverid == serverid &&
			strcmp(entry->key.table_name, table_name) == 0)
			invalidate(entry);
	ResetPlanCache();
}

/*
 * Raises an error if the table's name does not fit the cache's key.  DynamoDB
 * would refuse it too.
 */
static void
check_table_name(const DdbRelation *relation)
{
	if (strlen(relation->table_name) > MAX_TABLE_NAME)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
				 errmsg("option \"table_name\" of foreign table %s is too long",
						relation->name),
				 errdetail("Names of DynamoDB tables have at most 255 "
						   "characters, and ARNs at most 1024.")));
}

/*
 * The body of DescribeTable or DescribeTimeToLive, palloc'd.  Raises an error
 * if the name is not valid UTF-8.
 */
static char *
describe_request(const DdbRelation *relation, size_t *len)
{
	char *name = pg_server_to_any(relation->table_name,
								  strlen(relation->table_name), PG_UTF8);
	json_t *request = json_pack("{s:s}", "TableName", name);
	char *text = request != NULL ? json_dumps(request, JSON_COMPACT) : NULL;
	char *copy;

	json_decref(request);
	if (text == NULL)
		ereport(
			ERROR,
			(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
			 errmsg(
				 "option \"table_name\" of foreign table %s is not valid UTF-8",
				 relation->name)));
	copy = pstrdup(text);
	free(text);
	*len = strlen(copy);
	return copy;
}

/* Notes what the entry is about to be fetched by. */
static void
note_origin(CacheEntry *entry)
{
	entry->umid = GetUserMapping(entry->key.userid, entry->key.serverid)->umid;
	entry->server_hash = GetSysCacheHashValue1(
		FOREIGNSERVEROID, ObjectIdGetDatum(entry->key.serverid));
	entry->mapping_hash =
		GetSysCacheHashValue1(USERMAPPINGOID, ObjectIdGetDatum(entry->umid));
}

/*
 * True if the description at hand, which is old and no more, can serve while
 * DynamoDB cannot be asked.
 */
static bool
can_wait(const CacheEntry *entry, const DdbcError *error)
{
	return entry->valid && entry->reply != NULL &&
		   (error->retryable || error->kind == DDBC_ERROR_TIMEOUT ||
			error->kind == DDBC_ERROR_PROXY_DENIED);
}

/* Keeps the reply, or that there is none. */
static void
keep_reply(CacheEntry *entry, const DdbCall *call)
{
	size_t len;
	const char *body = ddbc_request_body(call->request, &len);

	if (entry->reply != NULL)
		pfree(entry->reply);
	entry->reply = NULL;
	entry->fetched_at = GetCurrentTimestamp();
	entry->retry_at = 0;
	if (body == NULL)
		return;
	entry->reply = MemoryContextAlloc(TopMemoryContext, len + 1);
	memcpy(entry->reply, body, len);
	entry->reply_len = len;
}

/*
 * Fetches into the cache entry.  Access denied is an answer too, when the
 * columns can speak for the table.  Where DynamoDB cannot be asked for now, what
 * is known stays.
 */
static void
fetch(CacheEntry *entry, DdbRelation *relation, Oid userid, bool declared)
{
	DdbcOperation operation = entry->key.operation;
	MemoryContext context = AllocSetContextCreate(
		CurrentMemoryContext, "ddb_fdw describe", ALLOCSET_SMALL_SIZES);
	DdbCall *call = ddb_call_create(
		ddb_session_get(relation->server->serverid, userid), context);
	size_t len;
	char *request = describe_request(relation, &len);
	uint64 invalidations_before = entry->invalidations;
	const DdbcError *error;

	if (!entry->valid)
		note_origin(entry);
	ddb_call_start(call, operation, relation->table_name, NULL, request, len,
				   0);
	ddb_call_wait(&call, 1);
	ddb_call_log(call, 0);
	error = ddbc_request_error(call->request);
	if (error != NULL && can_wait(entry, error))
		entry->retry_at =
			TimestampTzPlusMilliseconds(GetCurrentTimestamp(), RETRY_AFTER_MS);
	else if (error != NULL &&
			 !(declared && error->kind == DDBC_ERROR_ACCESS_DENIED))
		ddb_report_call(error, operation, relation->table_name, NULL);
	else
	{
		keep_reply(entry, call);
		/* What was invalidated during the wait stays so. */
		entry->valid = entry->invalidations == invalidations_before;
	}
	MemoryContextDelete(context);
}

/* json_string_value may be NULL: of a reply that is not as documented. */
static const char *
string_member(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

/*
 * The stored type that the table's AttributeDefinitions give the attribute;
 * DDB_STORED_NONE if they do not name it.
 */
static DdbStoredType
attribute_type(const json_t *definitions, const char *name)
{
	size_t i;
	json_t *definition;

	json_array_foreach((json_t *) definitions, i, definition)
	{
		const char *attribute = string_member(definition, "AttributeName");
		const char *type = string_member(definition, "AttributeType");

		if (attribute != NULL && type != NULL && strcmp(attribute, name) == 0)
			return ddb_stored_type_from_name(type, strlen(type));
	}
	return DDB_STORED_NONE;
}

/*
 * Raises an error if a column that is declared a key cannot be one: keys are
 * whole attributes of type S, N or B.
 */
static void
check_declared_key(const DdbRelation *relation, const DdbColumn *column)
{
	DdbStoredType type = ddb_value_default_stored_type(column);

	if (column->reach == DDB_REACH_ATTRIBUTE &&
		(type == DDB_STORED_S || type == DDB_STORED_N || type == DDB_STORED_B))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_FDW_INVALID_DATA_TYPE),
			 errmsg("column \"%s\" of foreign table %s cannot be a key",
					column->name, relation->name),
			 errdetail("Key attributes of DynamoDB have type S, N or B.")));
}

/*
 * Reads a key schema by the role of each element, since positions say nothing
 * where parts are lists.  False if it cannot be understood, with *keys
 * undefined.
 */
static bool
read_key_schema(const json_t *schema, const json_t *definitions,
				DdbKeySchema *keys)
{
	size_t i;
	json_t *element;

	memset(keys, 0, sizeof(*keys));
	json_array_foreach((json_t *) schema, i, element)
	{
		const char *name = string_member(element, "AttributeName");
		const char *role = string_member(element, "KeyType");
		DdbKeyAttribute *attribute;

		if (name == NULL || role == NULL)
			return false;
		if (strcmp(role, "HASH") != 0 && strcmp(role, "RANGE") != 0)
			return false;
		attribute = ddb_key_schema_add(
			keys, strcmp(role, "HASH") == 0 ? DDB_KEY_PARTITION : DDB_KEY_SORT);
		if (attribute == NULL)
			return false;
		attribute->name = pstrdup(name);
		attribute->type = attribute_type(definitions, name);
		if (attribute->type != DDB_STORED_S &&
			attribute->type != DDB_STORED_N && attribute->type != DDB_STORED_B)
			return false;
	}
	return keys->npartition > 0;
}

/*
 * Fills in what the index projects: the kind, and the attributes that it
 * names.
 */
static void
read_projection(const json_t *projection, DdbIndexInfo *index)
{
	const char *type = string_member(projection, "ProjectionType");
	json_t *names = json_object_get(projection, "NonKeyAttributes");
	size_t i;
	json_t *name;

	/* What is not understood projects least. */
	index->projection = DDB_PROJECT_KEYS_ONLY;
	if (type != NULL && strcmp(type, "ALL") == 0)
		index->projection = DDB_PROJECT_ALL;
	else if (type != NULL && strcmp(type, "INCLUDE") == 0)
		index->projection = DDB_PROJECT_INCLUDE;
	json_array_foreach(names, i, name)
	{
		if (json_is_string(name))
			index->included =
				lappend(index->included, pstrdup(json_string_value(name)));
	}
}

/*
 * Appends the indexes of one list of the description to info.  An index whose
 * key cannot be understood is left out.  A global index is usable once it is
 * active and filled.
 */
static void
read_indexes(const json_t *list, const json_t *definitions, bool global,
			 DdbTableInfo *info)
{
	size_t i;
	json_t *element;

	json_array_foreach((json_t *) list, i, element)
	{
		DdbIndexInfo *index = palloc0(sizeof(DdbIndexInfo));
		const char *name = string_member(element, "IndexName");
		const char *status = string_member(element, "IndexStatus");

		if (name == NULL ||
			!read_key_schema(json_object_get(element, "KeySchema"), definitions,
							 &index->keys))
			continue;
		index->name = pstrdup(name);
		index->global = global;
		index->usable =
			!global || (status != NULL && strcmp(status, "ACTIVE") == 0 &&
						!json_is_true(json_object_get(element, "Backfilling")));
		read_projection(json_object_get(element, "Projection"), index);
		index->item_count =
			json_number_value(json_object_get(element, "ItemCount"));
		index->size_bytes =
			json_number_value(json_object_get(element, "IndexSizeBytes"));
		info->indexes = lappend(info->indexes, index);
	}
}

/* Adds those attributes of the key that info->key_attributes does not have. */
static void
collect_keys(DdbTableInfo *info, DdbKeySchema *keys)
{
	for (int i = 0; i < keys->n; i++)
		if (ddb_key_attributes_type(info->key_attributes,
									keys->attributes[i].name) ==
			DDB_STORED_NONE)
			info->key_attributes =
				lappend(info->key_attributes, &keys->attributes[i]);
}

/*
 * Gathers the key attributes of the table and of its suited indexes, each
 * once.  Indexes that are left out do not bind the types of columns.
 */
static void
collect_key_attributes(DdbTableInfo *info)
{
	ListCell *lc;

	collect_keys(info, &info->keys);
	foreach (lc, info->indexes)
	{
		DdbIndexInfo *index = (DdbIndexInfo *) lfirst(lc);

		if (index->unsuited == NULL)
			collect_keys(info, &index->keys);
	}
}

/*
 * Fills info from the "Table" member of a reply.  False if it has no key
 * schema that can be understood.
 */
static bool
read_description(const json_t *table, DdbTableInfo *info)
{
	json_t *definitions = json_object_get(table, "AttributeDefinitions");

	if (!read_key_schema(json_object_get(table, "KeySchema"), definitions,
						 &info->keys))
		return false;
	info->item_count = json_number_value(json_object_get(table, "ItemCount"));
	info->size_bytes =
		json_number_value(json_object_get(table, "TableSizeBytes"));
	read_indexes(json_object_get(table, "LocalSecondaryIndexes"), definitions,
				 false, info);
	read_indexes(json_object_get(table, "GlobalSecondaryIndexes"), definitions,
				 true, info);
	return true;
}

/*
 * Raises the error of a description that makes no sense.  It is forgotten, so
 * that DynamoDB is asked again next time.
 */
static void
raise_description(CacheEntry *entry, const DdbRelation *relation)
{
	entry->valid = false;
	ereport(ERROR,
			(errcode(ERRCODE_FDW_UNABLE_TO_CREATE_REPLY),
			 errmsg("could not understand the description of DynamoDB table "
					"\"%s\"",
					relation->table_name),
			 errhint("Check that the option \"endpoint_url\" of the server is "
					 "an endpoint of DynamoDB.")));
}

/*
 * Parses the cached reply of DescribeTable into the current memory context.
 * Raises an error if it is not a description.
 */
static DdbTableInfo *
parse_reply(CacheEntry *entry, const DdbRelation *relation)
{
	DdbTableInfo *info = palloc0(sizeof(DdbTableInfo));
	json_t *root =
		json_loadb(entry->reply, entry->reply_len, JSON_ALLOW_NUL, NULL);
	volatile bool ok = false;

	/* jansson's memory is malloc's: free it whatever palloc does. */
	PG_TRY();
	{
		ok = root != NULL &&
			 read_description(json_object_get(root, "Table"), info);
	}
	PG_FINALLY();
	{
		json_decref(root);
	}
	PG_END_TRY();
	if (!ok)
		raise_description(entry, relation);
	return info;
}

/* The first attribute of a part of a key, or NULL. */
static const char *
part_name(const DdbKeySchema *keys, DdbDeclaredKey role)
{
	if (role == DDB_KEY_PARTITION)
		return keys->npartition > 0 ? keys->attributes[0].name : NULL;
	return keys->n > keys->npartition ? keys->attributes[keys->npartition].name
									  : NULL;
}

/*
 * The key as the columns declare it by option "key", in *keys.  False if none
 * is the partition key.  Raises an error if two columns declare the same part.
 */
static bool
declared_keys(DdbRelation *relation, DdbKeySchema *keys)
{
	memset(keys, 0, sizeof(*keys));
	for (int i = 0; i < relation->ncolumns; i++)
	{
		DdbColumn *column = &relation->columns[i];
		DdbKeyAttribute *attribute;

		if (column->name == NULL || column->declared_key == DDB_KEY_NONE)
			continue;
		if (part_name(keys, column->declared_key) != NULL)
			ereport(
				ERROR,
				(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
				 errmsg("foreign table %s declares more than one %s key",
						relation->name,
						column->declared_key == DDB_KEY_SORT ? "sort"
															 : "partition"),
				 errhint("Leave the option \"key\" to one of the columns.")));
		check_declared_key(relation, column);
		attribute = ddb_key_schema_add(keys, column->declared_key);
		attribute->name = pstrdup(column->attribute);
		attribute->type = ddb_value_default_stored_type(column);
	}
	return keys->npartition > 0;
}

/*
 * The cache entry for the table, the user and the operation, made if it is
 * new.  A new entry is invalid and has no reply.
 */
static CacheEntry *
find_entry(const DdbRelation *relation, Oid userid, DdbcOperation operation)
{
	CacheKey key;
	CacheEntry *entry;
	bool found;

	check_table_name(relation);
	if (cache == NULL)
		create_cache();
	memset(&key, 0, sizeof(key));
	key.serverid = relation->server->serverid;
	key.userid = userid;
	key.operation = operation;
	strlcpy(key.table_name, relation->table_name, sizeof(key.table_name));
	entry = hash_search(cache, &key, HASH_ENTER, &found);
	if (!found)
	{
		entry->reply = NULL;
		entry->retry_at = 0;
		entry->valid = false;
		entry->umid = InvalidOid;
		entry->server_hash = entry->mapping_hash = 0;
		entry->invalidations = 0;
		entry->generation = 0;
	}
	/* Another mapping may have been made, which no change of the old one tells. */
	if (entry->valid &&
		entry->umid != GetUserMapping(userid, key.serverid)->umid)
		invalidate(entry);
	return entry;
}

/*
 * True if the entry is valid and younger than ddb_fdw.description_lifetime, or
 * as new as can be had for now.
 */
static bool
is_new_enough(const CacheEntry *entry)
{
	TimestampTz now = GetCurrentTimestamp();

	return entry->valid &&
		   (now < entry->retry_at ||
			!TimestampDifferenceExceeds(entry->fetched_at, now,
										ddb_guc_description_lifetime * 1000));
}

/*
 * The reply to an operation about the table, fetched unless it is known.
 * declared: the columns can speak for the table, when asking is denied.
 */
static CacheEntry *
look_up(DdbRelation *relation, Oid userid, DdbcOperation operation,
		bool declared)
{
	CacheEntry *entry = find_entry(relation, userid, operation);

	if (!is_new_enough(entry) || (entry->reply == NULL && !declared))
		fetch(entry, relation, userid, declared);
	return entry;
}

/*
 * What plans rely on is read: if it is not what it was, they are made anew.
 * That is no matter of transactions: DynamoDB changed when it did.
 */
static void
note_digest(CacheEntry *entry, uint64 digest)
{
	if (entry->generation != 0 && entry->digest == digest)
		return;
	if (entry->generation != 0)
		ResetPlanCache();
	entry->digest = digest;
	entry->generation = ++generations;
}

/*
 * Adds the names and types of a key's attributes to the digest, in their order,
 * which matters.
 */
static uint64
digest_keys(const DdbKeySchema *keys, uint64 digest)
{
	for (int i = 0; i < keys->n; i++)
	{
		const char *name = keys->attributes[i].name;

		digest = hash_combine64(digest, keys->attributes[i].type);
		digest = hash_bytes_extended((const unsigned char *) name, strlen(name),
									 digest);
	}
	return hash_combine64(hash_combine64(digest, keys->n), keys->npartition);
}

/*
 * Hashes what a plan relies on: name, kind, keys, projection and whether it is
 * usable.  The order of included attributes does not matter.
 */
static uint64
digest_index(const DdbIndexInfo *index)
{
	uint64 digest = hash_bytes_extended((const unsigned char *) index->name,
										strlen(index->name), index->global);
	uint64 included = 0;
	ListCell *lc;

	digest = digest_keys(&index->keys, digest);
	digest = hash_combine64(digest, index->projection);
	digest = hash_combine64(digest, index->usable);
	foreach (lc, index->included)
		included += hash_bytes_extended((const unsigned char *) lfirst(lc),
										strlen((char *) lfirst(lc)), 0);
	return hash_combine64(digest, included);
}

/*
 * Hashes keys and indexes, in whichever order indexes come.  Sizes are left
 * out, so that growth alone does not make plans invalid.
 */
static uint64
digest_of(const DdbTableInfo *info)
{
	uint64 indexes = 0;
	ListCell *lc;

	foreach (lc, info->indexes)
		indexes += digest_index((DdbIndexInfo *) lfirst(lc));
	return hash_combine64(digest_keys(&info->keys, 0), indexes);
}

/*
 * The first column that shows an attribute of this index's key and cannot hold
 * it; NULL if there is none.  Keys of the table are checked
 * elsewhere, as an error.
 */
static const DdbColumn *
find_unsuited(DdbRelation *relation, const DdbTableInfo *info,
			  const DdbKeySchema *keys)
{
	for (int i = 0; i < keys->n; i++)
	{
		const DdbKeyAttribute *key = &keys->attributes[i];
		const DdbColumn *column =
			ddb_relation_find_attribute(relation, key->name);

		if (column != NULL && !ddb_key_schema_has(&info->keys, key->name) &&
			!ddb_codec_suits_key(column, key->type))
			return column;
	}
	return NULL;
}

/*
 * Indexes whose key a column shows as something else are not read: they may
 * have been made long after the foreign table.
 */
static void
leave_out_indexes(DdbRelation *relation, DdbTableInfo *info)
{
	ListCell *lc;

	foreach (lc, info->indexes)
	{
		DdbIndexInfo *index = (DdbIndexInfo *) lfirst(lc);

		index->unsuited = find_unsuited(relation, info, &index->keys);
		if (index->unsuited != NULL)
			index->usable = false;
	}
}

/*
 * Raises the error of a declared key that the table does not have. actual is
 * the attribute that is the key, or NULL if there is no such part.
 */
static void
raise_wrong_key(const DdbRelation *relation, const DdbColumn *column,
				const char *role, const char *actual)
{
	ereport(
		ERROR,
		(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
		 errmsg("invalid option \"key\" of column \"%s\" of foreign table %s",
				column->name, relation->name),
		 actual != NULL
			 ? errdetail("The %s key of DynamoDB table \"%s\" is the "
						 "attribute \"%s\", not \"%s\".",
						 role, relation->table_name, actual, column->attribute)
			 : errdetail("DynamoDB table \"%s\" has no %s key.",
						 relation->table_name, role),
		 errhint("Drop the option. Only roles that may not describe the table "
				 "need it.")));
}

/*
 * What columns declare must be what DynamoDB says: of the table, or of the
 * index that the foreign table is declared to be.
 */
static void
check_declared(const DdbRelation *relation, DdbTableInfo *info)
{
	const DdbIndexInfo *index =
		relation->index_name != NULL
			? ddb_table_info_index(info, relation->index_name)
			: NULL;

	for (int i = 0; i < relation->ncolumns; i++)
	{
		const DdbColumn *column = &relation->columns[i];
		const char *actual;

		if (column->name == NULL || column->declared_key == DDB_KEY_NONE)
			continue;
		actual = part_name(&info->keys, column->declared_key);
		if (index != NULL &&
			ddb_key_schema_has(&index->keys, column->attribute))
			continue;
		if (actual == NULL || strcmp(actual, column->attribute) != 0)
			raise_wrong_key(relation, column,
							column->declared_key == DDB_KEY_SORT ? "sort"
																 : "partition",
							actual);
	}
}

/*
 * Asks DynamoDB only if the cache has nothing valid.  A change of keys or
 * indexes gives the entry a new generation, by which older plans are
 * recognised.
 */
DdbTableInfo *
ddb_describe_table(DdbRelation *relation, Oid userid)
{
	DdbKeySchema declared;
	bool has_declared = declared_keys(relation, &declared);
	CacheEntry *entry =
		look_up(relation, userid, DDBC_DESCRIBE_TABLE, has_declared);
	DdbTableInfo *info;

	if (entry->reply != NULL)
		info = parse_reply(entry, relation);
	else
	{
		info = palloc0(sizeof(DdbTableInfo));
		info->keys = declared;
	}
	note_digest(entry, digest_of(info));
	leave_out_indexes(relation, info);
	collect_key_attributes(info);
	if (entry->reply != NULL)
		check_declared(relation, info);
	info->generation = entry->generation;
	return info;
}

/* Sends no request. */
bool
ddb_describe_is_current(DdbRelation *relation, Oid userid, int generation)
{
	CacheEntry *entry = find_entry(relation, userid, DDBC_DESCRIBE_TABLE);

	return entry->generation == generation && is_new_enough(entry);
}

/*
 * A TTL that is being enabled counts, one that is being disabled does not.
 * The result is palloc'd. jansson's tree is freed whatever happens.
 */
char *
ddb_describe_ttl_attribute(DdbRelation *relation, Oid userid)
{
	CacheEntry *entry =
		look_up(relation, userid, DDBC_DESCRIBE_TIME_TO_LIVE, false);
	json_t *root =
		json_loadb(entry->reply, entry->reply_len, JSON_ALLOW_NUL, NULL);
	json_t *description = json_object_get(root, "TimeToLiveDescription");
	const char *status = string_member(description, "TimeToLiveStatus");
	const char *name = string_member(description, "AttributeName");
	char *volatile attribute = NULL;

	PG_TRY();
	{
		if (status == NULL)
			raise_description(entry, relation);
		if (name != NULL &&
			(strcmp(status, "ENABLED") == 0 || strcmp(status, "ENABLING") == 0))
			attribute = pstrdup(name);
	}
	PG_FINALLY();
	{
		json_decref(root);
	}
	PG_END_TRY();
	note_digest(entry,
				attribute == NULL
					? 0
					: hash_bytes_extended((const unsigned char *) attribute,
										  strlen(attribute), 1));
	return attribute;
}
