/* SPDX-License-Identifier: PostgreSQL */
/*
 * expiry.h
 *		Which times of a TTL attribute have expired.
 */
#ifndef DDB_EXPIRY_H
#define DDB_EXPIRY_H

#include "postgres.h"

/* Seconds since 1970, both ends included. */
typedef struct DdbExpiry
{
	int64 since; /* DynamoDB never deletes what is earlier */
	int64 until;
} DdbExpiry;

/* The same throughout a statement. */
extern DdbExpiry ddb_expiry_now(void);

#endif /* DDB_EXPIRY_H */
