/* SPDX-License-Identifier: PostgreSQL */
/*
 * document_path.c
 *		Takes document paths apart.
 */
#include "postgres.h"

#include "model/document_path.h"

#include "lib/stringinfo.h"

/* A step by name, palloc'd with a copy of len bytes of it. */
static DdbPathStep *
name_step(const char *name, int len)
{
	DdbPathStep *step = palloc0(sizeof(DdbPathStep));

	step->name = pnstrdup(name, len);
	step->len = len;
	return step;
}

/*
 * Reads a name in double quotes at p into *step; two quotes inside stand for
 * one.  Returns what follows the closing quote, or NULL.
 */
static const char *
parse_quoted(const char *p, DdbPathStep **step)
{
	StringInfoData name;

	initStringInfo(&name);
	for (p++; *p != '\0'; p++)
	{
		if (*p == '"' && p[1] != '"')
			break;
		if (*p == '"')
			p++;
		appendStringInfoChar(&name, *p);
	}
	if (*p != '"' || name.len == 0)
		return NULL;
	*step = name_step(name.data, name.len);
	return p + 1;
}

/*
 * Reads one name at p, quoted or not, into *step.  Returns what comes after
 * it, or NULL if no name stands there.
 */
static const char *
parse_name(const char *p, DdbPathStep **step)
{
	size_t len = strcspn(p, ".[");

	if (*p == '"')
		return parse_quoted(p, step);
	if (len == 0)
		return NULL;
	*step = name_step(p, len);
	return p + len;
}

/*
 * Reads an index in brackets at p into *step.  Returns what follows the
 * bracket, or NULL if there is no whole number within range in it.
 */
static const char *
parse_index(const char *p, DdbPathStep **step)
{
	const char *digits = ++p;
	int index = 0;

	for (; *p >= '0' && *p <= '9' && index < DDB_MAX_LIST_ELEMENTS; p++)
		index = index * 10 + (*p - '0');
	if (p == digits || *p != ']' || index >= DDB_MAX_LIST_ELEMENTS)
		return NULL;
	*step = palloc0(sizeof(DdbPathStep));
	(*step)->index = index;
	return p + 1;
}

/* True if an item can have as many levels, and its lists as many elements. */
static bool
may_exist(const List *steps)
{
	int64 elements = 0;
	ListCell *lc;

	foreach (lc, steps)
	{
		const DdbPathStep *step = (const DdbPathStep *) lfirst(lc);

		if (step->name == NULL)
			elements += (int64) step->index + 1;
	}
	return list_length(steps) <= DDB_MAX_PATH_STEPS &&
		   elements <= DDB_MAX_LIST_ELEMENTS;
}

/*
 * A path that ends in a separator is none.  Never raises an error.
 */
List *
ddb_path_parse(const char *text)
{
	DdbPathStep *step = NULL;
	const char *p = parse_name(text, &step);
	List *steps = NIL;

	while (p != NULL)
	{
		steps = lappend(steps, step);
		if (*p == '\0')
			return may_exist(steps) ? steps : NIL;
		if (*p == '.')
			p = parse_name(p + 1, &step);
		else if (*p == '[')
			p = parse_index(p, &step);
		else
			p = NULL;
	}
	return NIL;
}

/* nsteps if the path does not lead into a list at all. */
int
ddb_path_names(const DdbPathStep *steps, int nsteps)
{
	int n = 0;

	while (n < nsteps && steps[n].name != NULL)
		n++;
	return n;
}

/* True if both are the same name, compared by bytes, or the same index. */
bool
ddb_path_step_equal(const DdbPathStep *a, const DdbPathStep *b)
{
	if (a->name == NULL || b->name == NULL)
		return a->name == b->name && a->index == b->index;
	return a->len == b->len && memcmp(a->name, b->name, a->len) == 0;
}
