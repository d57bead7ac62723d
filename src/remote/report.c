/* SPDX-License-Identifier: PostgreSQL */
/*
 * report.c
 *		One kind of client error → one SQLSTATE, one hint.
 *
 * The only file that turns DdbcError into ereport.  SQLSTATEs follow the list
 * in docs/manual.md: class HV where one fits, otherwise the class a
 * PostgreSQL user would look for.
 */
#include "postgres.h"

#include "remote/report.h"

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"

/* For answers that are not DynamoDB's. */
#define PROXY_HINT                                                             \
	"Check the option \"endpoint_url\" of the server, and the web proxies "    \
	"and "                                                                     \
	"gateways between the database and DynamoDB."

typedef struct ErrorRule
{
	DdbcErrorKind kind;
	int sqlstate;
	const char *hint; /* NULL: none */
} ErrorRule;

static const ErrorRule rules[] = {
	{DDBC_ERROR_NO_MEMORY, ERRCODE_OUT_OF_MEMORY, NULL},
	{DDBC_ERROR_CONFIG, ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE,
	 "Check the options \"region\", \"endpoint_url\" and \"ca_file\" of the "
	 "server."},
	{DDBC_ERROR_CREDENTIALS, ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION,
	 "Set \"access_key_id\" and \"secret_access_key\" on the user mapping."},
	{DDBC_ERROR_RESOLVE, ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION,
	 "Check the options \"region\" and \"endpoint_url\" of the server, and the "
	 "database host's name resolution."},
	{DDBC_ERROR_CONNECT, ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION,
	 "Check the option \"endpoint_url\" of the server, and whether the "
	 "database host may reach that address."},
	{DDBC_ERROR_TLS, ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION,
	 "Set the option \"ca_file\" of the server if the endpoint's certificate "
	 "is signed by an authority of your own."},
	{DDBC_ERROR_TIMEOUT, ERRCODE_CONNECTION_FAILURE,
	 "The options \"connect_timeout\" and \"request_timeout\" of the server "
	 "set how long one attempt may take."},
	{DDBC_ERROR_NETWORK, ERRCODE_CONNECTION_FAILURE, NULL},
	{DDBC_ERROR_CORRUPT, ERRCODE_FDW_UNABLE_TO_CREATE_REPLY,
	 "Something between the database and DynamoDB changes or cuts replies, or "
	 "the endpoint is not DynamoDB."},
	{DDBC_ERROR_REPLY_TOO_LARGE, ERRCODE_PROGRAM_LIMIT_EXCEEDED,
	 "Select fewer columns, or add a LIMIT."},
	{DDBC_ERROR_THROTTLED, ERRCODE_INSUFFICIENT_RESOURCES,
	 "The table's read capacity is exhausted. Retry later, read less, or raise "
	 "its capacity."},
	{DDBC_ERROR_UNAVAILABLE, ERRCODE_CONNECTION_FAILURE, "Retry later."},
	{DDBC_ERROR_CREDENTIALS_EXPIRED,
	 ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION,
	 "Set fresh temporary credentials on the user mapping."},
	{DDBC_ERROR_CREDENTIALS_REJECTED,
	 ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION,
	 "Check \"access_key_id\", \"secret_access_key\" and \"session_token\" of "
	 "the user mapping, and the server's \"region\"."},
	{DDBC_ERROR_CLOCK_SKEW, ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION,
	 "Correct the clock of the database host."},
	{DDBC_ERROR_ACCESS_DENIED, ERRCODE_INSUFFICIENT_PRIVILEGE,
	 "The AWS identity of the user mapping lacks the permission named in the "
	 "detail."},
	{DDBC_ERROR_PROXY_DENIED,
	 ERRCODE_SQLSERVER_REJECTED_ESTABLISHMENT_OF_SQLCONNECTION, PROXY_HINT},
	{DDBC_ERROR_VALIDATION, ERRCODE_FDW_ERROR, NULL},
	{DDBC_ERROR_REQUEST_TOO_LARGE, ERRCODE_PROGRAM_LIMIT_EXCEEDED, NULL},
	{DDBC_ERROR_NUMBER_RANGE, ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
	 "DynamoDB's numbers have up to 38 significant digits, and magnitudes from "
	 "1E-130 to 9.9E+125."},
	{DDBC_ERROR_KEY_VALUE, ERRCODE_INVALID_PARAMETER_VALUE,
	 "Attributes of the table's key and of its indexes' keys take values of "
	 "their own type only, and no empty ones."},
	{DDBC_ERROR_TABLE_NOT_FOUND, ERRCODE_FDW_TABLE_NOT_FOUND,
	 "Check the option \"table_name\" of the foreign table (names are "
	 "case-sensitive), the server's \"region\", and that the table is active."},
	{DDBC_ERROR_INDEX_NOT_FOUND, ERRCODE_UNDEFINED_OBJECT,
	 "Check the option \"index_name\" of the foreign table."},
	{DDBC_ERROR_IN_USE, ERRCODE_OBJECT_IN_USE, "Retry later."},
	{DDBC_ERROR_CONDITION_FAILED, ERRCODE_T_R_SERIALIZATION_FAILURE, NULL},
	{DDBC_ERROR_DUPLICATE_ITEM, ERRCODE_UNIQUE_VIOLATION, NULL},
	{DDBC_ERROR_TRANSACTION_CANCELED, ERRCODE_T_R_SERIALIZATION_FAILURE, NULL},
	{DDBC_ERROR_TRANSACTION_CONFLICT, ERRCODE_T_R_SERIALIZATION_FAILURE, NULL},
	{DDBC_ERROR_TRANSACTION_IN_PROGRESS, ERRCODE_T_R_SERIALIZATION_FAILURE,
	 NULL},
	{DDBC_ERROR_COLLECTION_TOO_LARGE, ERRCODE_PROGRAM_LIMIT_EXCEEDED, NULL},
	{DDBC_ERROR_PROTOCOL, ERRCODE_FDW_UNABLE_TO_CREATE_REPLY,
	 "Check that the option \"endpoint_url\" of the server is an endpoint of "
	 "DynamoDB."},
};

/* Where writes need another hint. */
typedef struct WriteHint
{
	DdbcErrorKind kind;
	const char *hint;
} WriteHint;

static const WriteHint write_hints[] = {
	{DDBC_ERROR_THROTTLED,
	 "The table's write capacity is exhausted. Retry later, write more slowly, "
	 "or raise its capacity."},
	{DDBC_ERROR_REQUEST_TOO_LARGE,
	 "An item is at most 400 KB with the names of its attributes, and 32 "
	 "levels deep; a partition key is at most 2048 bytes, a sort key 1024."},
	{DDBC_ERROR_TRANSACTION_CONFLICT,
	 "Another transaction was writing the item. Retry later."},
	{DDBC_ERROR_COLLECTION_TOO_LARGE, "In a table with a local secondary "
									  "index, the items of a partition key are "
									  "at most 10 GB."},
};

/*
 * The SQLSTATE and hint for a kind of error.  Each kind must have a rule; a
 * missing one is an internal error.
 */
static const ErrorRule *
find_rule(DdbcErrorKind kind)
{
	for (int i = 0; i < (int) lengthof(rules); i++)
		if (rules[i].kind == kind)
			return &rules[i];
	elog(ERROR, "unrecognized client error kind: %d", (int) kind);
}

/* The service's words, in the database's encoding. */
static char *
local_text(const char *utf8)
{
	return pg_any_to_server(utf8, strlen(utf8), PG_UTF8);
}

/*
 * What somebody else than DynamoDB says may be of any service that the database
 * host reaches.  Both who runs the statement and who asked for it must be
 * superusers: it may be in a function of another role.
 */
static bool
may_see_foreign(void)
{
	return superuser() && superuser_arg(GetOuterUserId());
}

/* Appends what was said, by DynamoDB or libcurl or something between. */
static void
append_said(StringInfo detail, const DdbcError *error)
{
	if (error->foreign)
	{
		appendStringInfoString(detail, "A web proxy or gateway answered, or "
									   "the endpoint is not DynamoDB");
		if (!may_see_foreign())
			return;
		appendStringInfoString(detail, ": ");
	}
	appendStringInfoString(detail, error->message[0] != '\0'
									   ? local_text(error->message)
									   : "no message");
}

/*
 * The text of DETAIL, palloc'd: what DynamoDB or libcurl said, after how many
 * tries, under which request id.
 */
static char *
detail_text(const DdbcError *error)
{
	StringInfoData detail;

	initStringInfo(&detail);
	if (error->code[0] != '\0' && error->http_status != 0)
		appendStringInfo(&detail, "%s: ", local_text(error->code));
	append_said(&detail, error);
	if (error->http_status != 0)
		appendStringInfo(&detail, " (HTTP status %d", error->http_status);
	if (error->http_status != 0 && error->request_id[0] != '\0')
		appendStringInfo(&detail, ", request id %s",
						 local_text(error->request_id));
	if (error->http_status != 0)
		appendStringInfoChar(&detail, ')');
	if (error->attempts > 1)
		appendStringInfo(&detail, " after %d attempts", error->attempts);
	appendStringInfoChar(&detail, '.');
	return detail.data;
}

/*
 * The hint of the rule, or the one that the operation has of its own.  NULL if
 * there is nothing to advise.
 */
static const char *
hint_text(const ErrorRule *rule, const DdbcError *error,
		  DdbcOperation operation)
{
	if (error->foreign && rule->kind != DDBC_ERROR_UNAVAILABLE)
		return PROXY_HINT;
	if (ddbc_operation_writes(operation))
	{
		for (int i = 0; i < (int) lengthof(write_hints); i++)
			if (write_hints[i].kind == rule->kind)
				return write_hints[i].hint;
	}
	if (rule->kind == DDBC_ERROR_ACCESS_DENIED &&
		operation == DDBC_DESCRIBE_TABLE)
		return "Allow the action dynamodb:DescribeTable, or declare the "
			   "table's key with the column option \"key\".";
	if (rule->kind == DDBC_ERROR_ACCESS_DENIED &&
		operation == DDBC_DESCRIBE_TIME_TO_LIVE)
		return "Allow the action dynamodb:DescribeTimeToLive, or drop the "
			   "table's option \"hide_expired\".";
	return rule->hint;
}

/*
 * Bytes were sent, and no answer says what became of them, though an error may
 * say why it cannot be known.
 */
static void
report_unknown_outcome(const DdbcError *error, const char *table_name)
{
	ereport(ERROR,
			(errcode(ERRCODE_TRANSACTION_RESOLUTION_UNKNOWN),
			 errmsg("outcome of a write to DynamoDB table \"%s\" is unknown",
					table_name),
			 errdetail_internal("%s", detail_text(error)),
			 errhint("The write may have been applied or not. Look at the item "
					 "before you write it again.")));
}

/* Never returns.  DETAIL is not translated: its words are the service's. */
void
ddb_report_call(const DdbcError *error, DdbcOperation operation,
				const char *table_name, const char *index_name)
{
	const ErrorRule *rule = find_rule(error->kind);
	const char *hint = hint_text(rule, error, operation);
	const char *name = ddbc_operation_name(operation);

	if (error->ambiguous && ddbc_operation_writes(operation))
		report_unknown_outcome(error, table_name);
	ereport(ERROR,
			(errcode(rule->sqlstate),
			 ddbc_operation_writes(operation)
				 ? errmsg("could not write to DynamoDB table \"%s\": %s failed",
						  table_name, name)
			 : index_name != NULL ? errmsg("could not read index \"%s\" of "
										   "DynamoDB table \"%s\": %s failed",
										   index_name, table_name, name)
			 : table_name != NULL
				 ? errmsg("could not read DynamoDB table \"%s\": %s failed",
						  table_name, name)
				 : errmsg("DynamoDB %s failed", name),
			 errdetail_internal("%s", detail_text(error)),
			 hint != NULL ? errhint("%s", hint) : 0));
}

/*
 * Never returns.  For errors of options, certificates and memory, which name
 * the server rather than a table.
 */
void
ddb_report_setup(const DdbcError *error, const char *server_name)
{
	const ErrorRule *rule = find_rule(error->kind);

	ereport(ERROR,
			(errcode(rule->sqlstate),
			 errmsg("could not set up access to DynamoDB for server \"%s\"",
					server_name),
			 errdetail_internal("%s", detail_text(error)),
			 rule->hint != NULL ? errhint("%s", rule->hint) : 0));
}
