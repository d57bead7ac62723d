/* SPDX-License-Identifier: PostgreSQL */
/*
 * page_size.h
 *		How many items the next page should hold.
 */
#ifndef DDB_PAGE_SIZE_H
#define DDB_PAGE_SIZE_H

#include "postgres.h"

#include "request/access_plan.h"
#include "scan/run.h"

/* A pager of pages that are no larger than the rows wanted make them. */
extern DdbPager *ddb_page_size_create(void);

/* The Limit of a run's first request, when so many rows are wanted. */
extern int64 ddb_page_size_first(const DdbAccessPlan *plan, int64 rows_wanted);

#endif /* DDB_PAGE_SIZE_H */
