/* SPDX-License-Identifier: PostgreSQL */
/*
 * document_update.c
 *		Reads the documents, changes them here, and writes them back unchanged
 *		in between.
 *
 * UpdateItem sets a member of a map only if the map is there (dynamodb.md
 * section 3.1, rule 10), and an element of a list only where it does not end
 * before.
 */
#include "postgres.h"

#include "modify/document_update.h"

#include "modify/item_tree.h"
#include "modify/unchanged.h"

/*
 * Sends one request and waits for it; job says what became of it.  Reading
 * counts no items.
 */
static void
run(DdbWrites *writes, const DdbWriteTarget *target, DdbWriteJob *job,
	DdbcOperation operation, const StringInfo body)
{
	ddb_write_job_init(job, target, operation, body,
					   operation == DDBC_GET_ITEM ? 0 : 1);
	ddb_writes_run(writes, &job, 1);
}

/*
 * The item as it is, as a tree; NULL if there is none. job says what the
 * request took.
 */
static DdbItemNode *
look(DdbWrites *writes, const DdbWriteTarget *target, const char *key,
	 DdbWriteJob *job)
{
	StringInfoData body;
	DdbItemNode *root;

	initStringInfo(&body);
	ddb_write_get(&body, target, key);
	run(writes, target, job, DDBC_GET_ITEM, &body);
	if (job->item == NULL)
		return NULL;
	root = ddb_item_tree_parse(job->item, job->item_len);
	if (root == NULL)
		elog(ERROR, "an item of DynamoDB table \"%s\" is not well-formed",
			 target->table_name);
	return root;
}

static DdbAssignment *
find_assignment(DdbItemUpdate *update, const char *attribute)
{
	for (int i = 0; i < update->n; i++)
		if (strcmp(update->assignments[i].attribute, attribute) == 0)
			return &update->assignments[i];
	return NULL;
}

/*
 * Raises the error of a path that leads into something that is not a document.
 */
static void
raise_blocked(const DdbWriteTarget *target, const DdbAssignment *assignment)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("could not update a member of attribute \"%s\" of "
						   "an item of DynamoDB table \"%s\"",
						   assignment->attribute, target->table_name),
					errdetail("The path leads into a stored value that is "
							  "neither a map nor a list.")));
}

/*
 * The same update with whole attributes in place of paths, made of the item as
 * it is.  Each of them is conditional on what it was.  Raises an error if a
 * path leads nowhere.
 */
static void
widen(const DdbWriteTarget *target, const DdbItemUpdate *update,
	  DdbItemNode *root, DdbItemUpdate *wide)
{
	memset(wide, 0, sizeof(*wide));
	wide->assignments = palloc0(sizeof(DdbAssignment) * update->n);
	for (int i = 0; i < update->n; i++)
	{
		const DdbAssignment *assignment = &update->assignments[i];
		DdbAssignment *whole = find_assignment(wide, assignment->attribute);

		if (whole == NULL)
		{
			whole = &wide->assignments[wide->n++];
			*whole = *assignment;
			whole->steps = NULL;
			whole->nsteps = 0;
			whole->checked = assignment->nsteps > 0;
			if (whole->checked)
				whole->old = ddb_item_tree_get(root, assignment->attribute,
											   &whole->old_len);
		}
		if (!ddb_item_tree_set(root, assignment->attribute, assignment->steps,
							   assignment->nsteps, assignment->value,
							   assignment->len))
			raise_blocked(target, assignment);
		whole->value =
			ddb_item_tree_get(root, assignment->attribute, &whole->len);
	}
}

bool
ddb_path_update_has_elements(const DdbItemUpdate *update)
{
	for (int i = 0; i < update->n; i++)
		if (ddb_assignment_meets_element(&update->assignments[i]))
			return true;
	return false;
}

/* Takes out assignments that would write what is there already. */
static void
drop_unchanged(DdbItemUpdate *wide)
{
	int n = 0;

	for (int i = 0; i < wide->n; i++)
	{
		const DdbAssignment *whole = &wide->assignments[i];

		if (whole->checked && whole->value == NULL && whole->old == NULL)
			continue;
		if (whole->checked && whole->value != NULL && whole->old != NULL &&
			whole->len == whole->old_len &&
			memcmp(whole->value, whole->old, whole->len) == 0)
			continue;
		wide->assignments[n++] = *whole;
	}
	wide->n = n;
}

/*
 * True if the update was refused although nothing changed of what is checked.
 * Then the condition does not hold any more.
 */
static bool
is_unwanted(const DdbWriteTarget *target, const DdbItemUpdate *wide,
			const DdbUnchanged *unchanged, const DdbWriteJob *job)
{
	DdbItemNode *root;

	if (target->condition == NULL || job->item == NULL)
		return false;
	root = ddb_item_tree_parse(job->item, job->item_len);
	for (int i = 0; i < wide->n && root != NULL; i++)
	{
		const DdbAssignment *whole = &wide->assignments[i];
		int len = 0;
		char *now;

		if (!whole->checked)
			continue;
		now = ddb_item_tree_get(root, whole->attribute, &len);
		if ((now == NULL) != (whole->old == NULL) ||
			(now != NULL &&
			 (len != whole->old_len || memcmp(now, whole->old, len) != 0)))
			return false;
	}
	return root != NULL && ddb_unchanged_holds(unchanged, root);
}

void
ddb_path_raise_contended(const DdbWriteTarget *target)
{
	ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
					errmsg("could not write an item of DynamoDB table \"%s\" "
						   "due to concurrent changes",
						   target->table_name),
					errhint("Retry the statement.")));
}

/*
 * Tries a limited number of times, since others may change the item between
 * look and write.  Raises an error (40001) after that.
 */
void
ddb_path_update_run(DdbWrites *writes, const DdbWriteTarget *target,
					const char *key, const DdbItemUpdate *update, List *shown,
					DdbWriteJob *job)
{
	for (int i = 0; i < DDB_MAX_CHANGE_TRIES; i++)
	{
		DdbItemNode *root = look(writes, target, key, job);
		DdbWriteTarget now = *target;
		DdbUnchanged *unchanged;
		DdbItemUpdate wide;
		StringInfoData body;

		if (root == NULL)
		{
			job->refused = true;
			return;
		}
		widen(target, update, root, &wide);
		/* Whether the condition holds only a write tells. */
		if (target->condition == NULL)
			drop_unchanged(&wide);
		if (wide.n == 0)
			return;
		unchanged = ddb_unchanged_note(shown, &wide, root);
		now.condition = ddb_unchanged_condition(unchanged, target->condition);
		initStringInfo(&body);
		ddb_write_update(&body, &now, key, &wide);
		run(writes, target, job, DDBC_UPDATE_ITEM, &body);
		if (!job->refused && shown != NIL)
			job->item = ddb_unchanged_after(root, &wide, &job->item_len);
		if (!job->refused || job->ambiguous ||
			is_unwanted(&now, &wide, unchanged, job))
			return;
	}
	ddb_path_raise_contended(target);
}
