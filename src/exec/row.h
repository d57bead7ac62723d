/*
 * row.h
 *		Items of a page → rows of a foreign table.
 */
#ifndef DDB_ROW_H
#define DDB_ROW_H

#include "postgres.h"

#include "codec/value.h"
#include "executor/tuptable.h"
#include "exec/bounds.h"
#include "plan/access_plan.h"

/* One attribute that rows are read from; several columns may show it. */
typedef struct DdbRowAttribute
{
	const char *name;
	int len;
	int first_codec; /* index into codecs; chained by next_codec */
	bool plain; /* JSON holds the name as it is */
} DdbRowAttribute;

/*
 * Where a value is in the page, noted while the page is walked.  Each item
 * begins with a note of attribute DDB_ROW_ITEM, whose offset is the item's.
 * Small, because there may be one for every dozen bytes of a page.
 */
#define DDB_ROW_ITEM (-1)

typedef struct DdbRowNote
{
	uint32 offset; /* of the value's span */
	uint32 len;
	int16 attribute; /* index into attributes */
	uint8 type; /* DdbValueType */
	bool flag; /* of BOOL the value, else: span is escaped */
} DdbRowNote;

typedef struct DdbRowReader
{
	DdbRelation *relation;
	const DdbAccessPlan *plan;
	const DdbKeyRanges *ranges; /* for error messages */
	DdbCodec *codecs; /* one a fetched column */
	int *next_codec; /* of the same attribute, or -1 */
	bool *soft; /* a misfit of this codec is NULL */
	int ncodecs;
	DdbRowAttribute *attributes; /* sorted by length, then bytes */
	int nattributes;
	int *follower; /* the attribute seen after this one (index
								 * + 1; 0: at the start) in the last item */
	const DdbCodec *current; /* being converted, for error context */

	/* of the page */
	const char *body;
	size_t body_len;
	DdbRowNote *notes;
	int nnotes;
	int max_notes;
	int next_note; /* the next item's, when a row is asked for */
	uint32 item; /* offset of the item being read */
} DdbRowReader;

/* columns: attnums to fill; everything lives in the current context. */
extern DdbRowReader *ddb_row_reader_create(DdbRelation *relation,
										   const DdbAccessPlan *plan,
										   const DdbKeyRanges *ranges,
										   List *columns);

/* The attributes to ask for. */
extern const char **ddb_row_reader_attributes(const DdbRowReader *reader);

/* A page of that body comes: forgets the one before. */
extern void ddb_row_reader_begin(DdbRowReader *reader, const char *body,
								 size_t len);

/*
 * Consumes the object at the scanner's position, an item of the page, and
 * notes where its values are.  On failure the scanner's error is set.
 */
extern void ddb_row_note_item(DdbRowReader *reader, DdbScanner *scan);

/*
 * Reads the next item of the page into the slot, false after the last one;
 * values are allocated in the current context.
 */
extern bool ddb_row_read(DdbRowReader *reader, TupleTableSlot *slot);

#endif /* DDB_ROW_H */
