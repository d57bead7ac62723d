/* SPDX-License-Identifier: PostgreSQL */
/*
 * item_tree.c
 *		Items as trees of maps and lists, with JSON at the leaves.
 */
#include "postgres.h"

#include "modify/item_tree.h"

#include "codec/codec.h"
#include "codec/json_text.h"
#include "format/attribute.h"

#define NULL_VALUE "{\"NULL\":true}"

typedef enum NodeKind
{
	NODE_VALUE, /* JSON that nobody looked into */
	NODE_MAP,
	NODE_LIST,
} NodeKind;

struct DdbItemNode
{
	NodeKind kind;
	const char *name; /* of a map's member; NULL in lists, and where it is none
					   * that a column could have: */
	const char *raw_name; /* as JSON has it, without quotes */
	const char *value; /* of NODE_VALUE, DDB_JSON_PADDING bytes behind it */
	int len;
	int repeats; /* as many elements more are equal: NULLs of a list's gap */
	DdbItemNode *first; /* of the others: what is in it */
	DdbItemNode *last;
	DdbItemNode *next;
};

/* Appends a node to its parent, NULL for a root. name is not copied. */
static DdbItemNode *
add_node(DdbItemNode *parent, NodeKind kind, const char *name)
{
	DdbItemNode *node = palloc0(sizeof(DdbItemNode));

	node->kind = kind;
	node->name = name;
	if (parent == NULL)
		return node;
	if (parent->last != NULL)
		parent->last->next = node;
	else
		parent->first = node;
	parent->last = node;
	return node;
}

DdbItemNode *
ddb_item_tree_create(void)
{
	return add_node(NULL, NODE_MAP, NULL);
}

/*
 * Makes the node a value, of which a padded copy is kept.  Its children are
 * forgotten.
 */
static void
set_value(DdbItemNode *node, const char *value, int len)
{
	char *copy = palloc0(len + DDB_JSON_PADDING);

	memcpy(copy, value, len);
	node->kind = NODE_VALUE;
	node->value = copy;
	node->len = len;
	node->first = node->last = NULL;
}

/* The member of a map by name, or NULL. */
static DdbItemNode *
find_member(const DdbItemNode *node, const char *name)
{
	for (DdbItemNode *child = node->first; child != NULL; child = child->next)
		if (child->name != NULL && strcmp(child->name, name) == 0)
			return child;
	return NULL;
}

/*
 * Makes the members of a map nodes of their own.  A name that cannot be text
 * is kept as it was written.  False if the JSON is not well-formed.
 */
static bool
split_map(DdbItemNode *node, DdbJsonReader *reader)
{
	bool first = true;
	DdbSpan name;
	DdbSpan value;
	size_t len;
	const char *reason;

	(void) ddb_json_enter_object(reader);
	while (ddb_json_next_member(reader, &first, &name) &&
		   ddb_json_skip_span(reader, &value))
	{
		DdbItemNode *member = add_node(
			node, NODE_VALUE, ddb_value_text(&name, NULL, 0, &len, &reason));

		if (member->name == NULL)
			member->raw_name = pnstrdup(name.data, name.len);
		set_value(member, value.data, value.len);
	}
	return reader->error == DDB_JSON_OK;
}

/*
 * Containers below the attributes stay text until something inside them is
 * set.
 */
DdbItemNode *
ddb_item_tree_parse(const char *json, int len)
{
	DdbItemNode *root = ddb_item_tree_create();
	char *padded = palloc0(len + DDB_JSON_PADDING);
	DdbJsonReader reader;
	bool ok;

	memcpy(padded, json, len);
	ddb_json_init(&reader, padded, len);
	ok = split_map(root, &reader);
	pfree(padded);
	return ok ? root : NULL;
}

/*
 * Makes the elements of a list nodes of their own.  False if the JSON is not
 * well-formed.
 */
static bool
split_list(DdbItemNode *node, DdbJsonReader *reader)
{
	bool first = true;
	DdbSpan value;

	(void) ddb_json_enter_array(reader);
	while (ddb_json_next_element(reader, &first) &&
		   ddb_json_skip_span(reader, &value))
		set_value(add_node(node, NODE_VALUE, NULL), value.data, value.len);
	return reader->error == DDB_JSON_OK;
}

/*
 * Makes a map or a list of the node, of NULL an empty one; false when it is
 * something else.
 */
static bool
open_node(DdbItemNode *node, NodeKind wanted)
{
	DdbJsonReader reader;
	DdbAttributeValue value;

	if (node->kind != NODE_VALUE)
		return node->kind == wanted;
	ddb_json_init(&reader, node->value, node->len);
	if (!ddb_attribute_read(&reader, &value))
		return false;
	if (value.type == DDB_VALUE_NULL)
	{
		node->kind = wanted;
		return true;
	}
	if (value.type != (wanted == NODE_MAP ? DDB_VALUE_M : DDB_VALUE_L))
		return false;
	node->kind = wanted;
	ddb_json_init(&reader, value.span.data, value.span.len);
	return wanted == NODE_MAP ? split_map(node, &reader)
							  : split_list(node, &reader);
}

/*
 * True if the node is a map or a list already, so that there may be something
 * in it.
 */
static bool
holds(const DdbItemNode *node, NodeKind wanted)
{
	DdbJsonReader reader;
	DdbAttributeValue value;

	if (node->kind != NODE_VALUE)
		return node->kind == wanted;
	ddb_json_init(&reader, node->value, node->len);
	return ddb_attribute_read(&reader, &value) &&
		   value.type == (wanted == NODE_MAP ? DDB_VALUE_M : DDB_VALUE_L);
}

/* Takes the child out of its parent's list.  It is not freed. */
static void
unlink_child(DdbItemNode *parent, const DdbItemNode *child)
{
	DdbItemNode *previous = NULL;

	for (DdbItemNode *node = parent->first; node != NULL; node = node->next)
	{
		if (node != child)
		{
			previous = node;
			continue;
		}
		if (previous != NULL)
			previous->next = node->next;
		else
			parent->first = node->next;
		if (parent->last == node)
			parent->last = previous;
		return;
	}
}

/* Puts what follows the first n of a node's elements into a node behind it. */
static void
split_repeats(DdbItemNode *list, DdbItemNode *node, int n)
{
	DdbItemNode *rest = palloc(sizeof(DdbItemNode));

	*rest = *node;
	rest->repeats -= n;
	node->repeats = n - 1;
	node->next = rest;
	if (list->last == node)
		list->last = rest;
}

/* Appends n elements, which are NULL, in one node. */
static DdbItemNode *
add_nulls(DdbItemNode *list, int n)
{
	DdbItemNode *node = add_node(list, NODE_VALUE, NULL);

	set_value(node, NULL_VALUE, strlen(NULL_VALUE));
	node->repeats = n - 1;
	return node;
}

/*
 * The element of a list by its index.  If create is set, missing elements are
 * made, as NULL, and the element has a node for itself; otherwise NULL is
 * returned where it is missing.
 */
static DdbItemNode *
find_element(DdbItemNode *list, int index, bool create)
{
	DdbItemNode *node;

	for (node = list->first; node != NULL; node = node->next)
	{
		if (index <= node->repeats)
			break;
		index -= node->repeats + 1;
	}
	if (!create)
		return node;
	if (node == NULL)
	{
		if (index > 0)
			(void) add_nulls(list, index);
		return add_nulls(list, 1);
	}
	if (index > 0)
	{
		split_repeats(list, node, index);
		node = node->next;
	}
	if (node->repeats > 0)
		split_repeats(list, node, 1);
	return node;
}

/* What the step leads to; NULL when it is not there, and is not to be made. */
static DdbItemNode *
take_step(DdbItemNode *node, const DdbPathStep *step, bool create)
{
	DdbItemNode *child;

	if (step->name == NULL)
		return find_element(node, step->index, create);
	child = find_member(node, step->name);
	if (child == NULL && create)
	{
		child = add_node(node, NODE_VALUE, step->name);
		set_value(child, NULL_VALUE, strlen(NULL_VALUE));
	}
	return child;
}

/* value is copied.  Nothing is made on the way when it is NULL. */
bool
ddb_item_tree_set(DdbItemNode *root, const char *attribute,
				  const DdbPathStep *steps, int nsteps, const char *value,
				  int value_len)
{
	DdbPathStep first = {attribute, strlen(attribute), 0};
	DdbItemNode *parent = root;
	DdbItemNode *node = take_step(root, &first, value != NULL);

	for (int i = 0; i < nsteps && node != NULL; i++)
	{
		NodeKind wanted = steps[i].name != NULL ? NODE_MAP : NODE_LIST;

		parent = node;
		if (value == NULL && !holds(parent, wanted))
			return true;
		if (!open_node(parent, wanted))
			return false;
		node = take_step(parent, &steps[i], value != NULL);
	}
	/* Nothing to be removed. */
	if (node == NULL)
		return true;
	if (value != NULL)
		set_value(node, value, value_len);
	else if (parent->kind == NODE_LIST)
		set_value(node, NULL_VALUE, strlen(NULL_VALUE));
	else
		unlink_child(parent, node);
	return true;
}

/*
 * Appends the node's attribute value.  Values that were never opened are
 * copied as they are.
 */
static void
write_node(const DdbItemNode *node, StringInfo json)
{
	bool is_list = node->kind == NODE_LIST;

	if (node->kind == NODE_VALUE)
	{
		appendBinaryStringInfo(json, node->value, node->len);
		return;
	}
	appendStringInfoString(json, is_list ? "{\"L\":[" : "{\"M\":");
	if (!is_list)
		ddb_item_tree_write(node, json);
	for (const DdbItemNode *child = node->first; is_list && child != NULL;
		 child = child->next)
	{
		for (int i = 0; i <= child->repeats; i++)
		{
			if (child != node->first || i > 0)
				appendStringInfoChar(json, ',');
			write_node(child, json);
		}
	}
	appendStringInfoString(json, is_list ? "]}" : "}");
}

/* Appends attributes in the order in which they were added. */
void
ddb_item_tree_write(const DdbItemNode *root, StringInfo json)
{
	appendStringInfoChar(json, '{');
	for (const DdbItemNode *child = root->first; child != NULL;
		 child = child->next)
	{
		if (child != root->first)
			appendStringInfoChar(json, ',');
		if (child->name != NULL)
			ddb_json_append_text(json, child->name);
		else
			appendStringInfo(json, "\"%s\"", child->raw_name);
		appendStringInfoChar(json, ':');
		write_node(child, json);
	}
	appendStringInfoChar(json, '}');
}

/* palloc'd, with the padding that a scanner needs. */
char *
ddb_item_tree_get(const DdbItemNode *root, const char *attribute,
				  int *value_len)
{
	const DdbItemNode *node = find_member(root, attribute);
	StringInfoData json;

	if (node == NULL)
		return NULL;
	initStringInfo(&json);
	write_node(node, &json);
	*value_len = json.len;
	/* Whoever scans it reads past its end. */
	enlargeStringInfo(&json, DDB_JSON_PADDING);
	memset(json.data + json.len, 0, DDB_JSON_PADDING);
	return json.data;
}
