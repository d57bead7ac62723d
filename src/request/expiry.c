/* SPDX-License-Identifier: PostgreSQL */
/*
 * expiry.c
 *		Which times of a TTL attribute have expired.
 *
 * Those that have passed, but no more than five years ago: DynamoDB takes
 * earlier ones, such as 0, for no times at all, and keeps their items for ever.
 */
#include "postgres.h"

#include "request/expiry.h"

#include "codec/key_variable.h"
#include "datatype/timestamp.h"
#include "utils/datetime.h"

#define MAX_YEARS 5

/*
 * The day so many years before this one, both counted from 1970.  A 29
 * February becomes the 28th where there is none.
 */
static int64
years_before(int64 day, int years)
{
	int year;
	int month;
	int dom;

	j2date((int) day + UNIX_EPOCH_JDATE, &year, &month, &dom);
	year -= years;
	dom = Min(dom, day_tab[isleap(year)][month - 1]);
	return date2j(year, month, dom) - UNIX_EPOCH_JDATE;
}

/*
 * Items that expired more than five years ago count as not expired: DynamoDB
 * never deletes them.
 */
DdbExpiry
ddb_expiry_now(void)
{
	int64 now = ddb_variable_now() / USECS_PER_SEC;
	int64 day = now / SECS_PER_DAY;
	DdbExpiry expiry = {
		years_before(day, MAX_YEARS) * SECS_PER_DAY + now % SECS_PER_DAY, now};

	return expiry;
}
