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

/* The next piece; false at the end, or at something bad. */
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

/* "0..9", "00..15": of as many digits each, they are padded. */
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

/* "05": zeros in front, up to five digits. */
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

static bool
fail(DdbTemplateError *error, size_t position, const char *message)
{
	error->position = position;
	error->message = message;
	return false;
}

/* What stands between the braces. */
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

/* The variable or literal at *position, which moves behind it. */
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
	element->form = DDB_FORM_LITERAL;
	element->text = text + start;
	element->len = element->width = *position - start;
	return true;
}

/* May these two stand side by side? */
static bool
may_adjoin(const DdbTemplateElement *left, const DdbTemplateElement *right,
		   bool plain_is_unknown)
{
	if (left->form == DDB_FORM_LITERAL || right->form == DDB_FORM_LITERAL)
		return true;
	return left->width > 0 ||
		   (plain_is_unknown && left->form == DDB_FORM_PLAIN);
}

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

/* Just what is written for an instant: one text each. */
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

/* Months are of different lengths, and so are years. */
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

bool
ddb_template_parse_number(const DdbTemplateElement *element, const char *text,
						  size_t len, int64_t *number)
{
	char again[DDB_TEMPLATE_TIME_BUFFER];

	return len > 0 && take_number(text, len, number) == len &&
		   ddb_template_format_number(element, *number, again) == len &&
		   memcmp(again, text, len) == 0;
}
