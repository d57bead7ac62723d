/* SPDX-License-Identifier: PostgreSQL */
/*
 * error.c
 *		DdbcError values: set them, and read them out of a service's reply.
 *
 * Every code of dynamodb.md section 6.1 stands in one table; message texts
 * are consulted only where one code means several things.  Everything that
 * comes from outside is reduced to one line of valid UTF-8 on its way in, so
 * that nobody downstream has to think about it again.
 */
#include "client/error.h"

#include <jansson.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How much of a reply that is not JSON (a proxy's page) is worth showing. */
#define FOREIGN_TEXT_MAX_BYTES 200

typedef struct ErrorCode
{
	const char *code;
	DdbcErrorKind kind;
	bool retryable;
	bool ambiguous;
} ErrorCode;

static const ErrorCode error_codes[] = {
	/* throttles: nothing was done */
	{"ProvisionedThroughputExceededException", DDBC_ERROR_THROTTLED, true,
	 false},
	{"ProvisionedThroughputExceeded", DDBC_ERROR_THROTTLED, true, false},
	{"ThrottlingException", DDBC_ERROR_THROTTLED, true, false},
	{"Throttling", DDBC_ERROR_THROTTLED, true, false},
	{"ThrottledException", DDBC_ERROR_THROTTLED, true, false},
	{"RequestThrottled", DDBC_ERROR_THROTTLED, true, false},
	{"RequestThrottledException", DDBC_ERROR_THROTTLED, true, false},
	{"TooManyRequestsException", DDBC_ERROR_THROTTLED, true, false},
	{"SlowDown", DDBC_ERROR_THROTTLED, true, false},
	{"RequestLimitExceeded", DDBC_ERROR_THROTTLED, true, false},
	{"LimitExceededException", DDBC_ERROR_THROTTLED, true, false},

	/* faults on their side: a write may have been applied */
	{"InternalServerError", DDBC_ERROR_UNAVAILABLE, true, true},
	{"InternalFailure", DDBC_ERROR_UNAVAILABLE, true, true},
	{"ServiceUnavailable", DDBC_ERROR_UNAVAILABLE, true, true},
	{"ServiceUnavailableException", DDBC_ERROR_UNAVAILABLE, true, true},
	{"RequestTimeout", DDBC_ERROR_UNAVAILABLE, true, true},
	{"RequestTimeoutException", DDBC_ERROR_UNAVAILABLE, true, true},
	{"PriorRequestNotComplete", DDBC_ERROR_UNAVAILABLE, true, true},

	/* identity */
	{"ExpiredTokenException", DDBC_ERROR_CREDENTIALS_EXPIRED, false, false},
	{"ExpiredToken", DDBC_ERROR_CREDENTIALS_EXPIRED, false, false},
	{"UnrecognizedClientException", DDBC_ERROR_CREDENTIALS_REJECTED, false,
	 false},
	{"InvalidSignatureException", DDBC_ERROR_CREDENTIALS_REJECTED, false,
	 false},
	{"SignatureDoesNotMatch", DDBC_ERROR_CREDENTIALS_REJECTED, false, false},
	{"MissingAuthenticationTokenException", DDBC_ERROR_CREDENTIALS_REJECTED,
	 false, false},
	{"MissingAuthenticationToken", DDBC_ERROR_CREDENTIALS_REJECTED, false,
	 false},
	{"IncompleteSignatureException", DDBC_ERROR_CREDENTIALS_REJECTED, false,
	 false},
	{"IncompleteSignature", DDBC_ERROR_CREDENTIALS_REJECTED, false, false},
	{"InvalidClientTokenId", DDBC_ERROR_CREDENTIALS_REJECTED, false, false},
	{"RequestTimeTooSkewed", DDBC_ERROR_CLOCK_SKEW, false, false},
	{"RequestExpired", DDBC_ERROR_CLOCK_SKEW, false, false},
	{"RequestInTheFuture", DDBC_ERROR_CLOCK_SKEW, false, false},
	{"AuthFailure", DDBC_ERROR_CLOCK_SKEW, false, false},
	{"AccessDeniedException", DDBC_ERROR_ACCESS_DENIED, false, false},
	{"AccessDenied", DDBC_ERROR_ACCESS_DENIED, false, false},
	{"NotAuthorized", DDBC_ERROR_ACCESS_DENIED, false, false},

	/* the request */
	{"ValidationException", DDBC_ERROR_VALIDATION, false, false},
	{"SerializationException", DDBC_ERROR_PROTOCOL, false, false},
	{"UnknownOperationException", DDBC_ERROR_PROTOCOL, false, false},
	{"IdempotentParameterMismatchException", DDBC_ERROR_PROTOCOL, false, false},
	{"ExpiredIteratorException", DDBC_ERROR_VALIDATION, false, false},
	{"TrimmedDataAccessException", DDBC_ERROR_VALIDATION, false, false},

	/* tables and items */
	{"ResourceNotFoundException", DDBC_ERROR_TABLE_NOT_FOUND, false, false},
	{"TableNotFoundException", DDBC_ERROR_TABLE_NOT_FOUND, false, false},
	{"IndexNotFoundException", DDBC_ERROR_INDEX_NOT_FOUND, false, false},
	{"ResourceInUseException", DDBC_ERROR_IN_USE, false, false},
	{"TableInUseException", DDBC_ERROR_IN_USE, false, false},
	{"TableAlreadyExistsException", DDBC_ERROR_IN_USE, false, false},
	{"ConditionalCheckFailedException", DDBC_ERROR_CONDITION_FAILED, false,
	 false},
	{"DuplicateItemException", DDBC_ERROR_DUPLICATE_ITEM, false, false},
	{"ItemCollectionSizeLimitExceededException",
	 DDBC_ERROR_COLLECTION_TOO_LARGE, false, false},

	/* transactions */
	{"TransactionCanceledException", DDBC_ERROR_TRANSACTION_CANCELED, false,
	 false},
	{"TransactionConflictException", DDBC_ERROR_TRANSACTION_CONFLICT, true,
	 false},
	{"ReplicatedWriteConflictException", DDBC_ERROR_TRANSACTION_CONFLICT, true,
	 false},
	/* the attempt before it, with the same token, is being applied */
	{"TransactionInProgressException", DDBC_ERROR_TRANSACTION_IN_PROGRESS, true,
	 true},
};

/* Why a transaction was cancelled (dynamodb.md section 6.2). */
static const ErrorCode cancellation_codes[] = {
	{"ConditionalCheckFailed", DDBC_ERROR_CONDITION_FAILED, false, false},
	{"TransactionConflict", DDBC_ERROR_TRANSACTION_CONFLICT, true, false},
	{"ThrottlingError", DDBC_ERROR_THROTTLED, true, false},
	{"ProvisionedThroughputExceeded", DDBC_ERROR_THROTTLED, true, false},
	{"ItemCollectionSizeLimitExceeded", DDBC_ERROR_COLLECTION_TOO_LARGE, false,
	 false},
	{"ValidationError", DDBC_ERROR_VALIDATION, false, false},
};

/* Where one code covers several kinds, a part of its message decides. */
typedef struct MessagePart
{
	const char *code;
	const char *part;
	DdbcErrorKind kind;
} MessagePart;

static const MessagePart message_parts[] = {
	{"InvalidSignatureException", "Signature expired", DDBC_ERROR_CLOCK_SKEW},
	{"InvalidSignatureException", "not yet current", DDBC_ERROR_CLOCK_SKEW},
	{"SignatureDoesNotMatch", "Signature expired", DDBC_ERROR_CLOCK_SKEW},
	{"SignatureDoesNotMatch", "not yet current", DDBC_ERROR_CLOCK_SKEW},
	{"ValidationException", "does not have the specified index",
	 DDBC_ERROR_INDEX_NOT_FOUND},
	{"ValidationException", "non-existent table", DDBC_ERROR_TABLE_NOT_FOUND},
	{"ValidationException", "maximum allowed size",
	 DDBC_ERROR_REQUEST_TOO_LARGE},
	{"ValidationException", "maximum size limit", DDBC_ERROR_REQUEST_TOO_LARGE},
	{"ValidationException", "exceeded the size limit",
	 DDBC_ERROR_REQUEST_TOO_LARGE},
	{"ValidationException", "Size limit exceeded",
	 DDBC_ERROR_REQUEST_TOO_LARGE},
	{"ValidationException", "key values must be under",
	 DDBC_ERROR_REQUEST_TOO_LARGE},
	{"ValidationException", "Attribute name is too large",
	 DDBC_ERROR_REQUEST_TOO_LARGE},
	{"ValidationException", "Nesting Levels have exceeded",
	 DDBC_ERROR_REQUEST_TOO_LARGE},
	{"ValidationException", "Number overflow", DDBC_ERROR_NUMBER_RANGE},
	{"ValidationException", "Number underflow", DDBC_ERROR_NUMBER_RANGE},
	{"ValidationException", "38 significant digits", DDBC_ERROR_NUMBER_RANGE},
	{"ValidationException", "up to 38 digits", DDBC_ERROR_NUMBER_RANGE},
	{"ValidationException", "Type mismatch for key", DDBC_ERROR_KEY_VALUE},
	{"ValidationException", "Type mismatch for Index Key",
	 DDBC_ERROR_KEY_VALUE},
	{"ValidationException", "key attribute cannot contain an empty",
	 DDBC_ERROR_KEY_VALUE},
	{"ValidationException", "required keys was not given a value",
	 DDBC_ERROR_KEY_VALUE},
	{"ValidationException", "Missing the key", DDBC_ERROR_KEY_VALUE},
	{"ValidationException", "key element does not match the schema",
	 DDBC_ERROR_KEY_VALUE},
};

#define lengthof(array) (sizeof(array) / sizeof((array)[0]))

/*
 * Length of the valid UTF-8 sequence at text, 0 if there is none.  Overlong
 * forms, surrogates and code points above U+10FFFF are invalid.
 */
static size_t
utf8_sequence_length(const unsigned char *text, size_t len)
{
	size_t need;
	size_t i;

	if (text[0] < 0x80)
		return 1;
	if (text[0] >= 0xC2 && text[0] <= 0xDF)
		need = 2;
	else if ((text[0] & 0xF0) == 0xE0)
		need = 3;
	else if (text[0] >= 0xF0 && text[0] <= 0xF4)
		need = 4;
	else
		return 0;
	if (need > len)
		return 0;
	for (i = 1; i < need; i++)
		if ((text[i] & 0xC0) != 0x80)
			return 0;
	if ((text[0] == 0xE0 && text[1] < 0xA0) ||
		(text[0] == 0xED && text[1] > 0x9F) ||
		(text[0] == 0xF0 && text[1] < 0x90) ||
		(text[0] == 0xF4 && text[1] > 0x8F))
		return 0;
	return need;
}

/* White space or a control character: U+0000-20, 7F, U+0080-9F, U+2028/9. */
static bool
is_blank(const unsigned char *text, size_t len)
{
	if (len == 1)
		return text[0] <= ' ' || text[0] == 0x7F;
	if (len == 2)
		return text[0] == 0xC2 && text[1] < 0xA0;
	return len == 3 && text[0] == 0xE2 && text[1] == 0x80 &&
		   (text[2] == 0xA8 || text[2] == 0xA9);
}

/*
 * Appends text to the string in buffer as one line: runs of blanks and
 * control characters become one space, invalid bytes a question mark.  What
 * does not fit is cut at a character.
 */
static void
append_line(char *buffer, size_t size, const char *text, size_t len)
{
	const unsigned char *from = (const unsigned char *) text;
	const unsigned char *end = from + len;
	size_t used = strlen(buffer);
	bool blank = false;

	while (from < end)
	{
		size_t step = utf8_sequence_length(from, (size_t) (end - from));
		size_t width = step == 0 ? 1 : step;

		if (step > 0 && is_blank(from, step))
		{
			blank = used > 0;
			from += step;
			continue;
		}
		if (used + width + (blank ? 1 : 0) >= size)
			break;
		if (blank)
			buffer[used++] = ' ';
		blank = false;
		if (step == 0)
			buffer[used++] = '?';
		else
			memcpy(buffer + used, from, step);
		used += step;
		from += width;
	}
	buffer[used] = '\0';
}

void
ddbc_error_clear(DdbcError *error)
{
	memset(error, 0, sizeof(*error));
}

/*
 * Cuts the message to the size of its field, and makes runs of blanks and
 * control characters one space, so that it is one line.
 */
void
ddbc_error_set(DdbcError *error, DdbcErrorKind kind, const char *format, ...)
{
	char text[sizeof(error->message)];
	va_list args;

	/* formatted first: the arguments may point into *error */
	va_start(args, format);
	/* The analyzer does not follow va_start on every target. */
	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized) */
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);

	ddbc_error_clear(error);
	error->kind = kind;
	append_line(error->message, sizeof(error->message), text, strlen(text));
}

/*
 * Keeps the code of "namespace#Code:http://..." in error->code: after the last
 * '#' of the part before the first ':'.
 */
static void
set_code(DdbcError *error, const json_t *type)
{
	const char *text = json_string_value(type);
	const char *colon;
	const char *from;
	size_t len;

	if (text == NULL)
		return;
	len = json_string_length(type);
	colon = memchr(text, ':', len);
	if (colon != NULL)
		len = (size_t) (colon - text);
	for (from = text + len; from > text && from[-1] != '#'; from--)
		;
	append_line(error->code, sizeof(error->code), from,
				(size_t) (text + len - from));
}

/*
 * Takes "message" or "Message" over.  A complaint about the signature quotes
 * the whole canonical request, session token included: that part is cut off.
 */
static void
set_message(DdbcError *error, const json_t *root)
{
	json_t *message = json_object_get(root, "message");
	char *quote;

	if (!json_is_string(message) || json_string_length(message) == 0)
		message = json_object_get(root, "Message");
	if (!json_is_string(message))
		return;
	append_line(error->message, sizeof(error->message),
				json_string_value(message), json_string_length(message));
	quote = strstr(error->message, " The Canonical String for this request");
	if (quote != NULL)
		*quote = '\0';
}

static void
append_message(DdbcError *error, const char *text)
{
	append_line(error->message, sizeof(error->message), text, strlen(text));
}

/*
 * " (Reason on arn:...; ...)" from [T|t]hrottlingReasons: which table, index
 * or hot partition it was, without which nobody can act.
 */
static void
append_throttling_reasons(DdbcError *error, const json_t *root)
{
	json_t *list = json_object_get(root, "ThrottlingReasons");
	const json_t *entry;
	const char *before = " (";
	char text[sizeof(error->message)];
	size_t i;

	if (!json_is_array(list))
		list = json_object_get(root, "throttlingReasons");
	json_array_foreach(list, i, entry)
	{
		const char *reason =
			json_string_value(json_object_get(entry, "reason"));
		const char *resource =
			json_string_value(json_object_get(entry, "resource"));

		if (reason == NULL)
			continue;
		snprintf(text, sizeof(text), "%s%s%s%s", before, reason,
				 resource == NULL ? "" : " on ",
				 resource == NULL ? "" : resource);
		append_message(error, text);
		before = "; ";
	}
	if (before[0] == ';')
		append_message(error, ")");
}

static const ErrorCode *
find_code(const ErrorCode *codes, size_t n, const char *code)
{
	size_t i;

	for (i = 0; code != NULL && i < n; i++)
		if (strcmp(codes[i].code, code) == 0)
			return &codes[i];
	return NULL;
}

/* Words of the message say more than a code that means several things. */
static void
classify_message(DdbcError *error, const char *code)
{
	size_t i;

	for (i = 0; i < lengthof(message_parts); i++)
		if (strcmp(message_parts[i].code, code) == 0 &&
			strstr(error->message, message_parts[i].part) != NULL)
		{
			error->kind = message_parts[i].kind;
			return;
		}
}

/*
 * Sets kind, retryable and ambiguous by the error's code, and the kind also by
 * words of its message.  False if the code is unknown.
 */
static bool
classify_code(DdbcError *error)
{
	const ErrorCode *found =
		find_code(error_codes, lengthof(error_codes), error->code);

	if (found == NULL)
		return false;
	error->kind = found->kind;
	error->retryable = found->retryable;
	error->ambiguous = found->ambiguous;
	classify_message(error, error->code);
	return true;
}

/*
 * What all reasons come to, with one of them in *reason; NULL where they are of
 * several kinds, or of one that is not known.
 */
static const ErrorCode *
common_reason(const json_t *root, const json_t **reason)
{
	const json_t *list = json_object_get(root, "CancellationReasons");
	const ErrorCode *common = NULL;
	const json_t *entry;
	size_t i;

	json_array_foreach(list, i, entry)
	{
		const char *code = json_string_value(json_object_get(entry, "Code"));
		const ErrorCode *found;

		if (code == NULL || strcmp(code, "None") == 0)
			continue;
		found =
			find_code(cancellation_codes, lengthof(cancellation_codes), code);
		if (found == NULL || (common != NULL && found->kind != common->kind))
			return NULL;
		common = found;
		*reason = entry;
	}
	return common;
}

/*
 * A transaction that was cancelled for one reason alone is that error, with its
 * words; the caller judges one that was cancelled for several.
 */
static void
classify_cancellation(DdbcError *error, const json_t *root)
{
	const json_t *reason = NULL;
	const ErrorCode *found = common_reason(root, &reason);
	const json_t *message;

	if (found == NULL)
		return;
	error->kind = found->kind;
	error->retryable = found->retryable;
	message = json_object_get(reason, "Message");
	if (json_string_length(message) > 0)
	{
		error->message[0] = '\0';
		append_line(error->message, sizeof(error->message),
					json_string_value(message), json_string_length(message));
	}
	if (found->kind == DDBC_ERROR_VALIDATION)
		classify_message(error, "ValidationException");
}

/*
 * Sets the kind by the HTTP status, for replies that are not DynamoDB's own.
 * A status of a proxy or gateway leaves it open whether a write was applied.
 */
static void
classify_status(DdbcError *error)
{
	switch (error->http_status)
	{
		case 401:
		case 403:
		case 407:
		case 511:
			error->kind = DDBC_ERROR_PROXY_DENIED;
			break;
		case 413:
			error->kind = DDBC_ERROR_REQUEST_TOO_LARGE;
			break;
		case 429:
			error->kind = DDBC_ERROR_THROTTLED;
			error->retryable = true;
			break;
		case 408:
		case 500:
		case 502:
		case 503:
		case 504:
			error->kind = DDBC_ERROR_UNAVAILABLE;
			error->retryable = true;
			error->ambiguous = true;
			break;
		default:
			error->kind = DDBC_ERROR_PROTOCOL;
			break;
	}
}

/* Characters of text, not terminated, that begin an escape of four digits. */
static bool
is_unicode_escape(const char *text, size_t len)
{
	return len >= 6 && text[1] == 'u' &&
		   strspn(text + 2, "0123456789abcdefABCDEF") >= 4;
}

/*
 * Replaces what no C string and no UTF-8 can hold, in place: escapes of NUL and
 * of surrogates (pairs, too) become U+FFFD.
 */
static void
replace_escapes(char *text, size_t len)
{
	size_t i = 0;

	while (i + 1 < len)
	{
		bool is_unicode =
			text[i] == '\\' && is_unicode_escape(text + i, len - i);

		if (is_unicode &&
			(memcmp(text + i + 2, "0000", 4) == 0 ||
			 (strchr("dD", text[i + 2]) != NULL && text[i + 3] >= '8')))
			memcpy(text + i + 2, "fffd", 4);
		if (text[i] != '\\')
			i++;
		else
			i += is_unicode ? 6 : 2;
	}
}

/*
 * The body as JSON, NULL if it is none.  In a refusal there may be an item, and
 * in its names and strings what jansson does not take; nobody here looks at
 * those, but at the code beside them.
 */
static json_t *
load_body(const char *body, size_t len)
{
	json_t *root;
	char *copy;

	if (len == 0)
		return NULL;
	root = json_loadb(body, len, JSON_ALLOW_NUL, NULL);
	if (root != NULL)
		return root;
	copy = malloc(len + 1);
	if (copy == NULL)
		return NULL;
	memcpy(copy, body, len);
	copy[len] = '\0';
	replace_escapes(copy, len);
	root = json_loadb(copy, len, JSON_ALLOW_NUL, NULL);
	free(copy);
	return root;
}

/*
 * The error's code decides the kind, and the HTTP status does where the code
 * is missing or unknown.  The text of a body that is not the service's is
 * shortened.
 */
void
ddbc_error_from_reply(DdbcError *error, int http_status, const char *body,
					  unsigned long body_len, const char *request_id)
{
	json_t *root;

	ddbc_error_clear(error);
	error->http_status = http_status;
	if (request_id != NULL)
		append_line(error->request_id, sizeof(error->request_id), request_id,
					strlen(request_id));

	root = load_body(body, body_len);
	if (json_is_object(root))
	{
		set_code(error, json_object_get(root, "__type"));
		set_message(error, root);
		append_throttling_reasons(error, root);
	}
	else if (body_len > 0)
		append_line(error->message, FOREIGN_TEXT_MAX_BYTES + 1, body, body_len);

	error->foreign = error->code[0] == '\0';
	if (!classify_code(error))
		classify_status(error);
	if (error->kind == DDBC_ERROR_TRANSACTION_CANCELED)
		classify_cancellation(error, root);
	if (error->message[0] == '\0')
		snprintf(error->message, sizeof(error->message), "HTTP status %d",
				 http_status);
	json_decref(root);
}

bool
ddbc_error_is_verdict(const DdbcError *error)
{
	switch (error->kind)
	{
		case DDBC_ERROR_CONDITION_FAILED:
		case DDBC_ERROR_VALIDATION:
		case DDBC_ERROR_KEY_VALUE:
		case DDBC_ERROR_NUMBER_RANGE:
		case DDBC_ERROR_REQUEST_TOO_LARGE:
		case DDBC_ERROR_COLLECTION_TOO_LARGE:
			/* a gateway's has no code */
			return error->code[0] != '\0';
		default:
			return false;
	}
}

const char *
ddbc_error_library_version(void)
{
	return jansson_version_str();
}
