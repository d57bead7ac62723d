/* SPDX-License-Identifier: PostgreSQL */
/*
 * promises.c
 *		Counts the rows of a sample that break a promise.
 *
 * The planner relies on NOT NULL and on complete_indexes: what breaks them is
 * missing from the rows that an index gives.  Nobody but ANALYZE looks at
 * enough items to notice.  Of key attributes that no column shows it sees
 * nothing.
 */
#include "postgres.h"

#include "statistics/promises.h"

#include "access/htup_details.h"

/* A sample. */
typedef struct Rows
{
	TupleDesc descriptor;
	HeapTuple *items;
	int n;
} Rows;

static bool
is_null(const Rows *rows, int row, AttrNumber column)
{
	return heap_attisnull(rows->items[row], column, rows->descriptor);
}

/* Warns if the column, which is declared NOT NULL, has no value in some row. */
static void
check_column(const DdbRelation *relation, const DdbColumn *column,
			 const Rows *rows)
{
	int broken = 0;

	for (int i = 0; i < rows->n; i++)
		broken += is_null(rows, i, column->attnum);
	if (broken > 0)
		ereport(WARNING,
				(errcode(ERRCODE_WARNING),
				 errmsg("column \"%s\" of foreign table %s is declared NOT "
						"NULL",
						column->name, relation->name),
				 errdetail("%d of %d sampled items have no value for it. "
						   "Queries that an index serves may miss such items.",
						   broken, rows->n),
				 errhint("Drop NOT NULL from the column, or write the "
						 "attribute \"%s\" to all items.",
						 column->label)));
}

/*
 * True if the row has the partition key of the index, and lacks what the
 * column shows, which is another attribute of its key.
 */
static bool
breaks_index(DdbRelation *relation, const DdbIndexInfo *index, const Rows *rows,
			 int row, const DdbColumn *lacking)
{
	for (int i = 0; i < index->keys.npartition; i++)
	{
		const DdbColumn *column = ddb_relation_find_attribute(
			relation, index->keys.attributes[i].name);

		if (column == NULL || is_null(rows, row, column->attnum))
			return false;
	}
	return is_null(rows, row, lacking->attnum);
}

/* Warns if some row is not in the index that is declared complete. */
static void
check_index(DdbRelation *relation, const DdbIndexInfo *index, const Rows *rows)
{
	for (int i = index->keys.npartition; i < index->keys.n; i++)
	{
		const DdbColumn *column = ddb_relation_find_attribute(
			relation, index->keys.attributes[i].name);
		int broken = 0;

		if (column == NULL)
			continue;
		for (int row = 0; row < rows->n; row++)
			broken += breaks_index(relation, index, rows, row, column);
		if (broken > 0)
			ereport(WARNING,
					(errcode(ERRCODE_WARNING),
					 errmsg("foreign table %s declares index \"%s\" complete",
							relation->name, index->name),
					 errdetail("%d of %d sampled items have its partition key "
							   "without attribute \"%s\". Queries that the "
							   "index serves may miss such items.",
							   broken, rows->n, column->label),
					 errhint("Take the index out of option "
							 "\"complete_indexes\", or write the attribute to "
							 "all items.")));
	}
}

void
ddb_promises_check(DdbRelation *relation, const DdbTableInfo *info,
				   TupleDesc descriptor, HeapTuple *rows, int n)
{
	Rows sample = {descriptor, rows, n};
	ListCell *lc;

	for (int i = 0; i < relation->ncolumns; i++)
		if (relation->columns[i].name != NULL && relation->columns[i].not_null)
			check_column(relation, &relation->columns[i], &sample);
	foreach (lc, info->indexes)
	{
		const DdbIndexInfo *index = (const DdbIndexInfo *) lfirst(lc);

		if (ddb_table_info_is_complete(relation, index))
			check_index(relation, index, &sample);
	}
}
