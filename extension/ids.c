/*-------------------------------------------------------------------------
 *
 * ids.c
 *	  Transaction ids that sessions can see never go back.
 *
 * Each server counts transaction ids for itself, and clients keep them.  So the
 * order holds a limit: a leader gives out only ids below one that is agreed on,
 * and whoever leads next has moved its counter to the limit before its gate
 * opens.  docs/decisions/0015 has the reasons.
 *
 * PostgreSQL has no hook where an id is assigned.  But each is assigned in a
 * statement or in a subtransaction, and both begin with a hook of ours.  There
 * a session waits while fewer than IDS_KEPT ids are left below the limit.
 * Those are for what has begun already: for transactions that have passed
 * their hook and have no id yet, and for what passes none (autovacuum).  If
 * they do not suffice, the statement's end and the commit wait: before its
 * client is told of anything.
 *
 * The same counter makes followers' rows later than their writers: apply moves
 * it to the limit when it meets that in the order, so each row has an xmin above
 * all ids that the leader had given out when it was written.
 *
 *-------------------------------------------------------------------------
 */
#include "barista.h"

#include "access/clog.h"
#include "access/commit_ts.h"
#include "access/subtrans.h"
#include "access/transam.h"
#include "miscadmin.h"
#include "storage/latch.h"
#include "storage/lwlock.h"
#include "storage/pmsignal.h"
#include "utils/wait_event.h"

#include "internal.h"

/* Ids that a leader asks for at once, beyond those that are taken. */
#define IDS_ASKED		65536
/* With fewer left it asks. */
#define IDS_LOW			(IDS_ASKED / 2)
/* With fewer left, what begins waits. */
#define IDS_KEPT		(IDS_ASKED / 8)

/* How often it is looked whether the limit has moved, in ms. */
#define IDS_POLL		2

/*
 * The next id.  Read without a lock, as a whole: it may be older by what others
 * are just doing.
 */
static uint64
next_id(void)
{
	return U64FromFullTransactionId(*(volatile FullTransactionId *) &ShmemVariableCache->nextXid);
}

/*
 * Waits until so many ids are left below the limit.  Errors if the epoch is over:
 * there will be none.  What must not raise an error goes on then, or when an
 * interrupt is pending, and the statement's end waits.
 */
static void
wait_for_ids(uint64 left, bool interruptible)
{
	uint64		epoch;

	for (;;)
	{
		uint64		want = next_id() + left;

		if (want <= pg_atomic_read_u64(&barista_shared->id_limit))
			return;
		if (!barista_gate_is_open(&epoch) || epoch != barista_transaction_epoch)
		{
			if (interruptible)
				barista_refuse_closed();
			return;
		}
		pg_atomic_write_u64(&barista_shared->id_wanted, want + IDS_ASKED);
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 IDS_POLL, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		if (interruptible)
			CHECK_FOR_INTERRUPTS();
		else if (InterruptPending)
			return;
	}
}

/*
 * Something begins that may take ids: as many as there are subtransactions that
 * have none yet, and one more.
 */
void
barista_ids_begin(bool interruptible)
{
	uint64		next;
	uint64		limit;
	uint64		may_take;

	if (barista_transaction_epoch == 0 || barista_own_session())
		return;
	next = next_id();
	limit = pg_atomic_read_u64(&barista_shared->id_limit);
	may_take = GetCurrentTransactionNestLevel() + 1;
	if (likely(next + may_take + IDS_LOW <= limit))
		return;
	pg_atomic_write_u64(&barista_shared->id_wanted, next + may_take + IDS_ASKED);
	if (next + may_take + IDS_KEPT > limit)
		wait_for_ids(may_take + IDS_KEPT, interruptible);
}

/* Something ends of which the client is told. */
void
barista_ids_end(void)
{
	if (likely(barista_transaction_epoch == 0 ||
			   next_id() <= pg_atomic_read_u64(&barista_shared->id_limit)) ||
		barista_own_session())
		return;
	wait_for_ids(0, true);
}

/*
 * Of the ids up to now pg_xact_status() and txid_status() say nothing (NULL).
 * What this server's commit log has under them was not written by the
 * transactions that clients know by them, but by apply, or by nobody.
 */
void
barista_ids_forget(void)
{
	AdvanceOldestClogXid(XidFromFullTransactionId(ReadNextFullTransactionId()));
}

/*
 * The server must vacuum before it goes on.  PostgreSQL's own error for that reads
 * as one that comes again whenever apply tries; this one is over some time later.
 */
static void
refuse_near_wraparound(uint64 next, uint64 limit)
{
	SendPostmasterSignal(PMSIGNAL_START_AUTOVAC_LAUNCHER);
	ereport(ERROR,
			(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
			 errmsg("transaction ids from %llu to %llu cannot be used yet, to avoid wraparound data loss",
					(unsigned long long) next, (unsigned long long) limit),
			 errdetail("The database with OID %u has the oldest transaction ids.",
					   ShmemVariableCache->oldestXidDB),
			 errhint("Autovacuum was started for it on this node. Look for sessions and replication slots that hold it up.")));
}

/* How many ids there are before PostgreSQL gives out none. */
static uint64
room_from(uint64 next)
{
	int32		room = (int32) (ShmemVariableCache->xidStopLimit - (TransactionId) next);

	return room > 0 ? room : 0;
}

/*
 * A transaction of apply takes its id.  The lock keeps those away who ask for the
 * status of the leader's transaction that has the same.
 */
void
barista_ids_take(void)
{
	uint64		next = next_id();

	if (TransactionIdIsValid(GetTopTransactionIdIfAny()))
		return;
	if (room_from(next) == 0)
		refuse_near_wraparound(next, next);
	LWLockAcquire(XactTruncationLock, LW_EXCLUSIVE);
	ShmemVariableCache->oldestClogXid = GetTopTransactionId();
	TransactionIdAdvance(ShmemVariableCache->oldestClogXid);
	LWLockRelease(XactTruncationLock);
}

/*
 * Makes the pages that taking these ids one by one would have made.  Of
 * pg_subtrans nobody reads what lies behind.
 */
static void
make_pages(uint64 next, uint64 limit)
{
	for (uint64 id = next; id < limit; id++)
	{
		TransactionId xid = (TransactionId) id;

		if (xid < FirstNormalTransactionId)
			continue;
		ExtendCLOG(xid);
		ExtendCommitTs(xid);
		if (limit - id <= IDS_ASKED)
			ExtendSUBTRANS(xid);
	}
}

/*
 * Moves the counter up to the limit, and takes an id there, so that snapshots
 * begin there as well.  The transaction must not have an id yet.
 *
 * If the server dies here: the counter is again what PostgreSQL's WAL says, and
 * barista raises it at each start, before anything is applied.  Pages that were
 * made are made again.
 */
static void
raise_counter(uint64 limit)
{
	uint64		next;
	bool		old;

	if (TransactionIdIsValid(GetTopTransactionIdIfAny()))
		ereport(ERROR,
				(errcode(ERRCODE_BARISTA_MALFORMED),
				 errmsg("malformed batch: a limit of transaction ids follows on changes")));
	if ((TransactionId) limit < FirstNormalTransactionId)
		limit += FirstNormalTransactionId - (TransactionId) limit;

	LWLockAcquire(XidGenLock, LW_EXCLUSIVE);
	next = next_id();
	if (next >= limit)
	{
		LWLockRelease(XidGenLock);
		return;
	}
	if (limit - next >= room_from(next))
	{
		LWLockRelease(XidGenLock);
		refuse_near_wraparound(next, limit);
	}
	make_pages(next, limit);
	ShmemVariableCache->nextXid = FullTransactionIdFromU64(limit);
	old = TransactionIdFollowsOrEquals((TransactionId) limit,
									   ShmemVariableCache->xidVacLimit);
	LWLockRelease(XidGenLock);

	/* The core asks at every 65,536th id, and we may have passed over it. */
	if (old)
		SendPostmasterSignal(PMSIGNAL_START_AUTOVAC_LAUNCHER);
	(void) GetTopTransactionId();
}

/*
 * Apply has met a limit in the order, or found the server anew.  Once the gate is
 * open, everything below tells clients nothing.
 */
void
barista_ids_limit(uint64 limit)
{
	raise_counter(limit);
	barista_ids_forget();
	pg_atomic_write_u64(&barista_shared->id_wanted, next_id() + IDS_ASKED);
}
