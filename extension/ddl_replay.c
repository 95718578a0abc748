/*-------------------------------------------------------------------------
 *
 * ddl_replay.c
 *	  A recorded statement runs again, as it ran where it came from.
 *
 * It is parsed, analyzed and given to ProcessUtility as a subcommand, so that
 * no event trigger fires, under its role, search_path, settings and transaction
 * time.  Messages name the statement's tag and never its text, which may hold a
 * password's verifier.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/parallel.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_authid.h"
#include "commands/matview.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "parser/analyze.h"
#include "tcop/dest.h"
#include "tcop/tcopprot.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/guc.h"
#include "utils/snapmgr.h"

#include "apply.h"
#include "ddl.h"

/*
 * Is a statement being replayed?  Cleared at the end of the statement, or of
 * its transaction by ddl_replay_reset().
 */
static bool replaying = false;

/* A setting that names an object. */
#define CONFIGURATION	"default_text_search_config"

static ExecutorStart_hook_type next_executor_start = NULL;

static void executor_start(QueryDesc *queryDesc, int flags);
static void set(const char *name, const char *value);
static void set_configuration(const char *name);
static void read_setting(BaristaReader *r, const char **configuration);
static List *read_stored(BaristaReader *r);
static void set_transaction_time(TimestampTz xact, TimestampTz statement);
static PlannedStmt *parse(const char *text);
static bool is_recorded(Node *node);
static bool runs_script(Node *node);
static void run_again(PlannedStmt *pstmt, const char *text);
static void run_script_again(PlannedStmt *pstmt, const char *text,
							 const char *default_path);
static void set_default_path(const char *path);
static void make_temporary_schema(void);

void
ddl_replay_init(void)
{
	next_executor_start = ExecutorStart_hook;
	ExecutorStart_hook = executor_start;
}

void
ddl_replay_reset(void)
{
	replaying = false;
}

bool
ddl_replaying(void)
{
	return replaying;
}

/*
 * A statement that was recorded writes no rows, but a function that it calls
 * might find out where it is and do so here.  Extensions' scripts may.
 */
static void
executor_start(QueryDesc *queryDesc, int flags)
{
	if (replaying && queryDesc->plannedstmt->resultRelations != NIL &&
		!barista_replays_itself())
		ereport(ERROR,
				(errcode(ERRCODE_BARISTA_DIVERGENCE),
				 errmsg("a schema change writes rows where it is replayed")));
	(next_executor_start ? next_executor_start : standard_ExecutorStart)
		(queryDesc, flags);
}

/* emptied: the ApplyName of tables that have to be empty before it runs. */
void
ddl_replay(BaristaReader *r, List *emptied, const char **doing)
{
	uint8		flags = reader_u8(r);
	const char *role = reader_cstr(r);
	const char *search_path = reader_cstr(r);
	TimestampTz time = (TimestampTz) reader_u64(r);
	uint16		count = reader_u16(r);
	int			settings = NewGUCNestLevel();
	TimestampTz xact = GetCurrentTransactionStartTimestamp();
	TimestampTz statement = GetCurrentStatementStartTimestamp();
	bool		read_only = XactReadOnly;
	MemoryContext caller;
	const char *tag;
	const char *bytes;
	const char *bound = NULL;
	const char *default_path = NULL;
	const char *configuration = NULL;
	List	   *stored = NIL;
	DdlOids    *oids = NULL;
	uint32		length;
	char	   *text;
	Oid			roleid;
	BaristaRights before;
	PlannedStmt *pstmt;
	List	   *hidden = NIL;
	List	   *shown;

	if ((flags & ~(STATEMENT_HAS_BOUND | STATEMENT_HAS_DEFAULT_PATH |
				   STATEMENT_HAS_STORED | STATEMENT_HAS_OIDS)) != 0)
		reader_fail(r, "it has unknown flags");
	for (int i = 0; i < count && r->failure == NULL; i++)
		read_setting(r, &configuration);
	tag = reader_cstr(r);
	bytes = reader_bytes32(r, &length);
	if (flags & STATEMENT_HAS_BOUND)
		bound = reader_cstr(r);
	if (flags & STATEMENT_HAS_DEFAULT_PATH)
		default_path = reader_cstr(r);
	caller = MemoryContextSwitchTo(apply_row_context);
	if (flags & STATEMENT_HAS_STORED)
		stored = read_stored(r);
	if (flags & STATEMENT_HAS_OIDS)
		oids = ddl_oids_read(r);
	reader_finish(r, "statement");

	*doing = pstrdup(tag);
	text = pnstrdup(bytes, length);
	if (strlen(text) != length)
		ereport(ERROR,
				(errcode(ERRCODE_BARISTA_MALFORMED),
				 errmsg("malformed statement: it holds a zero byte")));
	roleid = get_role_oid(role, true);
	if (!OidIsValid(roleid))
		ereport(ERROR,
				(errcode(ERRCODE_BARISTA_DIVERGENCE),
				 errmsg("there is no role \"%s\" to run %s", role, *doing)));
	set("search_path", search_path);
	set("check_function_bodies", "off");
	set("escape_string_warning", "off");

	if (oids)
		ddl_leftover_remove(oids);	/* before any table gets another file */
	if (oids && default_path)
		make_temporary_schema();
	barista_rights_take(roleid, &before);
	set_configuration(configuration);
	set_transaction_time(time, time);
	XactReadOnly = false;
	replaying = true;
	shown = apply_show_aside();
	ddl_hide_domains();
	apply_empty(emptied);
	PushActiveSnapshot(GetTransactionSnapshot());
	pstmt = parse(text);
	if (runs_script(pstmt->utilityStmt))
		SetUserIdAndSecContext(roleid, before.security & ~SECURITY_RESTRICTED_OPERATION);
	if (bound)
		ddl_bound_replace(pstmt->utilityStmt, bound);
	if (flags & STATEMENT_HAS_STORED)
		ddl_setting_replace(pstmt->utilityStmt, stored);
	else if (ddl_setting_is_stored(pstmt->utilityStmt))
		ereport(ERROR,
				(errcode(ERRCODE_BARISTA_MALFORMED),
				 errmsg("malformed statement: it does not say what it stores")));
	if (apply_without_functions())
		hidden = ddl_hide_rows(pstmt->utilityStmt);
	if (oids)
		ddl_oids_follow(oids);
	if (default_path)
		run_script_again(pstmt, text, default_path);
	else
		run_again(pstmt, text);
	if (oids)
		ddl_oids_follow_end(oids, *doing);
	if (hidden != NIL)
		ddl_show_rows(hidden);
	apply_hide_aside(shown);
	apply_domains_show();
	apply_suspect_end();
	replaying = false;
	PopActiveSnapshot();
	XactReadOnly = read_only;
	set_transaction_time(xact, statement);
	barista_rights_give_back(&before);
	AtEOXact_GUC(false, settings);	/* nor does what it has set for itself last */
	MemoryContextSwitchTo(caller);
}

/*
 * A materialized view is made or refreshed without rows, and yet is populated
 * if it was so where the statement came from: its rows follow.
 */
static void
run_again(PlannedStmt *pstmt, const char *text)
{
	RangeVar   *view = NULL;
	Node	   *node = pstmt->utilityStmt;
	bool		populated = false;

	if (IsA(node, CreateTableAsStmt))
	{
		IntoClause *into = ((CreateTableAsStmt *) node)->into;

		view = into->rel;
		populated = !into->skipData;
		into->skipData = true;
	}
	else if (IsA(node, RefreshMatViewStmt))
	{
		RefreshMatViewStmt *stmt = (RefreshMatViewStmt *) node;

		view = stmt->relation;
		populated = !stmt->skipData;
		stmt->skipData = true;
		stmt->concurrent = false;
	}
	if (IsA(node, CreatedbStmt))	/* it may not run inside a function */
		ddl_database_replay((CreatedbStmt *) node);
	else if (ddl_foreign_has_options(node))
		ddl_foreign_replay(pstmt, text);
	else if (IsA(node, SecLabelStmt))
		ddl_label_replay(node);
	else if (!ddl_setting_replay(node))
		ProcessUtility(pstmt, text, false, PROCESS_UTILITY_SUBCOMMAND, NULL, NULL,
					   None_Receiver, NULL);
	if (populated)
	{
		Relation	rel;

		CommandCounterIncrement();
		rel = table_openrv(view, AccessExclusiveLock);
		SetMatViewPopulatedState(rel, true);
		table_close(rel, NoLock);
	}
}

/*
 * Extensions' scripts look at more than the search_path: PostGIS's topology
 * adds its schema to what pg_settings shows as the path after a RESET, for this
 * session and for the database.  A failure leaves it as it is: nothing else
 * reads it in a session that applies.
 */
static void
run_script_again(PlannedStmt *pstmt, const char *text, const char *default_path)
{
	char	   *own = pstrdup(GetConfigOptionResetString("search_path"));

	set_default_path(default_path);
	run_again(pstmt, text);
	set_default_path(own);
}

/*
 * A script may make temporary tables.  Their schema is no object of the script, and
 * the leader's session may have had it before.
 */
static void
make_temporary_schema(void)
{
	BaristaRights before;

	barista_rights_take(BOOTSTRAP_SUPERUSERID, &before);
	(void) LookupCreationNamespace("pg_temp");
	barista_rights_give_back(&before);
}

/* The path in use stays, since its source outranks this one. */
static void
set_default_path(const char *path)
{
	(void) set_config_option("search_path", path, PGC_SUSET, PGC_S_OVERRIDE,
							 GUC_ACTION_SET, true, 0, false);
}

static void
set(const char *name, const char *value)
{
	(void) set_config_option(name, value, PGC_SUSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
}

/*
 * The text search configuration, as the statement's role.  Its session may have one that
 * is gone, or that the role may no longer look for: then it is as it is here.
 */
static void
set_configuration(const char *name)
{
	if (name != NULL)
		(void) set_config_option(CONFIGURATION, name, PGC_SUSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, DEBUG1, false);
}

/* One of the settings that travel; no other is taken.  The configuration is set later. */
static void
read_setting(BaristaReader *r, const char **configuration)
{
	const char *name = reader_cstr(r);
	const char *value = reader_cstr(r);

	if (r->failure)
		return;
	for (int i = 0; i < ddl_settings_count; i++)
	{
		if (strcmp(name, ddl_settings[i]) != 0)
			continue;
		if (strcmp(name, CONFIGURATION) == 0)
			*configuration = value;
		else
			set(name, value);
		return;
	}
	reader_fail(r, "it has an unknown setting");
}

/* Settings that the statement's object has when it has run, as name=value. */
static List *
read_stored(BaristaReader *r)
{
	uint16		count = reader_u16(r);
	List	   *stored = NIL;

	for (int i = 0; i < count && r->failure == NULL; i++)
		stored = lappend(stored, pstrdup(reader_cstr(r)));
	return stored;
}

/*
 * The server lets nobody but a parallel worker set the transaction's time, so
 * for this moment this process says that it is one.
 */
static void
set_transaction_time(TimestampTz xact, TimestampTz statement)
{
	int			number = ParallelWorkerNumber;

	ParallelWorkerNumber = 0;
	SetParallelStartTimestamps(xact, statement);
	ParallelWorkerNumber = number;
}

/*
 * A script makes temporary tables and changes settings, which a restricted
 * operation would not let it.  The functions that it calls are restricted, but for
 * a superuser's (repeated.c).
 */
static bool
runs_script(Node *node)
{
	return IsA(node, CreateExtensionStmt) || IsA(node, AlterExtensionStmt);
}

/* Is it of a kind that is recorded?  CREATE TABLE AS is so in another form. */
static bool
is_recorded(Node *node)
{
	if (IsA(node, CreateTableAsStmt))
		return ((CreateTableAsStmt *) node)->objtype == OBJECT_MATVIEW;
	return ddl_classify(node) == DDL_RECORD;
}

/* Exactly one utility statement, of a kind that is recorded. */
static PlannedStmt *
parse(const char *text)
{
	List	   *raw = pg_parse_query(text);
	Query	   *query;
	PlannedStmt *pstmt;

	if (list_length(raw) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_BARISTA_MALFORMED),
				 errmsg("malformed statement: it is %d statements", list_length(raw))));
	query = parse_analyze_fixedparams(linitial_node(RawStmt, raw), text, NULL, 0, NULL);
	if (query->utilityStmt == NULL || !is_recorded(query->utilityStmt))
		ereport(ERROR,
				(errcode(ERRCODE_BARISTA_MALFORMED),
				 errmsg("malformed statement: its kind is never recorded")));
	ddl_concurrently_replay(query->utilityStmt);
	ddl_validated_replay(query->utilityStmt);
	pstmt = makeNode(PlannedStmt);
	pstmt->commandType = CMD_UTILITY;
	pstmt->canSetTag = true;
	pstmt->utilityStmt = query->utilityStmt;
	pstmt->stmt_location = query->stmt_location;
	pstmt->stmt_len = query->stmt_len;
	return pstmt;
}
