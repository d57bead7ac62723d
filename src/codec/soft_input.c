/* SPDX-License-Identifier: PostgreSQL */
/*
 * soft_input.c
 *		Catches what PostgreSQL can only say by raising an error.
 */
#include "postgres.h"

#include "codec/soft_input.h"

#include "access/transam.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "compat.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/resowner.h"

/*
 * True if the error is an input function's complaint about the text.  It may
 * be of almost any class: types parse little languages (42601), and look up
 * names (42P01, 3F000) that may be those of other databases (0A000) or schemas
 * (42501).  What is left is about the server, the transaction or the user: a
 * cancel, memory.
 */
static bool
is_about_text(Oid typid, const ErrorData *error)
{
	switch (ERRCODE_TO_CATEGORY(error->sqlerrcode))
	{
		case ERRCODE_DATA_EXCEPTION:
		case ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION:
		case ERRCODE_INVALID_SCHEMA_NAME:
		case ERRCODE_SYNTAX_ERROR_OR_ACCESS_RULE_VIOLATION:
		case ERRCODE_PROGRAM_LIMIT_EXCEEDED:
		case ERRCODE_PLPGSQL_ERROR:
			return true;
		case ERRCODE_FEATURE_NOT_SUPPORTED:
			/* A server without libxml refuses each text. */
			return typid != XMLOID;
		default:
			/* Extensions that give no SQLSTATE, as PostGIS. */
			return error->sqlerrcode == ERRCODE_INTERNAL_ERROR &&
				   typid >= FirstNormalObjectId;
	}
}

/*
 * True if the error is a constraint's complaint about the value.  What the
 * constraint calls has complaints of its own, which are not.
 */
static bool
is_about_value(Oid typid, const ErrorData *error)
{
	int category = ERRCODE_TO_CATEGORY(error->sqlerrcode);

	(void) typid;
	return category == ERRCODE_DATA_EXCEPTION ||
		   category == ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION ||
		   category == ERRCODE_PLPGSQL_ERROR ||
		   error->sqlerrcode == ERRCODE_SYNTAX_ERROR ||
		   error->sqlerrcode == ERRCODE_INVALID_NAME;
}

typedef struct Attempt
{
	void (*function)(void *arg);
	void *arg;
	Oid typid;
	bool (*is_refusal)(Oid typid, const ErrorData *error);
} Attempt;

/* The error that is being caught, in the given memory context. */
static ErrorData *
take_error(MemoryContext context)
{
	ErrorData *error;

	MemoryContextSwitchTo(context);
	error = CopyErrorData();
	FlushErrorState();
	return error;
}

/*
 * Runs the function in a subtransaction, which is rolled back if it raises an
 * error.  Returns the error with which it refuses, or NULL; an error of
 * another kind is raised again.
 */
static ErrorData *
try_in_subtransaction(const Attempt *attempt)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData *volatile error = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		attempt->function(attempt->arg);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		error = take_error(context);
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	if (error != NULL && !attempt->is_refusal(attempt->typid, error))
		ReThrowError(error);
	return error;
}

/*
 * The same without a subtransaction.  Nothing but raising an error may follow,
 * since the transaction cannot go on.
 */
static ErrorData *
try_before_raising(const Attempt *attempt)
{
	MemoryContext context = CurrentMemoryContext;
	ErrorData *volatile error = NULL;

	PG_TRY();
	{
		attempt->function(attempt->arg);
	}
	PG_CATCH();
	{
		error = take_error(context);
	}
	PG_END_TRY();
	if (error != NULL && !attempt->is_refusal(attempt->typid, error))
		ReThrowError(error);
	return error;
}

/*
 * Runs a function, softly or to raise its error in other words; the error with
 * which it refuses.  Where no subtransaction can be had its error is raised.
 */
static ErrorData *
try_attempt(const Attempt *attempt, bool soft)
{
	if (!soft)
		return try_before_raising(attempt);
	if (!IsInParallelMode())
		return try_in_subtransaction(attempt);
	attempt->function(attempt->arg);
	return NULL;
}

typedef struct InputCall
{
	FmgrInfo *flinfo;
	char *text;
	Oid typioparam;
	int32 typmod;
	Datum *result;
} InputCall;

static void
call_input(void *arg)
{
	InputCall *call = (InputCall *) arg;

	*call->result = InputFunctionCall(call->flinfo, call->text,
									  call->typioparam, call->typmod);
}

/*
 * True if the type's input function reports every refusal softly, so that no
 * subtransaction is needed.  Errs on the safe side for unknown types.
 */
bool
ddb_soft_input_is_safe(Oid typid)
{
	char category;
	bool preferred;

	if (!DDB_HAS_SOFT_INPUT || typid >= FirstNormalObjectId)
		return false;
	get_type_category_preferred(typid, &category, &preferred);
	switch (category)
	{
		case TYPCATEGORY_BITSTRING:
		case TYPCATEGORY_DATETIME:
		case TYPCATEGORY_GEOMETRIC:
		case TYPCATEGORY_NETWORK:
		case TYPCATEGORY_RANGE:
		case TYPCATEGORY_STRING:
		case TYPCATEGORY_TIMESPAN:
			return true;
		default:
			return typid == OIDOID || typid == TSVECTOROID ||
				   typid == PG_LSNOID;
	}
}

/* What the type said, for a DETAIL. */
static const char *
refusal(const ErrorData *error)
{
	return psprintf("%s%s%s%s", error->message,
					error->detail != NULL ? " (" : "",
					error->detail != NULL ? error->detail : "",
					error->detail != NULL ? ")" : "");
}

/*
 * Prefers the soft path of PostgreSQL 16 and later. *result is set only when
 * true is returned.
 */
bool
ddb_soft_input(Oid typid, FmgrInfo *flinfo, char *text, Oid typioparam,
			   int32 typmod, bool soft, Datum *result, const char **reason)
{
	InputCall call = {flinfo, text, typioparam, typmod, result};
	Attempt attempt = {call_input, &call, typid, is_about_text};
	ErrorData *error;
	bool refused = false;

	if (soft && ddb_soft_input_is_safe(typid) &&
		ddb_compat_input_safe(flinfo, text, typioparam, typmod, result,
							  &refused))
		return !refused;
	error = try_attempt(&attempt, soft);
	if (error != NULL)
		*reason = refusal(error);
	return error == NULL;
}

typedef struct DomainCall
{
	Datum value;
	Oid domain;
	void **cache;
	MemoryContext context;
} DomainCall;

static void
call_domain_check(void *arg)
{
	DomainCall *call = (DomainCall *) arg;

	domain_check(call->value, false, call->domain, call->cache, call->context);
}

/*
 * cache is kept in context between calls, so that constraints are looked up
 * once.
 */
bool
ddb_soft_domain_check(Datum value, Oid domain, void **cache,
					  MemoryContext context, bool soft, const char **reason)
{
	DomainCall call = {value, domain, cache, context};
	Attempt attempt = {call_domain_check, &call, domain, is_about_value};
	ErrorData *error;

	error = try_attempt(&attempt, soft);
	if (error != NULL)
		*reason = psprintf("it is refused: %s", refusal(error));
	return error == NULL;
}

/* All but what ends the statement whatever it does. */
static bool
is_about_attempt(Oid typid, const ErrorData *error)
{
	int category = ERRCODE_TO_CATEGORY(error->sqlerrcode);

	(void) typid;
	return category != ERRCODE_OPERATOR_INTERVENTION &&
		   category != ERRCODE_INSUFFICIENT_RESOURCES &&
		   category != ERRCODE_SYSTEM_ERROR;
}

bool
ddb_soft_try(void (*function)(void *arg), void *arg)
{
	Attempt attempt = {function, arg, InvalidOid, is_about_attempt};

	return try_before_raising(&attempt) == NULL;
}

/*
 * Converts text from one encoding into another, palloc'd.  NULL when a
 * character has no equivalent.
 */
static char *
convert(Oid function, int from, int to, char *text, size_t len)
{
	Size room = len * MAX_CONVERSION_GROWTH + 1;
	char *out = palloc(room);

	return pg_do_encoding_conversion_buf(
			   function, from, to, (unsigned char *) text, (int) len,
			   (unsigned char *) out, (int) room, true) == (int) len
			   ? out
			   : NULL;
}

/*
 * True if the text would be sent as another one.  Some encodings have one
 * character for two of Unicode.
 */
static bool
means_another(int encoding, char *text, const char *utf8)
{
	Oid function = FindDefaultConversionProc(encoding, PG_UTF8);
	char *back;

	if (!OidIsValid(function))
		return false;
	back = convert(function, encoding, PG_UTF8, text, strlen(text));
	return back != NULL && strcmp(back, utf8) != 0;
}

/*
 * Characters that two code points share would not survive a round trip, so
 * they count as missing.
 */
char *
ddb_soft_from_utf8(char *utf8, size_t len)
{
	int encoding = GetDatabaseEncoding();
	Oid function;
	char *text;

	/* Nobody knows what SQL_ASCII is, and bytes stay as they are. */
	if (encoding == PG_UTF8 || encoding == PG_SQL_ASCII)
		return utf8;
	function = FindDefaultConversionProc(PG_UTF8, encoding);
	if (!OidIsValid(function))
		return pg_any_to_server(utf8, (int) len, PG_UTF8); /* says so */
	text = convert(function, PG_UTF8, encoding, utf8, len);
	if (text != NULL && pg_database_encoding_max_length() > 1 &&
		means_another(encoding, text, utf8))
		return NULL;
	return text;
}
