/*-------------------------------------------------------------------------
 *
 * internal.h
 *	  What the files of capture, gate, turn and sequences know of each other,
 *	  and apply and ddl need not.
 *
 *-------------------------------------------------------------------------
 */
#ifndef BARISTA_INTERNAL_H
#define BARISTA_INTERNAL_H

#include "barista.h"

#include "catalog/namespace.h"
#include "catalog/pg_depend.h"
#include "executor/execdesc.h"
#include "lib/stringinfo.h"
#include "storage/fd.h"

/* ------------------------------------------------------------------------
 * shared.c
 * ------------------------------------------------------------------------
 */

/* One for each backend id. */
typedef struct BaristaSlot
{
	/*
	 * The position that must have been applied before this backend's turn
	 * comes, 0 = it does not wait.  Written by its backend before it looks at
	 * the applied position a last time, read by whoever moved that.
	 */
	pg_atomic_uint64 waits_for;
	/* 1 from before it proposes until it knows its outcome. */
	pg_atomic_uint32 at_gate;
	/* Whose latch.  Written before at_gate and waits_for can be set. */
	int			pgprocno;
} BaristaSlot;

/* In PostgreSQL's shared memory; lives as long as the server. */
typedef struct BaristaControl
{
	pg_atomic_uint64 last_change_set;	/* counter in change set ids */
	pg_atomic_uint32 sessions;	/* of clients, authenticated */
	/* The two counters of OIDs, see ddl_oids.c; under OidGenLock. */
	bool		oids_lent;		/* the server's stands for ours now, and */
	Oid			local_oid;		/* goes on here afterwards, */
	uint32		local_oid_count;	/* with so many that are logged */
	Oid			oids_next;		/* what none has been given of ours */
	uint64		oids_epoch;		/* in which we chose that */
	int			slot_count;
	BaristaSlot slots[FLEXIBLE_ARRAY_MEMBER];
} BaristaControl;

extern BaristaControl *barista_control;

extern void barista_shared_map(const char *path);
extern Size barista_control_size(void);
extern void barista_control_attach(void);
extern BaristaSlot *barista_my_slot(void);

/* ------------------------------------------------------------------------
 * barista.c
 * ------------------------------------------------------------------------
 */
extern char *barista_gate_socket;	/* barista.gate_socket */
extern int	barista_spill_limit;	/* barista.spill_limit, kB */
extern int	barista_max_transaction;	/* barista.max_transaction, kB */

/* Epoch that was open at the transaction's first statement, 0 = none. */
extern uint64 barista_transaction_epoch;

/* Ends this session because its node stopped leading; does not return. */
extern void barista_end_session(void) pg_attribute_noreturn();
extern void barista_note_answered(void);

/* ------------------------------------------------------------------------
 * client.c
 * ------------------------------------------------------------------------
 */
extern char *barista_client_socket; /* barista.client_socket */

extern void barista_client_init(void);
/* A request of the client is about to have an effect. */
extern void barista_client_request(void);
/* Has barista_note_answered() called in a session that goes through barista, or is on the node's own socket. */
extern void barista_client_watch(void);

/* ------------------------------------------------------------------------
 * sessions.c
 * ------------------------------------------------------------------------
 */
extern int	barista_kept_connections;	/* barista.kept_connections */

extern void barista_session_begins(const char *role);

/* ------------------------------------------------------------------------
 * capture.c
 * ------------------------------------------------------------------------
 */

/* Change set flags, see docs/internals/formats.md. */
#define CHANGE_SET_HAS_DDL			1
#define CHANGE_SET_HAS_SEQUENCES	2
#define CHANGE_SET_LAST				4
/* Not in the change set itself: it must not travel in chunks. */
#define CHANGE_SET_WHOLE			128

typedef struct BaristaChangeSet
{
	const char *tail;			/* the payload after what was spilled */
	Size		tail_length;
	uint64		spilled;		/* bytes of payload before the tail, in file */
	File		file;
	uint8		flags;
} BaristaChangeSet;

extern void barista_capture_init(void);
/* The running transaction's change set, as it is now. */
extern void barista_capture_view(BaristaChangeSet *view);
/* Was a write noted as known? */
extern bool barista_capture_known(void);
/* Has it pending notifications? */
extern bool barista_capture_notified(void);
/* End of a transaction: empties the buffer.  Does not fail. */
extern void barista_capture_end(void);
extern void barista_capture_subtransaction(SubXactEvent event);

/* After executor start: spares each statement the reading of our conditions. */
extern void barista_capture_prepare(EState *estate);

/* Grows the buffer so that n more bytes fit; returns where they go. */
extern char *barista_buffer_reserve(Size n);
/* The end of the room there is; until the next reservation. */
extern char *barista_buffer_end(void);
/* Counts n reserved and written bytes. */
extern void barista_buffer_advance(Size n);

/* ------------------------------------------------------------------------
 * tuple.c
 * ------------------------------------------------------------------------
 */

/* How a column's value becomes bytes. */
typedef enum ColumnCoding
{
	CODING_BYTE,				/* by value, 1, 2, 4 or 8 bytes, big-endian */
	CODING_SHORT,
	CODING_WORD,
	CODING_LONG,
	CODING_FIXED,				/* by reference, fixed length, as it is */
	CODING_VARLENA,				/* the bytes of a varlena */
	CODING_NAME,				/* the bytes of a name */
	CODING_NUMERIC,				/* as its send function would */
	CODING_SEND,				/* by the type's send function */
	CODING_OUTPUT,				/* by the output function, no setting matters */
	CODING_OUTPUT_PINNED		/* by the output function, settings pinned */
} ColumnCoding;

typedef struct CapturedColumn
{
	AttrNumber	attnum;
	ColumnCoding coding;
	char		format;			/* 'b' or 't' */
	bool		key;			/* part of the key */
	bool		byval;
	int16		length;			/* pg_type.typlen */
	Oid			type;
	bool		names;			/* its values name objects, see tuple_names.c */
	Oid			reader;			/* who reads these on other nodes; invalid: a superuser */
	FmgrInfo	function;		/* send or output */
} CapturedColumn;

/* writer_settings.c */
typedef struct BaristaWriterSettings BaristaWriterSettings;

typedef struct CapturedRelation
{
	Oid			relid;			/* hash key */
	bool		valid;			/* cleared by relcache invalidation */
	uint64		change_set;		/* serial of the change set that... */
	uint32		number;			/* ...knows it under this number, 0 = none */
	MemoryContext context;		/* of all below; NULL = building it failed */
	bool		keyed;			/* identity: key, else full row */
	OverrideSearchPath *path;	/* described; NULL: no users' code needs it */
	BaristaWriterSettings *settings;	/* likewise */
	Bitmapset  *unguarded;		/* columns of indexes that are set aside and would guard them, */
	Oid			unguarded_by;	/* and one of these; or none (index_aside.c) */
	int			column_count;
	CapturedColumn *columns;
	int			key_count;
	int		   *keys;			/* indexes into columns */
	AttrNumber	last_key;		/* greatest of the key's, 0 = none */
	char	   *description;	/* body of 'R' after the local number */
	Size		description_length;
} CapturedRelation;

/* Fills in everything below context. */
extern void barista_relation_build(CapturedRelation *captured, Relation rel);

/* ------------------------------------------------------------------------
 * writer_settings.c
 * ------------------------------------------------------------------------
 */
extern BaristaWriterSettings *barista_writer_settings(void);
extern bool barista_writer_settings_hold(const BaristaWriterSettings *then);
extern void barista_writer_settings_append(StringInfo description);

/* ------------------------------------------------------------------------
 * tuple_value.c
 * ------------------------------------------------------------------------
 */

/*
 * Appends 'N', 'K' or 'O' and a tuple.  Of 'K', only the key's values are
 * looked at.  old is for 'N' in an update only, and only if the old row may
 * have values out of line; else NULL.
 */
extern void barista_tuple_append(CapturedRelation *captured, char kind,
								 const Datum *values, const bool *nulls,
								 const Datum *old_values, const bool *old_nulls);
/*
 * Errors (54000) if a row that was so appended as 'N' is longer, with all values
 * in it, than a row in memory can be.
 */
extern void barista_tuple_check(CapturedRelation *captured,
								const Datum *values, const bool *nulls,
								const Datum *old_values, const bool *old_nulls);
/* The transaction ends, and with it the memory that was needed. */
extern void barista_tuple_end(void);

/* ------------------------------------------------------------------------
 * rights.c
 * ------------------------------------------------------------------------
 */

/* barista.session=own, in the start-up packet: may it, and it does. */
extern bool barista_rights_check(void **extra);
extern void barista_rights_begin(void *extra);

/* ------------------------------------------------------------------------
 * tuple_names.c
 * ------------------------------------------------------------------------
 */

/* Is it regclass or the like, or does it hold such values? */
extern bool barista_type_holds_names(Oid type);
/* Errors (0A000) if the value names what other nodes do not have. */
extern void barista_check_names(Oid type, Datum value, Oid reader);

/* ------------------------------------------------------------------------
 * depend.c
 * ------------------------------------------------------------------------
 */

/* Does this dependent of an object count? */
typedef bool (*DependentTest) (Form_pg_depend form);

/* Has the object of that catalog a dependent that counts? */
extern bool barista_has_dependent(Oid class, Oid object, DependentTest test);

/* ------------------------------------------------------------------------
 * repeated.c
 * ------------------------------------------------------------------------
 */

extern void barista_repeated_init(void);
/* End of a transaction.  Does not fail. */
extern void barista_repeated_reset(void);

/*
 * A query is about to be run.  Returns the function in SQL whose body it is, if
 * that must not write: end, or abort from a PG_CATCH that rethrows, has to
 * follow.  InvalidOid else.
 */
extern Oid	barista_repeated_begin(QueryDesc *query);
extern void barista_repeated_end(void);
extern void barista_repeated_abort(Oid function);

/* Errors (0A000) if a function that must not write reads what is this session's. */
extern void barista_repeated_check(QueryDesc *query);

/* Errors (25006) if a function that runs there asks this one for what is the session's. */
extern void barista_repeated_check_function(Oid function);

/* ------------------------------------------------------------------------
 * gate.c
 * ------------------------------------------------------------------------
 */

/* How far this backend's transaction is on its way through the gate. */
typedef enum GateState
{
	GATE_IDLE,
	GATE_PROPOSED,				/* in doubt: its locks must stay */
	GATE_CHOSEN					/* will commit, or the server goes down */
} GateState;

extern GateState barista_gate_state;

extern void barista_gate_pre_commit(void);
/* Errors: the transaction was not committed, because the node stopped leading. */
extern void barista_refuse_closed(void);
extern void barista_gate_end(bool committed);

/* ------------------------------------------------------------------------
 * turn.c
 * ------------------------------------------------------------------------
 */

/*
 * Waits until the applied position is the predecessor.  False: it never will
 * be, since apply went past it or the epoch was closed.
 */
extern bool barista_turn_wait(uint64 predecessor, uint64 position);
/* Looks the origin up, so that a later turn needs no catalog. */
extern void barista_turn_prepare(void);
extern void barista_turn_end(bool committed);

/* ------------------------------------------------------------------------
 * sequence.c
 * ------------------------------------------------------------------------
 */
extern Size barista_sequence_shmem_size(void);
extern void barista_sequence_shmem_attach(void);
extern void barista_sequence_init(void);

/* At the end of each transaction. */
extern void barista_sequence_end(void);

/*
 * Looks at every sequence that the transaction holds a writing lock on, or has
 * altered.  Appends those that it made, rewrote or altered to the change set,
 * and the states that epoch has not agreed on yet to frame (count first).
 * Returns how many it put into frame.
 */
extern int	barista_sequences_collect(uint64 epoch, StringInfo frame);
/* The states of the last collect are agreed on.  Does not fail. */
extern void barista_sequences_agreed(uint64 epoch);

/* ------------------------------------------------------------------------
 * ids.c
 * ------------------------------------------------------------------------
 */

/*
 * A statement or a subtransaction begins: waits until there are ids for it.  What
 * must not raise an error is not interruptible.
 */
extern void barista_ids_begin(bool interruptible);
/* A statement or a transaction ends: waits until its ids are agreed on. */
extern void barista_ids_end(void);

/* ------------------------------------------------------------------------
 * large_object_pages.c, large_object_visits.c
 * ------------------------------------------------------------------------
 */

/*
 * Appends the pages of large objects that the transaction wrote or removed to
 * its change set.  Cheap if it called no function that does.
 */
extern void barista_large_objects_collect(void);
/* End of any transaction.  Does not fail. */
extern void barista_large_objects_end(void);

#endif							/* BARISTA_INTERNAL_H */
