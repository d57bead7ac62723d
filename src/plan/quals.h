/*
 * quals.h
 *		SQL clauses → conditions on key attributes.
 *
 * Each clause is looked at once.  What becomes a key condition is exact
 * (PostgreSQL need not check it again; where only the value known at run time
 * decides, the executor re-checks), wider (pushed, and re-checked by
 * PostgreSQL's own filter) or local.
 */
#ifndef DDB_QUALS_H
#define DDB_QUALS_H

#include "postgres.h"

#include "codec/value.h"
#include "nodes/pathnodes.h"
#include "plan/access_plan.h"

/* A clause that can be a condition on one key attribute. */
typedef struct DdbKeyClause
{
	RestrictInfo *rinfo;
	bool		on_sort;
	int			position;		/* in that part of the key */
	DdbKeyOperator op;
	Expr	   *value;			/* holds no column of this relation */
	Oid			value_typid;
	bool		wider;			/* PostgreSQL checks it again */
} DdbKeyClause;

/* A clause that every item satisfies: IS NOT NULL of a key attribute. */
typedef struct DdbQuals
{
	List	   *key_clauses;	/* of DdbKeyClause * */
	List	   *implied;		/* of RestrictInfo *: true of every item read */
	List	   *local;			/* of RestrictInfo * */
} DdbQuals;

/* Codecs of the key attributes' columns; column NULL where none shows it. */
typedef struct DdbKeyCodecs
{
	DdbCodec	partition[DDB_MAX_KEY_PART];
	DdbCodec	sort[DDB_MAX_KEY_PART];
} DdbKeyCodecs;

extern void ddb_quals_key_codecs(DdbRelation *relation, const DdbKeySchema *keys,
								 DdbKeyCodecs *codecs);

/* Sorts a relation's clauses by what the given key can do with them. */
extern DdbQuals *ddb_quals_classify(PlannerInfo *root, RelOptInfo *rel,
									List *restrictions, const DdbKeySchema *keys,
									const DdbKeyCodecs *codecs);

/*
 * The literal prefix of a LIKE pattern into *prefix; true when the pattern is
 * nothing but a prefix (*equality false) or a plain string (*equality true).
 * Both in the database's encoding.
 */
extern bool ddb_quals_like_prefix(const char *pattern, char **prefix,
								  bool *equality);

#endif							/* DDB_QUALS_H */
