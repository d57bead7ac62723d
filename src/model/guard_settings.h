/* SPDX-License-Identifier: PostgreSQL */
/*
 * guard_settings.h
 *		Guards hold, whatever the connection string says.
 */
#ifndef DDB_GUARD_SETTINGS_H
#define DDB_GUARD_SETTINGS_H

#include "postgres.h"

/*
 * To be called around the definition of the guards, which are PGC_SUSET: notes
 * which have a value already; gives those their values by role, database and
 * configuration file, as far as nothing that the session may set has a say.
 */
extern void ddb_guard_settings_before(void);
extern void ddb_guard_settings_after(void);

#endif /* DDB_GUARD_SETTINGS_H */
