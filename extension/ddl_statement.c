/*-------------------------------------------------------------------------
 *
 * ddl_statement.c
 *	  A statement that is recorded: it runs, is complete, and is written.
 *
 * It is complete when it has done all of its own work, and before an event
 * trigger for its end runs (ddl_event.c).  There it is written to the change set,
 * behind what came before it and ahead of what event triggers add to it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_proc.h"
#include "commands/user.h"
#include "miscadmin.h"
#include "tcop/cmdtag.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"

#include "ddl.h"

struct DdlStatement
{
	Utility    *utility;
	Node	   *node;
	DdlRecord  *record;
	DdlFrame   *frame;
	bool		bound;			/* its partition bound is an expression */
	bool		copies_temporary;	/* ddl_function_copies_temporary() */
	List	   *labels;			/* ddl_label_before() */
	AlterTableStmt *rest;		/* ddl_detach_begin() */
	bool		complete;
	/* Under which it began: an event trigger's function may have others. */
	Oid			user;
	int			security;
	char	   *search_path;
};

/*
 * The statement that runs; NULL while an event trigger does.  NULL again at the
 * end of a transaction.
 */
static DdlStatement *running = NULL;

void
ddl_statement_reset(void)
{
	running = NULL;
}

DdlStatement *
ddl_statement_running(void)
{
	return running;
}

/* The query of a new table may write rows of other tables: it does so only here. */
bool
ddl_recording(void)
{
	return running != NULL && !IsA(running->node, CreateTableAsStmt);
}

bool
ddl_statement_is(DdlStatement *s, Node *node)
{
	return s->node == node;
}

DdlFrame *
ddl_statement_frame(DdlStatement *s)
{
	return s->frame;
}

/* Until ddl_statement_resume(), what happens is not the statement's doing. */
void
ddl_statement_pause(void)
{
	running = NULL;
	ddl_frame_resume(NULL);
}

void
ddl_statement_resume(DdlStatement *s)
{
	running = s;
	ddl_frame_resume(s->frame);
}

/* ------------------------------------------------------------------------
 * Running
 * ------------------------------------------------------------------------
 */

/* What is left to do for it, when the server has run it. */
static void
finish(DdlFrame *frame, AlterTableStmt *rest)
{
	if (rest)
		ddl_detach_end(rest);
	ddl_frame_protect(frame);
}

static pg_noinline void
run_whole(Utility *u, DdlFrame *frame, DdlStatement *s)
{
	Node	   *node = u->pstmt->utilityStmt;
	AlterTableStmt *rest = ddl_detach_begin(node);

	if (IsA(node, AlterTableStmt))
		ddl_before_alter_table((AlterTableStmt *) node);
	else if (IsA(node, RuleStmt))
		ddl_view_before_rule((RuleStmt *) node);
	if (s)
		s->rest = rest;
	ddl_run(u);
	if (s)
		ddl_statement_complete(s);
	else
		finish(frame, rest);
}

/* Here, or where a recorded statement is replayed: then s is NULL. */
static pg_noinline void
run_frame(Utility *u, DdlFrame *frame, DdlStatement *s)
{
	PG_TRY();
	{
		run_whole(u, frame, s);
	}
	PG_CATCH();
	{
		ddl_frame_abandon(frame);
		PG_RE_THROW();
	}
	PG_END_TRY();
	ddl_frame_end(frame);
}

void
ddl_statement_replay(Utility *u)
{
	Node	   *node = u->pstmt->utilityStmt;
	bool		check = ddl_domain_add(node);
	DefElem    *stored = ddl_setting_take(node);
	List	   *validated = ddl_validated_take(node);
	DdlFrame   *frame;

	if (ddl_domain_validate(node))
		return;
	if (validated != NIL && ((AlterTableStmt *) node)->cmds == NIL)
	{
		ddl_validated_finish(node, validated);
		return;
	}
	frame = ddl_frame_begin(node);
	run_frame(u, frame, NULL);
	if (validated != NIL)
		ddl_validated_finish(node, validated);
	if (check)
		ddl_domain_added(ddl_frame_object(frame, ConstraintRelationId));
	if (stored)
		ddl_setting_store(stored, node, frame);
	ddl_frame_free(frame);
}

/* The password check has seen a plain password; it need not see a verifier. */
static pg_noinline void
run_running(DdlStatement *s, bool password_checked)
{
	check_password_hook_type password_hook = check_password_hook;

	running = s;
	if (password_checked)
		check_password_hook = NULL;
	PG_TRY();
	{
		run_frame(s->utility, s->frame, s);
	}
	PG_FINALLY();
	{
		running = NULL;
		check_password_hook = password_hook;
	}
	PG_END_TRY();
}

/* Runs and records it; the tree is ours from here on. */
void
ddl_statement_run(Utility *u, Node *node)
{
	DdlStatement *s = palloc0(sizeof(DdlStatement));
	PartitionBoundSpec *bound = ddl_bound_of(node);
	char	   *text;
	bool		password;

	s->utility = u;
	s->node = node;
	s->record = node == u->pstmt->utilityStmt ? ddl_record_prepare(u->pstmt, u->source) :
		ddl_record_new(GetCommandTagName(CreateCommandTag(node)));
	text = ddl_hide_password(node);
	password = text != NULL;
	if (text == NULL)
		text = ddl_temporary_left_out(node);
	if (text)
		ddl_record_replace(s->record, text);
	s->copies_temporary = ddl_function_copies_temporary(node);
	s->labels = ddl_label_before(node);
	s->frame = ddl_frame_begin(node);
	s->bound = bound && ddl_bound_is_evaluated(bound);
	GetUserIdAndSecContext(&s->user, &s->security);
	s->search_path = pstrdup(namespace_search_path);
	ddl_concurrently_drop(node);
	run_running(s, password);
	ddl_frame_free(s->frame);
}

/*
 * An event trigger has run before it does anything, and may have changed what it
 * finds and under what it runs.
 */
void
ddl_statement_begin_anew(DdlStatement *s)
{
	if (ddl_is_temporary(s->node))
		ddl_refuse("An event trigger that puts a temporary object in a statement's way",
				   "Give it another name.");
	ddl_check(s->node);
	ddl_order_after_writers(s->node);
	ddl_frame_begin_anew(s->frame);
	ddl_record_refresh(s->record);
	GetUserIdAndSecContext(&s->user, &s->security);
	s->search_path = MemoryContextStrdup(GetMemoryChunkContext(s), namespace_search_path);
}

/* ------------------------------------------------------------------------
 * Writing
 * ------------------------------------------------------------------------
 */

/* The partition that a statement has made or attached. */
static Oid
partition(Node *node, DdlFrame *frame)
{
	AlterTableCmd *cmd;

	if (IsA(node, CreateStmt) || IsA(node, CreateForeignTableStmt))
		return ddl_frame_created(frame);
	cmd = linitial_node(AlterTableCmd, castNode(AlterTableStmt, node)->cmds);
	return RangeVarGetRelid(((PartitionCmd *) cmd->def)->name, NoLock, false);
}

/* A text that says what it came to here, in the place of its own. */
static void
resolve_text(DdlStatement *s, const char *provider)
{
	char	   *text = NULL;

	if (IsA(s->node, CreateExtensionStmt))
		text = ddl_pinned_extension((CreateExtensionStmt *) s->node);
	else if (IsA(s->node, AlterExtensionStmt))
		text = ddl_pinned_update((AlterExtensionStmt *) s->node);
	else if (s->copies_temporary)
	{
		text = ddl_function_text(ddl_frame_object(s->frame, ProcedureRelationId));
		ddl_record_search_path(s->record, DDL_NO_PATH);
	}
	else if (IsA(s->node, SecLabelStmt) && ((SecLabelStmt *) s->node)->provider == NULL)
		text = ddl_text_insert(ddl_record_text(s->record), 2,
							   psprintf("FOR %s ", quote_identifier(provider)));
	else if (IsA(s->node, CreateTableAsStmt))
	{
		text = ddl_create_as_text((CreateTableAsStmt *) s->node,
								  ddl_frame_created(s->frame));
		ddl_record_search_path(s->record, DDL_NO_PATH);
	}
	if (text)
		ddl_record_replace(s->record, text);
	if (s->bound)
		ddl_record_bound(s->record, ddl_bound_text(partition(s->node, s->frame)));
}

/* The statement, and the rows that came of it here and will not elsewhere. */
static void
write_whole(DdlStatement *s)
{
	List	   *filled = ddl_frame_emptied(s->frame);
	const char *provider = NULL;
	ListCell   *lc;

	if (IsA(s->node, SecLabelStmt))
	{
		provider = ddl_label_provider(s->node, s->labels);
		if (provider == NULL)
			return;
	}

	foreach(lc, filled)
		ddl_rows_emptied(lfirst_oid(lc));
	if (IsA(s->node, CreateTableAsStmt))
		filled = list_make1_oid(ddl_frame_created(s->frame));
	else if (IsA(s->node, RefreshMatViewStmt))
		filled = list_make1_oid(RangeVarGetRelid(((RefreshMatViewStmt *) s->node)->relation,
												 NoLock, false));
	resolve_text(s, provider);
	if (ddl_setting_is_stored(s->node))
		ddl_record_stored(s->record, ddl_setting_stored(s->node, s->frame));
	ddl_record_oids(s->record, ddl_frame_oids(s->frame));
	ddl_record_write(s->record);
	if (filled != NIL)
		CommandCounterIncrement();
	foreach(lc, filled)
		if (get_rel_persistence(lfirst_oid(lc)) == RELPERSISTENCE_PERMANENT)
			ddl_rows_append(lfirst_oid(lc));
}

/*
 * It has done all of its own work: looks at what that was, and writes it.  A
 * second call does nothing.
 */
void
ddl_statement_complete(DdlStatement *s)
{
	if (s->complete)
		return;
	finish(s->frame, s->rest);
	ddl_frame_resume(NULL);
	ddl_frame_check(s->frame);
	if (!ddl_frame_is_local(s->frame) && !ddl_frame_is_empty(s->frame))
		write_whole(s);
	ddl_frame_resume(s->frame);
	s->complete = true;
}

/* The same, from inside a function: names mean what they did when it began. */
void
ddl_statement_complete_inside(DdlStatement *s)
{
	int			settings;
	Oid			user;
	int			security;

	if (s->complete)
		return;
	settings = NewGUCNestLevel();
	GetUserIdAndSecContext(&user, &security);
	SetUserIdAndSecContext(s->user, s->security);
	(void) set_config_option("search_path", s->search_path, PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	ddl_statement_complete(s);
	AtEOXact_GUC(false, settings);
	SetUserIdAndSecContext(user, security);
}
