/*-------------------------------------------------------------------------
 *
 * barista.h
 *	  What the parts of the extension know of each other.
 *
 * The extension has four parts: capture (what a transaction does becomes a
 * change set), gate (the change set is agreed on before the commit record is
 * written), apply (chosen change sets become local commits) and ddl.  Each
 * part is a few files; this header is the only thing that they share.
 * docs/internals/formats.md draws the bytes, docs/internals/gate.md the
 * protocol.
 *
 *-------------------------------------------------------------------------
 */
#ifndef BARISTA_H
#define BARISTA_H

#include "postgres.h"

#include "access/xact.h"
#include "datatype/timestamp.h"
#include "executor/execdesc.h"
#include "nodes/nodeFuncs.h"
#include "nodes/plannodes.h"
#include "port/atomics.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "compat.h"

/* Our own SQLSTATEs, see docs/internals/gate.md. */
#define ERRCODE_BARISTA_DIVERGENCE	MAKE_SQLSTATE('B', 'A', '0', '0', '1')
#define ERRCODE_BARISTA_PREDECESSOR MAKE_SQLSTATE('B', 'A', '0', '0', '2')
#define ERRCODE_BARISTA_MALFORMED	MAKE_SQLSTATE('B', 'A', '0', '0', '3')

/* The name of the replication origin and of barista's own roles, see rights.c. */
#define BARISTA_ORIGIN	"barista"
#define BARISTA_ROLE	"barista"
#define BARISTA_NOBODY	"barista_nobody"

/* ------------------------------------------------------------------------
 * shared.c: the mapped file, and the extension's own shared memory
 * ------------------------------------------------------------------------
 */

#define BARISTA_SHARED_MAGIC	UINT64CONST(0x3141545349524142) /* "BARISTA1" */
#define BARISTA_SHARED_SIZE		4096

/*
 * The mapped file: a contract with internal/gate.  Every field is an aligned
 * 64-bit word that is read and written as a whole.
 *
 * The gate is open if and only if closed is 0 and epoch is not 0.
 */
typedef struct BaristaShared
{
	pg_atomic_uint64 magic;
	pg_atomic_uint64 start_id;	/* names this start of the server */
	pg_atomic_uint64 epoch;		/* ballot of the open epoch, 0 = none */
	pg_atomic_uint64 closed;	/* 1 = the gate is closed */
	pg_atomic_uint64 lease_end; /* CLOCK_BOOTTIME in ns, 0 = none */
	pg_atomic_uint64 applied;	/* position visible to every new snapshot */
	pg_atomic_uint64 waiting;	/* backends that wait at the gate */
	pg_atomic_uint64 node;		/* local node number */
	pg_atomic_uint64 suspect;	/* whose code apply runs: database << 32 | index, 0 = nobody's */
	pg_atomic_uint64 id_limit;	/* agreed on: clients see transaction ids below */
	pg_atomic_uint64 id_wanted; /* limit that the server would like to have */
	pg_atomic_uint64 give_way;	/* 1 = what builds an index ends: apply is needed */
} BaristaShared;

/* In suspect, in the place of an index: a statement that is replayed. */
#define BARISTA_SUSPECT_STATEMENT	PG_UINT32_MAX

/* NULL if the server was started without barista: then it is read-only. */
extern BaristaShared *barista_shared;

/* barista.bootstrap=on: a server that is being made; no gate, no fence. */
extern bool barista_bootstrapping;

/* Is the gate open?  epoch, if not NULL, receives the open epoch. */
extern bool barista_gate_is_open(uint64 *epoch);
extern uint64 barista_applied_position(void);

/*
 * Closes the epoch: sets the flag and wakes every backend that waits at the
 * gate or for its turn.  Safe anywhere, also in a critical section and while
 * exiting.
 */
extern void barista_close_epoch(void);

/* ------------------------------------------------------------------------
 * barista.c: loading, settings, hooks on statements, transaction callbacks
 * ------------------------------------------------------------------------
 */

/*
 * Set by apply.c while it changes data or replays DDL, and by
 * barista_bootstrap(): nothing is captured, nothing is refused, no gate.
 * Cleared by barista.c at the end of every transaction as well.
 *
 * (XactReadOnly is forced on for everybody while the gate is closed; apply
 * sets it false itself while it replays a statement.)
 */
extern bool barista_in_apply;

/* A local session of role barista (fixed when the connection was made). */
extern bool barista_own_session(void);

/* Errors (42501) unless barista itself asks, in its own session: not what runs in one. */
extern void barista_require_own_session(const char *function);

/*
 * Must what this process does now be captured?  False for apply, barista's
 * bootstrap, autovacuum, parallel workers.  (A background worker of another
 * extension is captured.)
 */
extern bool barista_capturing(void);

/*
 * Forces the transaction read-only if this process must not write now: the
 * gate is closed, or it is autovacuum.  Cheap.
 */
extern void barista_fence(void);

/*
 * To be called at the entry of every statement, after it took its snapshot:
 * from ExecutorStart (barista.c) and from the utility hook (ddl.c).  Forces
 * the transaction read-only while the gate is closed, ends a leader session
 * of another epoch, waits while the lease has lapsed, and notes the
 * transaction's epoch before its first write.  Cheap.
 */
extern void barista_check_statement(void);

/*
 * Notes the epoch open now as the transaction's, if it has none yet.  Errors
 * with 25006 if the gate is closed.  barista_check_statement() has done it
 * for every statement that passed a hook, so this is a safeguard.
 */
extern void barista_assign_epoch_before_first_write(void);

/* OID of pg_catalog.barista_capture(internal, oid, tid, tid), else error. */
extern Oid	barista_capture_function_oid(void);
/* OID of pg_catalog.barista_trigger(), else error. */
extern Oid	barista_trigger_function_oid(void);

/* ------------------------------------------------------------------------
 * capture.c: the change set of the running transaction
 *
 * The buffer is append-only.  Savepoints are handled inside (a rolled-back
 * one truncates), and so are spilling and the end of the transaction.
 *
 * A message: barista_buffer_message_begin('Q'), any number of appends, then
 * barista_buffer_message_end().  Messages do not nest.  An ERROR between the
 * two is fine: the (sub)transaction rolls back and truncates.
 * ------------------------------------------------------------------------
 */
/* Longest body: with its header and a zero byte, apply allocates it at once. */
#define BARISTA_MESSAGE_MAX	(MaxAllocSize - 5 - 1)

extern void barista_buffer_message_begin(char type);
extern void barista_buffer_message_end(void);
extern void barista_buffer_append(const void *data, Size length);
extern void barista_buffer_append_u8(uint8 value);
extern void barista_buffer_append_u16(uint16 value);
extern void barista_buffer_append_u32(uint32 value);
extern void barista_buffer_append_u64(uint64 value);
/* Bytes and the zero byte; text is in the server's encoding. */
extern void barista_buffer_append_cstr(const char *value);
/* u32 length and bytes. */
extern void barista_buffer_append_bytes32(const void *data, Size length);

/*
 * Local number of a relation in the running change set; writes its
 * description ('R') first if the change set has no valid one yet.  Not to be
 * called between message_begin and message_end.
 */
extern uint32 barista_describe_relation(Relation rel);

/* Captures a row as an insert; its values may be out of line. */
extern void barista_capture_row(Relation rel, const Datum *values, const bool *nulls);

/* Flag 1 of the change set: it has DDL or TRUNCATE.  Savepoint-aware. */
extern void barista_note_ddl(void);
/*
 * The statement that runs drops it, or gives it another name: its state need not
 * be kept under the name that the catalogs have until the next command counter.
 */
extern void barista_sequence_name_given_up(Oid relid);
/* A relation or a schema was altered, perhaps in its name.  Savepoint-aware. */
extern void barista_sequence_names_altered(Oid class, Oid object);
/* Flag 2: it carries inline sequence states.  Savepoint-aware. */
extern void barista_note_inline_sequences(void);

/*
 * It names databases: flag 2 too, and it travels as one piece, which barista
 * reads.  Savepoint-aware.  Errors (0A000) if it is too large for that, now or
 * when it grows.
 */
extern void barista_note_names_databases(void);

/*
 * What the transaction writes is known: either capture sees it (DML on a
 * table with capture triggers, recorded DDL; also when a savepoint undoes it)
 * or it is local (temporary and unlogged tables, row locks, maintenance).  A
 * transaction id without captured changes is then no reason to refuse it.
 * ExecutorStart notes DML and row locks by itself; ddl.c notes every utility
 * statement that it records or lets pass.
 */
extern void barista_note_known_write(void);

/*
 * The transaction writes rows of foreign tables.  They are no part of what is
 * agreed on, and other servers commit them before that (gate.c).
 */
extern void barista_note_foreign_write(void);
extern bool barista_wrote_foreign(void);

/*
 * The transaction has pending notifications (NOTIFY; pg_notify() is noted by
 * barista.c): the gate then looks at the queue before it proposes.
 */
extern void barista_note_notify(void);

/*
 * Set by ddl.c (with PG_TRY/PG_FINALLY) around maintenance that runs several
 * transactions: VACUUM, ANALYZE, REINDEX, CLUSTER.  While it is set,
 * transactions that captured nothing pass the gate without a question.
 */
extern bool barista_in_maintenance;

/*
 * ddl_database_drop.c: destroys what DROP DATABASE has left on this server.  The
 * transaction passes no gate.  Cheap if there is nothing.
 */
extern void barista_sweep_databases(void);

/* repeated.c: may every node run a users' function by itself, so that it must not write? */
extern bool barista_is_repeated(Oid function);
/* Which of the server's own functions a users' one is another name of; or itself. */
extern Oid	barista_called_function(Oid function);
/* Does one run? */
extern bool barista_repeated_runs(void);

/* Errors (25006) if a function that every node runs by itself may not run it. */
extern void barista_repeated_check_utility(Node *node);

/* Has the running transaction captured anything (rows or DDL)? */
extern bool barista_has_captured(void);

/*
 * ddl_oids.c: before anything that may take an OID or a number for a file: these
 * are none of those that recorded statements give out.  Cheap.
 */
extern void barista_oids_keep_apart(void);
/* The first that is none of those. */
#define BARISTA_OIDS_LOCAL	((Oid) 0x40000000)

/* ------------------------------------------------------------------------
 * usercode.c: does a change of rows run users' functions on every node?
 * ------------------------------------------------------------------------
 */

/* The entry in an index; takes its tuple of pg_index. */
extern bool barista_index_runs_user_code(HeapTuple tuple);
/* The reading of a value. */
extern bool barista_type_runs_user_code(Oid type);
/* Either, of any column and index. */
extern bool barista_relation_runs_user_code(Relation rel);
/*
 * Errors (0A000) if the owner may not run a function of an index that whoever
 * writes may run: followers run it as the owner.
 */
extern void barista_check_owner(Relation rel);
/* apply_domain.c: the types that a type is made of, itself included. */
extern List *barista_types_in(Oid type);

/*
 * Errors (0A000) if a function of an index or of a column's type may look for others
 * in one of these schemas, a search_path, that is not trusted.
 */
extern void barista_check_path(Relation rel, List *schemas);

/*
 * Does a function that passes the test stand in an expression or a query, or in the
 * check of a domain that it casts to?
 */
extern bool barista_calls(Node *node, check_function_callback test, void *context);

/* ------------------------------------------------------------------------
 * index_aside.c: indexes that a node cannot keep
 * ------------------------------------------------------------------------
 */

/*
 * The columns of which an index that was set aside would have to watch over, as
 * pull_varattnos() counts them, and one such index; NULL and none.  In the current context.
 */
extern Bitmapset *barista_unguarded(Relation rel, Oid *by);
/* Errors (55000): such an index would have to watch over a row. */
extern void barista_refuse_unguarded(Relation rel, Oid index) pg_attribute_noreturn();
/* The table was emptied, and all its indexes were built anew. */
extern void barista_take_indexes_back(Relation rel);

/* ------------------------------------------------------------------------
 * trusted_path.c
 * ------------------------------------------------------------------------
 */

/* May only the owner, who may become it, and superusers create in the schema, is all in it theirs, and may the owner use it? */
extern bool barista_schema_is_trusted(Oid schema, Oid owner);
/* The trusted schemas of a path. */
extern char *barista_trusted_path(const char *path, Oid owner);
/*
 * Does the search_path decide what this function calls, or what that calls?  Each is
 * asked once: those that were are in the list.
 */
extern bool barista_follows_path(Oid function, List **asked);

/* ------------------------------------------------------------------------
 * rights.c
 * ------------------------------------------------------------------------
 */

/* Who the session was before it took other rights. */
typedef struct BaristaRights
{
	Oid			user;
	int			security;
} BaristaRights;

/* Works as this role, in a security-restricted operation. */
extern void barista_rights_take(Oid role, BaristaRights *before);
extern void barista_rights_give_back(const BaristaRights *before);
/* Is the backend of this process one of barista's own sessions? */
extern bool barista_is_own_backend(int pid);

/* ------------------------------------------------------------------------
 * turn.c: position, predecessor, replication origin
 * ------------------------------------------------------------------------
 */

/*
 * For apply, in its pre-commit: errors with BA002 unless the applied
 * position is exactly the predecessor.
 */
extern void barista_guard(uint64 predecessor);

/* The same once more, after barista_turn_store(): now it cannot change. */
extern void barista_guard_turn(uint64 predecessor);

/*
 * Acquires the origin and makes the commit record carry (position,
 * timestamp); forces an asynchronous commit.  The rest is turn.c's:
 * XACT_EVENT_COMMIT publishes the position, lets go of the origin and wakes
 * the next; an abort lets go of it.  Needs an assigned transaction id to have
 * any effect; it assigns one.  timestamp is the commit's and must not be 0: PostgreSQL keeps
 * that of the origin, and not its own, as the transaction's commit time.
 */
extern void barista_turn_store(uint64 position, TimestampTz timestamp);

/* ------------------------------------------------------------------------
 * sequence.c
 * ------------------------------------------------------------------------
 */

/*
 * Writes a state into a sequence as followers do: last_value = horizon,
 * log_cnt = 0, WAL-logged, outside the transaction like setval.  The caller
 * holds a lock on it.
 */
extern void barista_sequence_overwrite(Relation seqrel, int64 horizon,
									   bool is_called);

/* ------------------------------------------------------------------------
 * ids.c: transaction ids that sessions can see never go back
 * ------------------------------------------------------------------------
 */

/* Apply has met a limit: the counter is moved there, and statuses below are forgotten. */
extern void barista_ids_limit(uint64 limit);
/* The id of apply's transaction. */
extern void barista_ids_take(void);
/* pg_xact_status() says nothing of the ids that there are. */
extern void barista_ids_forget(void);

/* ------------------------------------------------------------------------
 * apply.c (colleague): called by barista.c
 * ------------------------------------------------------------------------
 */

/* XACT_EVENT_PRE_COMMIT of a transaction in which barista_apply() ran. */
extern void barista_apply_pre_commit(void);
/* End of any transaction: drop what apply keeps for it.  Must not fail. */
extern void barista_apply_end(bool committed);
/* Did barista_apply() run in the current transaction? */
extern bool barista_apply_in_transaction(void);
/* _PG_init of this part (callbacks of its own, caches). */
extern void barista_apply_init(void);

/* ------------------------------------------------------------------------
 * ddl.c and triggers.c (colleague): called by barista.c
 * ------------------------------------------------------------------------
 */

/* _PG_init: ProcessUtility_hook, object_access_hook, ... */
extern void barista_ddl_init(void);

/*
 * ExecutorStart, before the standard one, in capturing processes only:
 * refuses (0A000) a permanent target that lacks the capture triggers.
 */
extern void barista_triggers_check_targets(QueryDesc *queryDesc);
/* Notes the foreign tables to which a statement that is done has routed rows. */
extern void barista_triggers_note_routed(EState *estate);

/*
 * barista_bootstrap(): the capture triggers of every existing table of this
 * database.  Called with barista_in_apply set.
 */
extern void barista_triggers_bootstrap(void);

/* End of any transaction.  Must not fail. */
extern void barista_ddl_end(bool committed);

/* ------------------------------------------------------------------------
 * Asked for by ddl.c and triggers.c
 * ------------------------------------------------------------------------
 */

/*
 * ddl.c: the rows that a CREATE or ALTER EXTENSION script writes are not to be
 * captured, since every node runs the script.  For barista_capture().
 */
extern bool barista_replays_itself(void);

/*
 * For bootstrap.sql: pg_catalog.barista_capture_truncate(internal, oid)
 * returns bool, C, volatile, in triggers.c: the condition of the capture
 * triggers for TRUNCATE.
 */

#endif							/* BARISTA_H */
