/*-------------------------------------------------------------------------
 *
 * ddl.c
 *	  The utility hook: schema changes are recorded, or refused.
 *
 * A statement that changes the schema runs on the leader and is recorded in the
 * change set at the place where it happened, once: not the statements that run
 * it (DO, CALL, EXECUTE, EXPLAIN), and not the subcommands that it is made of.
 * The other nodes run it again (ddl_replay.c).  What would not do the same there
 * is refused with 0A000, before it runs (ddl_check.c) or when it shows what it
 * did (ddl_result.c).  What event triggers do meanwhile is recorded apart from it
 * (ddl_event.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "access/xlog_internal.h"
#include "catalog/namespace.h"
#include "commands/defrem.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "tcop/cmdtag.h"
#include "tcop/utility.h"
#include "utils/snapmgr.h"

#include "ddl.h"
#include "internal.h"

static ProcessUtility_hook_type next_process_utility = NULL;

/* Does IMPORT FOREIGN SCHEMA run?  False again at the end of a transaction. */
static bool importing = false;

/* Options of the running TRUNCATE. */
static uint8 truncate_options = 0;

static void process_utility(PlannedStmt *pstmt, const char *source,
							bool read_only_tree, ProcessUtilityContext context,
							ParamListInfo params, QueryEnvironment *environment,
							DestReceiver *dest, QueryCompletion *completion);
static void run_again(Utility *u);
static void run_apart(Utility *u);
static void run_local(Utility *u);
static void run_maintenance(Utility *u);
static void run_truncate(Utility *u);
static void run_copy(Utility *u);
static void run_create_as(Utility *u);
static void run_new_table(Utility *u, Node *node);
static void run_drop_database(Utility *u);
static void run_rename_database(Utility *u);
static void run_import(Utility *u);
static void run_imported(Utility *u);
static void run_explain(Utility *u);
static void run_recorded(Utility *u, Node *node);
static void check_alone(const char *tag);
static void own_tree(Utility *u);

void
barista_ddl_init(void)
{
	triggers_init();
	ddl_result_init();
	ddl_event_init();
	ddl_replay_init();
	next_process_utility = ProcessUtility_hook;
	ProcessUtility_hook = process_utility;
}

void
barista_ddl_end(bool committed)
{
	importing = false;
	truncate_options = 0;
	ddl_statement_reset();
	ddl_event_reset();
	ddl_result_reset();
	ddl_replay_reset();
}

uint8
ddl_truncate_options(void)
{
	return truncate_options;
}

/*
 * Every node runs an extension's script by itself, but not the event triggers
 * that fire for its statements.
 */
bool
barista_replays_itself(void)
{
	return creating_extension && !ddl_event_within();
}

void
ddl_run(Utility *u)
{
	(next_process_utility ? next_process_utility : standard_ProcessUtility)
		(u->pstmt, u->source, u->read_only_tree, u->context, u->params,
		 u->environment, u->dest, u->completion);
}

static void
process_utility(PlannedStmt *pstmt, const char *source, bool read_only_tree,
				ProcessUtilityContext context, ParamListInfo params,
				QueryEnvironment *environment, DestReceiver *dest,
				QueryCompletion *completion)
{
	Utility		u = {pstmt, source, read_only_tree, context, params,
	environment, dest, completion};
	Node	   *node = pstmt->utilityStmt;

	barista_oids_keep_apart();
	if (unlikely(barista_repeated_runs()))
		barista_repeated_check_utility(node);
	if (barista_in_apply)
	{
		run_again(&u);
		return;
	}
	barista_client_request();	/* a COMMIT too, which nothing else sees */
	barista_fence();
	if (importing && IsA(node, CreateForeignTableStmt))
	{
		run_imported(&u);
		return;
	}
	/* A part of a statement that has been looked at as a whole. */
	if (!barista_capturing() || barista_replays_itself() ||
		context == PROCESS_UTILITY_SUBCOMMAND)
	{
		ddl_run(&u);
		return;
	}
	/* COMMIT and ROLLBACK must pass; the gate has its own eyes. */
	if (!IsA(node, TransactionStmt))
		barista_check_statement();
	ddl_warn_of_unlogged(node);

	switch (ddl_classify(node))
	{
		case DDL_LOCAL:
			run_local(&u);
			break;
		case DDL_MAINTENANCE:
			run_maintenance(&u);
			break;
		case DDL_TRUNCATE:
			run_truncate(&u);
			break;
		case DDL_COPY:
			run_copy(&u);
			break;
		case DDL_CREATE_AS:
			run_create_as(&u);
			break;
		case DDL_DROP_DATABASE:
			run_drop_database(&u);
			break;
		case DDL_RENAME_DATABASE:
			run_rename_database(&u);
			break;
		case DDL_IMPORT:
			run_import(&u);
			break;
		case DDL_RECORD:
			run_recorded(&u, node);
			break;
		case DDL_REFUSE:
			ddl_refuse_whole(node);
	}
}

/* A statement that apply replays, and what it is made of. */
static void
run_again(Utility *u)
{
	Node	   *node = u->pstmt->utilityStmt;

	if (creating_extension || !ddl_replaying())
	{
		/* A part of something: no event trigger fires. */
		u->context = PROCESS_UTILITY_SUBCOMMAND;
		ddl_run(u);
		return;
	}
	if (IsA(node, AlterSeqStmt))
		ddl_sequence_replace(node);
	if (u->context != PROCESS_UTILITY_SUBCOMMAND &&
		ddl_classify(node) != DDL_LOCAL)
		ereport(ERROR,
				(errcode(ERRCODE_BARISTA_DIVERGENCE),
				 errmsg("a schema change runs %s where it is replayed",
						GetCommandTagName(CreateCommandTag(node)))));
	if (ddl_in_frame())
	{
		ddl_run(u);
		return;
	}
	own_tree(u);
	ddl_statement_replay(u);
}

/*
 * A recorded statement may call a function that runs it: OIDs that it takes are none
 * of those that travel with that one.
 */
static void
run_apart(Utility *u)
{
	DdlOids    *outer = ddl_oids_pause();

	PG_TRY();
	{
		ddl_run(u);
	}
	PG_FINALLY();
	{
		ddl_oids_watch(outer);
	}
	PG_END_TRY();
}

static void
run_local(Utility *u)
{
	Node	   *node = u->pstmt->utilityStmt;

	ddl_check_local(node);
	switch (nodeTag(node))
	{
		case T_ExplainStmt:
			run_explain(u);
			return;
		case T_NotifyStmt:
			barista_note_notify();
			break;
		case T_LockStmt:
		case T_DiscardStmt:
			/* A strong lock, or a drop of temporary tables, has an id. */
			barista_note_known_write();
			break;
		default:
			break;
	}
	ddl_run(u);
	/* SET TRANSACTION READ WRITE, and all that comes to the same. */
	if (IsA(node, VariableSetStmt))
		barista_fence();
}

/*
 * The end of the last record.  Where that is the end of a page, the server names the
 * place behind the next page's header, up to which there is nothing to flush.
 */
static XLogRecPtr
end_of_wal(void)
{
	XLogRecPtr	next = GetXLogInsertRecPtr();
	uint64		in_segment = XLogSegmentOffset(next, wal_segment_size);

	if (in_segment == SizeOfXLogLongPHD)
		return next - SizeOfXLogLongPHD;
	if (in_segment > XLOG_BLCKSZ && next % XLOG_BLCKSZ == SizeOfXLogShortPHD)
		return next - SizeOfXLogShortPHD;
	return next;
}

/*
 * Commits here do not wait for the server's own disk, and PostgreSQL calls no
 * row visible to all before its commit is there: a VACUUM right after a load
 * would leave the visibility map empty, and index-only scans without use.
 */
static void
flush_before_vacuum(Node *node)
{
	if (IsA(node, VacuumStmt) && ((VacuumStmt *) node)->is_vacuumcmd)
		XLogFlush(end_of_wal());
}

static void
run_maintenance(Utility *u)
{
	bool		outer = barista_in_maintenance;
	char	   *mark = ddl_cluster_mark(u->pstmt->utilityStmt);

	if (IsA(u->pstmt->utilityStmt, ReindexStmt))
	{
		own_tree(u);
		ddl_concurrently_drop_option((ReindexStmt *) u->pstmt->utilityStmt,
									 u->context == PROCESS_UTILITY_TOPLEVEL);
	}
	flush_before_vacuum(u->pstmt->utilityStmt);
	barista_note_known_write();
	if (mark)
	{
		check_alone("CLUSTER");
		barista_assign_epoch_before_first_write();
		ddl_record_lock();
	}
	barista_in_maintenance = true;
	PG_TRY();
	{
		run_apart(u);
	}
	PG_FINALLY();
	{
		barista_in_maintenance = outer;
	}
	PG_END_TRY();
	if (mark)
		ddl_cluster_write(mark);
}

/* The capture triggers record it, table by table. */
static void
run_truncate(Utility *u)
{
	TruncateStmt *stmt = (TruncateStmt *) u->pstmt->utilityStmt;
	uint8		outer = truncate_options;

	barista_note_known_write();
	truncate_options = (stmt->behavior == DROP_CASCADE ? 1 : 0) |
		(stmt->restart_seqs ? 2 : 0);
	PG_TRY();
	{
		ddl_run(u);
	}
	PG_FINALLY();
	{
		truncate_options = outer;
	}
	PG_END_TRY();
}

/* Its rows are captured like any others. */
static void
run_copy(Utility *u)
{
	CopyStmt   *stmt = (CopyStmt *) u->pstmt->utilityStmt;

	if (stmt->is_from && stmt->relation)
	{
		Oid			relid = RangeVarGetRelid(stmt->relation, NoLock, true);

		if (OidIsValid(relid))
			triggers_check_copy(relid);
		barista_note_known_write();
	}
	ddl_run(u);
}

static void
run_create_as(Utility *u)
{
	run_new_table(u, u->pstmt->utilityStmt);
}

/* node: the CREATE TABLE AS that it is, or that it explains. */
static void
run_new_table(Utility *u, Node *node)
{
	barista_note_known_write();
	if (ddl_is_temporary(node) ||
		isTempNamespace(RangeVarGetCreationNamespace(((CreateTableAsStmt *) node)->into->rel)))
		run_apart(u);
	else
		run_recorded(u, node);
}

/* EXPLAIN ANALYZE runs what it explains, past this hook. */
static void
run_explain(Utility *u)
{
	ExplainStmt *stmt;
	Query	   *query;
	bool		analyze = false;
	ListCell   *lc;

	own_tree(u);
	stmt = (ExplainStmt *) u->pstmt->utilityStmt;
	query = (Query *) stmt->query;
	foreach(lc, stmt->options)
	{
		DefElem    *option = lfirst_node(DefElem, lc);

		if (strcmp(option->defname, "analyze") == 0)
			analyze = defGetBoolean(option);
	}
	if (analyze && IsA(query, Query) && query->utilityStmt &&
		IsA(query->utilityStmt, CreateTableAsStmt))
		run_new_table(u, query->utilityStmt);
	else
		ddl_run(u);
}

/* Two transactions, of which the first is agreed on. */
static void
run_drop_database(Utility *u)
{
	DropdbStmt *stmt = (DropdbStmt *) u->pstmt->utilityStmt;
	bool		force = false;
	ListCell   *lc;

	PreventInTransactionBlock(u->context == PROCESS_UTILITY_TOPLEVEL, "DROP DATABASE");
	PreventCommandIfReadOnly("DROP DATABASE");
	foreach(lc, stmt->options)
		force |= strcmp(lfirst_node(DefElem, lc)->defname, "force") == 0;
	barista_note_known_write();
	barista_assign_epoch_before_first_write();
	ddl_record_lock();
	if (!ddl_database_drop(stmt->dbname, force))
	{
		ddl_run(u);					/* which says so */
		return;
	}
	if (ActiveSnapshotSet())
		PopActiveSnapshot();
	CommitTransactionCommand();
	StartTransactionCommand();
	ddl_database_sweep();
}

static void
run_rename_database(Utility *u)
{
	RenameStmt *stmt = (RenameStmt *) u->pstmt->utilityStmt;

	check_alone("ALTER DATABASE");
	barista_note_known_write();
	barista_assign_epoch_before_first_write();
	ddl_record_lock();
	ddl_database_before_rename(stmt);
	ddl_run(u);
	ddl_database_renamed(stmt);
}

/* The foreign tables that it makes are recorded, not the statement. */
static void
run_import(Utility *u)
{
	check_alone("IMPORT FOREIGN SCHEMA");
	barista_note_known_write();
	barista_assign_epoch_before_first_write();
	ddl_record_lock();
	importing = true;
	PG_TRY();
	{
		ddl_run(u);
	}
	PG_FINALLY();
	{
		importing = false;
	}
	PG_END_TRY();
}

static void
run_imported(Utility *u)
{
	char	   *text = ddl_foreign_imported(u->pstmt, u->source);

	u->pstmt = copyObject(u->pstmt);
	u->pstmt->stmt_location = -1;
	u->pstmt->stmt_len = 0;
	u->source = text;
	importing = false;
	ddl_statement_run(u, u->pstmt->utilityStmt);
	importing = true;
}

/* Errors if this is not a statement that every node can run by itself. */
static void
check_alone(const char *tag)
{
	if (ddl_statement_running())
		ddl_refuse("A schema change inside another one",
				   "Run the statements one after the other.");
	if (allowSystemTableMods)
		ddl_refuse("A schema change under allow_system_table_mods",
				   "Turn it off.");
	if (IgnoreSystemIndexes)	/* in front of which OIDs are chosen */
		ddl_refuse("A schema change under ignore_system_indexes",
				   "Connect without it.");
	ddl_event_check_statement();
	PreventCommandIfReadOnly(tag);
}

/* node: the statement, or the one that it explains. */
static void
run_recorded(Utility *u, Node *node)
{
	ddl_check(node);
	barista_note_known_write();
	if (ddl_is_temporary(node))
	{
		run_apart(u);
		return;
	}
	check_alone(GetCommandTagName(CreateCommandTag(node)));
	ddl_concurrently_check(node, u->context == PROCESS_UTILITY_TOPLEVEL);
	ddl_detach_check(node, u->context == PROCESS_UTILITY_TOPLEVEL);
	barista_assign_epoch_before_first_write();
	ddl_record_lock();
	ddl_order_after_writers(node);
	if (IsA(node, CreatedbStmt))
	{
		PreventInTransactionBlock(u->context == PROCESS_UTILITY_TOPLEVEL,
								  "CREATE DATABASE");
		ddl_database_before((CreatedbStmt *) node);
	}
	if (node == u->pstmt->utilityStmt)
	{
		own_tree(u);
		node = u->pstmt->utilityStmt;
	}
	ddl_statement_run(u, node);
}

/* A tree that may be changed. */
static void
own_tree(Utility *u)
{
	if (u->read_only_tree)
	{
		u->pstmt = copyObject(u->pstmt);
		u->read_only_tree = false;
	}
}
