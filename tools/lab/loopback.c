/* SPDX-License-Identifier: PostgreSQL */
/*
 * loopback.c
 *		Preloaded into DynamoDB Local, which listens on every interface and
 *		has no option for it: a bind to "any address" becomes one to loopback.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

typedef int (*BindFunction) (int, const struct sockaddr *, socklen_t);

int
bind(int fd, const struct sockaddr *address, socklen_t len)
{
	BindFunction next = (BindFunction) dlsym(RTLD_NEXT, "bind");
	struct sockaddr_in v4;

	if (address->sa_family == AF_INET && len == sizeof(v4))
	{
		memcpy(&v4, address, sizeof(v4));
		if (v4.sin_addr.s_addr == htonl(INADDR_ANY))
			v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		return next(fd, (const struct sockaddr *) &v4, sizeof(v4));
	}
	return next(fd, address, len);
}
