/* SPDX-License-Identifier: PostgreSQL */
/*
 * replay_pages.h
 *		The pages that the replay server serves.
 */
#ifndef REPLAY_PAGES_H
#define REPLAY_PAGES_H

#include <stddef.h>
#include <stdint.h>

/* "2026-11-01T00:00:00.553386Z" */
#define DATE_TIME_LEN 27

typedef struct Item
{
	const char *json;
	uint32_t len;
	int partition;
	char date_time[DATE_TIME_LEN];
} Item;

typedef struct Page
{
	int first; /* index of its first item */
	int count;
	const char *items; /* JSON of the array, without brackets */
	size_t len;
	uint32_t crc;
} Page;

extern Page *pages;
extern int npages;
extern Item *items; /* of all pages, by time */
extern int nitems;
extern int *partition_starts; /* item, by number; one more marks the end */
extern int npartitions;

/* Loads all *.json of the directory, or ends the program. */
extern void load_pages(const char *directory);

/* Index of the item of that time, or -1. */
extern int find_item(const char *date_time);

/* The page that holds the item. */
extern int page_of(int item);

/* The first time as items write it, or NULL. */
extern const char *next_date_time(const char *p, const char *end);

/* The number NN of the first "app-NN", or -1. */
extern int find_partition(const char *p, const char *end);

#endif /* REPLAY_PAGES_H */
