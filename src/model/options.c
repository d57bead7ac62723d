/* SPDX-License-Identifier: PostgreSQL */
/*
 * options.c
 *		The table of options, and the validator that reads it.
 *
 * Meanings and defaults are those of docs/manual.md.  Values are
 * checked when they are set, so that look-ups need not fail later; an option
 * that would be ignored is refused instead.  (Those about writes are taken,
 * because writes themselves are refused.)
 */
#include "postgres.h"

#include "model/options.h"

#include <ctype.h>
#include <math.h>

#include "catalog/pg_authid.h"
#include "client/endpoint.h"
#include "commands/defrem.h"
#include "format/key_template.h"
#include "format/time_text.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "model/document_path.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/formatting.h"
#include "utils/guc.h"
#include "utils/varlena.h"

#define SERVER DDB_ON_SERVER
#define USER DDB_ON_USER
#define TABLE DDB_ON_TABLE
#define COLUMN DDB_ON_COLUMN

#define MAX_MS INT64CONST(3600000) /* one hour: longer hides a mistake */
#define MAX_SEGMENTS INT64CONST(1000000) /* Scan, TotalSegments */

const DdbOptionDef ddb_options[] = {
	/* name, where, kind, flags, min, max, choices, default, help */
	{"region", SERVER, DDB_OPTION_REGION, 0, 0, 0, NULL, NULL,
	 "AWS region, such as us-east-1"},
	{"endpoint_url", SERVER, DDB_OPTION_URL, 0, 0, 0, NULL, "the region's own",
	 "base URL of the service: DynamoDB Local, a VPC endpoint"},
	{"use_fips", SERVER, DDB_OPTION_BOOL, 0, 0, 0, NULL, "false",
	 "use the region's FIPS endpoint"},
	{"use_dualstack", SERVER, DDB_OPTION_BOOL, 0, 0, 0, NULL, "false",
	 "use the region's dual-stack endpoint"},
	{"ca_file", SERVER, DDB_OPTION_TEXT, DDB_OPTION_SERVER_FILE, 0, 0, NULL,
	 "the system's bundle", "file with the certificate authorities to trust"},
	{"allow_http", SERVER, DDB_OPTION_BOOL, DDB_OPTION_SUPERUSER, 0, 0, NULL,
	 "false", "allow plain HTTP to an endpoint off loopback"},
	{"failover_writes", SERVER, DDB_OPTION_BOOL, DDB_OPTION_LATER, 0, 0, NULL,
	 "false", "writes may go to the next region too"},
	{"connect_timeout", SERVER, DDB_OPTION_DURATION, 0, 1, MAX_MS, NULL, "3s",
	 "time for one attempt to connect"},
	{"request_timeout", SERVER, DDB_OPTION_DURATION, 0, 1, MAX_MS, NULL, "30s",
	 "time for one attempt of a request"},
	{"max_attempts", SERVER, DDB_OPTION_INTEGER, 0, 1, 1000, NULL, "10",
	 "tries per request"},
	{"compression", SERVER, DDB_OPTION_BOOL, 0, 0, 0, NULL, "false",
	 "ask for gzip answers"},
	{"max_concurrency", SERVER, DDB_OPTION_INTEGER, 0, 1, 256, NULL, "16",
	 "requests in flight for one statement"},
	{"max_read_units", SERVER, DDB_OPTION_NUMBER, 0, 0, 0, NULL, NULL,
	 "end a statement with an error once it has consumed this many read units"},
	{"read_unit_price", SERVER, DDB_OPTION_NUMBER, 0, 0, 0, NULL, "0.125",
	 "USD per million read request units"},
	{"write_unit_price", SERVER, DDB_OPTION_NUMBER, 0, 0, 0, NULL, "0.625",
	 "USD per million write request units"},

	{"consistent_read", SERVER | TABLE, DDB_OPTION_BOOL, 0, 0, 0, NULL, "false",
	 "strongly consistent reads"},
	{"scan", SERVER | TABLE, DDB_OPTION_CHOICE, 0, 0, 0, "allow, warn, deny",
	 "allow, and warn for tables over 1 GB",
	 "what to do about full table scans; the strictest setting wins"},
	{"read_units_per_second", SERVER | TABLE, DDB_OPTION_RATE, DDB_OPTION_LATER,
	 0, 0, NULL, NULL,
	 "what a statement may take from a table: a number, or '25%'"},
	{"updatable", SERVER | TABLE, DDB_OPTION_BOOL, 0, 0, 0, NULL, "true",
	 "whether the table may be written"},
	{"truncatable", SERVER | TABLE, DDB_OPTION_BOOL, 0, 0, 0, NULL, "false",
	 "whether the table may be truncated"},
	{"transaction", SERVER | TABLE, DDB_OPTION_CHOICE, 0, 0, 0,
	 "immediate, atomic", "immediate", "how writes are sent"},
	{"optimistic", SERVER | TABLE, DDB_OPTION_BOOL, 0, 0, 0, NULL, "false",
	 "UPDATE and DELETE apply only if what they read is unchanged"},
	{"on_type_mismatch", SERVER | TABLE | COLUMN, DDB_OPTION_CHOICE, 0, 0, 0,
	 "error, null", "error",
	 "what a value that does not fit its column becomes"},

	{"access_key_id", USER, DDB_OPTION_TEXT, 0, 0, 0, NULL, NULL,
	 "AWS access key id"},
	{"secret_access_key", USER, DDB_OPTION_TEXT, DDB_OPTION_SECRET, 0, 0, NULL,
	 NULL, "AWS secret access key"},
	{"session_token", USER, DDB_OPTION_TEXT, DDB_OPTION_SECRET, 0, 0, NULL,
	 NULL, "session token of temporary credentials"},
	{"role_arn", USER, DDB_OPTION_TEXT, DDB_OPTION_LATER, 0, 0, NULL, NULL,
	 "role to assume"},
	{"role_session_name", USER, DDB_OPTION_TEXT, DDB_OPTION_LATER, 0, 0, NULL,
	 NULL, "name of the assumed role's session"},
	{"external_id", USER, DDB_OPTION_TEXT, DDB_OPTION_LATER, 0, 0, NULL, NULL,
	 "external id for the assumed role"},
	{"profile", USER, DDB_OPTION_TEXT, DDB_OPTION_LATER, 0, 0, NULL, NULL,
	 "profile of the shared configuration files"},
	{"credential_source", USER, DDB_OPTION_CHOICE, 0, 0, 0,
	 "default, environment, profile, container, instance, web_identity",
	 "default", "which link of the AWS credential chain to use"},
	{"credentials_required", USER, DDB_OPTION_BOOL, DDB_OPTION_SUPERUSER, 0, 0,
	 NULL, "true", "whether this mapping must carry its own keys"},

	{"table_name", TABLE, DDB_OPTION_TEXT, 0, 0, 0, NULL,
	 "the foreign table's name", "DynamoDB table"},
	{"index_name", TABLE, DDB_OPTION_TEXT, 0, 0, 0, NULL, "chosen per query",
	 "always read through this index"},
	{"hide_expired", TABLE, DDB_OPTION_BOOL, 0, 0, 0, NULL, "false",
	 "hide items whose TTL lies in the past"},
	{"insert_mode", TABLE, DDB_OPTION_CHOICE, 0, 0, 0, "insert, put", "insert",
	 "whether INSERT may replace an item"},
	{"total_segments", TABLE, DDB_OPTION_INTEGER, 0, 1, MAX_SEGMENTS, NULL,
	 NULL, "number of segments of a Scan: this table's, or shared by several"},
	{"segment", TABLE, DDB_OPTION_INTEGER, 0, 0, MAX_SEGMENTS - 1, NULL, NULL,
	 "which of them this foreign table is, from 0"},

	{"attribute", COLUMN, DDB_OPTION_ATTRIBUTE, 0, 0, 0, NULL,
	 "the column's name", "DynamoDB attribute"},
	{"overflow", COLUMN, DDB_OPTION_BOOL, 0, 0, 0, NULL, "false",
	 "all attributes that no other column maps"},
	{"type", COLUMN, DDB_OPTION_CHOICE, 0, 0, 0,
	 "S, N, B, BOOL, SS, NS, BS, M, L, any", "from the column's type",
	 "the stored type"},
	{"format", COLUMN, DDB_OPTION_CHOICE, 0, 0, 0,
	 "iso8601, iso8601:0, iso8601:1, iso8601:2, iso8601:3, iso8601:4, "
	 "iso8601:5, iso8601:6, epoch, epoch_ms, plain, dynamodb",
	 "iso8601; epoch for numbers", "how the value is stored"},
	{"template", COLUMN, DDB_OPTION_TEMPLATE, 0, 0, 0, NULL, NULL,
	 "how a key attribute is composed of other columns"},
	{"partitions_since", COLUMN, DDB_OPTION_TIME, 0, 0, 0, NULL, NULL,
	 "where an open-ended walk over partitions ends"},
	{"key", COLUMN, DDB_OPTION_CHOICE, 0, 0, 0, "partition, sort", NULL,
	 "key schema, for users who may not describe the table"},
	{"null_as", COLUMN, DDB_OPTION_CHOICE, 0, 0, 0, "remove, null", "remove",
	 "what SQL NULL writes"},
};
const int ddb_options_count = lengthof(ddb_options);

/* Words for error messages, by DDB_ON_… bit. */
static const char *
object_word(int object)
{
	switch (object)
	{
		case DDB_ON_SERVER:
			return "server";
		case DDB_ON_USER:
			return "user mapping";
		case DDB_ON_TABLE:
			return "foreign table";
		default:
			return "column";
	}
}

static const DdbOptionDef *
find_option(const char *name, int object)
{
	for (int i = 0; i < ddb_options_count; i++)
	{
		if ((ddb_options[i].objects & object) != 0 &&
			strcmp(ddb_options[i].name, name) == 0)
			return &ddb_options[i];
	}
	return NULL;
}

/* Small for names that are much alike: one within the other counts as that. */
static int
name_distance(const char *name, const char *candidate)
{
	int len = strlen(name);
	int candidate_len = strlen(candidate);
	int distance =
		varstr_levenshtein(name, len, candidate, candidate_len, 1, 1, 1, true);

	if (len >= 3 && strncmp(candidate, name, len) == 0)
		return 1;
	if (len >= 3 &&
		(strstr(candidate, name) != NULL || strstr(name, candidate) != NULL))
		return Min(distance, 2);
	return distance;
}

/* The name in use on this object that is nearest to a misspelt one, or NULL. */
static const char *
nearest_option(const char *misspelt, int object)
{
	const char *best = NULL;
	char *name = asc_tolower(misspelt, strlen(misspelt));
	int name_len = strlen(name);
	int best_distance = Max(2, name_len / 2) + 1;

	if (name_len > 64)
		return NULL;
	for (int i = 0; i < ddb_options_count; i++)
	{
		const char *candidate = ddb_options[i].name;
		int distance;

		if ((ddb_options[i].objects & object) == 0)
			continue;
		distance = name_distance(name, candidate);
		if (distance < best_distance)
		{
			best_distance = distance;
			best = candidate;
		}
	}
	return best;
}

/* "a", "b", "c": every option of this object, for hints. */
static char *
option_names(int object)
{
	StringInfoData names;

	initStringInfo(&names);
	for (int i = 0; i < ddb_options_count; i++)
	{
		if ((ddb_options[i].objects & object) == 0 ||
			(ddb_options[i].flags & DDB_OPTION_LATER) != 0)
			continue;
		appendStringInfo(&names, "%s%s", names.len > 0 ? ", " : "",
						 ddb_options[i].name);
	}
	return names.data;
}

static void __attribute__((noreturn))
raise_unknown(const char *name, int object)
{
	const char *nearest = nearest_option(name, object);

	for (int other = DDB_ON_SERVER; other <= DDB_ON_COLUMN; other <<= 1)
	{
		if (find_option(name, other) == NULL)
			continue;
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
				 errmsg("option \"%s\" is not an option of a %s", name,
						object_word(object)),
				 errhint("It is an option of a %s.", object_word(other))));
	}
	ereport(ERROR,
			(errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
			 errmsg("invalid %s option \"%s\"", object_word(object), name),
			 nearest != NULL
				 ? errhint("Perhaps you meant the option \"%s\".", nearest)
				 : errhint("Valid options of a %s are: %s.",
						   object_word(object), option_names(object))));
}

/* One wording for every bad value; secrets are not repeated. */
static void
raise_bad_value(const DdbOptionDef *def, const char *value, const char *wanted)
{
	/* A URL with an at sign is likely to hold a password. */
	if ((def->flags & DDB_OPTION_SECRET) != 0 ||
		(def->kind == DDB_OPTION_URL && strchr(value, '@') != NULL))
		value = "(not shown)";
	ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
					errmsg("invalid value for option \"%s\": \"%s\"", def->name,
						   value),
					errhint("%s", wanted)));
}

static void
check_privilege(const DdbOptionDef *def, const char *value)
{
	bool flag;

	/* Turning a permission off needs no privilege; nor does its default. */
	if (def->kind == DDB_OPTION_BOOL && def->default_text != NULL &&
		parse_bool(value, &flag) &&
		flag == (strcmp(def->default_text, "true") == 0))
		return;
	if ((def->flags & DDB_OPTION_SUPERUSER) != 0 && !superuser())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("only superusers may set option \"%s\" to \"%s\"",
						def->name, value)));
	if ((def->flags & DDB_OPTION_SERVER_FILE) != 0 &&
		!has_privs_of_role(GetUserId(), ROLE_PG_READ_SERVER_FILES))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to set option \"%s\"", def->name),
				 errhint("Only superusers and members of pg_read_server_files "
						 "may name a file of the server.")));
}

/* Is value one of the comma-separated choices? */
static bool
is_choice(const char *choices, const char *value)
{
	size_t len = strlen(value);

	while (*choices != '\0')
	{
		size_t n = strcspn(choices, ",");

		if (n == len && strncmp(choices, value, n) == 0)
			return true;
		choices += n;
		choices += strspn(choices, ", ");
	}
	return false;
}

static void
check_bool(const DdbOptionDef *def, const char *value)
{
	bool flag;

	if (!parse_bool(value, &flag))
		raise_bad_value(def, value, "It must be true or false.");
}

static void
check_integer(const DdbOptionDef *def, const char *value)
{
	int number;

	if (!parse_int(value, &number, 0, NULL) || number < def->minimum ||
		number > def->maximum)
		raise_bad_value(def, value,
						psprintf("It must be a whole number from " INT64_FORMAT
								 " to " INT64_FORMAT ".",
								 def->minimum, def->maximum));
}

static void
check_number(const DdbOptionDef *def, const char *value)
{
	double number;

	if (!parse_real(value, &number, 0, NULL) || isnan(number) || number < 0)
		raise_bad_value(def, value, "It must be a number, and not negative.");
}

static void
check_duration(const DdbOptionDef *def, const char *value)
{
	int ms;

	if (!parse_int(value, &ms, GUC_UNIT_MS, NULL) || ms < def->minimum ||
		ms > def->maximum)
		raise_bad_value(
			def, value,
			"It must be a time from 1ms to 1h, such as \"500ms\" or \"3s\".");
}

static void
check_rate(const DdbOptionDef *def, const char *value)
{
	char *number = pstrdup(value);
	size_t len = strlen(number);
	double rate;

	if (len > 0 && number[len - 1] == '%')
		number[len - 1] = '\0';
	if (!parse_real(number, &rate, 0, NULL) || !(rate > 0))
		raise_bad_value(
			def, value,
			"It must be a positive number, or a percentage such as \"25%\".");
}

/* Regions have no fixed list; their shape keeps mistakes out of host names. */
static void
check_region(const DdbOptionDef *def, const char *value)
{
	DdbcEndpoint endpoint;
	DdbcError error;

	if (strchr(value, ',') != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("a list of regions is not available in this version of "
						"ddb_fdw"),
				 errhint("Name one region in option \"%s\".", def->name)));
	if (!ddbc_endpoint_resolve(&endpoint, value, NULL, false, false, &error))
		raise_bad_value(
			def, value,
			"It must be the name of an AWS region, such as \"us-east-1\".");
}

static void
check_url(const DdbOptionDef *def, const char *value)
{
	DdbcEndpoint endpoint;
	DdbcError error;

	if (!ddbc_endpoint_resolve(&endpoint, "us-east-1", value, false, false,
							   &error))
		raise_bad_value(
			def, value,
			"It must be of the form http://host:port or https://host.");
}

/* A name, a path into a document, or * for the whole item. */
static void
check_attribute(const DdbOptionDef *def, const char *value)
{
	if (strcmp(value, "*") != 0 && ddb_path_parse(value) == NIL)
		raise_bad_value(def, value,
						"It must be a name, a path such as address.city or "
						"tags[0], or * for the whole item; names that hold "
						"dots or brackets stand in double quotes, which are "
						"doubled inside.");
}

/*
 * As far as it says itself; that its variables are columns, and of types that
 * go with their formats, is found out when the table is used.
 */
static void
check_template(const DdbOptionDef *def, const char *value)
{
	DdbTemplate template;
	DdbTemplateError error;

	if (ddb_template_parse(value, strlen(value), &template, &error))
		return;
	ereport(
		ERROR,
		(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
		 errmsg("invalid value for option \"%s\": \"%s\"", def->name, value),
		 errdetail("At character %d, \"%s\": %s.",
				   pg_mbstrlen_with_len(value, error.position) + 1,
				   value + error.position, error.message),
		 errhint("A template is text with variables such as ${column}, "
				 "${column:iso8601:3}, ${column:YYYY-MM-DD}, ${column:05} "
				 "or ${0..9}.")));
}

static void
check_time(const DdbOptionDef *def, const char *value)
{
	DdbTimeParse parse;

	if (!ddb_time_parse_iso(value, strlen(value), &parse))
		raise_bad_value(def, value,
						"It must be an ISO-8601 date or time, such as "
						"\"2024-01-01\".");
}

static void
check_value(const DdbOptionDef *def, const char *value)
{
	if (value[0] == '\0')
		raise_bad_value(def, value, "It must not be empty.");
	switch (def->kind)
	{
		case DDB_OPTION_TEXT:
			break;
		case DDB_OPTION_BOOL:
			check_bool(def, value);
			break;
		case DDB_OPTION_INTEGER:
			check_integer(def, value);
			break;
		case DDB_OPTION_NUMBER:
			check_number(def, value);
			break;
		case DDB_OPTION_DURATION:
			check_duration(def, value);
			break;
		case DDB_OPTION_CHOICE:
			if (!is_choice(def->choices, value))
				raise_bad_value(
					def, value,
					psprintf("It must be one of: %s.", def->choices));
			break;
		case DDB_OPTION_RATE:
			check_rate(def, value);
			break;
		case DDB_OPTION_REGION:
			check_region(def, value);
			break;
		case DDB_OPTION_URL:
			check_url(def, value);
			break;
		case DDB_OPTION_ATTRIBUTE:
			check_attribute(def, value);
			break;
		case DDB_OPTION_TEMPLATE:
			check_template(def, value);
			break;
		case DDB_OPTION_TIME:
			check_time(def, value);
			break;
	}
}

/* The overflow is of no attribute, and of every type. */
static void
check_overflow(List *options)
{
	static const char *const others[] = {"attribute", "type", "key",
										 "template"};

	if (!ddb_options_get_bool(options, "overflow", false))
		return;
	for (int i = 0; i < (int) lengthof(others); i++)
		if (ddb_options_get(options, others[i]) != NULL)
			ereport(ERROR,
					(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
					 errmsg("options \"overflow\" and \"%s\" exclude each "
							"other",
							others[i]),
					 errdetail("A column with \"overflow\" shows all "
							   "attributes that no other column does.")));
}

/* Options that only make sense together. */
static void
check_combinations(List *options, int object)
{
	const char *segment = ddb_options_get(options, "segment");
	const char *total = ddb_options_get(options, "total_segments");

	if (object == DDB_ON_TABLE && segment != NULL && total == NULL)
		ereport(ERROR, (errcode(ERRCODE_FDW_OPTION_NAME_NOT_FOUND),
						errmsg("option \"segment\" requires "
							   "\"total_segments\"")));
	if (object == DDB_ON_TABLE && segment != NULL &&
		ddb_options_get_int(options, "segment", 0) >=
			ddb_options_get_int(options, "total_segments", 1))
		ereport(
			ERROR,
			(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
			 errmsg("option \"segment\" must be less than \"total_segments\""),
			 errdetail("Segments are counted from 0.")));
	if (object == DDB_ON_USER &&
		(ddb_options_get(options, "access_key_id") == NULL) !=
			(ddb_options_get(options, "secret_access_key") == NULL))
		ereport(ERROR, (errcode(ERRCODE_FDW_OPTION_NAME_NOT_FOUND),
						errmsg("options \"access_key_id\" and "
							   "\"secret_access_key\" must be set together")));
	if (object == DDB_ON_USER &&
		ddb_options_get(options, "session_token") != NULL &&
		ddb_options_get(options, "access_key_id") == NULL)
		ereport(ERROR, (errcode(ERRCODE_FDW_OPTION_NAME_NOT_FOUND),
						errmsg("option \"session_token\" needs "
							   "\"access_key_id\" and \"secret_access_key\"")));
	if (object == DDB_ON_COLUMN)
		check_overflow(options);
}

/* Choices of which only some exist; the others come later. */
static void
check_available(const DdbOptionDef *def, const char *value)
{
	bool available = (def->flags & DDB_OPTION_LATER) == 0;

	if (strcmp(def->name, "credential_source") == 0)
		available =
			strcmp(value, "default") == 0 || strcmp(value, "environment") == 0;

	if (available)
		return;
	ereport(
		ERROR,
		(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
		 def->kind == DDB_OPTION_CHOICE
			 ? errmsg("option \"%s\" with value \"%s\" is not available in "
					  "this version of ddb_fdw",
					  def->name, value)
			 : errmsg(
				   "option \"%s\" is not available in this version of ddb_fdw",
				   def->name)));
}

void
ddb_options_validate(List *options, int object)
{
	ListCell *lc;

	if (object == 0 && options != NIL)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
				 errmsg("the foreign-data wrapper itself has no options"),
				 errhint("Set options on servers, user mappings, foreign "
						 "tables and columns.")));
	foreach (lc, options)
	{
		DefElem *element = (DefElem *) lfirst(lc);
		const DdbOptionDef *def = find_option(element->defname, object);
		const char *value = defGetString(element);

		if (def == NULL)
			raise_unknown(element->defname, object);
		check_value(def, value);
		check_available(def, value);
		check_privilege(def, value);
	}
	check_combinations(options, object);
}

const char *
ddb_options_get(List *options, const char *name)
{
	ListCell *lc;

	foreach (lc, options)
	{
		DefElem *element = (DefElem *) lfirst(lc);

		if (strcmp(element->defname, name) == 0)
			return defGetString(element);
	}
	return NULL;
}

bool
ddb_options_get_bool(List *options, const char *name, bool fallback)
{
	const char *text = ddb_options_get(options, name);
	bool value = fallback;

	if (text != NULL)
		(void) parse_bool(text, &value);
	return value;
}

int
ddb_options_get_int(List *options, const char *name, int fallback)
{
	const char *text = ddb_options_get(options, name);
	int value = fallback;

	if (text != NULL)
		(void) parse_int(text, &value, 0, NULL);
	return value;
}

int
ddb_options_get_duration_ms(List *options, const char *name, int fallback)
{
	const char *text = ddb_options_get(options, name);
	int value = fallback;

	if (text != NULL)
		(void) parse_int(text, &value, GUC_UNIT_MS, NULL);
	return value;
}

double
ddb_options_get_number(List *options, const char *name, double fallback)
{
	const char *text = ddb_options_get(options, name);
	double value = fallback;

	if (text != NULL)
		(void) parse_real(text, &value, 0, NULL);
	return value;
}
