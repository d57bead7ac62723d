/* SPDX-License-Identifier: PostgreSQL */
/*
 * text_form.h
 *		Types that are stored as their text form: one form, whatever the
 *		session's settings are.
 */
#ifndef DDB_TEXT_FORM_H
#define DDB_TEXT_FORM_H

#include "postgres.h"

#include "fmgr.h"

/*
 * The settings that a type's text depends on, a bit each (text_form.c); 0 of
 * most types.
 */
typedef uint32 DdbTextSettings;

extern DdbTextSettings ddb_text_form_settings(Oid typid);

/* True when it hangs on what no setting fixes, such as names in the catalog. */
extern bool ddb_text_form_is_unsteady(Oid typid);

/* By the type's output function. */
extern char *ddb_text_form_write(FmgrInfo *output, DdbTextSettings settings,
								 Datum datum);

/*
 * Around calls of the type's input function: sets what it depends on, and sets
 * it back.  An error sets it back as well.
 */
extern int ddb_text_form_begin_reading(DdbTextSettings settings);
extern void ddb_text_form_end_reading(int level);

/* True when the text that money was read from means the same in each session. */
extern bool ddb_text_form_is_money(const char *text, const char *written);

/* What was left out of a text's fractions of seconds. */
typedef enum DdbFractionCut
{
	DDB_FRACTION_WHOLE,
	DDB_FRACTION_ZEROS_CUT,
	DDB_FRACTION_CUT,
} DdbFractionCut;

/* True of a type that holds times of day, itself or in what it is made of. */
extern bool ddb_text_form_has_times(Oid typid);

/*
 * Cuts fractions of seconds to microseconds, in place: input functions would
 * round them, and the last instant of a day would become one of the next.
 */
extern DdbFractionCut ddb_text_form_cut_fractions(Oid typid, char *text);

/*
 * The modifier with which an input function keeps all that the type can hold,
 * of a type that holds times.
 */
extern int32 ddb_text_form_finest_typmod(Oid typid, int32 typmod);

#endif /* DDB_TEXT_FORM_H */
