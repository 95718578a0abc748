/*-------------------------------------------------------------------------
 *
 * shared.c
 *	  What barista and its server share: the mapped file, and the part of
 *	  PostgreSQL's shared memory that belongs to the extension.
 *
 * barista makes a new file for each start of the server.  The postmaster maps
 * it, and every backend inherits the mapping.  A server that was started
 * without one has no way to reach barista and stays read-only.
 *
 *-------------------------------------------------------------------------
 */
#include "barista.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "miscadmin.h"
#include "storage/backendid.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lwlock.h"
#include "storage/proc.h"
#include "storage/shmem.h"

#include "internal.h"

#ifdef PG_HAVE_ATOMIC_U64_SIMULATION
#error "the mapped file needs 64-bit atomics without a lock"
#endif

/* Both set in the postmaster and inherited; constant in a backend. */
BaristaShared *barista_shared = NULL;
BaristaControl *barista_control = NULL;

/* This backend's place in barista_control->slots, or -1.  Set once. */
static int	my_slot = -1;

/*
 * Maps the file of barista.shared_file into the postmaster.  Any mistake
 * there ends the start: a server that believes in another file than barista
 * does would never see its gate closed.
 */
void
barista_shared_map(const char *path)
{
	struct stat st;
	void	   *address;
	int			fd;

	fd = open(path, O_RDWR | PG_BINARY | O_CLOEXEC);
	if (fd < 0)
		ereport(FATAL,
				(errcode_for_file_access(),
				 errmsg("could not open barista.shared_file \"%s\": %m", path)));
	if (fstat(fd, &st) < 0 || st.st_size < BARISTA_SHARED_SIZE)
		ereport(FATAL,
				(errcode(ERRCODE_CONFIG_FILE_ERROR),
				 errmsg("barista.shared_file \"%s\" is shorter than %d bytes",
						path, BARISTA_SHARED_SIZE)));
	address = mmap(NULL, BARISTA_SHARED_SIZE, PROT_READ | PROT_WRITE,
				   MAP_SHARED, fd, 0);
	if (address == MAP_FAILED)
		ereport(FATAL,
				(errcode_for_file_access(),
				 errmsg("could not map barista.shared_file \"%s\": %m", path)));
	close(fd);

	barista_shared = (BaristaShared *) address;
	if (pg_atomic_read_u64(&barista_shared->magic) != BARISTA_SHARED_MAGIC)
		ereport(FATAL,
				(errcode(ERRCODE_CONFIG_FILE_ERROR),
				 errmsg("barista.shared_file \"%s\" was not made by barista", path)));
}

Size
barista_control_size(void)
{
	return add_size(offsetof(BaristaControl, slots),
					mul_size(MaxBackends, sizeof(BaristaSlot)));
}

/* shmem_startup_hook's part: makes or finds the extension's control block. */
void
barista_control_attach(void)
{
	bool		found;

	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	barista_control = ShmemInitStruct("barista", barista_control_size(), &found);
	if (!found)
	{
		memset(barista_control, 0, barista_control_size());
		pg_atomic_init_u64(&barista_control->last_change_set, 0);
		pg_atomic_init_u32(&barista_control->sessions, 0);
		barista_control->slot_count = MaxBackends;
		for (int i = 0; i < barista_control->slot_count; i++)
		{
			pg_atomic_init_u64(&barista_control->slots[i].waits_for, 0);
			pg_atomic_init_u32(&barista_control->slots[i].at_gate, 0);
		}
	}
	LWLockRelease(AddinShmemInitLock);
}

bool
barista_gate_is_open(uint64 *epoch)
{
	uint64		open_epoch;

	if (barista_shared == NULL)
		return false;
	open_epoch = pg_atomic_read_u64(&barista_shared->epoch);
	pg_read_barrier();
	if (open_epoch == 0 || pg_atomic_read_u64(&barista_shared->closed) != 0)
		return false;
	if (epoch != NULL)
		*epoch = open_epoch;
	return true;
}

uint64
barista_applied_position(void)
{
	return barista_shared ? pg_atomic_read_u64(&barista_shared->applied) : 0;
}

void
barista_close_epoch(void)
{
	if (barista_shared == NULL)
		return;
	pg_atomic_write_u64(&barista_shared->closed, 1);

	/* Whoever waits at the gate reads the flag when its latch wakes it. */
	pg_memory_barrier();
	for (int i = 0; i < barista_control->slot_count; i++)
	{
		BaristaSlot *slot = &barista_control->slots[i];

		if (pg_atomic_read_u32(&slot->at_gate) != 0)
			SetLatch(&ProcGlobal->allProcs[slot->pgprocno].procLatch);
	}
}

/* This backend's slot.  Slots are as many as backend ids, and one's own. */
BaristaSlot *
barista_my_slot(void)
{
	if (my_slot < 0)
	{
		if (MyBackendId == InvalidBackendId ||
			MyBackendId > barista_control->slot_count)
			elog(ERROR, "this process has no backend id");
		my_slot = MyBackendId - 1;
		pg_atomic_write_u32(&barista_control->slots[my_slot].at_gate, 0);
		pg_atomic_write_u64(&barista_control->slots[my_slot].waits_for, 0);
		barista_control->slots[my_slot].pgprocno = MyProc->pgprocno;
		pg_memory_barrier();
	}
	return &barista_control->slots[my_slot];
}
