/* SPDX-License-Identifier: PostgreSQL */
/*
 * key_template.h
 *		Key templates: how the text of a key is composed from variables.
 *
 * "USER#${user_id}" of a single-table design, taken apart once, then used to
 * split keys into the texts of their variables.  A variable ends where the
 * literal behind it first occurs, or after as many bytes as all its values
 * have; the last one takes the rest.  So a text that holds that literal cannot
 * stand there: whoever composes a key asks ddb_template_takes first.
 *
 * Knows nothing of PostgreSQL: no palloc, no ereport.  Elements borrow the
 * template's text, which must outlive them.
 */
#ifndef DDB_KEY_TEMPLATE_H
#define DDB_KEY_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DDB_TEMPLATE_MAX_ELEMENTS 32

/* Shards a template may have in all, and longest number and time texts. */
#define DDB_TEMPLATE_MAX_SHARDS 10000
#define DDB_TEMPLATE_TIME_BUFFER 128

typedef enum DdbTextForm
{
	DDB_FORM_LITERAL, /* no variable */
	DDB_FORM_PLAIN, /* the text form of the column's type */
	DDB_FORM_PADDED, /* a number of so many digits, with zeros in front */
	DDB_FORM_SHARD, /* a number from first to last */
	DDB_FORM_ISO8601, /* UTC, with 0, 3 or 6 fraction digits as needed */
	DDB_FORM_FIXED, /* iso8601:0 … :6 */
	DDB_FORM_EPOCH,
	DDB_FORM_EPOCH_MS,
	DDB_FORM_PATTERN, /* of to_char, in UTC */
} DdbTextForm;

/* Finest part of an instant that a time form tells. */
typedef enum DdbTimeUnit
{
	DDB_UNIT_NONE,
	DDB_UNIT_YEAR,
	DDB_UNIT_MONTH,
	DDB_UNIT_DAY,
	DDB_UNIT_HOUR,
	DDB_UNIT_MINUTE,
	DDB_UNIT_SECOND,
	DDB_UNIT_FRACTION,
} DdbTimeUnit;

typedef struct DdbTemplateElement
{
	DdbTextForm form;
	const char *text; /* of a literal; of a variable its column's name */
	size_t len; /* 0 of a shard that is no column */
	const char *pattern; /* of DDB_FORM_PATTERN */
	size_t pattern_len;
	int digits; /* PADDED: how many; FIXED: of the fraction */
	int64_t first; /* SHARD */
	int64_t last;
	size_t width; /* bytes that every value has; 0: they vary, or
								 * (PLAIN) depend on the column's type */
	DdbTimeUnit unit; /* of time forms */
	bool ordered; /* texts sort as the values do */
} DdbTemplateElement;

typedef struct DdbTemplate
{
	int n;
	DdbTemplateElement elements[DDB_TEMPLATE_MAX_ELEMENTS];
} DdbTemplate;

/* What is wrong, and where: the byte it begins at. */
typedef struct DdbTemplateError
{
	size_t position;
	const char *message; /* a constant; a sentence without its full stop */
} DdbTemplateError;

/* A piece of a key. */
typedef struct DdbTemplatePart
{
	const char *text;
	size_t len;
} DdbTemplatePart;

/*
 * Takes a template apart; false with *error set when it is none.  Adjacent
 * variables are refused where the first cannot have a fixed width; of plain
 * ones only ddb_template_check knows.
 */
extern bool ddb_template_parse(const char *text, size_t len,
							   DdbTemplate *template, DdbTemplateError *error);

/*
 * A format by itself, as it stands behind the colon, into a variable's element;
 * false when it is none.
 */
extern bool ddb_template_parse_format(const char *text, size_t len,
									  DdbTemplateElement *element);

/*
 * True if the split of every key is certain, now that the types of plain
 * variables gave their elements' widths.
 */
extern bool ddb_template_check(const DdbTemplate *template,
							   DdbTemplateError *error);

/*
 * Splits a key into the parts of its elements; false when it is not of this
 * form.  That the parts are values is for the caller to find out.
 */
extern bool ddb_template_split(const DdbTemplate *template, const char *key,
							   size_t len, DdbTemplatePart *parts);

/* True if a split would give this text back, if it stood for this variable. */
extern bool ddb_template_takes(const DdbTemplate *template, int element,
							   const char *text, size_t len);

/*
 * An instant (microseconds since 1970) in a time form, into out
 * (DDB_TEMPLATE_TIME_BUFFER bytes, NUL-terminated): its length, 0 outside the
 * years 0001 to 9999.  What the form cannot tell is cut off (floor); *exact
 * says whether that was nothing.
 */
extern size_t ddb_template_format_time(const DdbTemplateElement *element,
									   int64_t micros, char *out, bool *exact);

/* The first instant that has this text; false when none has. */
extern bool ddb_template_parse_time(const DdbTemplateElement *element,
									const char *text, size_t len,
									int64_t *micros);

/*
 * The first instant of the unit, of an element's unit, that lies steps units
 * after the one of micros; false outside the years 0001 to 9999.
 */
extern bool ddb_template_step_time(DdbTimeUnit unit, int64_t micros,
								   int64_t steps, int64_t *result);

/*
 * A number in a PADDED or SHARD form, likewise; 0 when the form does not have
 * it.
 */
extern size_t ddb_template_format_number(const DdbTemplateElement *element,
										 int64_t number, char *out);

/* Its inverse: just the texts that are written. */
extern bool ddb_template_parse_number(const DdbTemplateElement *element,
									  const char *text, size_t len,
									  int64_t *number);

#endif /* DDB_KEY_TEMPLATE_H */
