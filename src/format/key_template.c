/* SPDX-License-Identifier: PostgreSQL */
/*
 * key_template.c
 *		Takes key templates apart, and keys by them.
 *
 * Syntax: literal text; ${column} or ${column:FORMAT}, where everything behind
 * the first colon is the format; ${0..9} and ${column:0..9} for shards.
 */
#include "format/key_template.h"

#include <stdio.h>
#include <string.h>

#include "format/time_text.h"

#define MICROS_PER_SECOND INT64_C(1000000)

/* Digits of a number in a template; all of them fit an int64. */
#define MAX_DIGITS 18

/* Ten thousand years: more than times have. */
#define MAX_MONTHS 120000

typedef struct Field
{
	const char *word;
	int width;
	DdbTimeUnit unit;
} Field;

/* Longer words first, where one begins another. */
static const Field fields[] = {
	{"YYYY", 4, DDB_UNIT_YEAR},   {"MM", 2, DDB_UNIT_MONTH},
	{"DD", 2, DDB_UNIT_DAY},      {"HH24", 2, DDB_UNIT_HOUR},
	{"MI", 2, DDB_UNIT_MINUTE},   {"SS", 2, DDB_UNIT_SECOND},
	{"MS", 3, DDB_UNIT_FRACTION}, {"US", 6, DDB_UNIT_FRACTION},
};

#define LENGTH_OF(array) (sizeof(array) / sizeof((array)[0]))

/* One piece of a pattern: a field, or bytes that stand for themselves. */
typedef struct Piece
{
	const Field *field; /* NULL: literal */
	const char *text;
	size_t len;
} Piece;

/* Walks over a pattern. */
typedef struct PatternWalk
{
	const char *pos;
	const char *end;
	bool quoted;
	bool bad; /* something that is neither field nor separator */
} PatternWalk;

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* T and Z are what ISO-8601 has between and behind its digits. */
static bool
is_separator(char c)
{
	return c == 'T' || c == 'Z' || c == ' ' ||
		   (c > ' ' && c < 0x7f && !is_digit(c) && !(c >= 'A' && c <= 'Z') &&
			!(c >= 'a' && c <= 'z'));
}

/*
 * The field of a time whose word, such as HH24, stands at pos; NULL when none
 * does.  No word is the beginning of another one.
 */
static const Field *
field_at(const char *pos, const char *end)
{
	size_t i;

	for (i = 0; i < LENGTH_OF(fields); i++)
	{
		size_t len = strlen(fields[i].word);

		if ((size_t) (end - pos) >= len &&
			memcmp(pos, fields[i].word, len) == 0)
			return &fields[i];
	}
	return NULL;
}

/*
 * The next field or character of a pattern.  False at the end, or with
 * walk->bad set at a character that must be quoted, and at a quote that is not
 * closed.
 */
static bool
next_piece(PatternWalk *walk, Piece *piece)
{
	/* A quote opens or closes what is taken as it is. */
	while (walk->pos < walk->end && *walk->pos == '"')
	{
		walk->quoted = !walk->quoted;
		walk->pos++;
	}
	if (walk->pos == walk->end)
	{
		walk->bad = walk->quoted;
		return false;
	}
	piece->text = walk->pos;
	piece->field = walk->quoted ? NULL : field_at(walk->pos, walk->end);
	piece->len = piece->field != NULL ? strlen(piece->field->word) : 1;
	walk->pos += piece->len;
	walk->bad =
		piece->field == NULL && !walk->quoted && !is_separator(*piece->text);
	return !walk->bad;
}

/* Starts at the beginning of the element's pattern. */
static PatternWalk
walk_pattern(const DdbTemplateElement *element)
{
	PatternWalk walk = {element->pattern,
						element->pattern + element->pattern_len, false, false};

	return walk;
}

/*
 * A pattern's width and unit.  Its texts sort as time does when its fields come
 * from the year on, each once and none left out.
 */
static bool
describe_pattern(DdbTemplateElement *element)
{
	PatternWalk walk = walk_pattern(element);
	Piece piece;
	DdbTimeUnit last = DDB_UNIT_NONE;
	bool seen[DDB_UNIT_FRACTION + 1] = {false};
	int i;

	element->ordered = true;
	element->width = 0;
	while (next_piece(&walk, &piece))
	{
		element->width += piece.field != NULL ? piece.field->width : 1;
		if (element->width >= DDB_TEMPLATE_TIME_BUFFER)
			return false;
		if (piece.field == NULL)
			continue;
		element->ordered &= piece.field->unit == last + 1;
		last = piece.field->unit;
		seen[last] = true;
	}
	/* What comes without what it is a part of names no instant. */
	for (i = DDB_UNIT_YEAR; i <= DDB_UNIT_FRACTION && seen[i]; i++)
		element->unit = (DdbTimeUnit) i;
	for (; i <= DDB_UNIT_FRACTION; i++)
		if (seen[i])
			return false;
	return !walk.bad && element->unit != DDB_UNIT_NONE;
}

/* Takes a number of up to MAX_DIGITS digits; how many, 0 for none. */
static size_t
take_number(const char *text, size_t len, int64_t *number)
{
	size_t n = 0;

	*number = 0;
	while (n < len && n < MAX_DIGITS && is_digit(text[n]))
		*number = *number * 10 + (text[n++] - '0');
	return n;
}

/*
 * Fills in a shard's element from "0..9" or "00..15".  Numbers of as many
 * digits each are padded and have a fixed width.  False if the text is not of
 * this form.
 */
static bool
parse_shards(const char *text, size_t len, DdbTemplateElement *element)
{
	size_t n = take_number(text, len, &element->first);
	size_t m;

	if (n == 0 || len < n + 3 || memcmp(text + n, "..", 2) != 0)
		return false;
	m = take_number(text + n + 2, len - n - 2, &element->last);
	if (m == 0 || n + 2 + m != len || element->first > element->last ||
		element->last - element->first >= DDB_TEMPLATE_MAX_SHARDS)
		return false;
	/* A zero in front says how wide both are. */
	if ((n > 1 && text[0] == '0' && n != m) || (m > 1 && text[n + 2] == '0'))
		return false;
	element->form = DDB_FORM_SHARD;
	element->width = n == m ? n : 0;
	element->ordered = n == m;
	return true;
}

/*
 * Fills in a padded number's element from a zero and a number of digits, such
 * as "05".  False if the text is not of this form.
 */
static bool
parse_padding(const char *text, size_t len, DdbTemplateElement *element)
{
	int64_t digits;

	if (len < 2 || text[0] != '0' ||
		take_number(text + 1, len - 1, &digits) != len - 1 || digits < 1 ||
		digits > MAX_DIGITS)
		return false;
	element->form = DDB_FORM_PADDED;
	element->digits = (int) digits;
	element->width = (size_t) digits;
	element->ordered = true;
	return true;
}

static bool
is_word(const char *text, size_t len, const char *word)
{
	return len == strlen(word) && memcmp(text, word, len) == 0;
}

/*
 * Fills in the element for iso8601, or for iso8601:N with N digits of fraction
 * from 0 to 6.  Only the latter has a fixed width and sorts as time does.
 * False for anything else.
 */
static bool
parse_iso(const char *text, size_t len, DdbTemplateElement *element)
{
	const size_t word = strlen("iso8601");

	element->unit = DDB_UNIT_FRACTION;
	if (len != word + 2)
	{
		element->form = DDB_FORM_ISO8601;
		return is_word(text, len, "iso8601");
	}
	if (memcmp(text, "iso8601:", word + 1) != 0 || text[word + 1] < '0' ||
		text[word + 1] > '6')
		return false;
	element->form = DDB_FORM_FIXED;
	element->digits = text[word + 1] - '0';
	element->width = strlen("YYYY-MM-DDTHH:MM:SSZ") +
					 (element->digits > 0 ? element->digits + 1 : 0);
	if (element->digits == 0)
		element->unit = DDB_UNIT_SECOND;
	element->ordered = true;
	return true;
}

/*
 * Tells the forms apart by their first characters.  What is none of the named
 * ones must be a pattern of time fields, which describe_pattern() checks.
 */
bool
ddb_template_parse_format(const char *text, size_t len,
						  DdbTemplateElement *element)
{
	if (len > 0 && is_digit(text[0]))
		return parse_shards(text, len, element) ||
			   parse_padding(text, len, element);
	if (len >= 3 && memcmp(text, "iso", 3) == 0)
		return parse_iso(text, len, element);
	if (is_word(text, len, "epoch") || is_word(text, len, "epoch_ms"))
	{
		element->form =
			len == strlen("epoch") ? DDB_FORM_EPOCH : DDB_FORM_EPOCH_MS;
		element->unit = DDB_UNIT_FRACTION;
		return true;
	}
	element->form = DDB_FORM_PATTERN;
	element->pattern = text;
	element->pattern_len = len;
	return describe_pattern(element);
}

/*
 * Sets *error, whose message is static.  Returns false for the caller's
 * return.
 */
static bool
fail(DdbTemplateError *error, size_t position, const char *message)
{
	error->position = position;
	error->message = message;
	return false;
}

/*
 * Fills in the element of what stands between the braces, len bytes from
 * start.  False with *error set at the part that is wrong.
 */
static bool
parse_variable(const char *text, size_t start, size_t len,
			   DdbTemplateElement *element, DdbTemplateError *error)
{
	const char *colon = memchr(text + start, ':', len);
	size_t name_len = colon != NULL ? (size_t) (colon - text) - start : len;

	element->form = DDB_FORM_PLAIN;
	if (parse_shards(text + start, len, element))
		return true;
	if (name_len == 0)
		return fail(error, start, "a variable has no name");
	element->text = text + start;
	element->len = name_len;
	if (colon == NULL)
		return true;
	if (!ddb_template_parse_format(colon + 1, len - name_len - 1, element))
		return fail(error, start + name_len + 1,
					"the format of a variable is not one of iso8601, iso8601:0 "
					"to iso8601:6, epoch, epoch_ms, zeros and digits such as "
					"05, shards such as 0..9, or a pattern of YYYY, MM, DD, "
					"HH24, MI, SS, MS, US and separators, from the year on");
	return true;
}

/* True if the literal has a name in braces, as a variable would be. */
static bool
has_bare_variable(const char *text, size_t len)
{
	const char *end = text + len;
	const char *open = memchr(text, '{', len);

	while (open != NULL)
	{
		const char *p = open + 1;

		while (p < end &&
			   (*p == '_' || *p == ':' || *p == '-' || *p == '.' ||
				(*p >= '0' && *p <= '9') || (*p >= 'a' && *p <= 'z') ||
				(*p >= 'A' && *p <= 'Z')))
			p++;
		if (p < end && p > open + 1 && *p == '}')
			return true;
		open = memchr(open + 1, '{', (size_t) (end - open) - 1);
	}
	return false;
}

/*
 * Fills in the variable or literal at *position, which moves behind it.  A
 * literal goes on to the next variable.  False with *error set.
 */
static bool
parse_element(const char *text, size_t len, size_t *position,
			  DdbTemplateElement *element, DdbTemplateError *error)
{
	size_t start = *position;
	const char *end;

	memset(element, 0, sizeof(*element));
	if (len - start >= 2 && memcmp(text + start, "${", 2) == 0)
	{
		end = memchr(text + start, '}', len - start);
		if (end == NULL)
			return fail(error, start, "a variable has no closing brace");
		*position = (size_t) (end - text) + 1;
		return parse_variable(text, start + 2, *position - start - 3, element,
							  error);
	}
	while (*position < len &&
		   !(len - *position >= 2 && memcmp(text + *position, "${", 2) == 0))
		(*position)++;
	if (has_bare_variable(text + start, *position - start))
		return fail(error, start,
					"a variable in braces has no dollar sign before it");
	element->form = DDB_FORM_LITERAL;
	element->text = text + start;
	element->len = element->width = *position - start;
	return true;
}

/*
 * True if right may follow left without a literal between: left has a fixed
 * width, so that a split knows where it ends.  With plain_is_unknown a plain
 * variable is given the benefit of the doubt, since its type may have a fixed
 * width.
 */
static bool
may_adjoin(const DdbTemplateElement *left, const DdbTemplateElement *right,
		   bool plain_is_unknown)
{
	if (left->form == DDB_FORM_LITERAL || right->form == DDB_FORM_LITERAL)
		return true;
	return left->width > 0 ||
		   (plain_is_unknown && left->form == DDB_FORM_PLAIN);
}

/*
 * Looks at each pair of adjacent elements.  False with *error set at the first
 * pair that a split could not take apart again.
 */
static bool
check_neighbours(const DdbTemplate *template, bool plain_is_unknown,
				 DdbTemplateError *error)
{
	int i;

	for (i = 0; i + 1 < template->n; i++)
		if (!may_adjoin(&template->elements[i], &template->elements[i + 1],
						plain_is_unknown))
			return fail(error, 0,
						"two variables stand side by side, and the values of "
						"the first differ in length, so that it is not certain "
						"where the second begins");
	return true;
}

/*
 * Elements borrow from text, which must live as long as the template.  Error
 * positions are bytes from the start of text.
 */
bool
ddb_template_parse(const char *text, size_t len, DdbTemplate *template,
				   DdbTemplateError *error)
{
	size_t position = 0;

	memset(template, 0, sizeof(*template));
	if (len == 0)
		return fail(error, 0, "it is empty");
	while (position < len)
	{
		if (template->n == DDB_TEMPLATE_MAX_ELEMENTS)
			return fail(error, position, "it has too many parts");
		if (!parse_element(text, len, &position,
						   &template->elements[template->n], error))
			return false;
		template->n++;
	}
	return check_neighbours(template, true, error);
}

bool
ddb_template_check(const DdbTemplate *template, DdbTemplateError *error)
{
	return check_neighbours(template, false, error);
}

/* Where the literal first occurs from start on; len when nowhere. */
static size_t
find_literal(const char *text, size_t start, size_t len,
			 const DdbTemplateElement *literal)
{
	size_t i;

	for (i = start; i + literal->len <= len; i++)
		if (memcmp(text + i, literal->text, literal->len) == 0)
			return i;
	return len;
}

/*
 * Parts point into key and are not terminated.  An element of fixed width
 * takes that width; another one ends where the next literal first occurs, or
 * takes the rest if it is the last.
 */
bool
ddb_template_split(const DdbTemplate *template, const char *key, size_t len,
				   DdbTemplatePart *parts)
{
	size_t position = 0;
	int i;

	for (i = 0; i < template->n; i++)
	{
		const DdbTemplateElement *element = &template->elements[i];
		size_t end = position + element->width;

		if (element->width == 0 && i + 1 < template->n)
		{
			end = find_literal(key, position, len, &template->elements[i + 1]);
			if (end == len)
				return false;
		}
		else if (element->width == 0)
			end = len;
		if (end > len ||
			(element->form == DDB_FORM_LITERAL &&
			 memcmp(key + position, element->text, element->len) != 0))
			return false;
		parts[i].text = key + position;
		parts[i].len = end - position;
		position = end;
	}
	return position == len;
}

/*
 * True if a split would give this text back, were it the variable's value: it
 * has the variable's width, or does not contain the literal that ends it.
 */
bool
ddb_template_takes(const DdbTemplate *template, int element, const char *text,
				   size_t len)
{
	const DdbTemplateElement *next = &template->elements[element + 1];
	size_t i;

	if (template->elements[element].width > 0)
		return len == template->elements[element].width;
	if (element + 1 == template->n)
		return true;
	/* An early occurrence may end in the literal itself: "a#" before "##". */
	for (i = 0; i < len; i++)
	{
		size_t inside = len - i < next->len ? len - i : next->len;

		if (memcmp(text + i, next->text, inside) == 0 &&
			memcmp(next->text, next->text + inside, next->len - inside) == 0)
			return false;
	}
	return true;
}

/*
 * The number to write for this field.  Fractions are milliseconds in a field
 * of three digits, and microseconds otherwise.
 */
static int
field_value(const DdbTimeFields *time, const Field *field)
{
	switch (field->unit)
	{
		case DDB_UNIT_YEAR:
			return time->year;
		case DDB_UNIT_MONTH:
			return time->month;
		case DDB_UNIT_DAY:
			return time->day;
		case DDB_UNIT_HOUR:
			return time->hour;
		case DDB_UNIT_MINUTE:
			return time->minute;
		case DDB_UNIT_SECOND:
			return time->second;
		default:
			return field->width == 3 ? time->micros / 1000 : time->micros;
	}
}

/*
 * The inverse of field_value().  No range is checked: ddb_time_from_fields()
 * does that once all fields are set.
 */
static void
set_field(DdbTimeFields *time, const Field *field, int value)
{
	switch (field->unit)
	{
		case DDB_UNIT_YEAR:
			time->year = value;
			break;
		case DDB_UNIT_MONTH:
			time->month = value;
			break;
		case DDB_UNIT_DAY:
			time->day = value;
			break;
		case DDB_UNIT_HOUR:
			time->hour = value;
			break;
		case DDB_UNIT_MINUTE:
			time->minute = value;
			break;
		case DDB_UNIT_SECOND:
			time->second = value;
			break;
		default:
			time->micros = field->width == 3 ? value * 1000 : value;
			break;
	}
}

/*
 * Writes a time by the pattern of the element and returns the length.  The
 * pattern's width was checked against the buffer when it was parsed.
 */
static size_t
format_pattern(const DdbTemplateElement *element, const DdbTimeFields *time,
			   char *out)
{
	PatternWalk walk = walk_pattern(element);
	Piece piece;
	size_t len = 0;

	while (next_piece(&walk, &piece))
	{
		if (piece.field != NULL)
			len += (size_t) snprintf(out + len, DDB_TEMPLATE_TIME_BUFFER - len,
									 "%0*d", piece.field->width,
									 field_value(time, piece.field));
		else
			out[len++] = *piece.text;
	}
	out[len] = '\0';
	return len;
}

/*
 * Sets *exact by reading the text back, since a pattern may leave out fields.
 * Returns 0 for a time outside the years 0001 to 9999.
 */
static size_t
format_by_pattern(const DdbTemplateElement *element, int64_t micros, char *out,
				  bool *exact)
{
	DdbTimeFields time;
	int64_t back;
	size_t len;

	if (!ddb_time_to_fields(micros, &time))
		return 0;
	len = format_pattern(element, &time, out);
	*exact =
		ddb_template_parse_time(element, out, len, &back) && back == micros;
	return len;
}

/*
 * iso8601 without digits takes the shortest of 0, 3 and 6 digits that loses
 * nothing.  Epoch forms are always exact.
 */
size_t
ddb_template_format_time(const DdbTemplateElement *element, int64_t micros,
						 char *out, bool *exact)
{
	out[0] = '\0';
	*exact = false;
	switch (element->form)
	{
		case DDB_FORM_ISO8601:
			return ddb_time_format_fixed(micros,
										 micros % MICROS_PER_SECOND == 0 ? 0
										 : micros % 1000 == 0            ? 3
																		 : 6,
										 out, exact);
		case DDB_FORM_FIXED:
			return ddb_time_format_fixed(micros, element->digits, out, exact);
		case DDB_FORM_EPOCH:
			*exact = true;
			return ddb_time_format_epoch(micros, MICROS_PER_SECOND, out);
		case DDB_FORM_EPOCH_MS:
			*exact = true;
			return ddb_time_format_epoch(micros, 1000, out);
		case DDB_FORM_PATTERN:
			return format_by_pattern(element, micros, out, exact);
		default:
			return 0;
	}
}

/*
 * Fields that the pattern does not have take their least value.  What was read
 * is written again and compared, which finds wrong separators and fields that
 * occur twice with different values.
 */
static bool
parse_by_pattern(const DdbTemplateElement *element, const char *text,
				 size_t len, int64_t *micros)
{
	PatternWalk walk = walk_pattern(element);
	Piece piece;
	DdbTimeFields time = {1, 1, 1, 0, 0, 0, 0};
	char again[DDB_TEMPLATE_TIME_BUFFER];
	size_t position = 0;

	if (len != element->width)
		return false;
	while (next_piece(&walk, &piece))
	{
		size_t width = piece.field != NULL ? (size_t) piece.field->width : 1;
		int64_t value;

		if (piece.field != NULL)
		{
			if (take_number(text + position, width, &value) != width)
				return false;
			set_field(&time, piece.field, (int) value);
		}
		position += width;
	}
	/* Separators, and fields that stand twice. */
	return ddb_time_from_fields(&time, micros) &&
		   format_pattern(element, &time, again) == len &&
		   memcmp(again, text, len) == 0;
}

/*
 * Reads an instant in a form without a fixed width.  Only the text that would
 * be written for it is accepted, so each instant has one.
 */
static bool
parse_written(const DdbTemplateElement *element, const char *text, size_t len,
			  int64_t *micros)
{
	char again[DDB_TEMPLATE_TIME_BUFFER];
	bool exact;
	DdbTimeParse parse;
	bool ok;

	if (element->form == DDB_FORM_ISO8601)
	{
		ok = ddb_time_parse_iso(text, len, &parse) && parse.exact;
		*micros = parse.micros;
	}
	else
		ok = ddb_time_parse_epoch(
			text, len,
			element->form == DDB_FORM_EPOCH ? MICROS_PER_SECOND : 1000, micros,
			&exact);
	return ok &&
		   ddb_template_format_time(element, *micros, again, &exact) == len &&
		   memcmp(again, text, len) == 0;
}

/*
 * For forms of fixed width only their own spelling is a time.  For the others
 * the text must be the one that would be written.
 */
bool
ddb_template_parse_time(const DdbTemplateElement *element, const char *text,
						size_t len, int64_t *micros)
{
	switch (element->form)
	{
		case DDB_FORM_FIXED:
			return ddb_time_parse_fixed(text, len, element->digits, micros);
		case DDB_FORM_PATTERN:
			return parse_by_pattern(element, text, len, micros);
		case DDB_FORM_ISO8601:
		case DDB_FORM_EPOCH:
		case DDB_FORM_EPOCH_MS:
			return parse_written(element, text, len, micros);
		default:
			return false;
	}
}

/*
 * Adds months to a time at the first day of one.  False outside the years 0001
 * to 9999.  Months and years differ in length, so they are counted by the
 * calendar.
 */
static bool
step_months(DdbTimeFields *time, int64_t months, int64_t *result)
{
	int64_t month = (int64_t) time->year * 12 + time->month - 1;

	if (months > MAX_MONTHS || months < -MAX_MONTHS)
		return false;
	month += months;
	if (month < 12)
		return false;
	time->year = (int) (month / 12);
	time->month = (int) (month % 12) + 1;
	return ddb_time_from_fields(time, result);
}

/*
 * Cuts the time to the beginning of its unit first.  Months and years are
 * counted by the calendar, smaller units by seconds, as there are no time
 * zones here.
 */
bool
ddb_template_step_time(DdbTimeUnit unit, int64_t micros, int64_t steps,
					   int64_t *result)
{
	static const int64_t seconds[] = {
		[DDB_UNIT_DAY] = 86400,
		[DDB_UNIT_HOUR] = 3600,
		[DDB_UNIT_MINUTE] = 60,
		[DDB_UNIT_SECOND] = 1,
	};
	DdbTimeFields time;
	int64_t step;

	if (unit == DDB_UNIT_NONE || unit == DDB_UNIT_FRACTION ||
		!ddb_time_to_fields(micros, &time))
		return false;
	time.micros = 0;
	time.second = unit < DDB_UNIT_SECOND ? 0 : time.second;
	time.minute = unit < DDB_UNIT_MINUTE ? 0 : time.minute;
	time.hour = unit < DDB_UNIT_HOUR ? 0 : time.hour;
	time.day = unit < DDB_UNIT_DAY ? 1 : time.day;
	if (unit == DDB_UNIT_YEAR)
	{
		time.month = 1;
		return steps < 10000 && steps > -10000 &&
			   step_months(&time, steps * 12, result);
	}
	if (unit == DDB_UNIT_MONTH)
		return step_months(&time, steps, result);
	step = seconds[unit] * MICROS_PER_SECOND;
	return ddb_time_from_fields(&time, result) &&
		   !__builtin_mul_overflow(step, steps, &step) &&
		   !__builtin_add_overflow(*result, step, result) &&
		   ddb_time_to_fields(*result, &time);
}

/*
 * Returns 0 for a negative number too, for a shard outside its range, and for
 * a number with more digits than a fixed width has. out is undefined then.
 */
size_t
ddb_template_format_number(const DdbTemplateElement *element, int64_t number,
						   char *out)
{
	int width = element->form == DDB_FORM_PADDED ? element->digits
												 : (int) element->width;
	int len;

	if (number < 0 || (element->form == DDB_FORM_SHARD &&
					   (number < element->first || number > element->last)))
		return 0;
	len = snprintf(out, DDB_TEMPLATE_TIME_BUFFER, "%0*lld", width,
				   (long long) number);
	if (element->width > 0 && (size_t) len != element->width)
		return 0;
	return (size_t) len;
}

/*
 * Reads, writes again and compares, so that no second spelling of a number is
 * accepted.
 */
bool
ddb_template_parse_number(const DdbTemplateElement *element, const char *text,
						  size_t len, int64_t *number)
{
	char again[DDB_TEMPLATE_TIME_BUFFER];

	return len > 0 && take_number(text, len, number) == len &&
		   ddb_template_format_number(element, *number, again) == len &&
		   memcmp(again, text, len) == 0;
}
