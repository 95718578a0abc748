/*-------------------------------------------------------------------------
 *
 * backends.c
 *	  Ends the sessions of an epoch that was closed.
 *
 * Barista's own sessions have no right to signal a superuser's, nor to see
 * what others are, so this is theirs in C.
 *
 *-------------------------------------------------------------------------
 */
#include "barista.h"

#include <signal.h>

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/backend_status.h"

PG_FUNCTION_INFO_V1(barista_end_backends);

/*
 * May it be inside a transaction of an epoch?  Background workers may, those of
 * a parallel query among them; whatever serves no database may not.
 */
static bool
may_write(PgBackendStatus *status)
{
	return (status->st_backendType == B_BACKEND || status->st_backendType == B_BG_WORKER) &&
		OidIsValid(status->st_databaseid) && OidIsValid(status->st_userid) &&
		!barista_is_own_backend(status->st_procpid);
}

static bool
is_among(int pid, const int32 *pids, int count)
{
	for (int i = 0; i < count; i++)
		if (pids[i] == pid)
			return true;
	return false;
}

/*
 * barista_end_backends(among integer[]) returns integer[]
 *
 * Tells every process that may be inside an epoch to end, but barista's own;
 * or those of them that are among the given ones.  Returns whom it told.  To
 * wait for their end, call it with what it has returned until that is empty:
 * sessions that began since then are left alone.
 */
Datum
barista_end_backends(PG_FUNCTION_ARGS)
{
	bool		all = PG_ARGISNULL(0);
	int32	   *among = NULL;
	int			among_count = 0;
	Datum	   *told;
	int			count = 0;
	int			total;

	barista_require_own_session("barista_end_backends");
	if (!all)
	{
		ArrayType  *array = PG_GETARG_ARRAYTYPE_P(0);

		if (ARR_NDIM(array) > 1 || ARR_HASNULL(array))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("process ids must be a plain list")));
		among = (int32 *) ARR_DATA_PTR(array);
		among_count = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	}

	pgstat_clear_backend_activity_snapshot();
	total = pgstat_fetch_stat_numbackends();
	told = palloc(Max(total, 1) * sizeof(Datum));
	for (int i = 1; i <= total; i++)
	{
		LocalPgBackendStatus *local = pgstat_fetch_stat_local_beentry(i);
		PgBackendStatus *status;

		if (local == NULL)
			continue;
		status = &local->backendStatus;
		if (status->st_procpid == 0 || status->st_procpid == MyProcPid ||
			!may_write(status) ||
			!(all || is_among(status->st_procpid, among, among_count)))
			continue;
		told[count++] = Int32GetDatum(status->st_procpid);

		/* The whole group, as pg_terminate_backend() does it. */
#ifdef HAVE_SETSID
		(void) kill(-status->st_procpid, SIGTERM);
#else
		(void) kill(status->st_procpid, SIGTERM);
#endif
	}
	PG_RETURN_ARRAYTYPE_P(construct_array(told, count, INT4OID,
										  sizeof(int32), true, TYPALIGN_INT));
}
