/*-------------------------------------------------------------------------
 *
 * apply_suspect.c
 *	  Whose code runs while apply makes an index's entries, and how far it may go.
 *
 * An index's functions are declared immutable; what they do here is another matter.
 * They may raise an error, sleep for ever, take all memory or kill the process.  So
 * the index is named in the mapped file as long as they run.  Whatever happens
 * meanwhile, to the statement, the session or the server, barista finds the name
 * there, has the index set aside (index_aside.c) and goes on:
 *
 *		1. The index's name is written.
 *		2. Its functions run.  An error leaves this place by longjmp, and a dead
 *		   process does so, too: the name stays.
 *		3. If they end as they should, the name is taken away.
 *		4. barista reads it when a batch has failed or the server has ended.
 *
 * An error can be caught by the function itself, so a function that runs too long, or
 * takes too much memory, ends its session.  A clock that ticks while a call of
 * barista_apply() runs sees that: so an entry costs no system call, and a machine that
 * was paused has aged by one tick.
 *
 * So it is with functions that a statement calls which is replayed, and where one
 * fails the statement runs without any (ddl_hide.c).
 *
 * A function that takes a little less for each row would hold apply up for days.  So
 * each index has an account: it is charged with the time that its functions take
 * here, and credited with a multiple of that which the rows' transaction took where
 * it ran, for there the same functions ran for the same rows.  One that takes as long
 * there as here never owes much, however slow it is.  One that owes too much ends the
 * session, too.  The time is read from the vDSO, without a system call.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "miscadmin.h"
#include "portability/instr_time.h"
#include "storage/latch.h"
#include "utils/guc.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"

#include "apply.h"

/* Of the clock, in ms. */
#define TICK			100

/* For one row's entry in one index, in ms. */
#define LONGEST			2000

/* How much slower a function may be here than its whole transaction was, and what it may owe, in microseconds. */
#define SLOWER			10
#define MOST_DEBT		INT64CONST(5000000)

/* More accounts than that are forgotten, and what they owe. */
#define MOST_ACCOUNTS	10000

/* What the session may take beyond what it has: bytes of memory, and kB of temporary files. */
#define MOST_MEMORY		((Size) 1 << 30)
#define MOST_FILES		(1024 * 1024)

/* Registered once in each backend that needs it. */
static TimeoutId timer;
static bool registered = false;
static bool ticking = false;

/* What runs, for the clock. */
static volatile sig_atomic_t running = false;
static volatile uint32 run = 0; /* another one for each */
static volatile uint32 seen = 0;	/* the run that ticks are of */
static volatile int ticks = 0;
static volatile int most_ticks = 0;
static volatile sig_atomic_t gives_way = false; /* if barista asks it to */
static Size page_size = 0;
static volatile Size most_memory = 0;	/* 0: the system does not say */

/* Of an index, or of all statements (BARISTA_SUSPECT_STATEMENT). */
typedef struct Account
{
	Oid			index;			/* hash key */
	uint64		set;			/* the change set that it was credited with last */
	int64		debt;			/* microseconds; negative: credit of that set */
} Account;

/* By index; lives as long as the backend. */
static HTAB *accounts = NULL;

/* Of the running change set: its number here, and how long its transaction took; 0: nobody knows. */
static uint64 set_number = 1;
static int64 set_took = 0;

/* What runs and is charged: for whom, and since when.  Invalid: nothing. */
static Oid	charged = InvalidOid;
static instr_time charged_since;

/* Somebody owes too much: the session is about to end. */
static bool bankrupt = false;

/* While something runs: what temp_file_limit was. */
static int	files_before;

/* Bytes of data that this process has; 0 if the system does not say.  Safe in a signal handler. */
static Size
memory_used(void)
{
	char		text[256];
	int			fd = open("/proc/self/statm", O_RDONLY);
	ssize_t		length;
	int			field = 0;
	Size		pages = 0;

	if (fd < 0)
		return 0;
	length = read(fd, text, sizeof(text));
	close(fd);
	for (ssize_t i = 0; i < length && field < 6; i++)
	{
		if (text[i] == ' ')
			field++;
		else if (field == 5 && text[i] >= '0' && text[i] <= '9')
			pages = pages * 10 + (text[i] - '0');
	}
	return pages * page_size;
}

/* In a signal handler.  Ending the session is what nobody's code can catch. */
static void
tick(void)
{
	int			save_errno = errno;

	if (!running)
		return;
	if (run != seen)
	{
		seen = run;
		ticks = 0;
	}
	if (++ticks > most_ticks ||
		(gives_way && pg_atomic_read_u64(&barista_shared->give_way) != 0) ||
		(most_memory != 0 && memory_used() > most_memory))
	{
		InterruptPending = true;
		ProcDiePending = true;
		SetLatch(MyLatch);
	}
	errno = save_errno;
}

/* Limits what runs until apply_limits_end(), to so many ms. */
void
apply_limits_begin(int longest)
{
	if (!ticking)
	{
		if (!registered)
			timer = RegisterTimeout(USER_TIMEOUT, tick);
		registered = true;
		page_size = sysconf(_SC_PAGESIZE);
		most_memory = memory_used();
		if (most_memory != 0)
			most_memory += MOST_MEMORY;
		ticking = true;
		enable_timeout_every(timer, TimestampTzPlusMilliseconds(GetCurrentTimestamp(), TICK), TICK);
	}
	files_before = temp_file_limit;
	temp_file_limit = files_before < 0 ? MOST_FILES : Min(files_before, MOST_FILES);
	most_ticks = longest / TICK;
	run++;
	running = true;
}

/* What runs also ends when barista says so in the mapped file. */
void
apply_limits_give_way(void)
{
	gives_way = barista_shared != NULL;
}

/* After an error, too. */
void
apply_limits_end(void)
{
	gives_way = false;
	if (!running)
		return;
	running = false;
	temp_file_limit = files_before;
}

/* The call of barista_apply() ends, or has ended with an error. */
void
apply_limits_stop(void)
{
	apply_limits_end();
	if (ticking)
		disable_timeout(timer, false);
	ticking = false;
}

/* A change set begins, whose transaction took so many microseconds where it ran; 0: nobody knows. */
void
apply_suspect_set(int64 took)
{
	set_number++;
	set_took = Max(took, 0);
}

static Account *
account_of(Oid index)
{
	Account    *account;
	bool		found;

	if (accounts != NULL && hash_get_num_entries(accounts) >= MOST_ACCOUNTS)
	{
		hash_destroy(accounts);
		accounts = NULL;
	}
	if (accounts == NULL)
	{
		HASHCTL		control = {
			.keysize = sizeof(Oid),
			.entrysize = sizeof(Account),
			.hcxt = TopMemoryContext,
		};

		accounts = hash_create("barista accounts of indexes", 64, &control,
							   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	account = hash_search(accounts, &index, HASH_ENTER, &found);
	if (!found)
	{
		account->set = 0;
		account->debt = 0;
	}
	return account;
}

static void
charge_begin(Oid index)
{
	charged = index;
	INSTR_TIME_SET_CURRENT(charged_since);
}

/*
 * Credit that a set has left over ends with it.  No entry counts for more than it may
 * take: the machine may have been paused.
 */
static void
charge_end(void)
{
	Account    *account;
	instr_time	took;

	if (!OidIsValid(charged))
		return;
	account = account_of(charged);
	charged = InvalidOid;
	if (set_took == 0)
		return;
	INSTR_TIME_SET_CURRENT(took);
	INSTR_TIME_SUBTRACT(took, charged_since);
	if (account->set != set_number)
	{
		account->debt = Max(account->debt, 0) - (set_took > PG_INT64_MAX / 2 / SLOWER ? PG_INT64_MAX / 2 : set_took * SLOWER);
		account->set = set_number;
	}
	account->debt += Min((int64) INSTR_TIME_GET_MICROSEC(took), INT64CONST(1000) * LONGEST);
	if (account->debt > MOST_DEBT)
	{
		bankrupt = true;
		InterruptPending = true;
		ProcDiePending = true;	/* which no function can catch */
	}
}

static void
name(uint64 suspect)
{
	if (barista_shared)
		pg_atomic_write_u64(&barista_shared->suspect, suspect);
}

/* What runs from here on is this index's. */
void
apply_suspect_begin(Oid index)
{
	name((uint64) MyDatabaseId << 32 | index);
	apply_limits_begin(LONGEST);
	charge_begin(index);
}

void
apply_suspect_end(void)
{
	apply_limits_end();
	charge_end();
	if (bankrupt)
		CHECK_FOR_INTERRUPTS();	/* with the name in its place */
	name(0);
}

/* Names an index that has failed by itself. */
void
apply_suspect_name(Oid index)
{
	name((uint64) MyDatabaseId << 32 | index);
}

/* A statement that is replayed has run users' code.  apply_suspect_end() ends it. */
void
apply_suspect_statement(void)
{
	name((uint64) MyDatabaseId << 32 | BARISTA_SUSPECT_STATEMENT);
}

/* A users' function begins or ends in a statement that is replayed. */
void
apply_limit_function(bool begins)
{
	if (begins)
	{
		apply_suspect_statement();
		apply_limits_begin(LONGEST);
		charge_begin(BARISTA_SUSPECT_STATEMENT);
	}
	else
	{
		apply_limits_end();
		charge_end();
	}
}

/* A call of barista_apply() begins. */
void
apply_suspect_forget(void)
{
	apply_limits_stop();
	charged = InvalidOid;
	name(0);
}
