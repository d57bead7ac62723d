/* SPDX-License-Identifier: PostgreSQL */
/*
 * item_keep.c
 *		Compares what a column showed with what it is to show, beside what is
 *		stored.
 *
 * Old and wanted value were written by the same codec, so they are equal when
 * their bytes are; and the old one has the shape of what is stored: a map for
 * a map, a list for a list or a set, in the same order.  Where it has not,
 * since others have changed the item, the wanted value is taken as it is.
 */
#include "postgres.h"

#include "modify/item_keep.h"

#include "codec/codec.h"
#include "codec/json_text.h"
#include "common/base64.h"
#include "compat.h"
#include "format/decimal.h"
#include "miscadmin.h"

/* Bytes of an update expression that paths, and attributes, may take: of 4096. */
#define MAX_PATHS_BYTES 2048
#define MAX_ATTRIBUTES_BYTES 3800

/* "#a123=:s123,", and each step, ".#a123_3", about. */
#define BYTES_OF_ASSIGNMENT 12
#define BYTES_OF_STEP 8

/* Comparisons of elements that have moved: what is beyond is taken as new. */
#define MAX_COMPARISONS 1000000

/* A value, or a member of a set, whose JSON is but a string. */
typedef struct Part
{
	const char *json;
	int len;
	const char *name; /* of a map's member; NULL: it cannot be text */
	int name_len;
	DdbSpan raw_name; /* as JSON has it */
	DdbAttributeValue value; /* not of a set's member */
} Part;

typedef struct Parts
{
	Part *items;
	int n;
	int room;
} Parts;

typedef struct Keeper
{
	const DdbKeptChange *change;
	DdbItemUpdate *update;
	bool by_path;
	int bytes; /* that assignments take in the expression, about … */
	int room; /* … of so many */
	bool lacks_stored;
	bool blocked; /* it cannot be said so */
} Keeper;

/* ---- taking values apart ---- */

static bool
is_set(DdbValueType type)
{
	return type == DDB_VALUE_SS || type == DDB_VALUE_NS || type == DDB_VALUE_BS;
}

/*
 * Looks at an attribute value as JSON. One that is not well-formed has the
 * type DDB_VALUE_NONE.
 */
static void
read_part(Part *part, const char *json, int len)
{
	DdbJsonReader reader;

	part->json = json;
	part->len = len;
	ddb_json_init(&reader, json, len);
	if (!ddb_attribute_read(&reader, &part->value))
		part->value.type = DDB_VALUE_NONE;
}

/*
 * Sorts parts by the length of their names, then by bytes, for qsort().  Names
 * that cannot be text come first.
 */
static int
compare_names(const void *a, const void *b)
{
	const Part *left = (const Part *) a;
	const Part *right = (const Part *) b;

	if (left->name == NULL || right->name == NULL)
		return (left->name != NULL) - (right->name != NULL);
	if (left->name_len != right->name_len)
		return left->name_len - right->name_len;
	return memcmp(left->name, right->name, left->name_len);
}

/* Appends an empty part.  Pointers to earlier parts may become invalid. */
static Part *
add_part(Parts *parts)
{
	if (parts->n == parts->room)
	{
		parts->room = Max(parts->room * 2, 8);
		parts->items =
			parts->items == NULL
				? palloc(sizeof(Part) * parts->room)
				: repalloc_huge(parts->items, sizeof(Part) * parts->room);
	}
	memset(&parts->items[parts->n], 0, sizeof(Part));
	return &parts->items[parts->n++];
}

/*
 * Adds the members of a map, sorted by name.  Both the name as it is stored
 * and its text are kept.
 */
static void
take_apart_map(Parts *parts, DdbJsonReader *reader)
{
	bool first = true;
	DdbSpan name;
	DdbSpan value;
	size_t len = 0;
	const char *reason;

	(void) ddb_json_enter_object(reader);
	while (ddb_json_next_member(reader, &first, &name) &&
		   ddb_json_skip_span(reader, &value))
	{
		Part *part = add_part(parts);

		read_part(part, value.data, (int) value.len);
		part->raw_name = name;
		part->name = ddb_value_text(&name, NULL, 0, &len, &reason);
		part->name_len = (int) len;
	}
	if (parts->n > 1)
		qsort(parts->items, parts->n, sizeof(Part), compare_names);
}

/* Members of a map by their names, elements of a list or set in their order. */
static Parts
take_apart(const Part *whole)
{
	const DdbSpan *span = &whole->value.span;
	Parts parts = {NULL, 0, 0};
	DdbJsonReader reader;
	bool first = true;
	DdbSpan value;

	ddb_json_init(&reader, span->data, span->len);
	if (whole->value.type == DDB_VALUE_M)
	{
		take_apart_map(&parts, &reader);
		return parts;
	}
	(void) ddb_json_enter_array(&reader);
	while (ddb_json_next_element(&reader, &first) &&
		   ddb_json_skip_span(&reader, &value))
	{
		Part *part = add_part(&parts);

		part->json = value.data;
		part->len = (int) value.len;
		if (whole->value.type == DDB_VALUE_L)
			read_part(part, value.data, (int) value.len);
	}
	return parts;
}

/* The member of that name; NULL when there is none. */
static const Part *
find_member(const Parts *parts, const Part *like)
{
	if (like->name == NULL || parts->n == 0)
		return NULL;
	return bsearch(like, parts->items, parts->n, sizeof(Part), compare_names);
}

static bool
same(const Part *a, const Part *b)
{
	return a->len == b->len && memcmp(a->json, b->json, a->len) == 0;
}

/* ---- values that are made of both ---- */

static void append_kept(StringInfo json, const Part *stored, const Part *old,
						const Part *wanted);

/*
 * Appends the member's name as it is stored, and what separates it from the
 * one before.
 */
static void
append_member(StringInfo json, const Part *named, bool *first)
{
	appendStringInfoString(json, *first ? "\"" : ",\"");
	*first = false;
	appendBinaryStringInfo(json, named->raw_name.data,
						   (int) named->raw_name.len);
	appendStringInfoString(json, "\":");
}

/*
 * Appends the map wanted, in which equal members keep their stored form.
 * Members that the column did not show are kept as well.
 */
static void
append_map(StringInfo json, const Part *stored, const Part *old,
		   const Part *wanted)
{
	Parts stored_parts = take_apart(stored);
	Parts old_parts = take_apart(old);
	Parts parts = take_apart(wanted);
	bool first = true;

	appendStringInfoString(json, "{\"M\":{");
	for (int i = 0; i < parts.n; i++)
	{
		append_member(json, &parts.items[i], &first);
		append_kept(json, find_member(&stored_parts, &parts.items[i]),
					find_member(&old_parts, &parts.items[i]), &parts.items[i]);
	}
	/* What was not shown cannot have been taken away. */
	for (int i = 0; i < stored_parts.n; i++)
	{
		const Part *part = &stored_parts.items[i];

		if (find_member(&old_parts, part) != NULL ||
			find_member(&parts, part) != NULL)
			continue;
		append_member(json, part, &first);
		appendBinaryStringInfo(json, part->json, part->len);
	}
	appendStringInfoString(json, "}}");
}

/*
 * Which element of the old list each of the wanted one was: those that stayed
 * in front and behind, then any that is equal, then of as many others each its
 * neighbour.  -1: none.
 */
static int *
match_elements(const Parts *old, const Parts *wanted)
{
	int *matches = palloc(sizeof(int) * Max(wanted->n, 1));
	bool *taken = palloc0(sizeof(bool) * Max(old->n, 1));
	int shorter = Min(old->n, wanted->n);
	int front = 0;
	int behind = 0;
	int64 comparisons;

	while (front < shorter && same(&old->items[front], &wanted->items[front]))
		front++;
	while (behind < shorter - front &&
		   same(&old->items[old->n - behind - 1],
				&wanted->items[wanted->n - behind - 1]))
		behind++;
	comparisons =
		(int64) (old->n - front - behind) * (wanted->n - front - behind);
	for (int i = 0; i < wanted->n; i++)
	{
		matches[i] = i < front ? i : -1;
		if (i >= wanted->n - behind)
			matches[i] = old->n - wanted->n + i;
	}
	for (int i = front;
		 comparisons <= MAX_COMPARISONS && i < wanted->n - behind; i++)
		for (int j = front; j < old->n - behind && matches[i] < 0; j++)
			if (!taken[j] && same(&old->items[j], &wanted->items[i]))
			{
				matches[i] = j;
				taken[j] = true;
			}
	for (int i = front; old->n == wanted->n && i < wanted->n - behind; i++)
		if (matches[i] < 0 && !taken[i])
			matches[i] = i;
	return matches;
}

/*
 * Appends the list wanted, in which elements that are found in the old one
 * keep their stored form.
 */
static void
append_list(StringInfo json, const Part *stored, const Part *old,
			const Part *wanted)
{
	Parts stored_parts = take_apart(stored);
	Parts old_parts = take_apart(old);
	Parts parts = take_apart(wanted);
	int *matches = match_elements(&old_parts, &parts);
	bool parallel = stored_parts.n == old_parts.n;

	appendStringInfoString(json, "{\"L\":[");
	for (int i = 0; i < parts.n; i++)
	{
		int j = parallel ? matches[i] : -1;

		if (i > 0)
			appendStringInfoChar(json, ',');
		append_kept(json, j >= 0 ? &stored_parts.items[j] : NULL,
					j >= 0 ? &old_parts.items[j] : NULL, &parts.items[i]);
	}
	appendStringInfoString(json, "]}");
}

/*
 * True if the span is the one base64 text of some bytes, so that it may stand
 * for binary.
 */
static bool
is_base64(const DdbSpan *span)
{
	char *bytes = palloc(pg_b64_dec_len((int) span->len) + 1);
	char *again;
	int n = ddb_compat_b64_decode(span->data, (int) span->len, bytes,
								  pg_b64_dec_len((int) span->len) + 1);
	int room;

	if (n < 0)
		return false;
	room = pg_b64_enc_len(n) + 1;
	again = palloc(room);
	return ddb_compat_b64_encode(bytes, n, again, room) == (int) span->len &&
		   memcmp(again, span->data, span->len) == 0;
}

/*
 * True if the value can be a member of a set of that type.  Base64 text may
 * stand for binary, as documents show it so.
 */
static bool
suits_set(DdbValueType set, const DdbAttributeValue *value)
{
	switch (set)
	{
		case DDB_VALUE_SS:
			return value->type == DDB_VALUE_S;
		case DDB_VALUE_NS:
			return value->type == DDB_VALUE_N;
		default:
			return value->type == DDB_VALUE_B ||
				   (value->type == DDB_VALUE_S && is_base64(&value->span));
	}
}

static int
compare_texts(const void *a, const void *b)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

/*
 * What tells members of a set apart: their text, and of numbers the canonical
 * one.  NULL if that is not known.
 */
static char *
member_text(DdbValueType set, const Part *member)
{
	DdbSpan inside = {member->json + 1, (uint32_t) member->len - 2, true};
	DdbDecimal decimal;
	char *text;
	size_t len;
	const char *reason;

	text = ddb_value_text(&inside, NULL, 0, &len, &reason);
	if (text == NULL || set != DDB_VALUE_NS)
		return text;
	if (!ddb_decimal_parse(text, len, &decimal))
		return NULL;
	text = palloc(DDB_DECIMAL_BUFFER);
	(void) ddb_decimal_canonical(&decimal, text);
	return text;
}

/* True if there are members, and none of them twice. */
static bool
can_be_set(DdbValueType set, const Parts *members)
{
	char **texts = palloc(sizeof(char *) * Max(members->n, 1));

	for (int i = 0; i < members->n; i++)
	{
		texts[i] = member_text(set, &members->items[i]);
		if (texts[i] == NULL)
			return false;
	}
	qsort(texts, members->n, sizeof(char *), compare_texts);
	for (int i = 1; i < members->n; i++)
		if (strcmp(texts[i - 1], texts[i]) == 0)
			return false;
	return members->n > 0;
}

/* The string that stands in a value, {"S":"…"}, with its quotes. */
static Part
string_of(const Part *value)
{
	Part string = *value;

	string.json = value->value.span.data - 1;
	string.len = (int) value->value.span.len + 2;
	return string;
}

/*
 * Appends a set of these strings.  False, with nothing appended, when they
 * cannot be a set.
 */
static bool
append_members(StringInfo json, DdbValueType type, const Parts *parts)
{
	if (!can_be_set(type, parts))
		return false;
	appendStringInfo(json, "{\"%s\":[", ddb_attribute_type_name(type));
	for (int i = 0; i < parts->n; i++)
	{
		if (i > 0)
			appendStringInfoChar(json, ',');
		appendBinaryStringInfo(json, parts->items[i].json, parts->items[i].len);
	}
	appendStringInfoString(json, "]}");
	return true;
}

/*
 * Appends the array wanted as a set of the stored type again, members that
 * stay in their stored form.  False if it cannot be a set.
 */
static bool
append_set(StringInfo json, const Part *stored, const Part *old,
		   const Part *wanted)
{
	DdbValueType type = stored->value.type;
	Parts stored_parts = take_apart(stored);
	Parts old_parts = take_apart(old);
	Parts parts = take_apart(wanted);
	int *matches = match_elements(&old_parts, &parts);

	for (int i = 0; i < parts.n; i++)
	{
		Part *part = &parts.items[i];
		int j = stored_parts.n == old_parts.n ? matches[i] : -1;

		if (j >= 0 && same(&old_parts.items[j], part))
			*part = stored_parts.items[j];
		else if (suits_set(type, &part->value))
			*part = string_of(part);
		else
			return false;
	}
	return append_members(json, type, &parts);
}

/*
 * Appends the value wanted, in which all that was not changed keeps its stored
 * form. stored and old are NULL where there is none; then the value is new.
 */
static void
append_kept(StringInfo json, const Part *stored, const Part *old,
			const Part *wanted)
{
	DdbValueType type = wanted->value.type;

	check_stack_depth();
	if (stored == NULL || old == NULL)
		appendBinaryStringInfo(json, wanted->json, wanted->len);
	else if (same(old, wanted))
		appendBinaryStringInfo(json, stored->json, stored->len);
	else if (old->value.type != type)
		appendBinaryStringInfo(json, wanted->json, wanted->len);
	else if (type == DDB_VALUE_M && stored->value.type == type)
		append_map(json, stored, old, wanted);
	else if (type == DDB_VALUE_L && stored->value.type == type)
		append_list(json, stored, old, wanted);
	else if (type != DDB_VALUE_L || !is_set(stored->value.type) ||
			 !append_set(json, stored, old, wanted))
		appendBinaryStringInfo(json, wanted->json, wanted->len);
}

/* ---- assignments ---- */

/*
 * Adds an assignment at this path, NULL for a removal, and counts its size.
 * The keeper is blocked once the expression becomes too long.
 */
static void
assign(Keeper *keeper, const DdbPathStep *steps, int nsteps, const char *value,
	   int len)
{
	bool in_item = keeper->change->attribute == NULL;
	DdbAssignment *assignment =
		in_item ? ddb_update_add(keeper->update, steps[0].name, steps + 1,
								 nsteps - 1)
				: ddb_update_add(keeper->update, keeper->change->attribute,
								 steps, nsteps);

	assignment->value = value;
	assignment->len = len;
	keeper->bytes += BYTES_OF_ASSIGNMENT + BYTES_OF_STEP * assignment->nsteps;
	keeper->blocked |= keeper->bytes > keeper->room;
}

/* What becomes of it hangs on what is stored. */
static bool
needs_stored(const Keeper *keeper, const Part *old, const Part *wanted)
{
	DdbValueType type = wanted->value.type;

	return keeper->change->stored.json == NULL && old != NULL &&
		   old->value.type == type &&
		   (type == DDB_VALUE_L || type == DDB_VALUE_M) &&
		   take_apart(old).n > 0 && take_apart(wanted).n > 0;
}

/*
 * Sets the value at this path as a whole.  Notes if the stored value would be
 * needed to do so without loss.
 */
static void
assign_value(Keeper *keeper, const DdbPathStep *steps, int nsteps,
			 const Part *stored, const Part *old, const Part *wanted)
{
	StringInfoData json;

	if (!keeper->change->last_word && needs_stored(keeper, old, wanted))
		keeper->lacks_stored = true;
	initStringInfo(&json);
	append_kept(&json, stored, old, wanted);
	enlargeStringInfo(&json, DDB_JSON_PADDING);
	assign(keeper, steps, nsteps, json.data, json.len);
}

/* The path, one step longer, to this member. palloc'd. */
static DdbPathStep *
step_on(const DdbPathStep *steps, int nsteps, const Part *member)
{
	DdbPathStep *longer = palloc(sizeof(DdbPathStep) * (nsteps + 1));

	if (nsteps > 0)
		memcpy(longer, steps, sizeof(DdbPathStep) * nsteps);
	memset(&longer[nsteps], 0, sizeof(DdbPathStep));
	longer[nsteps].name = member->name;
	longer[nsteps].len = member->name_len;
	return longer;
}

static void assign_changes(Keeper *keeper, const DdbPathStep *steps, int nsteps,
						   const Part *stored, const Part *old,
						   const Part *wanted);

/*
 * Sets or removes the members of a map that differ, one by one.  A member
 * whose name cannot be written blocks the keeper.
 */
static void
assign_members(Keeper *keeper, const DdbPathStep *steps, int nsteps,
			   const Part *stored, const Part *old, const Part *wanted)
{
	Parts stored_parts = {NULL, 0, 0};
	Parts old_parts = take_apart(old);
	Parts parts = take_apart(wanted);

	if (stored != NULL)
		stored_parts = take_apart(stored);
	for (int i = 0; i < parts.n && !keeper->blocked; i++)
	{
		const Part *part = &parts.items[i];

		keeper->blocked |= part->name == NULL;
		assign_changes(keeper, step_on(steps, nsteps, part), nsteps + 1,
					   find_member(&stored_parts, part),
					   find_member(&old_parts, part), part);
	}
	for (int i = 0; i < old_parts.n && !keeper->blocked; i++)
	{
		const Part *part = &old_parts.items[i];

		if (find_member(&parts, part) != NULL)
			continue;
		keeper->blocked |= part->name == NULL;
		assign(keeper, step_on(steps, nsteps, part), nsteps + 1, NULL, 0);
	}
}

/* True when the value is the item, whose members are attributes. */
static bool
is_item(const Keeper *keeper, int nsteps)
{
	return keeper->change->attribute == NULL && nsteps == 0;
}

/*
 * Adds what it takes to make the wanted value of the old one at this path:
 * nothing, assignments of members, or one of the whole.
 */
static void
assign_changes(Keeper *keeper, const DdbPathStep *steps, int nsteps,
			   const Part *stored, const Part *old, const Part *wanted)
{
	check_stack_depth();
	if (old != NULL && same(old, wanted))
		return;
	if ((keeper->by_path || is_item(keeper, nsteps)) && old != NULL &&
		old->value.type == DDB_VALUE_M && wanted->value.type == DDB_VALUE_M &&
		(stored == NULL || stored->value.type == DDB_VALUE_M))
		assign_members(keeper, steps, nsteps, stored, old, wanted);
	else
		assign_value(keeper, steps, nsteps, stored, old, wanted);
}

/* All assignments, by path or not; false when they are too many. */
static bool
assign_all(Keeper *keeper, const Part *stored, const Part *old,
		   const Part *wanted)
{
	keeper->blocked = false;
	keeper->lacks_stored = false;
	keeper->bytes = BYTES_OF_ASSIGNMENT * keeper->update->n;
	assign_changes(keeper, keeper->change->steps, keeper->change->nsteps,
				   stored, old, wanted);
	return !keeper->blocked;
}

/*
 * Tries assignments by path first.  If they are too long, whole attributes are
 * set. update is unchanged unless DDB_KEEP_DONE is returned.
 */
DdbKeepResult
ddb_keep_assign(const DdbKeptChange *change, DdbItemUpdate *update)
{
	Keeper keeper = {.change = change,
					 .update = update,
					 .by_path = change->by_path,
					 .room = MAX_PATHS_BYTES};
	int n = update->n;
	Part stored;
	Part old;
	Part wanted;
	const Part *known = change->stored.json != NULL ? &stored : NULL;

	if (known != NULL)
		read_part(&stored, change->stored.json, change->stored.len);
	read_part(&old, change->old.json, change->old.len);
	read_part(&wanted, change->wanted.json, change->wanted.len);
	if (!assign_all(&keeper, known, &old, &wanted))
	{
		update->n = n;
		keeper.by_path = false;
		keeper.room = MAX_ATTRIBUTES_BYTES;
		if (!assign_all(&keeper, known, &old, &wanted) &&
			change->attribute == NULL)
		{
			update->n = n;
			return DDB_KEEP_TOO_LONG;
		}
	}
	if (!keeper.lacks_stored)
		return DDB_KEEP_DONE;
	update->n = n;
	return DDB_KEEP_LACKS_STORED;
}

/* The new JSON is palloc'd; list is unchanged when this is false. */
bool
ddb_keep_make_set(DdbValueType type, DdbKeptValue *list)
{
	StringInfoData json;
	Part whole;
	Parts parts;

	read_part(&whole, list->json, list->len);
	if (whole.value.type != DDB_VALUE_L)
		return false;
	parts = take_apart(&whole);
	for (int i = 0; i < parts.n; i++)
	{
		if (!suits_set(type, &parts.items[i].value))
			return false;
		parts.items[i] = string_of(&parts.items[i]);
	}
	initStringInfo(&json);
	if (!append_members(&json, type, &parts))
		return false;
	enlargeStringInfo(&json, DDB_JSON_PADDING);
	list->json = json.data;
	list->len = json.len;
	return true;
}

/* The result is palloc'd.  All three parts of the change must be known. */
char *
ddb_keep_merge(const DdbKeptChange *change)
{
	Part stored;
	Part old;
	Part wanted;
	StringInfoData json;
	Part merged;

	read_part(&stored, change->stored.json, change->stored.len);
	read_part(&old, change->old.json, change->old.len);
	read_part(&wanted, change->wanted.json, change->wanted.len);
	initStringInfo(&json);
	append_kept(&json, &stored, &old, &wanted);
	enlargeStringInfo(&json, DDB_JSON_PADDING);
	/* What is in {"M":…}. */
	read_part(&merged, json.data, json.len);
	return pnstrdup(merged.value.span.data, merged.value.span.len);
}

/* {NULL, 0} if the path leads nowhere.  The result points into item. */
DdbKeptValue
ddb_keep_find(const DdbKeptValue *item, const char *attribute,
			  const DdbPathStep *steps, int nsteps)
{
	DdbPathStep first = {attribute, strlen(attribute), 0};
	Part part = {.value = {.type = DDB_VALUE_M}};
	DdbKeptValue found = {NULL, 0};

	part.value.span.data = item->json;
	part.value.span.len = (uint32_t) item->len;
	for (int i = -1; i < nsteps; i++)
	{
		const DdbPathStep *step = i < 0 ? &first : &steps[i];
		bool named = step->name != NULL;
		Part like = {.name = step->name, .name_len = (int) step->len};
		const Part *inside;
		Parts parts;

		if (part.value.type != (named ? DDB_VALUE_M : DDB_VALUE_L))
			return found;
		parts = take_apart(&part);
		if (named)
			inside = find_member(&parts, &like);
		else
			inside = step->index < parts.n ? &parts.items[step->index] : NULL;
		if (inside == NULL)
			return found;
		part = *inside;
	}
	found.json = part.json;
	found.len = part.len;
	return found;
}
