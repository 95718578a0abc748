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
 * An error can be caught by the function itself, so a function that runs too long
 * ends its session.
 *
 * So it is with functions that a statement calls which is replayed, and where one
 * fails the statement runs without any (ddl_hide.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <sys/resource.h>
#include <unistd.h>

#include "miscadmin.h"
#include "storage/fd.h"
#include "storage/latch.h"
#include "utils/guc.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"

#include "apply.h"

/* For one row's entry in one index, in ms. */
#define LONGEST			2000

/* What the session may take beyond what it has: memory, and kB of temporary files. */
#define MOST_MEMORY		((rlim_t) 1 << 30)
#define MOST_FILES		(1024 * 1024)

/* Registered once in each backend that needs it. */
static TimeoutId timer;
static bool registered = false;

/* While functions run: what they have changed. */
static bool limited = false;
static struct rlimit memory_before;
static int	files_before;

/* The memory that the session may have, for one call of barista_apply(); 0: not known yet. */
static rlim_t memory_allowed = 0;

/* In a signal handler.  Ending the session is what nobody's code can catch. */
static void
too_long(void)
{
	InterruptPending = true;
	ProcDiePending = true;
	SetLatch(MyLatch);
}

/* Bytes of data that this process has; 0 if the system does not say. */
static rlim_t
memory_used(void)
{
	FILE	   *file = fopen("/proc/self/statm", "r");
	unsigned long data = 0;

	if (file == NULL)
		return 0;
	if (fscanf(file, "%*u %*u %*u %*u %*u %lu", &data) != 1)
		data = 0;
	fclose(file);
	return (rlim_t) data * sysconf(_SC_PAGESIZE);
}

static void
limit_memory(void)
{
	struct rlimit limit;

	if (memory_allowed == 0)
		memory_allowed = memory_used() + MOST_MEMORY;
	limit = memory_before;
	limit.rlim_cur = Min(limit.rlim_cur, memory_allowed);
	(void) setrlimit(RLIMIT_DATA, &limit);
}

/* Limits what runs until apply_limits_end(), to so many ms. */
void
apply_limits_begin(int longest)
{
	if (!registered)
	{
		timer = RegisterTimeout(USER_TIMEOUT, too_long);
		registered = true;
	}
	if (getrlimit(RLIMIT_DATA, &memory_before) != 0)
		elog(ERROR, "could not read the limit of memory: %m");
	limited = true;
	files_before = temp_file_limit;
	temp_file_limit = files_before < 0 ? MOST_FILES : Min(files_before, MOST_FILES);
	limit_memory();
	enable_timeout_after(timer, longest);
}

/* After an error, too. */
void
apply_limits_end(void)
{
	if (!limited)
		return;
	limited = false;
	disable_timeout(timer, false);
	temp_file_limit = files_before;
	(void) setrlimit(RLIMIT_DATA, &memory_before);
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

/* A statement is replayed, and what it calls may fail.  apply_suspect_end() ends it. */
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
		apply_limits_begin(LONGEST);
	else
		apply_limits_end();
}

/* A call of barista_apply() begins: nothing runs, and memory is what it is now. */
void
apply_suspect_forget(void)
{
	apply_limits_end();
	memory_allowed = 0;
	name(0);
}
