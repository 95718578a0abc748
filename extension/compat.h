/*-------------------------------------------------------------------------
 *
 * compat.h
 *	  Differences between PostgreSQL's major versions, all in one place.
 *
 * Barista runs on 15 today.  Code that calls what changed after 15 goes
 * through the names of this file.
 *
 *-------------------------------------------------------------------------
 */
#ifndef BARISTA_COMPAT_H
#define BARISTA_COMPAT_H

#include "replication/origin.h"

#if PG_VERSION_NUM < 150000 || PG_VERSION_NUM >= 160000
#error "Barista is built for PostgreSQL 15"
#endif

/* A flag of the type cache that it keeps to itself: a domain's constraints have been loaded. */
#define BARISTA_DOMAIN_CONSTRAINTS_LOADED	0x080000

/* 16 added the process that had acquired the origin, for parallel apply. */
#define barista_origin_setup(origin)	replorigin_session_setup(origin)

#endif							/* BARISTA_COMPAT_H */
