/*-------------------------------------------------------------------------
 *
 * ddl_event.c
 *	  What event triggers do while a statement is recorded.
 *
 * They fire on the leader alone: a statement is replayed as a subcommand, and so
 * is each statement of an extension's script.  What they do, rows and schema
 * changes, is captured like what anybody does, and has a place in the change set:
 *
 *		ddl_command_start		before the statement
 *		ddl_command_end,		after it: the statement is complete and is
 *		sql_drop				written when the first of them begins
 *		any other				before it, though the statement has begun
 *
 * The others are table_rewrite, what fires for the statements of an extension's
 * script, and what fires for temporary tables that a statement uses.  Other nodes
 * meet their rows before the statement has done anything, so rows of what it has
 * changed already are refused, and all schema changes.
 *
 * All of it is in one transaction, and so in one change set: if the process dies
 * anywhere in between, nothing of it has happened.
 *
 * An event trigger's function is met through the function manager's hook, which
 * is asked when the server looks the function up, but not told what fires it.  So
 * the hook puts fire() in the function's place, which is.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/transam.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "commands/event_trigger.h"
#include "fmgr.h"
#include "storage/lockdefs.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "ddl.h"

/*
 * The statement in the middle of which an event trigger runs, or NULL.  NULL
 * again at the end of a transaction.
 */
static DdlStatement *within = NULL;

/*
 * Tables whose rows event triggers wrote in the middle of a statement, and those
 * that the statement, an extension's script, wrote itself.  OIDs, in
 * TopTransactionContext; NIL again at the end of a transaction.
 */
static List *written_within = NIL;
static List *written_by_script = NIL;

/* Between the hook and fire(), which follows at once: the function it stands for. */
static PGFunction replaced = NULL;

/* The statement before which an event trigger has just run, until the hook. */
static DdlStatement *begins_anew = NULL;

static needs_fmgr_hook_type next_needs_fmgr_hook = NULL;
static fmgr_hook_type next_fmgr_hook = NULL;

static Datum fire(PG_FUNCTION_ARGS);

void
ddl_event_reset(void)
{
	within = NULL;
	written_within = NIL;
	written_by_script = NIL;
	replaced = NULL;
	begins_anew = NULL;
}

bool
ddl_event_within(void)
{
	return within != NULL;
}

/* ------------------------------------------------------------------------
 * Meeting them
 * ------------------------------------------------------------------------
 */

static bool
is_met(Oid function)
{
	return ddl_statement_running() != NULL &&
		get_func_rettype(function) == EVENT_TRIGGEROID;
}

static bool
needs_hook(Oid function)
{
	return is_met(function) ||
		(next_needs_fmgr_hook && next_needs_fmgr_hook(function));
}

static void
hook(FmgrHookEventType event, FmgrInfo *function, Datum *arg)
{
	if (next_fmgr_hook)
		next_fmgr_hook(event, function, arg);
	if (event == FHET_START && is_met(function->fn_oid))
	{
		replaced = function->fn_addr;
		function->fn_addr = fire;
	}
	else if (event == FHET_END && begins_anew != NULL)
	{
		DdlStatement *statement = begins_anew;

		/* Its function's own settings and role are gone again. */
		begins_anew = NULL;
		ddl_statement_begin_anew(statement);
	}
}

void
ddl_event_init(void)
{
	next_needs_fmgr_hook = needs_fmgr_hook;
	needs_fmgr_hook = needs_hook;
	next_fmgr_hook = fmgr_hook;
	fmgr_hook = hook;
}

static bool
is_event(FunctionCallInfo fcinfo, const char *name)
{
	return strcmp(((EventTriggerData *) fcinfo->context)->event, name) == 0;
}

/* Runs the function of an event trigger, outside the statement. */
static Datum
fire(PG_FUNCTION_ARGS)
{
	DdlStatement *statement = ddl_statement_running();
	PGFunction	function = replaced;
	DdlStatement *outer = within;
	bool		own;
	bool		before;
	Datum		result = (Datum) 0;

	replaced = NULL;
	fcinfo->flinfo->fn_addr = function;
	if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
		return function(fcinfo);

	own = ddl_statement_is(statement,
						   ((EventTriggerData *) fcinfo->context)->parsetree);
	before = own && is_event(fcinfo, "ddl_command_start");
	if (own && (is_event(fcinfo, "ddl_command_end") || is_event(fcinfo, "sql_drop")))
		ddl_statement_complete_inside(statement);
	else if (!before)
		within = statement;
	ddl_statement_pause();
	PG_TRY();
	{
		result = function(fcinfo);
	}
	PG_FINALLY();
	{
		within = outer;
		ddl_statement_resume(statement);
	}
	PG_END_TRY();
	if (before)
		begins_anew = statement;
	return result;
}

/* ------------------------------------------------------------------------
 * In the middle of a statement
 * ------------------------------------------------------------------------
 */

static void
note(List **tables, Oid relid)
{
	MemoryContext caller = MemoryContextSwitchTo(TopTransactionContext);
	ListCell   *lc;

	foreach(lc, find_all_inheritors(relid, AccessShareLock, NULL))
		*tables = list_append_unique_oid(*tables, lfirst_oid(lc));
	MemoryContextSwitchTo(caller);
}

static void
check_apart(void)
{
	ListCell   *lc;

	foreach(lc, written_within)
		if (list_member_oid(written_by_script, lfirst_oid(lc)))
			ddl_refuse("An event trigger that writes to a table that an extension's script writes to",
					   "ALTER EVENT TRIGGER ... DISABLE, and enable it afterwards.");
}

/* An extension's script writes rows, on every node. */
void
ddl_event_script_writes(Oid relid)
{
	if (ddl_statement_running() == NULL || relid < FirstNormalObjectId)
		return;
	note(&written_by_script, relid);
	check_apart();
}

/* Errors (0A000) if other nodes would not find the table as it is now. */
void
ddl_event_check_target(Oid relid)
{
	ListCell   *lc;

	if (within == NULL)
		return;
	note(&written_within, relid);
	check_apart();
	foreach(lc, find_all_inheritors(relid, AccessShareLock, NULL))
		if (ddl_frame_changes_rows(ddl_statement_frame(within), lfirst_oid(lc)))
			ddl_refuse("An event trigger that writes rows of what the statement is changing",
					   "Let it fire on ddl_command_end, or write to another table.");
}

/* Errors (0A000) if a schema change has no place in the change set. */
void
ddl_event_check_statement(void)
{
	if (within != NULL)
		ddl_refuse("A schema change by an event trigger in the middle of another one",
				   "Let it fire on ddl_command_end of the whole statement.");
}
