/* SPDX-License-Identifier: PostgreSQL */
/*
 * key_templates.h
 *		The key templates of a foreign table, resolved against its columns and
 *		the keys of its DynamoDB table.
 *
 * Where a variable's column has its values from: its own attribute, when it
 * has option "attribute", or an attribute of its name is a key, or no template
 * tells the whole value; otherwise the key itself, parsed by the first template
 * that has the variable.  Templates of the table's key come first, partition
 * before sort, then those of indexes in the order of columns.
 *
 * An item matches a template when the attribute is just what the template makes
 * of the row's values.  Items that do not match the table's key are no rows.
 * The key of an index matches as a whole, when all its attributes are there and
 * match; if not, its templated columns and the variables taken from them are
 * NULL: so whoever asks that one of them be not NULL may read by the index.
 * An attribute that is in the keys of several indexes matches by itself.
 */
#ifndef DDB_KEY_TEMPLATES_H
#define DDB_KEY_TEMPLATES_H

#include "postgres.h"

#include "codec/key_variable.h"
#include "model/table_info.h"

/* Units of time that a query walks through at most. */
#define DDB_MAX_WALK 10000

typedef struct DdbKeyTemplate
{
	const DdbColumn *column; /* that shows the key attribute */
	List *companions; /* of an index: attnums of its key's columns, this
								 * one among them, or alone where several
								 * indexes have it; NIL of the table */
	DdbTemplate parsed;
	const DdbColumn *when; /* option template_when: the key is composed only
								 * where this column is true; or NULL */
	bool has_since; /* option partitions_since: … */
	int64 since; /* … in microseconds since 1970 */
	DdbVariable variables[DDB_TEMPLATE_MAX_ELEMENTS]; /* by element; of
								 * literals empty */
} DdbKeyTemplate;

typedef struct DdbKeyTemplates
{
	int n;
	DdbKeyTemplate **items; /* in the order in which they give values */
} DdbKeyTemplates;

/*
 * The columns that show the key of each index whose key has a template, but
 * for what is the table's: a list of lists of attnums, in the order of
 * columns, since DescribeTable promises none.
 */
extern List *ddb_key_templates_index_columns(DdbRelation *relation,
											 const DdbTableInfo *info);

/*
 * Fills relation->templates and the columns' source; raises an error when a
 * template does not go with the table.  To be called before any codec is made.
 */
extern void ddb_key_templates_resolve(DdbRelation *relation,
									  const DdbKeySchema *table_keys,
									  List *key_attributes,
									  List *index_columns);

/* The template of an attribute, or NULL. */
extern const DdbKeyTemplate *ddb_key_template_of(const DdbRelation *relation,
												 const char *attribute);

/* The template of a column by number, or NULL. */
extern const DdbKeyTemplate *
ddb_key_template_of_column(const DdbRelation *relation, AttrNumber column);

/* The variable's element in the template, from position on; -1: none. */
extern int ddb_key_template_find(const DdbKeyTemplate *template,
								 AttrNumber column, int position);

/*
 * True if a partition key's values can be listed from a range of this
 * variable's: where they are units of time.
 */
extern bool ddb_key_template_walks(const DdbVariable *variable);

/* True if the column is a variable of any template. */
extern bool ddb_key_templates_use(const DdbRelation *relation,
								  AttrNumber column);

/* The same, or if it says when a key is composed. */
extern bool ddb_key_templates_depend(const DdbRelation *relation,
									 AttrNumber column);

/*
 * The templated columns whose templates every row must match when it is read
 * by these keys: attnums.
 */
extern List *ddb_key_templates_of_keys(const DdbRelation *relation,
									   const DdbKeySchema *table_keys,
									   const DdbKeySchema *keys);

/*
 * True if one of these columns, which are not NULL, says that an index key
 * with this attribute matches, and so is there.
 */
extern bool ddb_key_templates_imply(const DdbRelation *relation,
									const char *attribute, Bitmapset *not_null);

/*
 * Adds the columns that the values of these are made of, and those that the
 * matched templates compare; ascending.
 */
extern List *ddb_key_templates_close(const DdbRelation *relation, List *columns,
									 List *matched);

#endif /* DDB_KEY_TEMPLATES_H */
