/* SPDX-License-Identifier: PostgreSQL */
/*
 * soft_input.c
 *		Catches what PostgreSQL can only say by raising an error.
 */
#include "postgres.h"

#include "codec/soft_input.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "compat.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/resowner.h"

/*
 * Is it an error about a value?  Others, such as a cancel, are none of ours.
 */
static bool
is_about_value(const ErrorData *error)
{
	int category = ERRCODE_TO_CATEGORY(error->sqlerrcode);

	return category == ERRCODE_DATA_EXCEPTION ||
		   category == ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION;
}

/* Runs a function in a subtransaction; false when it refuses a value. */
static bool
try_function(void (*function)(void *arg), void *arg)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData *volatile error = NULL;

	if (IsInParallelMode())
	{
		function(arg);
		return true;
	}
	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		function(arg);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	if (error != NULL && !is_about_value(error))
		ReThrowError(error);
	return error == NULL;
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

bool
ddb_soft_input(FmgrInfo *flinfo, char *text, Oid typioparam, int32 typmod,
			   Datum *result)
{
	InputCall call = {flinfo, text, typioparam, typmod, result};
	bool refused = false;

	if (ddb_compat_input_safe(flinfo, text, typioparam, typmod, result,
							  &refused))
		return !refused;
	return try_function(call_input, &call);
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

bool
ddb_soft_domain_check(Datum value, Oid domain, void **cache,
					  MemoryContext context)
{
	DomainCall call = {value, domain, cache, context};

	return try_function(call_domain_check, &call);
}

char *
ddb_soft_from_utf8(char *utf8, size_t len)
{
	int encoding = GetDatabaseEncoding();
	Oid function;
	Size room = len * MAX_CONVERSION_GROWTH + 1;
	char *text;

	/* Of SQL_ASCII nobody knows what it is, and bytes stay as they are. */
	if (encoding == PG_UTF8 || encoding == PG_SQL_ASCII)
		return utf8;
	function = FindDefaultConversionProc(PG_UTF8, encoding);
	if (!OidIsValid(function))
		return pg_any_to_server(utf8, (int) len, PG_UTF8); /* says so */
	text = palloc(room);
	return pg_do_encoding_conversion_buf(
			   function, PG_UTF8, encoding, (unsigned char *) utf8, (int) len,
			   (unsigned char *) text, (int) room, true) == (int) len
			   ? text
			   : NULL;
}
