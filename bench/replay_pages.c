/* SPDX-License-Identifier: PostgreSQL */
/*
 * replay_pages.c
 *		Loads the pages that gen_pages.py wrote, and finds items in them.
 */
#define _GNU_SOURCE
#include "replay_pages.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "replay_text.h"

Page *pages;
int npages;
Item *items;
int nitems;
static int max_items;
int *partition_starts;
int npartitions;

static bool
is_date_time(const char *p)
{
	return p[4] == '-' && p[7] == '-' && p[10] == 'T' && p[13] == ':' &&
		   p[16] == ':' && p[19] == '.' && p[26] == 'Z';
}

const char *
next_date_time(const char *p, const char *end)
{
	while (p != NULL && end - p >= DATE_TIME_LEN)
	{
		p = memchr(p, '2', (size_t) (end - p - DATE_TIME_LEN + 1));
		if (p == NULL || is_date_time(p))
			return p;
		p++;
	}
	return NULL;
}

/* The number NN of the first "app-NN", or -1. */
int
find_partition(const char *p, const char *end)
{
	const char *name = find(p, end, "app-");

	return name != NULL ? (int) strtol(name + 4, NULL, 10) : -1;
}

/* ---- loading --------------------------------------------------------------- */

static void
add_item(const char *json, const char *end)
{
	const char *date_time = next_date_time(json, end);
	Item *item;

	if (date_time == NULL)
	{
		fprintf(stderr, "replay: an item has no dateTime\n");
		exit(1);
	}
	if (nitems == max_items)
	{
		max_items = max_items > 0 ? max_items * 2 : 1 << 16;
		items = must(realloc(items, (size_t) max_items * sizeof(Item)));
	}
	item = &items[nitems++];
	item->json = json;
	item->len = (uint32_t) (end - json);
	item->partition = find_partition(json, end);
	memcpy(item->date_time, date_time, DATE_TIME_LEN);
	if (item->partition < 0)
	{
		fprintf(stderr, "replay: an item has no logPartition app-NN\n");
		exit(1);
	}
	if (item->partition >= npartitions)
		npartitions = item->partition + 1;
}

/* The whole file, NUL-terminated; never freed. */
static char *
read_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat status;
	size_t len;
	size_t done = 0;
	char *data;

	if (fd < 0 || fstat(fd, &status) != 0)
		die(path);
	len = (size_t) status.st_size;
	data = must(malloc(len + 1));
	while (done < len)
	{
		ssize_t n = read(fd, data + done, len - done);

		if (n <= 0)
			die(path);
		done += (size_t) n;
	}
	close(fd);
	data[len] = '\0';
	return data;
}

static void
load_page(const char *path)
{
	const char *p = strstr(read_file(path), "\"Items\":[");
	Page *page = &pages[npages++];

	if (p == NULL)
	{
		fprintf(stderr, "replay: %s holds no Items\n", path);
		exit(1);
	}
	p += strlen("\"Items\":[");
	page->items = p;
	page->first = nitems;
	while (*p == '{')
	{
		const char *end = skip_object(p);

		add_item(p, end);
		p = *end == ',' ? end + 1 : end;
	}
	page->count = nitems - page->first;
	page->len = (size_t) (p - page->items);
	page->crc =
		(uint32_t) crc32(0, (const Bytef *) page->items, (uInt) page->len);
}

void
load_pages(const char *directory)
{
	struct dirent **entries;
	int n = scandir(directory, &entries, NULL, alphasort);
	int i;

	if (n < 0)
		die(directory);
	pages = must(calloc((size_t) n, sizeof(Page)));
	for (i = 0; i < n; i++)
	{
		const char *suffix = strrchr(entries[i]->d_name, '.');
		char path[4096];

		if (suffix != NULL && strcmp(suffix, ".json") == 0)
		{
			snprintf(path, sizeof(path), "%s/%s", directory,
					 entries[i]->d_name);
			load_page(path);
		}
		free(entries[i]);
	}
	free(entries);
	if (nitems == 0)
	{
		fprintf(stderr, "replay: no items in %s\n", directory);
		exit(1);
	}
	partition_starts =
		must(calloc((size_t) npartitions + 1, sizeof(*partition_starts)));
	for (i = nitems - 1; i >= 0; i--)
		partition_starts[items[i].partition] = i;
	partition_starts[npartitions] = nitems;
}

static int
compare_date_time(const void *date_time, const void *item)
{
	return memcmp(date_time, ((const Item *) item)->date_time, DATE_TIME_LEN);
}

/* Index of the item of that time, or -1. */
int
find_item(const char *date_time)
{
	const Item *item = bsearch(date_time, items, (size_t) nitems, sizeof(Item),
							   compare_date_time);

	return item != NULL ? (int) (item - items) : -1;
}

/* The page that holds the item. */
int
page_of(int item)
{
	int low = 0;
	int high = npages - 1;

	while (low < high)
	{
		int middle = (low + high + 1) / 2;

		if (pages[middle].first <= item)
			low = middle;
		else
			high = middle - 1;
	}
	return low;
}
