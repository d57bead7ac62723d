/* SPDX-License-Identifier: PostgreSQL */
/*
 * row.h
 *		Items of a page → rows of a foreign table.
 */
#ifndef DDB_ROW_H
#define DDB_ROW_H

#include "postgres.h"

#include "codec/codec.h"
#include "executor/tuptable.h"
#include "request/access_plan.h"
#include "request/expiry.h"
#include "request/key_targets.h"
#include "request/read_request.h"
#include "scan/entity_match.h"
#include "scan/page.h"

/* One attribute that rows are read from; several columns may show it. */
typedef struct DdbRowAttribute
{
	const char *name;
	int len;
	int first_codec; /* index into codecs; chained by next_codec */
	bool plain; /* JSON holds the name as it is */
	bool whole; /* wanted besides what columns show of it */
} DdbRowAttribute;

typedef struct DdbRowReader
{
	DdbRelation *relation;
	const DdbAccessPlan *plan;
	const DdbTarget *target; /* being read, or NULL: for error messages */
	DdbCodec **codecs; /* one a fetched column */
	int *next_codec; /* of the same attribute, or -1 */
	bool *soft; /* a misfit of this codec is NULL */
	bool *misfit_met; /* set instead of raising an error; NULL: one is raised */
	int ncodecs;
	DdbMatcher *matcher; /* NULL: every item is a row */
	DdbRowAttribute *attributes; /* sorted by length, then bytes */
	int nattributes;
	bool whole_items; /* codecs of first_item want all of each item */
	int first_item; /* chained by next_codec, or -1 */
	int *follower; /* the attribute seen after this one (index
								 * + 1; 0: at the start) in the last item */
	int *identity; /* the attributes of plan->identity, then position */
	int nidentity;
	int keys[DDB_MAX_KEY_ATTRIBUTES]; /* the attributes of what is read by; -1:
									   * not asked for */
	int ttl; /* the attribute whose past times hide items, or -1; … */
	DdbExpiry expiry; /* … and what these are, which the caller sets */
	const DdbCodec *current; /* being converted, for error context */
	const DdbPage *page; /* being read, for messages; NULL: none */
	struct DdbStream *stream; /* that the page is of; NULL: of none */
	char *(*find_key)(const struct DdbRowReader *reader,
					  const DdbColumn *column, const DdbAttributeValue *value);
	/* the key of the stream's item whose column has this value, for messages;
	 * NULL: there is none any more */
} DdbRowReader;

/* columns: attnums to fill; everything lives in the current context. */
extern DdbRowReader *ddb_row_reader_create(DdbRelation *relation,
										   const DdbAccessPlan *plan,
										   DdbCodecSet *codecs, List *columns);

/* What to ask for, unless it is whole items; *n of them. */
extern const DdbProjectedPath *ddb_row_reader_paths(const DdbRowReader *reader,
													int *n);

/*
 * Consumes the object at the scanner's position, an item of the page, and
 * notes where its values are.  On failure the scanner's error is set.
 */
extern void ddb_row_note_item(DdbRowReader *reader, DdbPage *page,
							  DdbJsonReader *json);

/*
 * Reads the next item of the page into the slot, false after the last one;
 * values are allocated in the current context.
 */
extern bool ddb_row_read(DdbRowReader *reader, DdbPage *page,
						 TupleTableSlot *slot);

/* The same of the item whose notes begin there; false when it is no row. */
extern bool ddb_row_read_at(DdbRowReader *reader, DdbPage *page, int note,
							TupleTableSlot *slot);

/* Where the notes of the next item begin; notes.n after the last one. */
extern int ddb_row_next_item(const DdbPage *page, int note);

/*
 * The i-th of reader->identity in the item whose notes begin there; false when
 * it is absent.
 */
extern bool ddb_row_identity(const DdbRowReader *reader, const DdbPage *page,
							 int note, int i, DdbAttributeValue *value);

/*
 * The i-th attribute of the key in the item that was read last; false when it
 * is absent, or was not asked for.
 */
extern bool ddb_row_key(const DdbRowReader *reader, const DdbPage *page, int i,
						DdbAttributeValue *value);

/*
 * From an attribute to the value that the column's path leads to; false when the
 * item ends before.
 */
extern bool ddb_row_follow_path(const DdbColumn *column,
								DdbAttributeValue *value);

/*
 * Fills the slot with what the key of a target says of the columns, for rows
 * that were only counted.
 */
extern void ddb_row_from_target(DdbRowReader *reader, const DdbTarget *target,
								TupleTableSlot *slot);

#endif /* DDB_ROW_H */
