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

/* True if it may have been refused because a list is too short. */
extern bool ddb_path_update_has_elements(const DdbItemUpdate *update);

/*
 * Makes an update that DynamoDB refused because a path of it leads nowhere:
 * looks at the item, and sets whole attributes, if they are still what they
 * were.  job: what became of it; refused when the item is gone.
 */
extern void ddb_path_update_run(DdbWrites *writes, const DdbWriteTarget *target,
								const char *key, const DdbItemUpdate *update,
								DdbWriteJob *job);

#endif /* DDB_DOCUMENT_UPDATE_H */
