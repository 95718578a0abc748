/*-------------------------------------------------------------------------
 *
 * turn.c
 *	  Who commits next, and what its commit record says.
 *
 * A position may be committed only on top of exactly its predecessor.  The
 * applied position in the mapped file is both the guard and the turn: the
 * backend whose predecessor it equals is the only one that may commit.
 *
 * The position travels in the commit record as progress of a replication
 * origin, which PostgreSQL lets one backend own at a time.  The holder of the
 * turn owns it, and lets go of it before it passes the turn on.
 *
 * How a wake-up cannot be missed:
 * 1. the waiter writes what it waits for into its slot;
 * 2. a memory barrier; it reads the applied position again, then sleeps;
 * 3. whoever moves the applied position writes it, passes a memory barrier,
 *    and then reads the slots.
 * Either the waiter sees the new position, or the other sees the slot.
 *
 *-------------------------------------------------------------------------
 */
#include "barista.h"

#include <unistd.h>

#include "access/xact.h"
#include "miscadmin.h"
#include "replication/origin.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "storage/procsignal.h"
#include "storage/s_lock.h"
#include "utils/wait_event.h"

#include "internal.h"

/* A turn comes within microseconds if the one before is already running. */
#define SPINS			200
/* Wakes a waiter that missed a closed epoch's signal, in ms. */
#define TURN_POLL		200

/* Origin's number, looked up once in each backend; 0 = not yet. */
static RepOriginId origin = InvalidRepOriginId;

/*
 * Set from barista_turn_store() to the end of that transaction: this backend
 * owns the origin, and position is what its commit record carries.
 */
static bool holds_turn = false;
static uint64 position_held = 0;
static int	saved_synchronous_commit;

/* Wakes the backend that waits for the applied position to become p. */
static void
wake_successor(uint64 p)
{
	pg_memory_barrier();
	for (int i = 0; i < barista_control->slot_count; i++)
	{
		BaristaSlot *slot = &barista_control->slots[i];

		if (pg_atomic_read_u64(&slot->waits_for) == p)
			SetLatch(&ProcGlobal->allProcs[slot->pgprocno].procLatch);
	}
}

static bool
turn_is_lost(uint64 applied, uint64 predecessor)
{
	return applied > predecessor ||
		pg_atomic_read_u64(&barista_shared->closed) != 0;
}

bool
barista_turn_wait(uint64 predecessor, uint64 position)
{
	BaristaSlot *slot = barista_my_slot();
	uint64		applied;
	bool		mine;

	Assert(predecessor < position);
	for (int i = 0; i < SPINS; i++)
	{
		applied = pg_atomic_read_u64(&barista_shared->applied);
		if (applied == predecessor || turn_is_lost(applied, predecessor))
			break;
		pg_spin_delay();
	}

	pg_atomic_write_u64(&slot->waits_for, predecessor);
	for (;;)
	{
		int			events;

		pg_memory_barrier();
		applied = pg_atomic_read_u64(&barista_shared->applied);
		if (turn_is_lost(applied, predecessor))
		{
			mine = false;
			break;
		}
		if (applied == predecessor)
		{
			mine = true;
			break;
		}
		events = WaitLatch(MyLatch,
						   WL_LATCH_SET | WL_TIMEOUT | WL_POSTMASTER_DEATH,
						   TURN_POLL, PG_WAIT_EXTENSION);
		if (events & WL_POSTMASTER_DEATH)
			_exit(2);
		ResetLatch(MyLatch);
		if (ProcSignalBarrierPending)
			ProcessProcSignalBarrier();
	}
	pg_atomic_write_u64(&slot->waits_for, 0);
	return mine;
}

static void
guard(uint64 applied, uint64 predecessor)
{
	if (applied != predecessor)
		ereport(ERROR,
				(errcode(ERRCODE_BARISTA_PREDECESSOR),
				 errmsg("the applied position is %llu.%llu, not %llu.%llu",
						(unsigned long long) applied >> 16,
						(unsigned long long) applied & 0xFFFF,
						(unsigned long long) predecessor >> 16,
						(unsigned long long) predecessor & 0xFFFF)));
}

void
barista_guard(uint64 predecessor)
{
	guard(barista_applied_position(), predecessor);
}

/*
 * A backend that was still on its way out of a closed epoch:
 * 1. apply's guard sees the predecessor;
 * 2. that backend commits the next position and lets go of the origin;
 * 3. apply takes the origin, and would commit the same position again;
 * 4. that backend publishes the applied position.
 * The origin's own progress moved in step 2.
 */
void
barista_guard_turn(uint64 predecessor)
{
	Assert(holds_turn);
	guard(barista_applied_position(), predecessor);
	guard(Max(replorigin_session_get_progress(false), predecessor), predecessor);
}

void
barista_turn_prepare(void)
{
	if (origin == InvalidRepOriginId)
		origin = replorigin_by_name(BARISTA_ORIGIN, true);
	if (origin == InvalidRepOriginId)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("this server has no replication origin \"%s\"", BARISTA_ORIGIN),
				 errhint("barista_bootstrap() makes it in a new cluster's first server.")));
}

void
barista_turn_store(uint64 position, TimestampTz timestamp)
{
	Assert(!holds_turn && timestamp != 0);

	barista_turn_prepare();
	(void) GetTopTransactionId();
	barista_origin_setup(origin);
	replorigin_session_origin = origin;
	replorigin_session_origin_lsn = position;
	replorigin_session_origin_timestamp = timestamp;

	/* The journals of a majority are the durable record, not this server. */
	saved_synchronous_commit = synchronous_commit;
	synchronous_commit = SYNCHRONOUS_COMMIT_OFF;
	position_held = position;
	holds_turn = true;
}

void
barista_turn_end(bool committed)
{
	if (!holds_turn)
		return;
	holds_turn = false;
	synchronous_commit = saved_synchronous_commit;
	replorigin_session_origin = InvalidRepOriginId;
	replorigin_session_origin_lsn = InvalidXLogRecPtr;
	replorigin_session_origin_timestamp = 0;
	replorigin_session_reset();
	if (committed)
	{
		pg_atomic_write_u64(&barista_shared->applied, position_held);
		wake_successor(position_held);
	}
}
