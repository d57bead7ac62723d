/* SPDX-License-Identifier: PostgreSQL */
/*
 * endpoint.h
 *		From region and options to the URL that requests go to.
 *
 * Rules: dynamodb.md section 9 (AWS endpoint rule set): partitions, FIPS,
 * dual-stack, the region "local".
 */
#ifndef DDBC_ENDPOINT_H
#define DDBC_ENDPOINT_H

#include <stdbool.h>

#include "client/error.h"

typedef struct DdbcEndpoint
{
	char url[512]; /* "https://dynamodb.eu-west-1.amazonaws.com/" */
	char host[300]; /* the Host header, which is also signed */
	char signing_region[64]; /* "local" signs as us-east-1 */
	bool is_https;
	bool is_loopback; /* 127.0.0.0/8, ::1 or localhost */
} DdbcEndpoint;

/*
 * region: required, checked for shape ([a-z0-9-], 1 to 63 characters).
 * endpoint_url: NULL or "" for the region's own, else http(s)://host[:port][/];
 * user info, a path, a query or a fragment in it is an error.
 * Returns false with DDBC_ERROR_CONFIG.
 */
extern bool ddbc_endpoint_resolve(DdbcEndpoint *endpoint, const char *region,
								  const char *endpoint_url, bool use_fips,
								  bool use_dualstack, DdbcError *error);

#endif /* DDBC_ENDPOINT_H */
