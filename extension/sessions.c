/*-------------------------------------------------------------------------
 *
 * sessions.c
 *	  Who gets in when there are many.
 *
 * The sessions of all front doors come to the leader's server.  Of its
 * connections, barista keeps some (barista.kept_connections) for itself and
 * for clients that are not authenticated yet.  PostgreSQL's own check cannot
 * keep them: it lets superusers have all, and it counts what is free, so that
 * clients which have not shown a password would take from those that have.
 * This one counts sessions, once they are authenticated.
 *
 *-------------------------------------------------------------------------
 */
#include "barista.h"

#include "miscadmin.h"
#include "port/atomics.h"
#include "postmaster/postmaster.h"
#include "replication/walsender.h"
#include "storage/ipc.h"
#include "utils/acl.h"

#include "internal.h"

int			barista_kept_connections = 0;

static void
session_ends(int code, Datum arg)
{
	pg_atomic_fetch_sub_u32(&barista_control->sessions, 1);
}

/*
 * A client has shown that it is this role.  Does not return if there is no
 * room for it.
 */
void
barista_session_begins(const char *role)
{
	int			all = MaxConnections - barista_kept_connections;
	int			ordinary = Max(all - ReservedBackends, 0);
	Oid			roleid;
	int			now;

	if (am_walsender || strcmp(role, BARISTA_ROLE) == 0)
		return;
	on_shmem_exit(session_ends, (Datum) 0);
	now = (int) pg_atomic_add_fetch_u32(&barista_control->sessions, 1);
	if (now <= ordinary)
		return;
	roleid = get_role_oid(role, true);
	if (!OidIsValid(roleid) || !superuser_arg(roleid))
		ereport(FATAL,
				(errcode(ERRCODE_TOO_MANY_CONNECTIONS),
				 errmsg("the leader already serves %d sessions, the limit of all nodes together", ordinary),
				 errdetail("Superusers may have %d more.", all - ordinary),
				 errhint("Close sessions, or raise max_sessions on every node.")));
	if (now > all)
		ereport(FATAL,
				(errcode(ERRCODE_TOO_MANY_CONNECTIONS),
				 errmsg("the leader already serves %d sessions, the limit of all nodes together for superusers", all),
				 errhint("Close sessions, or raise max_sessions or superuser_reserved_connections on every node.")));
}
