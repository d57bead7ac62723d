/* SPDX-License-Identifier: PostgreSQL */
/*
 * document_update.h
 *		Updates inside documents whose maps and elements are not there yet.
 */
#ifndef DDB_DOCUMENT_UPDATE_H
#define DDB_DOCUMENT_UPDATE_H

#include "postgres.h"

#include "modify/write_queue.h"
#include "request/write_request.h"

/* Others may change an item between looking and writing, but not for ever. */
#define DDB_MAX_CHANGE_TRIES 20

/* True if it may have been refused because a list is too short. */
extern bool ddb_path_update_has_elements(const DdbItemUpdate *update);

/*
 * Makes an update that DynamoDB refused because a path of it leads nowhere:
 * looks at the item, and sets whole attributes, if they are still what they
 * were.  shown: attributes (char *) that must be, too, so that the item that is
 * written is known.  job: what became of it; refused when the item is gone.
 */
extern void ddb_path_update_run(DdbWrites *writes, const DdbWriteTarget *target,
								const char *key, const DdbItemUpdate *update,
								List *shown, DdbWriteJob *job);

/* Raises the error (40001) of an item that others keep changing. */
extern void ddb_path_raise_contended(const DdbWriteTarget *target)
	__attribute__((noreturn));

#endif /* DDB_DOCUMENT_UPDATE_H */
