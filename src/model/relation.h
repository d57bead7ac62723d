/* SPDX-License-Identifier: PostgreSQL */
/*
 * relation.h
 *		A foreign table as the user declared it: options and columns, resolved.
 *
 * Built from the catalogs each time a table is planned or read, in the current
 * memory context.  Holds no connection and asks DynamoDB nothing.
 */
#ifndef DDB_RELATION_H
#define DDB_RELATION_H

#include "postgres.h"

#include "access/attnum.h"
#include "foreign/foreign.h"
#include "model/document_path.h"
#include "model/guc.h"

/* DynamoDB's attribute value types (API reference, AttributeValue). */
typedef enum DdbStoredType
{
	DDB_STORED_NONE, /* not resolved, or none fits */
	DDB_STORED_S,
	DDB_STORED_N,
	DDB_STORED_B,
	DDB_STORED_BOOL,
	DDB_STORED_NULL,
	DDB_STORED_SS,
	DDB_STORED_NS,
	DDB_STORED_BS,
	DDB_STORED_M,
	DDB_STORED_L,
	DDB_STORED_ANY,
} DdbStoredType;

typedef enum DdbTimeFormat
{
	DDB_TIME_DEFAULT, /* iso8601 for S, epoch for N */
	DDB_TIME_ISO8601, /* any ISO-8601 text */
	DDB_TIME_FIXED, /* iso8601:0 … :6 */
	DDB_TIME_EPOCH,
	DDB_TIME_EPOCH_MS,
} DdbTimeFormat;

/* How documents are shown. */
typedef enum DdbJsonFormat
{
	DDB_JSON_DEFAULT, /* plain */
	DDB_JSON_PLAIN, /* {"a": 1} */
	DDB_JSON_TYPED, /* {"a": {"N": "1"}}, as DynamoDB writes it */
} DdbJsonFormat;

typedef enum DdbDeclaredKey
{
	DDB_KEY_NONE,
	DDB_KEY_PARTITION,
	DDB_KEY_SORT,
} DdbDeclaredKey;

/* What of an item a column shows. */
typedef enum DdbReach
{
	DDB_REACH_ATTRIBUTE, /* all of an attribute */
	DDB_REACH_PATH, /* a value inside one */
	DDB_REACH_ITEM, /* the whole item */
	DDB_REACH_OVERFLOW, /* the attributes that no other column shows */
} DdbReach;

typedef struct DdbColumn
{
	AttrNumber attnum;
	const char *name; /* the column's; NULL: dropped */
	DdbReach reach;
	const char *attribute; /* DynamoDB's name, UTF-8; of more than one
								 * attribute "*" */
	int attribute_len;
	DdbPathStep *steps; /* of DDB_REACH_PATH: from the attribute on */
	int nsteps;
	const char *label; /* for messages: the attribute, or its path */
	Oid typid; /* as declared */
	Oid base_typid; /* of a domain, its base type */
	int32 typmod;
	Oid collation;
	DdbStoredType declared_type; /* option "type", or DDB_STORED_NONE */
	DdbTimeFormat time_format;
	int fraction_digits; /* of DDB_TIME_FIXED */
	DdbJsonFormat json_format;
	DdbDeclaredKey declared_key;
	DdbMismatchPolicy on_type_mismatch; /* options only; UNSET: the GUC */
	const char *template; /* option "template", UTF-8; NULL: none */
	const char *template_when; /* option, or NULL */
	const char *partitions_since; /* option, or NULL */
	bool names_attribute; /* has the option "attribute" */
	bool stores_null; /* SQL NULL is written as NULL, not left out */
	bool not_null; /* declared so: every item has it, and it fits */
	AttrNumber source; /* the templated column whose key its values are
								 * parsed out of; 0: it is an attribute */
} DdbColumn;

struct DdbKeyTemplates;

typedef struct DdbRelation
{
	Oid relid;
	char *name; /* schema-qualified, for messages */
	ForeignServer *server;
	char *table_name;
	char *index_name; /* NULL: none forced */
	bool consistent_read;
	List *complete_indexes; /* of char *, option; "*": all */
	bool hide_expired; /* items whose TTL has passed */
	bool updatable; /* may be written */
	bool replaces; /* INSERT may replace an item: insert_mode put */
	bool optimistic; /* only if what was read is unchanged */
	bool exactly_once; /* each write is a transaction with a token */
	int segment; /* this share of the table; -1: all of it */
	int total_segments; /* with a segment: of so many shares */
	int scan_segments; /* without: of each Scan; 0: by the table's size */
	DdbScanPolicy scan_policy; /* strictest of the options, or UNSET */
	DdbScanPolicy server_scan_policy; /* that of the server alone */
	double max_read_units; /* of the server; 0: no cap */
	double read_unit_price; /* USD per million */
	double write_unit_price;
	int ncolumns; /* including dropped ones */
	DdbColumn *columns; /* columns[attnum - 1] */
	struct DdbKeyTemplates *templates; /* key_templates.h; NULL: none, or
								 * not resolved yet */
} DdbRelation;

extern DdbRelation *ddb_relation_load(Oid relid);

/* True if the column shows this attribute, all of it and nothing else. */
extern bool ddb_column_shows(const DdbColumn *column, const char *attribute);

/* True if both columns show the same value of an item. */
extern bool ddb_column_same_path(const DdbColumn *a, const DdbColumn *b);

/* True if it takes the whole item to read the column. */
extern bool ddb_column_needs_item(const DdbColumn *column);

/*
 * A copy of the column, palloc'd, that stands for the members below it on this
 * path, of char *.  It has no number, as no column shows just that.
 */
extern DdbColumn *ddb_column_below(const DdbColumn *column, const List *path);

/* A column, palloc'd, that stands for an attribute which none may show. */
extern DdbColumn *ddb_column_of_attribute(const char *attribute);

/*
 * The column that shows an attribute, or NULL; of several the templated one,
 * else the first.
 */
extern DdbColumn *ddb_relation_find_attribute(DdbRelation *relation,
											  const char *attribute);

/*
 * Called where DynamoDB refuses a request as invalid: if columns declare the key
 * by option "key", errors raised until the callback is popped (from
 * error_context_stack) say so.
 */
extern void ddb_relation_push_declared_key(const DdbRelation *relation,
										   ErrorContextCallback *callback);

/* "S", "BOOL": as options and messages spell it. */
extern const char *ddb_stored_type_name(DdbStoredType type);
extern DdbStoredType ddb_stored_type_from_name(const char *name, int len);

/* "epoch_ms", "iso8601:3": as option "format" spells it; not of the default. */
extern const char *ddb_time_format_name(DdbTimeFormat format,
										int fraction_digits);

/* What the strictest of options and settings says now. */
extern DdbScanPolicy ddb_relation_scan_policy(const DdbRelation *relation);
extern double ddb_relation_max_read_units(const DdbRelation *relation);
extern DdbMismatchPolicy ddb_column_mismatch_policy(const DdbColumn *column);

#endif /* DDB_RELATION_H */
