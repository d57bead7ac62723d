/* SPDX-License-Identifier: PostgreSQL */
/*
 * text_form.h
 *		Types that are stored as their text form: what is particular to some.
 */
#ifndef DDB_TEXT_FORM_H
#define DDB_TEXT_FORM_H

#include "postgres.h"

/* What was left out of a text's fractions of seconds. */
typedef enum DdbFractionCut
{
	DDB_FRACTION_WHOLE,
	DDB_FRACTION_ZEROS_CUT,
	DDB_FRACTION_CUT,
} DdbFractionCut;

/* Does the type hold times of day, by itself or in what it is made of? */
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
