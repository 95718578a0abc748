/*-------------------------------------------------------------------------
 *
 * ddl.h
 *	  What the files of ddl and triggers know of each other.
 *
 *-------------------------------------------------------------------------
 */
#ifndef BARISTA_DDL_H
#define BARISTA_DDL_H

#include "access/htup.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_trigger.h"
#include "nodes/parsenodes.h"
#include "nodes/plannodes.h"
#include "tcop/utility.h"

#include "barista.h"
#include "reader.h"

/* What is done about a utility statement. */
typedef enum DdlAction
{
	DDL_LOCAL,					/* runs; changes nothing that is replicated */
	DDL_MAINTENANCE,			/* runs; what it writes is local */
	DDL_COPY,
	DDL_TRUNCATE,
	DDL_CREATE_AS,				/* CREATE TABLE AS, SELECT INTO */
	DDL_DROP_DATABASE,
	DDL_RENAME_DATABASE,
	DDL_IMPORT,					/* IMPORT FOREIGN SCHEMA */
	DDL_RECORD,					/* runs, and is replayed on every node */
	DDL_REFUSE
} DdlAction;

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

/* ddl_classify.c */
extern DdlAction ddl_classify(Node *node);

/* ddl_check.c */

/* Errors (0A000) for what cannot be replicated; before the statement runs. */
extern void ddl_check(Node *node);
extern void ddl_check_local(Node *node);
extern void ddl_refuse(const char *what, const char *hint) pg_attribute_noreturn();
/* A statement of a kind that is never replicated. */
extern void ddl_refuse_whole(Node *node) pg_attribute_noreturn();

/* ddl_replay.c */
extern void ddl_replay_init(void);
extern void ddl_replay_reset(void);
/* Is a recorded statement running again? */
extern bool ddl_replaying(void);

/* ddl_hide.c: takes a statement as the parser made it; what it returns brings the rows back. */
extern void ddl_hide_domains(void);
extern List *ddl_hide_rows(Node *node);
extern void ddl_show_rows(List *hidden);

/* ddl_rolespec.c */
typedef void (*DdlRoleCheck) (RoleSpec *role);

/* Calls check for each of a list, or for each that options name. */
extern void ddl_each_role(List *roles, DdlRoleCheck check);
extern void ddl_each_role_of_options(List *options, DdlRoleCheck check);
/* Errors (0A000) for a role that is not named. */
extern void ddl_check_roles(Node *node);

/* ddl_own_role.c: errors (0A000) for a change of role barista */
extern void ddl_check_own_role(Node *node);

/* ddl_result.c: what a recorded statement did */
typedef struct DdlFrame DdlFrame;

extern DdlFrame *ddl_frame_begin(Node *node);
extern void ddl_frame_end(DdlFrame *frame);
/* The same after an error. */
extern void ddl_frame_abandon(DdlFrame *frame);
extern void ddl_frame_free(DdlFrame *frame);
extern bool ddl_in_frame(void);
extern void ddl_frame_check(DdlFrame *frame);
extern bool ddl_frame_is_local(DdlFrame *frame);
extern bool ddl_frame_is_empty(DdlFrame *frame);
/* Every table that it made or changed has its capture triggers. */
extern void ddl_frame_protect(DdlFrame *frame);
/* From here on this one is told what happens, or nobody. */
extern void ddl_frame_resume(DdlFrame *frame);
/* Nothing has happened in it so far; names may mean something else. */
extern void ddl_frame_begin_anew(DdlFrame *frame);
/* Does a row of this table look otherwise, since it ran? */
extern bool ddl_frame_changes_rows(DdlFrame *frame, Oid relid);
extern void ddl_result_init(void);
/* After an error, nothing of it is left. */
extern void ddl_result_reset(void);

/*
 * When it has been checked: the OIDs of the tables that other nodes empty before
 * they run the statement, and of the relation that it created, if it creates one.
 */
extern List *ddl_frame_emptied(DdlFrame *frame);
extern Oid	ddl_frame_created(DdlFrame *frame);
/* The first object of this class that it created, or InvalidOid. */
extern Oid	ddl_frame_object(DdlFrame *frame, Oid class);

/* ddl_oids.c: the OIDs of what a recorded statement makes */
typedef struct DdlOids DdlOids;

extern DdlOids *ddl_oids_begin(void);
extern void ddl_oids_watch(DdlOids *oids);
extern DdlOids *ddl_oids_pause(void);
extern void ddl_oids_end(DdlOids *oids);
extern void ddl_oids_made(Oid class, Oid object);
extern void ddl_oids_write(DdlOids *oids);
extern DdlOids *ddl_oids_read(BaristaReader *r);
extern void ddl_oids_follow(DdlOids *oids);
extern void ddl_oids_follow_end(DdlOids *oids, const char *tag);
extern void ddl_oids_each(DdlOids *oids, Oid catalog,
						  void (*visit) (Oid object, void *context), void *context);
extern void ddl_oids_reset(void);
/* Those of what it has made; NULL: they are not chosen. */
extern DdlOids *ddl_frame_oids(DdlFrame *frame);

/* ddl_leftover.c: files that belong to nothing, in the way of these OIDs */
extern void ddl_leftover_remove(DdlOids *oids);

/* ddl_statement.c: statements that are recorded */
typedef struct DdlStatement DdlStatement;

/* The statement itself, or the one that it explains. */
extern void ddl_statement_run(Utility *utility, Node *node);
extern void ddl_statement_replay(Utility *utility);
extern void ddl_statement_complete(DdlStatement *statement);
extern void ddl_statement_complete_inside(DdlStatement *statement);
extern void ddl_statement_begin_anew(DdlStatement *statement);
extern DdlStatement *ddl_statement_running(void);
extern bool ddl_statement_is(DdlStatement *statement, Node *node);
extern DdlFrame *ddl_statement_frame(DdlStatement *statement);
extern void ddl_statement_pause(void);
extern void ddl_statement_resume(DdlStatement *statement);
extern void ddl_statement_reset(void);
/* Is a statement running that will be replayed? */
extern bool ddl_recording(void);

/* ddl_event.c: event triggers */
extern void ddl_event_init(void);
extern void ddl_event_reset(void);
/* Does one run in the middle of a statement? */
extern bool ddl_event_within(void);
extern void ddl_event_check_target(Oid relid);
extern void ddl_event_check_statement(void);
extern void ddl_event_script_writes(Oid relid);

/* ddl_concurrently.c */
extern void ddl_concurrently_check(Node *node, bool top_level);
extern void ddl_concurrently_drop(Node *node);
extern void ddl_concurrently_replay(Node *node);
extern void ddl_concurrently_drop_option(ReindexStmt *stmt, bool top_level);

/* ddl_cluster.c */
extern char *ddl_cluster_mark(Node *node);
extern void ddl_cluster_write(char *mark);

/* ddl_detach.c */
extern void ddl_detach_check(Node *node, bool top_level);
extern AlterTableStmt *ddl_detach_begin(Node *node);
extern void ddl_detach_end(AlterTableStmt *stmt);

/* ddl_domain.c */
extern bool ddl_domain_validate(Node *node);
extern bool ddl_domain_add(Node *node);
extern void ddl_domain_added(Oid constraint);

/* ddl_function.c */
extern bool ddl_function_copies_temporary(Node *node);
extern char *ddl_function_text(Oid function);

/* ddl_view.c */
extern void ddl_view_before_rule(RuleStmt *stmt);

/* ddl_label.c: security labels */
extern List *ddl_label_before(Node *node);
extern const char *ddl_label_provider(Node *node, List *before);
extern void ddl_label_replay(Node *node);

/* ddl_setting.c: settings of roles, databases and functions, as name=value */
extern bool ddl_setting_is_stored(Node *node);
extern List *ddl_setting_stored(Node *node, DdlFrame *frame);
extern void ddl_setting_replace(Node *node, List *settings);
extern DefElem *ddl_setting_take(Node *node);
extern void ddl_setting_store(DefElem *stored, Node *node, DdlFrame *frame);
extern bool ddl_setting_replay(Node *node);

/* ddl_text.c: changes of a statement's text */
extern char *ddl_text_insert(const char *text, int token, const char *inserted);

/* ddl_rewrite.c */
typedef struct DdlRewrite DdlRewrite;

extern DdlRewrite *ddl_rewrite_begin(AlterTableStmt *stmt);
extern void ddl_rewrite_added_column(DdlRewrite *rewrite, Oid relid, AttrNumber attno);
extern void ddl_rewrite_constraint(DdlRewrite *rewrite, Form_pg_constraint form, Node *check);
extern List *ddl_rewrite_tables(DdlRewrite *rewrite);

/* ddl_rows.c */
extern void ddl_rows_emptied(Oid relid);
extern void ddl_rows_append(Oid relid);

/* ddl_create_as.c */

/* A search_path along which only qualified names are found. */
#define DDL_NO_PATH	""

extern char *ddl_create_as_text(CreateTableAsStmt *stmt, Oid relid);

/* ddl_database.c */
extern void ddl_database_check(CreatedbStmt *stmt);
extern void ddl_database_before(CreatedbStmt *stmt);
extern void ddl_database_replay(CreatedbStmt *stmt);
extern void ddl_database_end_own_sessions(Oid database);

/* ddl_database_drop.c */
extern void ddl_database_check_name(const char *name);
extern bool ddl_database_drop(const char *name, bool force);
extern void ddl_database_sweep(void);
extern void ddl_database_refuse_own(const char *name, const char *what);
/* Locks the database against new sessions; NULL if it is not there. */
extern HeapTuple ddl_database_lock(const char *name);
/* Whoever is connected must go, whatever role it has. */
extern void ddl_database_end_sessions(Oid database);

/* ddl_database_rename.c */
extern void ddl_database_before_rename(RenameStmt *stmt);
extern void ddl_database_renamed(RenameStmt *stmt);

/* ddl_bound.c: partition bounds that are evaluated when a statement runs */
extern bool ddl_bound_is_evaluated(PartitionBoundSpec *bound);
extern PartitionBoundSpec *ddl_bound_of(Node *node);
/* Of a partition that is there: FOR VALUES and literals. */
extern char *ddl_bound_text(Oid relid);
/* Puts what was evaluated into a statement that is replayed. */
extern void ddl_bound_replace(Node *node, const char *text);

/* ddl_sequence.c: has the bounds of a sequence hold where it is replayed */
extern void ddl_sequence_replace(Node *node);

/* ddl_unlogged.c: tells whose rows stay here, once in a session */
extern void ddl_warn_of_unlogged(Node *node);

/* ddl_validated.c: what the leader has checked is not checked again */
extern void ddl_validated_replay(Node *node);
extern List *ddl_validated_take(Node *node);
extern void ddl_validated_finish(Node *node, List *names);
extern void ddl_set_validated(Oid constraint);

/* ddl_body.c: does a function in SQL, or one that an expression calls, name what is temporary? */
extern bool ddl_body_is_temporary(Oid function);
extern bool ddl_calls_temporary(Node *expression);

/* ddl_temporary.c: is the target certainly temporary, before it runs? */
extern bool ddl_is_temporary(Node *node);
/* Do these names say so: pg_temp.name? */
extern bool ddl_in_temporary_schema(List *names);
extern bool ddl_type_is_temporary(TypeName *name);
/* The text for other nodes, which do not have the temporary ones among them. */
extern char *ddl_temporary_left_out(Node *node);

/* ddl_order.c */

/*
 * Locks out the writers whose change sets the statement would overtake; call
 * under ddl_record_lock(), before it runs.
 */
extern void ddl_order_after_writers(Node *node);

/* ddl_record.c */
typedef struct DdlRecord DdlRecord;

/*
 * Remembers what the statement depends on; call before it runs, with its tree
 * as the parser made it.
 */
extern DdlRecord *ddl_record_prepare(PlannedStmt *pstmt, const char *source);
/* Of one that has no text of its own yet. */
extern DdlRecord *ddl_record_new(const char *tag);
/* The statement's text, and another one in its place. */
extern char *ddl_record_text(DdlRecord *record);
extern void ddl_record_replace(DdlRecord *record, char *text);
extern void ddl_record_search_path(DdlRecord *record, const char *path);
/* What its partition bound was evaluated to. */
extern void ddl_record_bound(DdlRecord *record, char *bound);
/* The settings that its object has when it has run. */
extern void ddl_record_stored(DdlRecord *record, List *settings);
/* The OIDs of what it has made. */
extern void ddl_record_oids(DdlRecord *record, DdlOids *oids);
/* Role, search_path and settings are those of this moment. */
extern void ddl_record_refresh(DdlRecord *record);
extern void ddl_record_write(DdlRecord *record);
extern void ddl_record_lock(void);

/* Flags of a statement's message. */
#define STATEMENT_HAS_BOUND	0x01	/* what its partition bound was evaluated to */
#define STATEMENT_HAS_DEFAULT_PATH 0x02 /* what RESET search_path would have set */
#define STATEMENT_HAS_STORED	0x04	/* the settings that its object has then */
#define STATEMENT_HAS_OIDS	0x08	/* the OIDs of what it makes */

/* Settings that travel with a statement. */
extern const char *const ddl_settings[];
extern const int ddl_settings_count;

/* ddl_role.c */

/*
 * Puts a verifier in the place of a plain password, in the tree.  Returns the
 * statement's text with it, or NULL if it has none.
 */
extern char *ddl_hide_password(Node *node);

/* ddl_extension.c */

/* The text of one that has just run, with the version that it took. */
extern char *ddl_pinned_extension(CreateExtensionStmt *stmt);
extern char *ddl_pinned_update(AlterExtensionStmt *stmt);

/* ddl_foreign.c */

/* The text of a CREATE FOREIGN TABLE that is part of IMPORT FOREIGN SCHEMA. */
extern char *ddl_foreign_imported(PlannedStmt *pstmt, const char *source);
extern bool ddl_foreign_has_options(Node *node);
extern void ddl_foreign_replay(PlannedStmt *pstmt, const char *text);

/* ddl_trigger.c: ALTER TABLE ... ENABLE or DISABLE TRIGGER ALL */
extern void ddl_before_alter_table(AlterTableStmt *stmt);
extern void ddl_after_alter_table(AlterTableStmt *stmt);
extern void ddl_protect_trigger(Oid relid, const char *name);

/* ddl.c */

extern void ddl_run(Utility *utility);
/* Options of the TRUNCATE that runs, as in its message. */
extern uint8 ddl_truncate_options(void);

/* triggers.c */
extern void triggers_init(void);
extern void triggers_add(Oid relid);
extern bool triggers_is_ours(Form_pg_trigger form);
extern void triggers_check_target(Oid relid);
extern void triggers_check_copy(Oid relid);

#endif							/* BARISTA_DDL_H */
