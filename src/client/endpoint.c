/* SPDX-License-Identifier: PostgreSQL */
/*
 * endpoint.c
 *		From region and options to URL, Host header and signing region.
 *
 * Partitions as in dynamodb.md section 9.  A region that no row claims gets
 * the commercial partition's pattern, as the AWS rule set has it, so that new
 * regions work without a new release.
 */
#include "client/endpoint.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Longest DNS name (253), or an address in brackets, with ":65535" after it. */
#define MAX_HOST_LEN 253

typedef struct Partition
{
	const char *region_prefix;
	const char *suffix;
	const char *dualstack_suffix;
	const char *fips_label;
} Partition;

#define COMMERCIAL_FIPS "dynamodb-fips"

/* First match wins; the last row matches every region. */
static const Partition partitions[] = {
	{"cn-", "amazonaws.com.cn", "api.amazonwebservices.com.cn",
	 COMMERCIAL_FIPS},
	/* GovCloud: the plain name is the FIPS host */
	{"us-gov-", "amazonaws.com", "api.aws", "dynamodb"},
	{"us-iso-", "c2s.ic.gov", "api.aws.ic.gov", COMMERCIAL_FIPS},
	{"us-isob-", "sc2s.sgov.gov", "api.aws.scloud", COMMERCIAL_FIPS},
	{"eu-isoe-", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk", COMMERCIAL_FIPS},
	{"us-isof-", "csp.hci.ic.gov", "api.aws.hci.ic.gov", COMMERCIAL_FIPS},
	{"eusc-", "amazonaws.eu", "api.amazonwebservices.eu", COMMERCIAL_FIPS},
	{"", "amazonaws.com", "api.aws", COMMERCIAL_FIPS},
};

/*
 * The AWS partition that the region belongs to by its prefix.  The last entry
 * has an empty prefix and matches every region, so the result is never NULL.
 */
static const Partition *
find_partition(const char *region)
{
	const Partition *partition = partitions;

	while (strncmp(region, partition->region_prefix,
				   strlen(partition->region_prefix)) != 0)
		partition++;
	return partition;
}

/*
 * True for 1 to 63 lower-case letters, digits and hyphens, which is what can
 * stand in a host name.
 */
static bool
region_is_valid(const char *region)
{
	size_t len = strspn(region, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return len >= 1 && len <= 63 && region[len] == '\0';
}

/*
 * Writes the region's own host name to host.  FIPS and dual stack each have a
 * label or suffix of their own in each partition.
 */
static void
regional_host(char *host, size_t size, const char *region, bool use_fips,
			  bool use_dualstack)
{
	const Partition *partition = find_partition(region);
	const char *label = "dynamodb";

	/* the GovCloud exception is for its ordinary names only */
	if (use_fips)
		label = use_dualstack ? COMMERCIAL_FIPS : partition->fips_label;
	snprintf(host, size, "%s.%s.%s", label, region,
			 use_dualstack ? partition->dualstack_suffix : partition->suffix);
}

/*
 * Length of the host at text, 0 if it is none: a name, an IPv4 address, or an
 * IPv6 address in brackets.
 */
static size_t
host_length(const char *text)
{
	static const char name_characters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";
	char address[INET6_ADDRSTRLEN];
	struct in6_addr binary;
	size_t len;

	if (text[0] != '[')
	{
		len = strspn(text, name_characters);
		return len > MAX_HOST_LEN || text[0] == '.' || text[0] == '-' ? 0 : len;
	}
	len = strspn(text + 1, "0123456789abcdefABCDEF:.");
	if (text[len + 1] != ']' || len >= sizeof(address))
		return 0;
	memcpy(address, text + 1, len);
	address[len] = '\0';
	return inet_pton(AF_INET6, address, &binary) == 1 ? len + 2 : 0;
}

/*
 * Reads ":port" at *text, if there is one, and moves *text behind it.  *port
 * is 0 without one.  False: not a port.
 */
static bool
read_port(const char **text, int *port)
{
	const char *digit = *text;

	*port = 0;
	if (*digit != ':')
		return true;
	for (digit++; *digit >= '0' && *digit <= '9' && *port <= 65535; digit++)
		*port = *port * 10 + (*digit - '0');
	if (*port < 1 || *port > 65535)
		return false;
	*text = digit;
	return true;
}

/*
 * True for 127.0.0.0/8, ::1 in brackets, and localhost.  Names are not
 * resolved, so another name for this machine counts as remote.
 */
static bool
host_is_loopback(const char *host, size_t len)
{
	char name[MAX_HOST_LEN + 1];
	struct in_addr v4;
	struct in6_addr v6;
	size_t skip = host[0] == '[' ? 1 : 0;

	memcpy(name, host + skip, len - 2 * skip);
	name[len - 2 * skip] = '\0';
	if (skip > 0)
		return inet_pton(AF_INET6, name, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
	if (inet_pton(AF_INET, name, &v4) == 1)
		return (ntohl(v4.s_addr) >> 24) == 127;
	return strcasecmp(name, "localhost") == 0;
}

/*
 * Fills in url, host and is_loopback.  The port is left out of both if it is 0
 * or the scheme's own, because the host is signed as libcurl sends it.
 */
static void
set_url(DdbcEndpoint *endpoint, const char *host, size_t host_len, int port)
{
	int usual_port = endpoint->is_https ? 443 : 80;

	if (port == 0 || port == usual_port)
		snprintf(endpoint->host, sizeof(endpoint->host), "%.*s", (int) host_len,
				 host);
	else
		snprintf(endpoint->host, sizeof(endpoint->host), "%.*s:%d",
				 (int) host_len, host, port);
	snprintf(endpoint->url, sizeof(endpoint->url), "%s://%s/",
			 endpoint->is_https ? "https" : "http", endpoint->host);
	endpoint->is_loopback = host_is_loopback(host, host_len);
}

/*
 * Takes "http(s)://host[:port][/]" apart.  The URL is not quoted in messages:
 * what makes it invalid may be a password in it.
 */
static bool
parse_url(DdbcEndpoint *endpoint, const char *url, DdbcError *error)
{
	const char *host;
	const char *rest;
	size_t len;
	int port;

	if (strncasecmp(url, "https://", 8) == 0)
		endpoint->is_https = true;
	else if (strncasecmp(url, "http://", 7) == 0)
		endpoint->is_https = false;
	else
	{
		ddbc_error_set(error, DDBC_ERROR_CONFIG,
					   "endpoint URL does not begin with http:// or https://");
		return false;
	}
	host = strchr(url, ':') + 3;
	len = host_length(host);
	rest = host + len;
	if (len == 0 || strchr(host, '@') != NULL || !read_port(&rest, &port))
	{
		ddbc_error_set(error, DDBC_ERROR_CONFIG,
					   "endpoint URL has no valid host and port after its "
					   "scheme");
		return false;
	}
	if (strcmp(rest, "") != 0 && strcmp(rest, "/") != 0)
	{
		ddbc_error_set(error, DDBC_ERROR_CONFIG,
					   "endpoint URL has more than scheme, host and port");
		return false;
	}
	set_url(endpoint, host, len, port);
	return true;
}

/*
 * The region "local" means DynamoDB Local on port 8000, and signs as
 * us-east-1.  An endpoint URL wins over FIPS and dual stack, which only shape
 * the region's own host name.
 */
bool
ddbc_endpoint_resolve(DdbcEndpoint *endpoint, const char *region,
					  const char *endpoint_url, bool use_fips,
					  bool use_dualstack, DdbcError *error)
{
	char host[MAX_HOST_LEN + 1];
	bool is_local;

	memset(endpoint, 0, sizeof(*endpoint));
	if (region == NULL || !region_is_valid(region))
	{
		ddbc_error_set(error, DDBC_ERROR_CONFIG,
					   "region is not 1 to 63 lower-case letters, digits and "
					   "hyphens");
		return false;
	}
	is_local = strcmp(region, "local") == 0;
	snprintf(endpoint->signing_region, sizeof(endpoint->signing_region), "%s",
			 is_local ? "us-east-1" : region);

	if (endpoint_url != NULL && endpoint_url[0] != '\0')
		return parse_url(endpoint, endpoint_url, error);
	if (is_local)
		return parse_url(endpoint, "http://localhost:8000", error);
	endpoint->is_https = true;
	regional_host(host, sizeof(host), region, use_fips, use_dualstack);
	set_url(endpoint, host, strlen(host), 0);
	return true;
}
