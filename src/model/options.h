/* SPDX-License-Identifier: PostgreSQL */
/*
 * options.h
 *		The options users set on servers, mappings, tables and columns.
 *
 * One table (options.c) says of each option where it may stand, what it takes,
 * its default, whether it is secret and who may set it; the validator, the
 * look-ups and the manual all read that table.
 */
#ifndef DDB_OPTIONS_H
#define DDB_OPTIONS_H

#include "postgres.h"

#include "nodes/pg_list.h"

/* Where an option may stand: bits. */
#define DDB_ON_SERVER (1 << 0)
#define DDB_ON_USER (1 << 1)
#define DDB_ON_TABLE (1 << 2)
#define DDB_ON_COLUMN (1 << 3)

typedef enum DdbOptionKind
{
	DDB_OPTION_TEXT, /* any non-empty text */
	DDB_OPTION_BOOL,
	DDB_OPTION_INTEGER, /* minimum to maximum */
	DDB_OPTION_NUMBER, /* not negative */
	DDB_OPTION_DURATION, /* '1s', '500ms'; minimum to maximum in ms */
	DDB_OPTION_CHOICE, /* one of choices */
	DDB_OPTION_RATE, /* a positive number or a percentage */
	DDB_OPTION_REGION,
	DDB_OPTION_URL,
	DDB_OPTION_ATTRIBUTE, /* an attribute's name or path */
	DDB_OPTION_TEMPLATE, /* how a key is composed: codec/template.h */
	DDB_OPTION_TIME, /* an ISO-8601 date or time */
} DdbOptionKind;

/* Who may set it. */
#define DDB_OPTION_SECRET (1 << 0) /* its value is never shown */
#define DDB_OPTION_SUPERUSER (1 << 1) /* superusers only */
#define DDB_OPTION_SERVER_FILE (1 << 2) /* superusers, pg_read_server_files */
#define DDB_OPTION_LATER                                                       \
	(1 << 3) /* named in the interface, but not
											 * available in this version */

typedef struct DdbOptionDef
{
	const char *name;
	int objects; /* DDB_ON_… */
	DdbOptionKind kind;
	int flags; /* DDB_OPTION_SECRET … */
	int64 minimum;
	int64 maximum;
	const char *choices; /* DDB_OPTION_CHOICE: "allow, warn, deny" */
	const char *later; /* of these, not available in this version; NULL: none */
	const char *default_text; /* what look-ups give where it is not set */
	const char *default_words; /* a default that is no value, in words */
	const char *help;
} DdbOptionDef;

extern const DdbOptionDef ddb_options[];
extern const int ddb_options_count;

/* Checks a whole option list of one object; raises the first error. */
extern void ddb_options_validate(List *options, int object);

/* The DefElem's text by name, or NULL. */
extern const char *ddb_options_get(List *options, const char *name);

/*
 * The value that own sets, else outer (NIL: there is none), else the default;
 * without a default NULL, false or 0.  It was validated when it was set.
 */
extern const char *ddb_options_text(const char *name, List *own, List *outer);
extern bool ddb_options_bool(const char *name, List *own, List *outer);
extern int ddb_options_int(const char *name, List *own, List *outer);
extern int ddb_options_duration_ms(const char *name, List *own, List *outer);
extern double ddb_options_number(const char *name, List *own, List *outer);
extern bool ddb_options_choice_is(const char *name, List *own, List *outer,
								  const char *choice);

#endif /* DDB_OPTIONS_H */
