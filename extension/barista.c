/*-------------------------------------------------------------------------
 *
 * barista.c
 *	  Loading, settings, and the hooks that every statement and every
 *	  transaction passes.
 *
 * The library is loaded by shared_preload_libraries only, and first of all
 * that stand there: transaction callbacks run in reverse order of their
 * registration, and the gate must be the last to run.
 *
 * A server that was not started by barista (there is no mapped file) is
 * read-only for everybody, so a manual start cannot fork the history.
 *
 *-------------------------------------------------------------------------
 */
#include "barista.h"

#include <signal.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "access/parallel.h"
#include "access/xact.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "postmaster/postmaster.h"
#include "replication/origin.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lwlock.h"
#include "storage/proc.h"
#include "storage/shmem.h"
#include "tcop/tcopprot.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/wait_event.h"

#include "internal.h"

PG_MODULE_MAGIC;

PG_FUNCTION_INFO_V1(barista_start);
PG_FUNCTION_INFO_V1(barista_flush);
PG_FUNCTION_INFO_V1(barista_bootstrap);

/* How often a statement looks whether the lease was renewed, in ms. */
#define LEASE_POLL		2

typedef enum SessionKind
{
	SESSION_LOCAL,
	SESSION_LEADER,
	SESSION_OWN
} SessionKind;

static const struct config_enum_entry session_kinds[] = {
	{"local", SESSION_LOCAL, false},
	{"leader", SESSION_LEADER, false},
	{"own", SESSION_OWN, false},
	{NULL, 0, false}
};

/* Settings. */
static char *shared_file = NULL;	/* barista.shared_file */
char	   *barista_gate_socket = NULL;
int			barista_spill_limit;
int			barista_max_transaction;
static int	session_kind = SESSION_LOCAL;	/* barista.session */
static char *client_token = NULL;	/* barista.client */
bool		barista_bootstrapping = false;	/* barista.bootstrap */

/* Epoch that was open when this session began; fixed then. */
static uint64 session_epoch = 0;

/*
 * The last epoch that this backend saw open.  What takes its snapshot later
 * than that sees all that was applied before.
 */
static uint64 known_epoch = 0;

/* Reset at the end of each transaction. */
bool		barista_in_apply = false;
uint64		barista_transaction_epoch = 0;
static bool transaction_checked = false;

/* Set around one utility statement, see barista.h. */
bool		barista_in_maintenance = false;

/* Once true, for the life of the backend: prepare_backend() has run. */
static bool backend_prepared = false;

static shmem_request_hook_type next_shmem_request = NULL;
static shmem_startup_hook_type next_shmem_startup = NULL;
static ExecutorStart_hook_type next_executor_start = NULL;
static ExecutorRun_hook_type next_executor_run = NULL;
static ExecutorFinish_hook_type next_executor_finish = NULL;
static object_access_hook_type next_object_access = NULL;
static emit_log_hook_type next_emit_log = NULL;

/* ------------------------------------------------------------------------
 * Who asks
 * ------------------------------------------------------------------------
 */

/*
 * Does this process run statements for somebody?  Not so autovacuum, parallel
 * workers and the server's own processes.
 */
static bool
serves_statements(void)
{
	static int	answer = -1;	/* for the life of the process */

	if (answer < 0)
	{
		switch (MyBackendType)
		{
			case B_BACKEND:
			case B_WAL_SENDER:
				answer = !barista_bootstrapping;
				break;
			case B_BG_WORKER:
				answer = !barista_bootstrapping && !IsParallelWorker();
				break;
			default:
				answer = !IsUnderPostmaster && !barista_bootstrapping;
				break;
		}
	}
	return answer != 0;
}

bool
barista_own_session(void)
{
	return session_kind == SESSION_OWN && MyBackendType == B_BACKEND;
}

void
barista_require_own_session(const char *function)
{
	if (barista_bootstrapping)
		return;
	if (!barista_own_session())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("%s() is for barista's own sessions only", function)));
	/* Nor what was reached by a statement that barista sent for something else. */
	if (InSecurityRestrictedOperation() || GetUserId() != GetSessionUserId() ||
		debug_query_string == NULL || strstr(debug_query_string, function) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("%s() is for barista itself, not for what its sessions run", function)));
}

bool
barista_capturing(void)
{
	return !barista_in_apply && serves_statements();
}

/*
 * A session may say that its transaction is READ WRITE, or end a savepoint
 * that was made before we said otherwise: so this is asked at every turn.
 *
 * Autovacuum runs the functions of indexes, which may write what nobody
 * captures.  Its own work does not look at XactReadOnly.
 */
void
barista_fence(void)
{
	if (MyBackendType == B_AUTOVAC_WORKER
		? !barista_bootstrapping
		: barista_capturing() && !barista_gate_is_open(NULL))
		XactReadOnly = true;
}

/* ------------------------------------------------------------------------
 * Every statement
 * ------------------------------------------------------------------------
 */

/* Has the running transaction written something that others could see? */
static bool
has_written(void)
{
	return IsTransactionState() &&
		(barista_has_captured() || TransactionIdIsValid(GetTopTransactionIdIfAny()));
}

/*
 * The request under way has committed a transaction, and its client has not
 * been told that all is answered.  A COMMIT of the extended protocol is such a
 * request until its Sync comes, and a procedure that commits and goes on.
 */
static bool committed_unanswered = false;

void
barista_note_answered(void)
{
	committed_unanswered = false;
}

void
barista_end_session(void)
{
	if (committed_unanswered)
		ereport(FATAL,
				(errcode(ERRCODE_TRANSACTION_RESOLUTION_UNKNOWN),
				 errmsg("this node stopped leading before the request was answered"),
				 errdetail("A transaction of the request was committed. One that was open then was not."),
				 errhint("Connect again and look for its effect before you run it again.")));
	if (has_written())
		ereport(FATAL,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("this node stopped leading; the transaction was not committed"),
				 errhint("Connect again and run the transaction again.")));
	ereport(FATAL,
			(errcode(ERRCODE_ADMIN_SHUTDOWN),
			 errmsg("this node stopped leading"),
			 errdetail("What was under way had written nothing."),
			 errhint("Connect again and run it again.")));
}

/*
 * The session is ended while its change set may have been proposed: close the
 * epoch before any abort can let its row locks go.
 */
static void
close_before_exit(int code, Datum arg)
{
	if (barista_gate_state != GATE_IDLE)
		barista_close_epoch();
}

/*
 * Once in each backend, at its first statement: after InitPostgres, so that
 * close_before_exit runs before that function's own abort.
 */
static void
prepare_backend(void)
{
	backend_prepared = true;
	before_shmem_exit(close_before_exit, (Datum) 0);
	barista_client_watch();
	if (!IsUnderPostmaster)
		return;
	(void) barista_my_slot();

	/* A dead postmaster must leave no backend that answers. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
		ereport(FATAL,
				(errmsg("could not tie this process to the postmaster: %m")));
	if (getppid() != PostmasterPid)
		_exit(2);
}

static bool
lease_is_valid(void)
{
	uint64		end = pg_atomic_read_u64(&barista_shared->lease_end);
	struct timespec now;

	if (clock_gettime(CLOCK_BOOTTIME, &now) != 0)
		return false;
	return (uint64) now.tv_sec * UINT64CONST(1000000000) + now.tv_nsec < end;
}

/*
 * A lapsed lease suspends the leader: another node may lead already, so what
 * this server shows may be old.  The same epoch resumes only if nobody else
 * led meanwhile, hence a snapshot taken before the wait is still the newest.
 */
static void
wait_for_lease(uint64 epoch)
{
	uint64		open_epoch;

	while (!lease_is_valid())
	{
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 LEASE_POLL, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		if (!barista_gate_is_open(&open_epoch) || open_epoch != epoch)
			return;
	}
}

/*
 * The gate may have opened since the transaction took its snapshot, which is
 * then older than the last commits of apply.  Those take part in no check of
 * read and write dependencies.  Nothing ended in between if the last
 * transaction and the number of those that run are the same.
 */
static void
meet_epoch(uint64 epoch)
{
	Snapshot	held;
	Snapshot	latest;

	known_epoch = epoch;
	if (!IsolationIsSerializable() || !FirstSnapshotSet)
		return;
	held = GetTransactionSnapshot();
	latest = GetLatestSnapshot();
	if (held->xmax != latest->xmax || held->xcnt != latest->xcnt)
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("could not serialize access, since this node began to lead meanwhile"),
				 errhint("Run the transaction again.")));
}

void
barista_check_statement(void)
{
	uint64		epoch = 0;
	bool		open;

	if (barista_in_apply || !serves_statements())
		return;
	if (unlikely(!backend_prepared))
		prepare_backend();
	barista_client_request();
	transaction_checked = true;

	open = barista_gate_is_open(&epoch);
	if (open && unlikely(!lease_is_valid()) && !barista_own_session())
	{
		wait_for_lease(epoch);
		open = barista_gate_is_open(&epoch);
	}

	if (session_kind == SESSION_LEADER && (!open || epoch != session_epoch))
		barista_end_session();
	if (!open)
		XactReadOnly = true;
	else if (barista_transaction_epoch == 0)
	{
		if (unlikely(epoch != known_epoch))
			meet_epoch(epoch);
		barista_transaction_epoch = epoch;
	}
	barista_ids_begin(true);
}

void
barista_assign_epoch_before_first_write(void)
{
	if (likely(barista_transaction_epoch != 0))
		return;
	if (!barista_gate_is_open(&barista_transaction_epoch))
		ereport(ERROR,
				(errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
				 errmsg("cannot write on a node that does not lead")));
}

/* Does the plan lock rows (SELECT FOR UPDATE and the like)? */
static bool
locks_rows(PlannedStmt *plan)
{
	ListCell   *cell;

	foreach(cell, plan->rowMarks)
	{
		if (RowMarkRequiresRowShareLock(((PlanRowMark *) lfirst(cell))->markType))
			return true;
	}
	return false;
}

static void
executor_start(QueryDesc *queryDesc, int eflags)
{
	barista_fence();
	barista_repeated_check(queryDesc);
	if (!barista_in_apply && serves_statements())
	{
		PlannedStmt *plan = queryDesc->plannedstmt;

		barista_check_statement();
		if ((eflags & EXEC_FLAG_EXPLAIN_ONLY) == 0)
		{
			if (plan->resultRelations != NIL)
			{
				/* The core itself refuses what writes in a read-only one. */
				if (!XactReadOnly)
					barista_triggers_check_targets(queryDesc);
				barista_note_known_write();
			}
			else if (plan->rowMarks != NIL && locks_rows(plan))
				barista_note_known_write();
		}
	}
	if (next_executor_start)
		next_executor_start(queryDesc, eflags);
	else
		standard_ExecutorStart(queryDesc, eflags);

	if (queryDesc->estate->es_opened_result_relations != NIL &&
		(eflags & EXEC_FLAG_EXPLAIN_ONLY) == 0)
		barista_capture_prepare(queryDesc->estate);
}

static void
run_query(QueryDesc *queryDesc, ScanDirection direction, uint64 count,
		  bool execute_once)
{
	if (next_executor_run)
		next_executor_run(queryDesc, direction, count, execute_once);
	else
		standard_ExecutorRun(queryDesc, direction, count, execute_once);
}

/* Runs a query of a function that must not write. */
static pg_noinline void
run_repeated(Oid function, QueryDesc *queryDesc, ScanDirection direction,
			 uint64 count, bool execute_once)
{
	PG_TRY();
	{
		barista_repeated_check(queryDesc);
		run_query(queryDesc, direction, count, execute_once);
	}
	PG_CATCH();
	{
		barista_repeated_abort(function);
		PG_RE_THROW();
	}
	PG_END_TRY();
	barista_repeated_end();
}

/*
 * A cursor goes on, perhaps after the savepoint in which it was opened.  What
 * began in an epoch hears of its end at the commit.
 */
static void
executor_run(QueryDesc *queryDesc, ScanDirection direction, uint64 count,
			 bool execute_once)
{
	Oid			repeated;

	barista_client_request();
	if (barista_transaction_epoch == 0)
		barista_fence();
	repeated = barista_repeated_begin(queryDesc);
	if (unlikely(OidIsValid(repeated)))
		run_repeated(repeated, queryDesc, direction, count, execute_once);
	else
		run_query(queryDesc, direction, count, execute_once);
}

/* What a WITH writes is written here at the latest. */
static void
executor_finish(QueryDesc *queryDesc)
{
	if (next_executor_finish)
		next_executor_finish(queryDesc);
	else
		standard_ExecutorFinish(queryDesc);
	if (queryDesc->estate->es_tuple_routing_result_relations != NIL && barista_capturing())
		barista_triggers_note_routed(queryDesc->estate);
	barista_ids_end();
}

/*
 * Barista's own code calls no such function.  What users' code does not get on the
 * leader, it does not get where it runs on followers either.
 */
static void
refuse_origins(Oid function)
{
	switch (function)
	{
		case F_PG_REPLICATION_ORIGIN_CREATE:
		case F_PG_REPLICATION_ORIGIN_DROP:
		case F_PG_REPLICATION_ORIGIN_ADVANCE:
		case F_PG_REPLICATION_ORIGIN_SESSION_SETUP:
		case F_PG_REPLICATION_ORIGIN_XACT_SETUP:
			if (!barista_bootstrapping)
				ereport(ERROR,
						(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						 errmsg("%s() is not supported", get_func_name(function)),
						 errhint("Replication origins of a Barista cluster are kept by Barista.")));
			break;
		default:
			break;
	}
}

/*
 * Functions that are run: those that need a note, those that would take the
 * origin away from under us, and the ones that come past every other hook
 * (by the fast path, or in a simple PL/pgSQL expression after a COMMIT).
 */
static void
function_execute(Oid function)
{
	refuse_origins(function);
	if (barista_in_apply || !serves_statements())
	{
		barista_fence();
		return;
	}
	barista_repeated_check_function(function);
	barista_client_request();	/* the fast path inside a transaction */
	if (unlikely(!transaction_checked ||
				 (!XactReadOnly && !barista_gate_is_open(NULL))))
		barista_check_statement();

	switch (function)
	{
		case F_PG_NOTIFY:
			barista_note_notify();
			break;
		case F_TXID_CURRENT:
		case F_PG_CURRENT_XACT_ID:
			if (barista_transaction_epoch == 0)
				ereport(ERROR,
						(errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
						 errmsg("cannot assign a transaction id on a node that does not lead")));
			barista_note_known_write();
			break;
		case F_TXID_STATUS:
		case F_PG_XACT_STATUS:
			if (barista_transaction_epoch == 0)
				barista_ids_forget();
			break;
		default:
			break;
	}
}

static void
object_access(ObjectAccessType access, Oid classId, Oid objectId, int subId, void *arg)
{
	if (next_object_access)
		next_object_access(access, classId, objectId, subId, arg);
	if (access == OAT_FUNCTION_EXECUTE)
		function_execute(barista_called_function(objectId));
}

/*
 * Does a text hold passwords, as far as can be told without reading it?  Those of
 * roles stand behind the word; foreign servers and those who use them have them
 * among their options, under any name.
 */
static bool
may_hold_secrets(const char *text)
{
	if (text == NULL)
		return false;
	if (strcasestr(text, "password") != NULL)
		return true;
	return strcasestr(text, "options") != NULL &&
		(strcasestr(text, "mapping") != NULL ||
		 strcasestr(text, "server") != NULL ||
		 strcasestr(text, "foreign") != NULL);
}

/* The server's log tells of a statement that fails, and of where it stands. */
static void
hide_secrets(ErrorData *error)
{
	if (may_hold_secrets(debug_query_string))
		error->hide_stmt = true;
	if (may_hold_secrets(error->context))
		error->hide_ctx = true;
	if (may_hold_secrets(error->internalquery))
		error->internalquery = NULL;
}

/*
 * A backend that is told to end because its node stopped leading: say so, and
 * whether the transaction may be run again.
 */
static void
emit_log(ErrorData *error)
{
	if (error->elevel == FATAL && error->sqlerrcode == ERRCODE_ADMIN_SHUTDOWN &&
		MyBackendType == B_BACKEND && !proc_exit_inprogress && committed_unanswered)
	{
		error->sqlerrcode = ERRCODE_TRANSACTION_RESOLUTION_UNKNOWN;
		error->detail = pstrdup("A transaction of the request that was under way was committed. One that was open then was not.");
		error->hint = pstrdup("Connect again and look for its effect before you run it again.");
	}
	if (error->elevel == FATAL && error->sqlerrcode == ERRCODE_ADMIN_SHUTDOWN &&
		MyBackendType == B_BACKEND && error->hint == NULL &&
		barista_shared != NULL && !proc_exit_inprogress &&
		(barista_transaction_epoch != 0 || session_kind == SESSION_LEADER) &&
		!barista_gate_is_open(NULL))
	{
		/* A foreign server may be committing just now. */
		if (barista_wrote_foreign())
		{
			error->sqlerrcode = ERRCODE_TRANSACTION_RESOLUTION_UNKNOWN;
			error->message =
				pstrdup("this node stopped leading; the transaction was not committed here");
			error->detail = pstrdup("What it wrote to foreign tables may be there.");
			error->hint = pstrdup("Look at the foreign tables before you run it again.");
		}
		else if (has_written())
		{
			error->sqlerrcode = ERRCODE_T_R_SERIALIZATION_FAILURE;
			error->message =
				pstrdup("this node stopped leading; the transaction was not committed");
			error->hint = pstrdup("Connect again and run the transaction again.");
		}
		else
		{
			error->message = pstrdup("this node stopped leading");
			error->detail = pstrdup("What was under way had written nothing.");
			error->hint = pstrdup("Connect again and run it again.");
		}
	}
	hide_secrets(error);
	if (next_emit_log)
		next_emit_log(error);
}

/* ------------------------------------------------------------------------
 * Every transaction
 * ------------------------------------------------------------------------
 */

static void
end_transaction(bool committed)
{
	if (committed && barista_gate_state == GATE_CHOSEN)
		committed_unanswered = true;
	barista_turn_end(committed);
	barista_gate_end(committed);
	barista_apply_end(committed);
	barista_ddl_end(committed);
	barista_large_objects_end();
	barista_capture_end();
	barista_sequence_end();
	barista_repeated_reset();
	barista_in_apply = false;
	barista_transaction_epoch = 0;
	transaction_checked = false;
}

static void
transaction_event(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
			if (barista_apply_in_transaction())
				barista_apply_pre_commit();
			else if (barista_capturing())
				barista_gate_pre_commit();
			break;

		case XACT_EVENT_PRE_PREPARE:
			if (serves_statements())
				ereport(ERROR,
						(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						 errmsg("PREPARE TRANSACTION is not supported"),
						 errhint("Barista agrees on a transaction when it commits.")));
			break;

		case XACT_EVENT_COMMIT:
			end_transaction(true);
			break;

		case XACT_EVENT_ABORT:
			end_transaction(false);
			break;

		case XACT_EVENT_PREPARE:
		case XACT_EVENT_PARALLEL_PRE_COMMIT:
		case XACT_EVENT_PARALLEL_COMMIT:
		case XACT_EVENT_PARALLEL_ABORT:
			break;
	}
}

static void
subtransaction_event(SubXactEvent event, SubTransactionId mySubid,
					 SubTransactionId parentSubid, void *arg)
{
	if (event == SUBXACT_EVENT_START_SUB)
	{
		barista_fence();
		barista_ids_begin(false);
	}
	barista_capture_subtransaction(event);
}

/* ------------------------------------------------------------------------
 * Functions for role barista
 * ------------------------------------------------------------------------
 */

/* How far the origin's progress says that this server is, 0 = nowhere. */
static uint64
stored_position(bool flush)
{
	RepOriginId origin = replorigin_by_name(BARISTA_ORIGIN, true);

	return origin == InvalidRepOriginId ? 0 : replorigin_get_progress(origin, flush);
}

/*
 * barista_start() returns bigint
 *
 * Reads the applied position from the origin's progress into the mapped file.
 */
Datum
barista_start(PG_FUNCTION_ARGS)
{
	uint64		position;

	barista_require_own_session("barista_start");
	if (barista_shared == NULL || barista_gate_is_open(NULL))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("barista_start() is for a closed gate")));
	position = stored_position(false);
	pg_atomic_write_u64(&barista_shared->applied, position);
	PG_RETURN_INT64((int64) position);
}

/*
 * barista_flush() returns bigint
 *
 * Makes the commits up to the returned position durable.
 */
Datum
barista_flush(PG_FUNCTION_ARGS)
{
	barista_require_own_session("barista_flush");
	PG_RETURN_INT64((int64) stored_position(true));
}

/*
 * barista_bootstrap() returns void
 *
 * What a database needs before its first change can be captured.  Twice does
 * no harm.
 */
Datum
barista_bootstrap(PG_FUNCTION_ARGS)
{
	bool		read_only = XactReadOnly;

	barista_require_own_session("barista_bootstrap");
	if (barista_gate_is_open(NULL))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("barista_bootstrap() is for a closed gate")));
	barista_in_apply = true;	/* until the end of the transaction */
	XactReadOnly = false;
	if (replorigin_by_name(BARISTA_ORIGIN, true) == InvalidRepOriginId)
		(void) replorigin_create(BARISTA_ORIGIN);
	barista_triggers_bootstrap();
	XactReadOnly = read_only;
	PG_RETURN_VOID();
}

static Oid
own_function(const char *name, oidvector *arguments)
{
	Oid			function = GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid,
										   CStringGetDatum(name),
										   PointerGetDatum(arguments),
										   ObjectIdGetDatum(PG_CATALOG_NAMESPACE));

	if (!OidIsValid(function))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("this database lacks pg_catalog.%s()", name),
				 errhint("Databases of a Barista cluster are made from template1.")));
	return function;
}

Oid
barista_capture_function_oid(void)
{
	Oid			arguments[] = {INTERNALOID, OIDOID, TIDOID, TIDOID};

	return own_function("barista_capture", buildoidvector(arguments, 4));
}

Oid
barista_trigger_function_oid(void)
{
	return own_function("barista_trigger", buildoidvector(NULL, 0));
}

/* ------------------------------------------------------------------------
 * Loading
 * ------------------------------------------------------------------------
 */

static void
shmem_request(void)
{
	if (next_shmem_request)
		next_shmem_request();
	RequestAddinShmemSpace(barista_control_size());
	RequestAddinShmemSpace(barista_sequence_shmem_size());
	RequestNamedLWLockTranche("barista", 1);
}

static void
shmem_startup(void)
{
	if (next_shmem_startup)
		next_shmem_startup();
	barista_control_attach();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	barista_sequence_shmem_attach();
	LWLockRelease(AddinShmemInitLock);
}

/* The start-up packet says what kind of session it is. */
static bool
check_session(int *newval, void **extra, GucSource source)
{
	return *newval != SESSION_OWN || barista_rights_check(extra);
}

/* Note the epoch then. */
static void
session_begins(int newval, void *extra)
{
	if (newval == SESSION_OWN)
		barista_rights_begin(extra);
	session_epoch = 0;
	if (newval == SESSION_LEADER && IsUnderPostmaster)
		(void) barista_gate_is_open(&session_epoch);
	known_epoch = session_epoch;	/* there is no snapshot yet */
}

static void
define_settings(void)
{
	DefineCustomStringVariable("barista.shared_file",
							   "Path of the file that barista and this server map.",
							   "Barista sets it. Without it the server is read-only.",
							   &shared_file, "", PGC_POSTMASTER, 0,
							   NULL, NULL, NULL);
	DefineCustomStringVariable("barista.gate_socket",
							   "Path of the socket on which barista takes change sets.",
							   "Barista sets it.",
							   &barista_gate_socket, "", PGC_POSTMASTER, 0,
							   NULL, NULL, NULL);
	DefineCustomStringVariable("barista.client_socket",
							   "Path of the socket on which barista hands over its clients' sockets.",
							   "Barista sets it.",
							   &barista_client_socket, "", PGC_POSTMASTER, 0,
							   NULL, NULL, NULL);
	DefineCustomIntVariable("barista.kept_connections",
							"Of max_connections, those that no client's session gets.",
							"Barista sets it.",
							&barista_kept_connections, 0, 0, INT_MAX / 2,
							PGC_POSTMASTER, 0,
							NULL, NULL, NULL);
	DefineCustomStringVariable("barista.client",
							   "The name under which barista hands over the client's socket, once.",
							   "Set by the start-up packet only.",
							   &client_token, "", PGC_BACKEND, GUC_NO_SHOW_ALL,
							   NULL, NULL, NULL);
	DefineCustomBoolVariable("barista.bootstrap",
							 "A server that is being made: nothing is captured or refused.",
							 "Only for the commands that make a cluster's first server.",
							 &barista_bootstrapping, false, PGC_POSTMASTER, 0,
							 NULL, NULL, NULL);
	DefineCustomEnumVariable("barista.session",
							 "Where the session comes from.",
							 "Set by the start-up packet only.",
							 &session_kind, SESSION_LOCAL, session_kinds, PGC_BACKEND, 0,
							 check_session, session_begins, NULL);
	DefineCustomIntVariable("barista.spill_limit",
							"Bytes of a change set that are kept in memory.",
							"Larger ones go to a temporary file and travel in chunks.",
							&barista_spill_limit, 4096, 1, 8192, PGC_SUSET, GUC_UNIT_KB,
							NULL, NULL, NULL);
	DefineCustomIntVariable("barista.max_transaction",
							"Bytes that the change set of one transaction may take.",
							"Barista sets it, from max_transaction in node.yaml.",
							&barista_max_transaction, 4 * 1024 * 1024, 64, INT_MAX,
							PGC_POSTMASTER, GUC_UNIT_KB,
							NULL, NULL, NULL);
	MarkGUCPrefixReserved("barista");
}

void		_PG_init(void);

void
_PG_init(void)
{
	void	  **loaded = find_rendezvous_variable("barista");

	if (*loaded != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("barista is loaded already, from another file"),
				 errhint("Its functions must be made AS 'barista', without a path.")));
	if (!process_shared_preload_libraries_in_progress)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("barista must be loaded by shared_preload_libraries")));
	*loaded = &backend_prepared;

	define_settings();
	if (shared_file[0] != '\0')
	{
		if (barista_bootstrapping)
			ereport(FATAL,
					(errcode(ERRCODE_CONFIG_FILE_ERROR),
					 errmsg("barista.bootstrap and barista.shared_file exclude each other")));
		barista_shared_map(shared_file);
	}
	else if (!barista_bootstrapping)
		ereport(LOG,
				(errmsg("this server was not started by barista: it is read-only")));

	barista_capture_init();
	barista_sequence_init();
	barista_repeated_init();

	next_shmem_request = shmem_request_hook;
	shmem_request_hook = shmem_request;
	next_shmem_startup = shmem_startup_hook;
	shmem_startup_hook = shmem_startup;
	next_executor_start = ExecutorStart_hook;
	ExecutorStart_hook = executor_start;
	next_executor_run = ExecutorRun_hook;
	ExecutorRun_hook = executor_run;
	next_executor_finish = ExecutorFinish_hook;
	ExecutorFinish_hook = executor_finish;
	next_object_access = object_access_hook;
	object_access_hook = object_access;
	next_emit_log = emit_log_hook;
	emit_log_hook = emit_log;

	/* Callbacks registered first run last: ours before anyone else's. */
	RegisterXactCallback(transaction_event, NULL);
	RegisterSubXactCallback(subtransaction_event, NULL);

	barista_client_init();
	barista_apply_init();
	barista_ddl_init();
}
