/* SPDX-License-Identifier: PostgreSQL */
/*
 * replay_made.h
 *		Tables that nobody stored: items are made up for whatever key is asked.
 */
#ifndef REPLAY_MADE_H
#define REPLAY_MADE_H

#include "replay_text.h"

typedef struct MadeTable MadeTable;

/* The made-up table that a request's body names, or NULL. */
extern const MadeTable *made_table(const char *body, const char *end);

/*
 * The replies' bodies; each returns the number of items.  A request's body must
 * hold one whole JSON object.
 */
extern void made_describe(const MadeTable *table, Buffer *reply);
extern int made_get(const MadeTable *table, Buffer *reply, const char *body,
					const char *end);
extern int made_batch_get(const MadeTable *table, Buffer *reply,
						  const char *body, const char *end);
extern int made_query(const MadeTable *table, Buffer *reply, const char *body,
					  const char *end);
extern int made_scan(const MadeTable *table, Buffer *reply, const char *body,
					 const char *end);

#endif /* REPLAY_MADE_H */
