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
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "miscadmin.h"
#include "storage/latch.h"
#include "utils/guc.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"

#include "apply.h"

/* Of the clock, in ms. */
#define TICK			100

/* For one row's entry in one index, in ms. */
#define LONGEST			2000

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
}

void
apply_suspect_end(void)
{
	apply_limits_end();
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
	}
	else
		apply_limits_end();
}

/* A call of barista_apply() begins. */
void
apply_suspect_forget(void)
{
	apply_limits_stop();
	name(0);
}
