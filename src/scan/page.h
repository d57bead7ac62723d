/* SPDX-License-Identifier: PostgreSQL */
/*
 * page.h
 *		One reply to GetItem, BatchGetItem, Query or Scan: checked whole, then item by item.
 */
#ifndef DDB_PAGE_H
#define DDB_PAGE_H

#include "postgres.h"

#include "format/json_reader.h"

typedef enum DdbPageKind
{
	DDB_PAGE_ITEM, /* GetItem: one item, or none */
	DDB_PAGE_BATCH, /* BatchGetItem */
	DDB_PAGE_ITEMS, /* Query, Scan */
	DDB_PAGE_COUNT, /* the same with Select COUNT: no items */
} DdbPageKind;

struct DdbRowReader;

/*
 * Where a value is in the page, noted while the page is walked.  Each item
 * begins with a note of attribute DDB_NOTE_ITEM, whose offset is the item's.
 * Small, because there may be one for every dozen bytes of a page.
 */
#define DDB_NOTE_ITEM (-1)

typedef struct DdbNote
{
	uint32 offset; /* of the value's span */
	uint32 len;
	int16 attribute; /* index into the reader's attributes */
	uint8 type; /* DdbValueType */
	bool flag; /* of BOOL the value, else: span is escaped */
} DdbNote;

/* The notes of a page, in memory that the next page uses again. */
typedef struct DdbNotes
{
	DdbNote *items;
	int n;
	int room;
	int next; /* where the next row begins */
} DdbNotes;

typedef struct DdbPage
{
	const char *body; /* not owned; outlives the page */
	size_t len;
	int64 item_count; /* items in this reply */
	int64 count; /* the reply's Count; items of GetItem */
	int64 scanned; /* ScannedCount; as count where it is absent */
	bool has_items; /* Items was there, or Item */
	bool is_error; /* an error's body under a success status */
	double read_units; /* consumed, as reported */
	const char *last_key; /* LastEvaluatedKey (of a batch UnprocessedKeys),
							 raw JSON; NULL: the end */
	int last_key_len;
	DdbNotes notes;
	int item_note; /* where the notes of the item that is read now begin */
} DdbPage;

/*
 * Walks the whole reply and raises an error unless it is well-formed JSON and
 * valid UTF-8 of the documented shape, whose counts agree with its items.
 * The reader notes where their values are; NULL when none is wanted.  A page
 * that was open before gives its memory to this one; the first must be zero.
 * The body must be followed by DDB_JSON_PADDING readable bytes.
 */
extern void ddb_page_open(DdbPage *page, const char *body, size_t len,
						  DdbPageKind kind, const char *table_name,
						  struct DdbRowReader *reader);

#endif /* DDB_PAGE_H */
