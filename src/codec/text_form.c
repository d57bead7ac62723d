/* SPDX-License-Identifier: PostgreSQL */
/*
 * text_form.c
 *		Types that are stored as their text form: one form, whatever the
 *		session's settings are.
 *
 * As pg_dump and postgres_fdw have it, but for reading as well.  Settings that
 * are what they should be already are left alone.
 */
#include "postgres.h"

#include "codec/text_form.h"

#include "access/transam.h"
#include "catalog/pg_type.h"
#include "compat.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/bytea.h"
#include "utils/float.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"
#include "utils/xml.h"

#define FRACTION_DIGITS 6

typedef enum SettingBit
{
	DATE_STYLE = 1 << 0,
	INTERVAL_STYLE = 1 << 1,
	TIME_ZONE = 1 << 2,
	FLOAT_DIGITS = 1 << 3,
	BYTEA_OUTPUT = 1 << 4,
	XML_OPTION = 1 << 5,
	LC_MONETARY_BIT = 1 << 6,
	NAMES = 1 << 7, /* of tables, types, functions */
} SettingBit;

static bool
date_style_is_set(void)
{
	return DateStyle == USE_ISO_DATES && DateOrder == DATEORDER_MDY;
}

static bool
interval_style_is_set(void)
{
	return IntervalStyle == INTSTYLE_POSTGRES;
}

static bool
time_zone_is_set(void)
{
	return strcmp(pg_get_timezone_name(session_timezone), "UTC") == 0;
}

/* From 1 on floats are written as exactly as with 3. */
static bool
float_digits_are_set(void)
{
	return extra_float_digits > 0;
}

static bool
bytea_output_is_set(void)
{
	return bytea_output == BYTEA_OUTPUT_HEX;
}

static bool
xml_option_is_set(void)
{
	return xmloption == XMLOPTION_CONTENT;
}

static bool
lc_monetary_is_set(void)
{
	return strcmp(locale_monetary, "C") == 0;
}

static bool
never_set(void)
{
	return false;
}

typedef struct Setting
{
	SettingBit bit;
	bool only_written; /* reading takes every form, or needs the session's */
	const char *name;
	const char *value;
	bool (*is_set)(void);
} Setting;

static const Setting all_settings[] = {
	{DATE_STYLE, false, "datestyle", "ISO, MDY", date_style_is_set},
	{INTERVAL_STYLE, false, "intervalstyle", "postgres", interval_style_is_set},
	{TIME_ZONE, false, "timezone", "UTC", time_zone_is_set},
	{FLOAT_DIGITS, true, "extra_float_digits", "3", float_digits_are_set},
	{BYTEA_OUTPUT, true, "bytea_output", "hex", bytea_output_is_set},
	{XML_OPTION, false, "xmloption", "content", xml_option_is_set},
	{LC_MONETARY_BIT, false, "lc_monetary", "C", lc_monetary_is_set},
	{NAMES, true, "search_path", "pg_catalog", never_set},
	{NAMES, true, "quote_all_identifiers", "off", never_set},
};

/* What an array or a range is made of; InvalidOid of other types. */
static Oid
inner_type(Oid typid)
{
	Oid inner = get_element_type(typid);

	if (!OidIsValid(inner))
		inner = get_range_subtype(typid);
	if (!OidIsValid(inner))
		inner = get_multirange_range(typid);
	return inner;
}

/* The type of the scalars that a value is made of. */
static Oid
scalar_type(Oid typid)
{
	for (Oid inner = typid; OidIsValid(inner); inner = inner_type(typid))
		typid = getBaseType(inner);
	return typid;
}

/* True of names of something in the catalog. */
static bool
is_name(Oid typid)
{
	switch (typid)
	{
		case REGCLASSOID:
		case REGCOLLATIONOID:
		case REGCONFIGOID:
		case REGDICTIONARYOID:
		case REGNAMESPACEOID:
		case REGOPEROID:
		case REGOPERATOROID:
		case REGPROCOID:
		case REGPROCEDUREOID:
		case REGROLEOID:
		case REGTYPEOID:
		case ACLITEMOID:
			return true;
		default:
			return false;
	}
}

/*
 * Which settings the text of a type depends on, as a mask.  All of them for
 * types that nothing is known of.
 */
DdbTextSettings
ddb_text_form_settings(Oid typid)
{
	Oid scalar = scalar_type(typid);

	switch (scalar)
	{
		case DATEOID:
		case TIMEOID:
		case TIMESTAMPOID:
			return DATE_STYLE;
		case TIMETZOID:
		case TIMESTAMPTZOID:
			return DATE_STYLE | TIME_ZONE;
		case INTERVALOID:
			return INTERVAL_STYLE;
		case BYTEAOID:
			return BYTEA_OUTPUT;
		case XMLOID:
			return XML_OPTION;
		case MONEYOID:
			return LC_MONETARY_BIT;
		case RECORDOID:
			break;
		default:
			if (is_name(scalar))
				return NAMES;
			if (get_typtype(scalar) == TYPTYPE_ENUM)
				return 0;
			if (scalar < FirstNormalObjectId)
				return FLOAT_DIGITS; /* geometric types and more */
			break;
	}
	/* Nothing is known of an extension's type, or of a composite one. */
	return ~(DdbTextSettings) 0;
}

bool
ddb_text_form_is_unsteady(Oid typid)
{
	Oid scalar = scalar_type(typid);

	return scalar == MONEYOID || is_name(scalar);
}

/*
 * Sets those of the settings that differ from what is fixed.  Returns the GUC
 * level that restores them when it ends, or 0 if nothing was set.
 */
static int
begin_settings(DdbTextSettings settings, bool writing)
{
	int level = 0;

	for (int i = 0; settings != 0 && i < (int) lengthof(all_settings); i++)
	{
		const Setting *setting = &all_settings[i];

		if ((settings & setting->bit) == 0 ||
			(setting->only_written && !writing) || setting->is_set())
			continue;
		if (level == 0)
			level = NewGUCNestLevel();
		(void) set_config_option(setting->name, setting->value, PGC_USERSET,
								 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0,
								 false);
	}
	return level;
}

int
ddb_text_form_begin_reading(DdbTextSettings settings)
{
	return begin_settings(settings, false);
}

/* level is what ddb_text_form_begin_reading() has returned. */
void
ddb_text_form_end_reading(int level)
{
	if (level > 0)
		AtEOXact_GUC(true, level);
}

/*
 * Sets only what differs from the session's own settings, and restores it.  An
 * error restores it too, as the transaction's GUC level ends.
 */
char *
ddb_text_form_write(FmgrInfo *output, DdbTextSettings settings, Datum datum)
{
	int level = begin_settings(settings, true);
	char *text = OutputFunctionCall(output, datum);

	if (level > 0)
		AtEOXact_GUC(true, level);
	return text;
}

/*
 * As it is written, or a plain number.  More would be taken: "1,00 €" of another
 * lc_monetary as a hundred, "1.005" rounded.
 */
bool
ddb_text_form_is_money(const char *text, const char *written)
{
	size_t digits;
	size_t fraction = 0;

	if (strcmp(text, written) == 0)
		return true;
	text += *text == '-';
	digits = strspn(text, "0123456789");
	text += digits;
	if (*text == '.')
	{
		fraction = strspn(text + 1, "0123456789");
		if (fraction < 1)
			return false;
		text += 1 + fraction;
	}
	return digits > 0 && fraction <= 2 && *text == '\0';
}

/* Arrays and ranges count by what they are made of. */
bool
ddb_text_form_has_times(Oid typid)
{
	switch (scalar_type(typid))
	{
		case TIMEOID:
		case TIMETZOID:
		case INTERVALOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			return true;
		default:
			return false;
	}
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/*
 * True if digits around a point are those of seconds.  In an interval they may
 * be of another unit, and in a timestamp Julian days.
 */
static bool
are_seconds(bool is_interval, const char *text, const char *point,
			const char *end)
{
	while (point > text && is_digit(point[-1]))
		point--;
	if (point > text && point[-1] == ':')
		return true;
	if (point > text && pg_toupper((unsigned char) point[-1]) == 'J')
		return false;
	while (*end == ' ')
		end++;
	return !is_interval || pg_toupper((unsigned char) *end) == 'S' ||
		   !isalpha((unsigned char) *end);
}

/*
 * Returns whether anything but zeros was cut.  The text only becomes shorter.
 */
DdbFractionCut
ddb_text_form_cut_fractions(Oid typid, char *text)
{
	bool is_interval = scalar_type(typid) == INTERVALOID;
	DdbFractionCut cut = DDB_FRACTION_WHOLE;

	for (char *p = text; *p != '\0'; p++)
	{
		size_t digits = *p == '.' ? strspn(p + 1, "0123456789") : 0;
		char *keep = p + 1 + FRACTION_DIGITS;

		if (digits <= FRACTION_DIGITS ||
			!are_seconds(is_interval, text, p, p + 1 + digits))
			continue;
		digits -= FRACTION_DIGITS;
		cut = Max(cut, strspn(keep, "0") < digits ? DDB_FRACTION_CUT
												  : DDB_FRACTION_ZEROS_CUT);
		memmove(keep, keep + digits, strlen(keep + digits) + 1);
	}
	return cut;
}

int32
ddb_text_form_finest_typmod(Oid typid, int32 typmod)
{
	if (typmod >= 0 && scalar_type(typid) == INTERVALOID)
		return INTERVAL_TYPMOD(INTERVAL_FULL_PRECISION, INTERVAL_RANGE(typmod));
	return -1;
}
