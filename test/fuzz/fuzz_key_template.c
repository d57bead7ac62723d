/* SPDX-License-Identifier: PostgreSQL */
/*
 * fuzz_key_template.c
 *		libFuzzer target: whatever a template splits composes again.
 *
 * The input is a template up to its first NUL, and a key behind it.
 *
 * clang -g -O1 -fsanitize=fuzzer,address,undefined -Isrc test/fuzz/fuzz_key_template.c src/format/key_template.c src/format/time_text.c src/format/decimal.c -o fuzz_key_template && ./fuzz_key_template -max_total_time=120
 */
#include "format/key_template.h"

#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                       \
	do                                                                         \
	{                                                                          \
		if (!(condition))                                                      \
			abort();                                                           \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A time or number text that is taken is the one that is written. */
static void
check_part(const DdbTemplateElement *element, const DdbTemplatePart *part)
{
	char out[DDB_TEMPLATE_TIME_BUFFER];
	int64_t value;
	bool exact;

	if (ddb_template_parse_time(element, part->text, part->len, &value))
	{
		CHECK(ddb_template_format_time(element, value, out, &exact) ==
			  part->len);
		CHECK(exact && memcmp(out, part->text, part->len) == 0);
	}
	if ((element->form == DDB_FORM_PADDED || element->form == DDB_FORM_SHARD) &&
		ddb_template_parse_number(element, part->text, part->len, &value))
	{
		CHECK(ddb_template_format_number(element, value, out) == part->len);
		CHECK(memcmp(out, part->text, part->len) == 0);
	}
}

static void
check_split(const DdbTemplate *template, const char *key, size_t len)
{
	DdbTemplatePart parts[DDB_TEMPLATE_MAX_ELEMENTS];
	size_t position = 0;
	int i;

	if (!ddb_template_split(template, key, len, parts))
		return;
	for (i = 0; i < template->n; i++)
	{
		CHECK(parts[i].text == key + position);
		position += parts[i].len;
		if (template->elements[i].form == DDB_FORM_LITERAL)
			continue;
		CHECK(ddb_template_takes(template, i, parts[i].text, parts[i].len));
		check_part(&template->elements[i], &parts[i]);
	}
	CHECK(position == len);
}

/* Any text in each variable's place: split back if all are taken, and only
 * then. */
static void
check_compose(const DdbTemplate *template, const char *text, size_t len)
{
	DdbTemplatePart parts[DDB_TEMPLATE_MAX_ELEMENTS];
	char *key = malloc(1 + DDB_TEMPLATE_MAX_ELEMENTS * (len + 1000));
	size_t key_len = 0;
	bool taken = true;
	bool back;
	int i;

	for (i = 0; i < template->n; i++)
	{
		const DdbTemplateElement *element = &template->elements[i];
		bool literal = element->form == DDB_FORM_LITERAL;

		if (literal && element->len > 1000)
		{
			free(key);
			return;
		}
		memcpy(key + key_len, literal ? element->text : text,
			   literal ? element->len : len);
		key_len += literal ? element->len : len;
		taken &= literal || ddb_template_takes(template, i, text, len);
	}
	back = ddb_template_split(template, key, key_len, parts);
	for (i = 0; back && i < template->n; i++)
		if (template->elements[i].form != DDB_FORM_LITERAL)
			back = parts[i].len == len && memcmp(parts[i].text, text, len) == 0;
	CHECK(back || !taken);
	free(key);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *nul = size > 0 ? memchr(data, 0, size) : NULL;
	size_t len = nul != NULL ? (size_t) (nul - data) : size;
	char *text = malloc(len + 1);
	char *key;
	DdbTemplate template;
	DdbTemplateError error;

	memcpy(text, data, len);
	key = malloc(size - len + 1);
	memcpy(key, data + len, size - len);
	if (!ddb_template_parse(text, len, &template, &error))
		CHECK(error.message != NULL && error.position <= len);
	else if (ddb_template_check(&template, &error) && size > len)
	{
		check_split(&template, key + 1, size - len - 1);
		check_compose(&template, key + 1, size - len - 1);
	}
	free(text);
	free(key);
	return 0;
}
