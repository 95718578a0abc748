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
 * did (ddl_result.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "commands/defrem.h"
#include "commands/extension.h"
#include "commands/user.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "tcop/cmdtag.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include "ddl.h"
#include "internal.h"

/* The arguments of ProcessUtility, to be passed on. */
typedef struct Utility
{
	PlannedStmt *pstmt;
	const char *source;
	bool		read_only_tree;
	ProcessUtilityContext context;
	ParamListInfo params;
	QueryEnvironment *environment;
	DestReceiver *dest;
	QueryCompletion *completion;
} Utility;

static ProcessUtility_hook_type next_process_utility = NULL;

/* Statements that are being recorded; 0 again at the end of a transaction. */
static int	recording = 0;

/*
 * Is one of them the query of a new table?  It may write rows of other tables:
 * it does so only here.
 */
static bool recording_query = false;

/* Options of the running TRUNCATE. */
static uint8 truncate_options = 0;

static void process_utility(PlannedStmt *pstmt, const char *source,
							bool read_only_tree, ProcessUtilityContext context,
							ParamListInfo params, QueryEnvironment *environment,
							DestReceiver *dest, QueryCompletion *completion);
static void run(Utility *u);
static void run_again(Utility *u);
static void run_local(Utility *u);
static void run_maintenance(Utility *u);
static void run_truncate(Utility *u);
static void run_copy(Utility *u);
static void run_create_as(Utility *u);
static void run_drop_database(Utility *u);
static void run_rename_database(Utility *u);
static void run_recorded(Utility *u);
static void check_alone(const char *tag);
static void record(Utility *u);
static void write_whole(DdlRecord *record, Node *node, DdlFrame *frame);
static Oid	partition(Node *node, DdlFrame *frame);
static void run_plainly(Node *node);
static bool *concurrently(Node *node);
static void reindex_plainly(Utility *u);
static void run_counted(Utility *u, DdlFrame *frame, bool password_checked);
static pg_noinline void run_frame(Utility *u, DdlFrame *frame);
static pg_noinline void run_whole(Utility *u, DdlFrame *frame);
static void own_tree(Utility *u);

void
barista_ddl_init(void)
{
	triggers_init();
	ddl_result_init();
	ddl_replay_init();
	next_process_utility = ProcessUtility_hook;
	ProcessUtility_hook = process_utility;
}

void
barista_ddl_end(bool committed)
{
	recording = 0;
	recording_query = false;
	truncate_options = 0;
	ddl_result_reset();
	ddl_replay_reset();
}

bool
ddl_recording(void)
{
	return recording > 0 && !recording_query;
}

uint8
ddl_truncate_options(void)
{
	return truncate_options;
}

/* Every node runs an extension's script by itself. */
bool
barista_replays_itself(void)
{
	return creating_extension;
}

static void
run(Utility *u)
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

	if (barista_in_apply)
	{
		run_again(&u);
		return;
	}
	barista_client_request();	/* a COMMIT too, which nothing else sees */
	barista_fence();
	/* A part of a statement that has been looked at as a whole. */
	if (!barista_capturing() || creating_extension ||
		context == PROCESS_UTILITY_SUBCOMMAND)
	{
		run(&u);
		return;
	}
	/* COMMIT and ROLLBACK must pass; the gate has its own eyes. */
	if (!IsA(node, TransactionStmt))
		barista_check_statement();

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
		case DDL_RECORD:
			run_recorded(&u);
			break;
		case DDL_REFUSE:
			ddl_refuse(GetCommandTagName(CreateCommandTag(node)),
					   "Only what every node would do in the same way is replicated.");
	}
}

/* A statement that apply replays, and what it is made of. */
static void
run_again(Utility *u)
{
	Node	   *node = u->pstmt->utilityStmt;
	DdlFrame   *frame;

	if (creating_extension || !ddl_replaying())
	{
		run(u);
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
		run(u);
		return;
	}
	own_tree(u);
	frame = ddl_frame_begin(u->pstmt->utilityStmt);
	run_frame(u, frame);
	ddl_frame_free(frame);
}

static void
run_local(Utility *u)
{
	Node	   *node = u->pstmt->utilityStmt;

	ddl_check_local(node);
	switch (nodeTag(node))
	{
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
	run(u);
	/* SET TRANSACTION READ WRITE, and all that comes to the same. */
	if (IsA(node, VariableSetStmt))
		barista_fence();
}

static void
run_maintenance(Utility *u)
{
	bool		outer = barista_in_maintenance;

	ddl_check_local(u->pstmt->utilityStmt);
	reindex_plainly(u);
	barista_note_known_write();
	barista_in_maintenance = true;
	PG_TRY();
	{
		run(u);
	}
	PG_FINALLY();
	{
		barista_in_maintenance = outer;
	}
	PG_END_TRY();
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
		run(u);
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
			triggers_check_target(relid);
		barista_note_known_write();
	}
	run(u);
}

static void
run_create_as(Utility *u)
{
	CreateTableAsStmt *stmt = (CreateTableAsStmt *) u->pstmt->utilityStmt;

	barista_note_known_write();
	if (ddl_is_temporary((Node *) stmt) ||
		isTempNamespace(RangeVarGetCreationNamespace(stmt->into->rel)))
		run(u);
	else
		run_recorded(u);
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
		run(u);					/* which says so */
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
	run(u);
	ddl_database_renamed(stmt);
}

/* Errors if this is not a statement that every node can run by itself. */
static void
check_alone(const char *tag)
{
	if (recording > 0)
		ddl_refuse("A schema change inside another one",
				   "Run the statements one after the other.");
	if (allowSystemTableMods)
		ddl_refuse("A schema change under allow_system_table_mods",
				   "Turn it off.");
	PreventCommandIfReadOnly(tag);
}

static void
run_recorded(Utility *u)
{
	Node	   *node = u->pstmt->utilityStmt;

	ddl_check(node);
	barista_note_known_write();
	if (ddl_is_temporary(node))
	{
		run(u);
		return;
	}
	check_alone(GetCommandTagName(CreateCommandTag(node)));
	if (concurrently(node) && *concurrently(node))
		PreventInTransactionBlock(u->context == PROCESS_UTILITY_TOPLEVEL,
								  psprintf("%s CONCURRENTLY",
										   GetCommandTagName(CreateCommandTag(node))));
	barista_assign_epoch_before_first_write();
	ddl_record_lock();
	ddl_order_after_writers(node);
	if (IsA(node, CreatedbStmt))
	{
		PreventInTransactionBlock(u->context == PROCESS_UTILITY_TOPLEVEL,
								  "CREATE DATABASE");
		ddl_database_before((CreatedbStmt *) node);
	}
	own_tree(u);
	record(u);
}

/* The tree is ours from here on. */
static void
record(Utility *u)
{
	Node	   *node = u->pstmt->utilityStmt;
	DdlRecord  *record = ddl_record_prepare(u->pstmt, u->source);
	char	   *text = ddl_hide_password(node);
	DdlFrame   *frame = ddl_frame_begin(node);
	PartitionBoundSpec *bound = ddl_bound_of(node);
	bool		evaluated = bound && ddl_bound_is_evaluated(bound);

	if (text)
		ddl_record_replace(record, text);
	run_plainly(node);
	run_counted(u, frame, text != NULL);
	if (!ddl_frame_is_local(frame) && !ddl_frame_is_empty(frame))
	{
		if (IsA(node, CreateExtensionStmt))
		{
			text = ddl_pinned_extension((CreateExtensionStmt *) node);
			if (text)
				ddl_record_replace(record, text);
		}
		if (evaluated)
			ddl_record_bound(record, ddl_bound_text(partition(node, frame)));
		write_whole(record, node, frame);
	}
	ddl_frame_free(frame);
}

/* The partition that a statement has made or attached. */
static Oid
partition(Node *node, DdlFrame *frame)
{
	AlterTableCmd *cmd;

	if (IsA(node, CreateStmt))
		return ddl_frame_created(frame);
	cmd = linitial_node(AlterTableCmd, castNode(AlterTableStmt, node)->cmds);
	return RangeVarGetRelid(((PartitionCmd *) cmd->def)->name, NoLock, false);
}

/* The statement, and the rows that came of it here and will not elsewhere. */
static void
write_whole(DdlRecord *record, Node *node, DdlFrame *frame)
{
	List	   *filled = ddl_frame_emptied(frame);
	ListCell   *lc;

	foreach(lc, filled)
		ddl_rows_emptied(lfirst_oid(lc));
	if (IsA(node, CreateTableAsStmt))
	{
		Oid			relid = ddl_frame_created(frame);

		ddl_record_replace(record, ddl_create_as_text((CreateTableAsStmt *) node, relid));
		ddl_record_search_path(record, DDL_NO_PATH);
		filled = list_make1_oid(relid);
	}
	else if (IsA(node, RefreshMatViewStmt))
		filled = list_make1_oid(RangeVarGetRelid(((RefreshMatViewStmt *) node)->relation,
												 NoLock, false));
	ddl_record_write(record);
	if (filled != NIL)
		CommandCounterIncrement();
	foreach(lc, filled)
		if (get_rel_persistence(lfirst_oid(lc)) == RELPERSISTENCE_PERMANENT)
			ddl_rows_append(lfirst_oid(lc));
}

/*
 * CONCURRENTLY commits several transactions, of which the log could hold none
 * before the last; ddl_replay.c leaves the word out, too.
 */
static void
run_plainly(Node *node)
{
	bool	   *word = concurrently(node);

	if (word == NULL || !*word)
		return;
	ereport(NOTICE,
			(errmsg("%s CONCURRENTLY runs as a plain %s",
					GetCommandTagName(CreateCommandTag(node)),
					GetCommandTagName(CreateCommandTag(node))),
			 errdetail("Changes of the table wait until it is done.")));
	*word = false;
}

/* Where a statement says CONCURRENTLY and is recorded without; or NULL. */
static bool *
concurrently(Node *node)
{
	if (IsA(node, IndexStmt))
		return &((IndexStmt *) node)->concurrent;
	if (IsA(node, DropStmt))
		return &((DropStmt *) node)->concurrent;
	return NULL;
}

/* One that fails would leave an index that only this server has. */
static void
reindex_plainly(Utility *u)
{
	ReindexStmt *stmt;
	ListCell   *lc;

	if (!IsA(u->pstmt->utilityStmt, ReindexStmt))
		return;
	own_tree(u);
	stmt = (ReindexStmt *) u->pstmt->utilityStmt;
	foreach(lc, stmt->params)
	{
		DefElem    *option = lfirst_node(DefElem, lc);

		if (strcmp(option->defname, "concurrently") != 0 || !defGetBoolean(option))
			continue;
		PreventInTransactionBlock(u->context == PROCESS_UTILITY_TOPLEVEL,
								  "REINDEX CONCURRENTLY");
		ereport(NOTICE,
				(errmsg("REINDEX CONCURRENTLY runs as a plain REINDEX"),
				 errdetail("Changes of the table wait until it is done.")));
		stmt->params = foreach_delete_current(stmt->params, lc);
	}
}

/* The password check has seen a plain password; it need not see a verifier. */
static void
run_counted(Utility *u, DdlFrame *frame, bool password_checked)
{
	check_password_hook_type password_hook = check_password_hook;

	recording++;
	recording_query = IsA(u->pstmt->utilityStmt, CreateTableAsStmt);
	if (password_checked)
		check_password_hook = NULL;
	PG_TRY();
	{
		run_frame(u, frame);
		ddl_frame_check(frame);
	}
	PG_FINALLY();
	{
		recording--;
		recording_query = false;
		check_password_hook = password_hook;
	}
	PG_END_TRY();
}

/* Runs a statement that is recorded, here or where it came from. */
static pg_noinline void
run_frame(Utility *u, DdlFrame *frame)
{
	PG_TRY();
	{
		run_whole(u, frame);
	}
	PG_CATCH();
	{
		ddl_frame_end(frame);
		PG_RE_THROW();
	}
	PG_END_TRY();
	ddl_frame_end(frame);
}

/* Runs it, and sees that every table has its capture triggers afterwards. */
static pg_noinline void
run_whole(Utility *u, DdlFrame *frame)
{
	AlterTableStmt *alter = (AlterTableStmt *) u->pstmt->utilityStmt;

	if (IsA(alter, AlterTableStmt))
		ddl_before_alter_table(alter);
	run(u);
	if (IsA(alter, AlterTableStmt))
		ddl_after_alter_table(alter);
	ddl_frame_add_triggers(frame);
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
