/* SPDX-License-Identifier: PostgreSQL */
/*
 * options.c
 *		The table of options, and the validator that reads it.
 *
 * Meanings and defaults are those of docs/manual.md.  Values are
 * checked when they are set, so that look-ups need not fail later; an option
 * or a value that would be ignored is refused instead.
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
	{.name = "region",
	 .objects = SERVER,
	 .kind = DDB_OPTION_REGION,
	 .help = "AWS region, such as us-east-1"},
	{.name = "endpoint_url",
	 .objects = SERVER,
	 .kind = DDB_OPTION_URL,
	 .default_words = "the region's own",
	 .help = "base URL of the service: DynamoDB Local, a VPC endpoint"},
	{.name = "use_fips",
	 .objects = SERVER,
	 .kind = DDB_OPTION_BOOL,
	 .default_text = "false",
	 .help = "use the region's FIPS endpoint"},
	{.name = "use_dualstack",
	 .objects = SERVER,
	 .kind = DDB_OPTION_BOOL,
	 .default_text = "false",
	 .help = "use the region's dual-stack endpoint"},
	{.name = "ca_file",
	 .objects = SERVER,
	 .kind = DDB_OPTION_TEXT,
	 .flags = DDB_OPTION_SERVER_FILE,
	 .default_words = "the system's bundle",
	 .help = "file with the certificate authorities to trust"},
	{.name = "allow_http",
	 .objects = SERVER,
	 .kind = DDB_OPTION_BOOL,
	 .flags = DDB_OPTION_SUPERUSER,
	 .default_text = "false",
	 .help = "allow plain HTTP to an endpoint off loopback"},
	{.name = "failover_writes",
	 .objects = SERVER,
	 .kind = DDB_OPTION_BOOL,
	 .flags = DDB_OPTION_LATER,
	 .default_text = "false",
	 .help = "writes may go to the next region too"},
	{.name = "connect_timeout",
	 .objects = SERVER,
	 .kind = DDB_OPTION_DURATION,
	 .minimum = 1,
	 .maximum = MAX_MS,
	 .default_text = "3s",
	 .help = "time for one attempt to connect"},
	{.name = "request_timeout",
	 .objects = SERVER,
	 .kind = DDB_OPTION_DURATION,
	 .minimum = 1,
	 .maximum = MAX_MS,
	 .default_text = "30s",
	 .help = "time for one attempt of a request"},
	{.name = "max_attempts",
	 .objects = SERVER,
	 .kind = DDB_OPTION_INTEGER,
	 .minimum = 1,
	 .maximum = 1000,
	 .default_text = "10",
	 .help = "tries per request"},
	{.name = "compression",
	 .objects = SERVER,
	 .kind = DDB_OPTION_BOOL,
	 .default_text = "false",
	 .help = "ask for gzip answers"},
	{.name = "max_concurrency",
	 .objects = SERVER,
	 .kind = DDB_OPTION_INTEGER,
	 .minimum = 1,
	 .maximum = 256,
	 .default_text = "16",
	 .help = "requests in flight for one statement"},
	{.name = "max_read_units",
	 .objects = SERVER,
	 .kind = DDB_OPTION_NUMBER,
	 .help = "end a statement with an error once it has consumed this many "
			 "read units"},
	{.name = "read_unit_price",
	 .objects = SERVER,
	 .kind = DDB_OPTION_NUMBER,
	 .default_text = "0.125",
	 .help = "USD per million read request units"},
	{.name = "write_unit_price",
	 .objects = SERVER,
	 .kind = DDB_OPTION_NUMBER,
	 .default_text = "0.625",
	 .help = "USD per million write request units"},
	{.name = "consistent_read",
	 .objects = SERVER | TABLE,
	 .kind = DDB_OPTION_BOOL,
	 .default_text = "false",
	 .help = "strongly consistent reads"},
	{.name = "scan",
	 .objects = SERVER | TABLE,
	 .kind = DDB_OPTION_CHOICE,
	 .choices = "allow, warn, deny",
	 .default_words = "allow, and warn for tables over 1 GB",
	 .help = "what to do about full table scans; the strictest setting wins"},
	{.name = "read_units_per_second",
	 .objects = SERVER | TABLE,
	 .kind = DDB_OPTION_RATE,
	 .flags = DDB_OPTION_LATER,
	 .help = "what a statement may take from a table: a number, or '25%'"},
	{.name = "updatable",
	 .objects = SERVER | TABLE,
	 .kind = DDB_OPTION_BOOL,
	 .default_text = "true",
	 .help = "whether the table may be written"},
	{.name = "truncatable",
	 .objects = SERVER | TABLE,
	 .kind = DDB_OPTION_BOOL,
	 .default_text = "false",
	 .help = "whether the table may be truncated"},
	{.name = "transaction",
	 .objects = SERVER | TABLE,
	 .kind = DDB_OPTION_CHOICE,
	 .choices = "immediate, atomic",
	 .later = "atomic",
	 .default_text = "immediate",
	 .help = "how writes are sent"},
	{.name = "optimistic",
	 .objects = SERVER | TABLE,
	 .kind = DDB_OPTION_BOOL,
	 .default_text = "false",
	 .help = "UPDATE and DELETE apply only if what they read is unchanged"},
	{.name = "exactly_once",
	 .objects = SERVER | TABLE,
	 .kind = DDB_OPTION_BOOL,
	 .default_text = "false",
	 .help = "writes carry tokens, so that lost answers are no errors, at "
			 "twice the units"},
	{.name = "on_type_mismatch",
	 .objects = SERVER | TABLE | COLUMN,
	 .kind = DDB_OPTION_CHOICE,
	 .choices = "error, null",
	 .default_text = "error",
	 .help = "what a value that does not fit its column becomes"},
	{.name = "access_key_id",
	 .objects = USER,
	 .kind = DDB_OPTION_TEXT,
	 .help = "AWS access key id"},
	{.name = "secret_access_key",
	 .objects = USER,
	 .kind = DDB_OPTION_TEXT,
	 .flags = DDB_OPTION_SECRET,
	 .help = "AWS secret access key"},
	{.name = "session_token",
	 .objects = USER,
	 .kind = DDB_OPTION_TEXT,
	 .flags = DDB_OPTION_SECRET,
	 .help = "session token of temporary credentials"},
	{.name = "role_arn",
	 .objects = USER,
	 .kind = DDB_OPTION_TEXT,
	 .flags = DDB_OPTION_LATER,
	 .help = "role to assume"},
	{.name = "role_session_name",
	 .objects = USER,
	 .kind = DDB_OPTION_TEXT,
	 .flags = DDB_OPTION_LATER,
	 .help = "name of the assumed role's session"},
	{.name = "external_id",
	 .objects = USER,
	 .kind = DDB_OPTION_TEXT,
	 .flags = DDB_OPTION_LATER,
	 .help = "external id for the assumed role"},
	{.name = "profile",
	 .objects = USER,
	 .kind = DDB_OPTION_TEXT,
	 .flags = DDB_OPTION_LATER,
	 .help = "profile of the shared configuration files"},
	{.name = "credential_source",
	 .objects = USER,
	 .kind = DDB_OPTION_CHOICE,
	 .choices =
		 "default, environment, profile, container, instance, web_identity",
	 .later = "profile, container, instance, web_identity",
	 .default_text = "default",
	 .help = "which link of the AWS credential chain to use"},
	{.name = "credentials_required",
	 .objects = USER,
	 .kind = DDB_OPTION_BOOL,
	 .flags = DDB_OPTION_SUPERUSER,
	 .default_text = "true",
	 .help = "whether this mapping must carry its own keys"},
	{.name = "table_name",
	 .objects = TABLE,
	 .kind = DDB_OPTION_TEXT,
	 .default_words = "the foreign table's name",
	 .help = "DynamoDB table"},
	{.name = "index_name",
	 .objects = TABLE,
	 .kind = DDB_OPTION_TEXT,
	 .default_words = "chosen per query",
	 .help = "always read through this index"},
	{.name = "hide_expired",
	 .objects = TABLE,
	 .kind = DDB_OPTION_BOOL,
	 .default_text = "false",
	 .help = "hide items whose TTL lies in the past"},
	{.name = "complete_indexes",
	 .objects = TABLE,
	 .kind = DDB_OPTION_TEXT,
	 .default_words = "none",
	 .help = "indexes, or *: an item that has the partition key of these has "
			 "the rest of their key"},
	{.name = "insert_mode",
	 .objects = TABLE,
	 .kind = DDB_OPTION_CHOICE,
	 .choices = "insert, put",
	 .default_text = "insert",
	 .help = "whether INSERT may replace an item"},
	{.name = "total_segments",
	 .objects = TABLE,
	 .kind = DDB_OPTION_INTEGER,
	 .minimum = 1,
	 .maximum = MAX_SEGMENTS,
	 .help =
		 "number of segments of a Scan: this table's, or shared by several"},
	{.name = "segment",
	 .objects = TABLE,
	 .kind = DDB_OPTION_INTEGER,
	 .maximum = MAX_SEGMENTS - 1,
	 .help = "which of them this foreign table is, from 0"},
	{.name = "attribute",
	 .objects = COLUMN,
	 .kind = DDB_OPTION_ATTRIBUTE,
	 .default_words = "the column's name",
	 .help = "DynamoDB attribute"},
	{.name = "overflow",
	 .objects = COLUMN,
	 .kind = DDB_OPTION_BOOL,
	 .default_text = "false",
	 .help = "all attributes that no other column maps"},
	{.name = "type",
	 .objects = COLUMN,
	 .kind = DDB_OPTION_CHOICE,
	 .choices = "S, N, B, BOOL, SS, NS, BS, M, L, any",
	 .default_words = "from the column's type",
	 .help = "the stored type"},
	{.name = "format",
	 .objects = COLUMN,
	 .kind = DDB_OPTION_CHOICE,
	 .choices =
		 "iso8601, iso8601:0, iso8601:1, iso8601:2, iso8601:3, iso8601:4, "
		 "iso8601:5, iso8601:6, epoch, epoch_ms, plain, dynamodb",
	 .default_words = "iso8601; epoch for numbers",
	 .help = "how the value is stored"},
	{.name = "template",
	 .objects = COLUMN,
	 .kind = DDB_OPTION_TEMPLATE,
	 .help = "how a key attribute is composed of other columns"},
	{.name = "template_when",
	 .objects = COLUMN,
	 .kind = DDB_OPTION_TEXT,
	 .help = "a boolean column: the key is composed only where it is true"},
	{.name = "partitions_since",
	 .objects = COLUMN,
	 .kind = DDB_OPTION_TIME,
	 .help = "where an open-ended walk over partitions ends"},
	{.name = "key",
	 .objects = COLUMN,
	 .kind = DDB_OPTION_CHOICE,
	 .choices = "partition, sort",
	 .help = "key schema, for users who may not describe the table"},
	{.name = "null_as",
	 .objects = COLUMN,
	 .kind = DDB_OPTION_CHOICE,
	 .choices = "remove, null",
	 .default_text = "remove",
	 .help = "what SQL NULL writes"},
};
const int ddb_options_count = lengthof(ddb_options);

/* What messages call the object with this DDB_ON_... bit. */
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

/*
 * The definition of an option on one kind of object, or NULL. A name may be
 * valid on several kinds of object, with different meanings.
 */
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

/*
 * A measure of how different two names are, small for those that are much
 * alike.  One that contains the other counts as near.
 */
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

/*
 * The names of all options of this object that are available, for hints;
 * palloc'd.
 */
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

/*
 * Raises the error of an option that this kind of object does not have.  The
 * hint names the kind that has it, or else the nearest name, or else all
 * names.
 */
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
				 errmsg("option \"%s\" is not valid for a %s", name,
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

/*
 * Raises the error of a bad value, in one wording for all options. wanted is
 * the hint.  Secrets, and URLs that may hold one, are not repeated.
 */
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

/* Raises an error if the current user may not set the option to this value. */
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

/* True if value is one of the comma-separated choices, in the same case. */
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

/*
 * Raises an error unless value is a whole number in the option's range, in any
 * spelling that a setting of PostgreSQL takes.
 */
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

/*
 * Raises an error unless value is a number of at least 0.  NaN is refused;
 * infinity is not.
 */
static void
check_number(const DdbOptionDef *def, const char *value)
{
	double number;

	if (!parse_real(value, &number, 0, NULL) || isnan(number) || number < 0)
		raise_bad_value(def, value,
						"It must be a number that is not negative.");
}

/*
 * Raises an error unless value is a time with a unit, or a number of
 * milliseconds, in the option's range.
 */
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

/*
 * Raises an error unless value is a positive number, with or without a percent
 * sign behind it.
 */
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

/*
 * Raises an error unless value could be a region.  Regions have no fixed list,
 * but their shape keeps mistakes out of host names.
 */
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

/*
 * Raises an error unless value is a URL of an endpoint.  The region does not
 * matter for that; any will do.
 */
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
						"doubled inside. A path has 32 steps at most, and a "
						"list in an item no more than 204,800 elements.");
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

/*
 * Raises an error unless value is a date or time that the reader of attribute
 * values takes.
 */
static void
check_time(const DdbOptionDef *def, const char *value)
{
	DdbTimeParse parse;

	if (!ddb_time_parse_iso(value, strlen(value), &parse))
		raise_bad_value(def, value,
						"It must be an ISO-8601 date or time, such as "
						"\"2024-01-01\".");
}

/*
 * Raises an error unless value is what this kind of option takes.  An empty
 * value is never valid.
 */
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

/*
 * Raises an error if an overflow column has an option that only a column of
 * one attribute can have.
 */
static void
check_overflow(List *options)
{
	static const char *const others[] = {"attribute", "type", "key",
										 "template"};

	if (!ddb_options_bool("overflow", options, NIL))
		return;
	for (int i = 0; i < (int) lengthof(others); i++)
		if (ddb_options_get(options, others[i]) != NULL)
			ereport(
				ERROR,
				(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
				 errmsg(
					 "options \"overflow\" and \"%s\" cannot be used together",
					 others[i]),
				 errdetail("A column with \"overflow\" shows all "
						   "attributes that no other column does.")));
}

/*
 * Raises an error for options of one object that only make sense together, and
 * for those that contradict each other.
 */
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
		ddb_options_int("segment", options, NIL) >=
			ddb_options_int("total_segments", options, NIL))
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
						errmsg("option \"session_token\" requires "
							   "\"access_key_id\" and \"secret_access_key\"")));
	if (object == DDB_ON_COLUMN)
		check_overflow(options);
}

/*
 * Raises an error for options and choices that the interface names, but that
 * this version does not have yet.
 */
static void
check_available(const DdbOptionDef *def, const char *value)
{
	bool available = (def->flags & DDB_OPTION_LATER) == 0 &&
					 (def->later == NULL || !is_choice(def->later, value));

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

/*
 * Privileges are checked last, so that a value which nobody may set is
 * reported as such.  Combinations are checked over the whole list, as it will
 * be stored.
 */
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

/*
 * The list is what the catalog holds, and the result points into it or is
 * palloc'd.
 */
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

/*
 * Defaults come from the option table, so that there is one place that states
 * them.  The name need not be valid on own's kind of object.
 */
const char *
ddb_options_text(const char *name, List *own, List *outer)
{
	const char *text = ddb_options_get(own, name);

	if (text == NULL)
		text = ddb_options_get(outer, name);
	for (int i = 0; text == NULL && i < ddb_options_count; i++)
		if (strcmp(ddb_options[i].name, name) == 0)
			text = ddb_options[i].default_text;
	return text;
}

/* As ddb_options_text(), as a boolean; false without a default. */
bool
ddb_options_bool(const char *name, List *own, List *outer)
{
	const char *text = ddb_options_text(name, own, outer);
	bool value = false;

	if (text != NULL)
		(void) parse_bool(text, &value);
	return value;
}

/* As ddb_options_text(), as a whole number; 0 without a default. */
int
ddb_options_int(const char *name, List *own, List *outer)
{
	const char *text = ddb_options_text(name, own, outer);
	int value = 0;

	if (text != NULL)
		(void) parse_int(text, &value, 0, NULL);
	return value;
}

/*
 * As ddb_options_text(), in milliseconds, whatever the unit of the option's
 * text.
 */
int
ddb_options_duration_ms(const char *name, List *own, List *outer)
{
	const char *text = ddb_options_text(name, own, outer);
	int value = 0;

	if (text != NULL)
		(void) parse_int(text, &value, GUC_UNIT_MS, NULL);
	return value;
}

/* As ddb_options_text(), as a floating-point number; 0 without a default. */
double
ddb_options_number(const char *name, List *own, List *outer)
{
	const char *text = ddb_options_text(name, own, outer);
	double value = 0;

	if (text != NULL)
		(void) parse_real(text, &value, 0, NULL);
	return value;
}

/* True if the option, or its default, is this choice. */
bool
ddb_options_choice_is(const char *name, List *own, List *outer,
					  const char *choice)
{
	const char *text = ddb_options_text(name, own, outer);

	return text != NULL && strcmp(text, choice) == 0;
}
