/*-------------------------------------------------------------------------
 *
 * sequence.c
 *	  What a sequence may not give out twice.
 *
 * What PostgreSQL itself keeps of a sequence over a crash is its horizon:
 * last_value + log_cnt * increment.  Values up to the horizon are given out
 * without a trace in the log, so a transaction that used a sequence may end
 * only when the horizon behind its values is agreed on, whether it wrote
 * anything or not: the write that logged the horizon may have been another
 * transaction's, and rolled back.
 *
 * Which sequences a transaction used is read from its own locks: nextval and
 * setval hold RowExclusiveLock until the end of the transaction, also when a
 * savepoint around them is rolled back.
 *
 * The page's LSN versions the horizon within one server and one epoch: it
 * changes exactly when the horizon does.  Shared memory remembers, for each
 * sequence, the newest version that was agreed on.
 *
 * barista keeps the agreed states by name.  So whatever changes a name tells
 * that it was given up ('s', at its place in the change set), and the
 * transaction tells the state under the name that the sequence has at its end
 * ('S').  Nobody uses the sequence in between: it is locked.
 *
 *-------------------------------------------------------------------------
 */
#include "barista.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/xlog.h"
#include "access/xloginsert.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_sequence.h"
#include "commands/dbcommands.h"
#include "commands/sequence.h"
#include "common/int.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "storage/lwlock.h"
#include "storage/proc.h"
#include "storage/shmem.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/pg_lsn.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "internal.h"

PG_FUNCTION_INFO_V1(barista_horizons);
PG_FUNCTION_INFO_V1(barista_sequence_state);

/*
 * Sequences whose agreed version is remembered.  Beyond that a sequence is
 * agreed on at every use: slower, never wrong.
 */
#define AGREED_MAX		8192

/* PostgreSQL's own mark of a sequence page. */
#define SEQUENCE_MAGIC	0x1717

/* Lock modes with which nobody else can use the sequence before we end. */
#define EXCLUDING_LOCKS (LOCKBIT_ON(ShareRowExclusiveLock) | \
						 LOCKBIT_ON(ExclusiveLock) | \
						 LOCKBIT_ON(AccessExclusiveLock))
/* Those, and the one that nextval and setval hold. */
#define WRITING_LOCKS	(LOCKBIT_ON(RowExclusiveLock) | \
						 LOCKBIT_ON(ShareUpdateExclusiveLock) | \
						 EXCLUDING_LOCKS)

/* Layout of lock.c's fast-path slots: three bits for each, from mode 1 on. */
#define FAST_PATH_BITS	3

typedef struct AgreedKey
{
	Oid			database;
	Oid			sequence;
} AgreedKey;

/* In shared memory, protected by agreed_lock. */
typedef struct Agreed
{
	AgreedKey	key;
	uint64		epoch;
	XLogRecPtr	lsn;
} Agreed;

/* A relation that the transaction holds a writing lock on. */
typedef struct Written
{
	Oid			relid;
	bool		excluding;		/* one of EXCLUDING_LOCKS */
} Written;

typedef struct SequenceState
{
	Oid			relid;
	int64		horizon;
	bool		is_called;
	XLogRecPtr	lsn;
} SequenceState;

static HTAB *agreed = NULL;
static LWLock *agreed_lock = NULL;

/*
 * Relations that were asked about: is it a permanent sequence?  By OID, for
 * the backend's life; relcache invalidation removes entries.
 */
typedef struct Kind
{
	Oid			relid;
	bool		is_sequence;
} Kind;

static HTAB *kinds = NULL;

/*
 * Sequences whose names the transaction may have changed, each once or more, in
 * TopTransactionContext; NIL again at its end.
 */
static List *altered = NIL;

/* States that the last collect put into its frame; in TopMemoryContext. */
static SequenceState *collected = NULL;
static int	collected_count = 0;
static int	collected_capacity = 0;

/* ------------------------------------------------------------------------
 * Shared memory, caches
 * ------------------------------------------------------------------------
 */

Size
barista_sequence_shmem_size(void)
{
	return hash_estimate_size(AGREED_MAX, sizeof(Agreed));
}

void
barista_sequence_shmem_attach(void)
{
	HASHCTL		control = {
		.keysize = sizeof(AgreedKey),
		.entrysize = sizeof(Agreed),
	};

	agreed = ShmemInitHash("barista agreed sequences", 64, AGREED_MAX, &control,
						   HASH_ELEM | HASH_BLOBS);
	agreed_lock = &GetNamedLWLockTranche("barista")[0].lock;
}

static void
forget_kind(Datum arg, Oid relid)
{
	if (OidIsValid(relid))
		hash_search(kinds, &relid, HASH_REMOVE, NULL);
	else
	{
		HASH_SEQ_STATUS scan;
		Kind	   *kind;

		hash_seq_init(&scan, kinds);
		while ((kind = hash_seq_search(&scan)) != NULL)
			hash_search(kinds, &kind->relid, HASH_REMOVE, NULL);
	}
}

void
barista_sequence_init(void)
{
	HASHCTL		control = {
		.keysize = sizeof(Oid),
		.entrysize = sizeof(Kind),
		.hcxt = TopMemoryContext,
	};

	kinds = hash_create("barista sequences", 64, &control,
						HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	CacheRegisterRelcacheCallback(forget_kind, (Datum) 0);
}

static bool
is_permanent_sequence(Oid relid)
{
	Kind	   *kind;
	bool		result = false;
	HeapTuple	tuple;

	if (relid < FirstNormalObjectId)
		return false;
	kind = hash_search(kinds, &relid, HASH_FIND, NULL);
	if (kind != NULL)
		return kind->is_sequence;

	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	if (!HeapTupleIsValid(tuple))
		return false;			/* dropped by this transaction */
	result = ((Form_pg_class) GETSTRUCT(tuple))->relkind == RELKIND_SEQUENCE &&
		((Form_pg_class) GETSTRUCT(tuple))->relpersistence == RELPERSISTENCE_PERMANENT;
	ReleaseSysCache(tuple);

	kind = hash_search(kinds, &relid, HASH_ENTER, NULL);
	kind->is_sequence = result;
	return result;
}

/* ------------------------------------------------------------------------
 * Which sequences
 * ------------------------------------------------------------------------
 */

/*
 * Relations of this database on which this backend holds a writing lock.
 * Fills in result, which has room for max; returns how many there are (more
 * than max: ask again with more room).
 *
 * The fast path first, then the main table: another backend may move a lock
 * from the one to the other at any time, and does so in that order.
 */
static int
written_relations(Written *result, int max)
{
	int			count = 0;

	LWLockAcquire(&MyProc->fpInfoLock, LW_SHARED);
	if (MyProc->fpLockBits != 0)
	{
		const uint64 row_exclusive = UINT64CONST(1) << (RowExclusiveLock - 1);

		for (int i = 0; i < FP_LOCK_SLOTS_PER_BACKEND; i++)
		{
			if (((MyProc->fpLockBits >> (FAST_PATH_BITS * i)) & row_exclusive) != 0)
			{
				if (count < max)
					result[count] = (Written) {.relid = MyProc->fpRelId[i]};
				count++;
			}
		}
	}
	LWLockRelease(&MyProc->fpInfoLock);

	for (int partition = 0; partition < NUM_LOCK_PARTITIONS; partition++)
	{
		SHM_QUEUE  *queue = &MyProc->myProcLocks[partition];
		PROCLOCK   *held;

		if (SHMQueueEmpty(queue))
			continue;
		LWLockAcquire(LockHashPartitionLockByIndex(partition), LW_SHARED);
		held = (PROCLOCK *) SHMQueueNext(queue, queue, offsetof(PROCLOCK, procLink));
		while (held != NULL)
		{
			const LOCKTAG *tag = &held->tag.myLock->tag;

			if (tag->locktag_type == LOCKTAG_RELATION &&
				tag->locktag_lockmethodid == DEFAULT_LOCKMETHOD &&
				tag->locktag_field1 == MyDatabaseId &&
				(held->holdMask & WRITING_LOCKS) != 0)
			{
				if (count < max)
					result[count] = (Written)
					{
						.relid = tag->locktag_field2,
						.excluding = (held->holdMask & EXCLUDING_LOCKS) != 0,
					};
				count++;
			}
			held = (PROCLOCK *) SHMQueueNext(queue, &held->procLink,
											 offsetof(PROCLOCK, procLink));
		}
		LWLockRelease(LockHashPartitionLockByIndex(partition));
	}
	return count;
}

/*
 * Sequences among the written relations, each once, in a static array that
 * the next call overwrites (in TopMemoryContext; grows to what was ever
 * needed).
 */
static int
written_sequences(Written **result)
{
	static Written *written = NULL;
	static int	capacity = 0;
	int			count;
	int			sequences = 0;

	for (;;)
	{
		count = written_relations(written, capacity);
		if (count <= capacity)
			break;
		if (written != NULL)
			pfree(written);
		written = NULL;
		capacity = 0;
		written = MemoryContextAlloc(TopMemoryContext, (count + 32) * sizeof(Written));
		capacity = count + 32;
	}
	for (int i = 0; i < count; i++)
	{
		int			seen = 0;

		if (!is_permanent_sequence(written[i].relid))
			continue;
		while (seen < sequences && written[seen].relid != written[i].relid)
			seen++;
		if (seen < sequences)
			written[seen].excluding |= written[i].excluding;
		else
			written[sequences++] = written[i];
	}
	*result = written;
	return sequences;
}

/* ------------------------------------------------------------------------
 * States
 * ------------------------------------------------------------------------
 */

static int64
sequence_increment(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(SEQRELID, ObjectIdGetDatum(relid));
	int64		increment;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for sequence %u", relid);
	increment = ((Form_pg_sequence) GETSTRUCT(tuple))->seqincrement;
	ReleaseSysCache(tuple);
	return increment;
}

/* last_value + log_cnt * increment, kept within 64 bits. */
static int64
horizon_of(int64 last_value, int64 log_cnt, int64 increment)
{
	int64		ahead;
	int64		horizon;

	if (pg_mul_s64_overflow(log_cnt, increment, &ahead) ||
		pg_add_s64_overflow(last_value, ahead, &horizon))
		return increment > 0 ? PG_INT64_MAX : PG_INT64_MIN;
	return horizon;
}

/* Reads a sequence's state; the caller holds a lock on it. */
static void
read_state(Relation seqrel, SequenceState *state)
{
	Buffer		buffer = ReadBuffer(seqrel, 0);
	Page		page;
	HeapTupleHeader tuple;
	Form_pg_sequence_data data;
	int64		last_value;
	int64		log_cnt;

	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	page = BufferGetPage(buffer);
	if (*(uint32 *) PageGetSpecialPointer(page) != SEQUENCE_MAGIC)
		elog(ERROR, "bad magic number in sequence \"%s\"",
			 RelationGetRelationName(seqrel));
	tuple = (HeapTupleHeader) PageGetItem(page, PageGetItemId(page, FirstOffsetNumber));
	data = (Form_pg_sequence_data) ((char *) tuple + tuple->t_hoff);
	last_value = data->last_value;
	log_cnt = data->log_cnt;
	state->is_called = data->is_called;
	state->lsn = BufferGetLSNAtomic(buffer);
	UnlockReleaseBuffer(buffer);

	state->relid = RelationGetRelid(seqrel);
	state->horizon = horizon_of(last_value, log_cnt,
								sequence_increment(RelationGetRelid(seqrel)));
}

/* Was this version of the sequence agreed on in this epoch? */
static bool
is_agreed(uint64 epoch, Oid relid, XLogRecPtr lsn)
{
	AgreedKey	key = {.database = MyDatabaseId, .sequence = relid};
	Agreed	   *entry;
	bool		result;

	LWLockAcquire(agreed_lock, LW_SHARED);
	entry = hash_search(agreed, &key, HASH_FIND, NULL);
	result = entry != NULL && entry->epoch == epoch && entry->lsn >= lsn;
	LWLockRelease(agreed_lock);
	return result;
}

void
barista_sequences_agreed(uint64 epoch)
{
	if (collected_count == 0)
		return;
	LWLockAcquire(agreed_lock, LW_EXCLUSIVE);
	for (int i = 0; i < collected_count; i++)
	{
		AgreedKey	key = {.database = MyDatabaseId, .sequence = collected[i].relid};
		Agreed	   *entry;
		bool		found;

		entry = hash_search(agreed, &key,
							hash_get_num_entries(agreed) < AGREED_MAX
							? HASH_ENTER_NULL : HASH_FIND, &found);
		if (entry == NULL)
			continue;
		if (!found || entry->epoch != epoch || entry->lsn < collected[i].lsn)
		{
			entry->epoch = epoch;
			entry->lsn = collected[i].lsn;
		}
	}
	LWLockRelease(agreed_lock);
	collected_count = 0;
}

/* Was the sequence's storage made by the running transaction? */
static bool
made_here(Relation seqrel)
{
	return seqrel->rd_createSubid != InvalidSubTransactionId ||
		seqrel->rd_newRelfilenodeSubid != InvalidSubTransactionId ||
		seqrel->rd_firstRelfilenodeSubid != InvalidSubTransactionId;
}

static void
append_str16(StringInfo frame, const char *value)
{
	uint16		length = pg_hton16((uint16) strlen(value));

	appendBinaryStringInfo(frame, (char *) &length, sizeof(length));
	appendBinaryStringInfo(frame, value, (int) strlen(value));
}

static void
append_u64(StringInfo frame, uint64 value)
{
	value = pg_hton64(value);
	appendBinaryStringInfo(frame, (char *) &value, sizeof(value));
}

/* The transaction made or rewrote it: the state travels with the change set. */
static void
capture_inline(Relation seqrel, const SequenceState *state)
{
	barista_buffer_message_begin('S');
	barista_buffer_append_cstr(get_namespace_name(RelationGetNamespace(seqrel)));
	barista_buffer_append_cstr(RelationGetRelationName(seqrel));
	barista_buffer_append_u64((uint64) state->horizon);
	barista_buffer_append_u8(state->is_called ? 1 : 0);
	barista_buffer_message_end();
	barista_note_inline_sequences();
}

static bool
created_here(Oid relid)
{
	Relation	seqrel = try_relation_open(relid, AccessShareLock);
	bool		created = seqrel != NULL && seqrel->rd_createSubid != InvalidSubTransactionId;

	if (seqrel != NULL)
		relation_close(seqrel, NoLock);
	return created;
}

void
barista_sequence_name_given_up(Oid relid)
{
	if (created_here(relid))
		return;					/* nobody was told it */
	barista_buffer_message_begin('s');
	barista_buffer_append_cstr(get_namespace_name(get_rel_namespace(relid)));
	barista_buffer_append_cstr(get_rel_name(relid));
	barista_buffer_message_end();
	barista_note_inline_sequences();
}

/* Its statement has locked it already, but for a change of its schema's name. */
static void
sequence_altered(Oid relid)
{
	MemoryContext caller;

	LockRelationOid(relid, ShareLock);
	barista_sequence_name_given_up(relid);
	caller = MemoryContextSwitchTo(TopTransactionContext);
	altered = lappend_oid(altered, relid);
	MemoryContextSwitchTo(caller);
}

static List *
sequences_in(Oid schema)
{
	Relation	catalog = table_open(RelationRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	List	   *result = NIL;

	ScanKeyInit(&key, Anum_pg_class_relnamespace, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(schema));
	scan = systable_beginscan(catalog, InvalidOid, false, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_class form = (Form_pg_class) GETSTRUCT(tuple);

		if (form->relkind == RELKIND_SEQUENCE)
			result = lappend_oid(result, form->oid);
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	list_sort(result, list_oid_cmp);
	return result;
}

/*
 * The object access hook tells it before the change can be seen.  Not every
 * alteration is one of a name; the others do no harm.
 */
void
barista_sequence_names_altered(Oid class, Oid object)
{
	List	   *sequences = NIL;
	ListCell   *lc;

	if (class == RelationRelationId)
		sequences = list_make1_oid(object);
	else if (class == NamespaceRelationId)
		sequences = sequences_in(object);
	foreach(lc, sequences)
		/* One that has become unlogged is not kept any more, either. */
		if (get_rel_relkind(lfirst_oid(lc)) == RELKIND_SEQUENCE &&
			get_rel_persistence(lfirst_oid(lc)) != RELPERSISTENCE_TEMP)
			sequence_altered(lfirst_oid(lc));
}

void
barista_sequence_end(void)
{
	altered = NIL;
}

/* Does the transaction keep others from using it until its end? */
static bool
is_kept(Oid relid)
{
	LOCKTAG		tag;

	SET_LOCKTAG_RELATION(tag, MyDatabaseId, relid);
	return LockHeldByMe(&tag, ShareLock) ||
		LockHeldByMe(&tag, ShareRowExclusiveLock) ||
		LockHeldByMe(&tag, ExclusiveLock) ||
		LockHeldByMe(&tag, AccessExclusiveLock);
}

/*
 * Tells the states of the sequences that were altered, under the names that
 * they have now; returns their OIDs in order.  Not of those that are gone or no
 * longer permanent, nor of those for which a savepoint's rollback gave the lock
 * back: nothing of the alteration is left there, nor its message.
 */
static List *
capture_altered(void)
{
	List	   *told = NIL;
	ListCell   *lc;

	list_sort(altered, list_oid_cmp);
	list_deduplicate_oid(altered);
	foreach(lc, altered)
	{
		Relation	seqrel;
		SequenceState state;

		if (!is_kept(lfirst_oid(lc)) || !is_permanent_sequence(lfirst_oid(lc)))
			continue;
		seqrel = try_relation_open(lfirst_oid(lc), NoLock);
		if (seqrel == NULL)
			continue;
		read_state(seqrel, &state);
		capture_inline(seqrel, &state);
		relation_close(seqrel, NoLock);
		told = lappend_oid(told, lfirst_oid(lc));
	}
	return told;
}

static void
frame_state(StringInfo frame, Relation seqrel, const SequenceState *state)
{
	static char *database = NULL;	/* ours, for the backend's life */

	if (database == NULL)
		database = MemoryContextStrdup(TopMemoryContext,
									   get_database_name(MyDatabaseId));
	append_str16(frame, database);
	append_str16(frame, get_namespace_name(RelationGetNamespace(seqrel)));
	append_str16(frame, RelationGetRelationName(seqrel));
	append_u64(frame, (uint64) state->horizon);
	appendStringInfoChar(frame, state->is_called ? 1 : 0);
	append_u64(frame, state->lsn);
}

static void
remember_collected(const SequenceState *state)
{
	if (collected_count == collected_capacity)
	{
		int			capacity = Max(collected_capacity * 2, 16);

		if (collected == NULL)
			collected = MemoryContextAlloc(TopMemoryContext,
										   capacity * sizeof(SequenceState));
		else
			collected = repalloc(collected, capacity * sizeof(SequenceState));
		collected_capacity = capacity;
	}
	collected[collected_count++] = *state;
}

int
barista_sequences_collect(uint64 epoch, StringInfo frame)
{
	int			count_at = frame->len;
	uint16		wire_count = 0;
	Written    *written;
	int			count;
	List	   *told = capture_altered();

	collected_count = 0;
	appendBinaryStringInfo(frame, (char *) &wire_count, sizeof(wire_count));

	count = written_sequences(&written);
	if (count > 0)
		barista_note_known_write(); /* nextval writes past every hook */
	for (int i = 0; i < count; i++)
	{
		Relation	seqrel;
		SequenceState state;

		if (list_member_oid(told, written[i].relid))
			continue;
		seqrel = try_relation_open(written[i].relid, NoLock);
		if (seqrel == NULL)
			continue;			/* dropped by this transaction */
		read_state(seqrel, &state);

		/*
		 * One that was altered here may have another name in the log's order;
		 * nobody else uses it before this change set is applied.
		 */
		if (made_here(seqrel) || (written[i].excluding && barista_has_captured()))
			capture_inline(seqrel, &state);
		else if (!is_agreed(epoch, state.relid, state.lsn))
		{
			if (collected_count == PG_UINT16_MAX)
				ereport(ERROR,
						(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						 errmsg("a transaction cannot use more than %d sequences",
								PG_UINT16_MAX)));
			frame_state(frame, seqrel, &state);
			remember_collected(&state);
		}
		relation_close(seqrel, NoLock);
	}

	wire_count = pg_hton16((uint16) collected_count);
	memcpy(frame->data + count_at, &wire_count, sizeof(wire_count));
	return collected_count;
}

/* ------------------------------------------------------------------------
 * For followers and for marks
 * ------------------------------------------------------------------------
 */

void
barista_sequence_overwrite(Relation seqrel, int64 horizon, bool is_called)
{
	Buffer		buffer;
	Page		page;
	ItemId		item;
	HeapTupleHeader tuple;
	Form_pg_sequence_data data;

	buffer = ReadBuffer(seqrel, 0);
	LockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
	page = BufferGetPage(buffer);
	if (*(uint32 *) PageGetSpecialPointer(page) != SEQUENCE_MAGIC)
		elog(ERROR, "bad magic number in sequence \"%s\"",
			 RelationGetRelationName(seqrel));
	item = PageGetItemId(page, FirstOffsetNumber);
	tuple = (HeapTupleHeader) PageGetItem(page, item);
	data = (Form_pg_sequence_data) ((char *) tuple + tuple->t_hoff);

	/* With a transaction id, an asynchronous commit's flush covers it too. */
	if (RelationNeedsWAL(seqrel))
		(void) GetTopTransactionId();

	START_CRIT_SECTION();

	data->last_value = horizon;
	data->log_cnt = 0;
	data->is_called = is_called;
	MarkBufferDirty(buffer);

	if (RelationNeedsWAL(seqrel))
	{
		xl_seq_rec	record = {.node = seqrel->rd_node};
		XLogRecPtr	lsn;

		XLogBeginInsert();
		XLogRegisterBuffer(0, buffer, REGBUF_WILL_INIT);
		XLogRegisterData((char *) &record, sizeof(record));
		XLogRegisterData((char *) tuple, ItemIdGetLength(item));
		/* PageSetLSN() is a macro that evaluates its argument twice. */
		lsn = XLogInsert(RM_SEQ_ID, XLOG_SEQ_LOG);
		PageSetLSN(page, lsn);
	}

	END_CRIT_SECTION();

	UnlockReleaseBuffer(buffer);
}

/* Permanent sequences of this database, by OID. */
static List *
all_sequences(void)
{
	Relation	catalog = table_open(SequenceRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(catalog, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	tuple;
	List	   *result = NIL;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Oid			relid = ((Form_pg_sequence) GETSTRUCT(tuple))->seqrelid;

		if (is_permanent_sequence(relid))
			result = lappend_oid(result, relid);
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return result;
}

/*
 * barista_horizons(only_changed boolean)
 *		returns table(schema, name, horizon, is_called, lsn)
 *
 * States of this database's sequences; with only_changed, those that the open
 * epoch has not agreed on.  The locks are kept until the end of the
 * transaction, and the caller hands the states over before that: so a
 * transaction that resets a sequence is proposed either before its state was
 * read here or after the state was handed over.  A sequence that is being
 * altered or dropped just now is left out; that transaction sends its state.
 */
Datum
barista_horizons(PG_FUNCTION_ARGS)
{
	bool		only_changed = PG_GETARG_BOOL(0);
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	uint64		epoch = 0;
	ListCell   *cell;

	barista_require_own_session("barista_horizons");
	(void) barista_gate_is_open(&epoch);
	InitMaterializedSRF(fcinfo, 0);

	foreach(cell, all_sequences())
	{
		Relation	seqrel;
		SequenceState state;
		Datum		values[5];
		bool		nulls[5] = {false};

		if (!ConditionalLockRelationOid(lfirst_oid(cell), RowExclusiveLock))
			continue;
		seqrel = try_relation_open(lfirst_oid(cell), NoLock);
		if (seqrel == NULL)
			continue;
		read_state(seqrel, &state);
		if (!only_changed || !is_agreed(epoch, state.relid, state.lsn))
		{
			values[0] = CStringGetTextDatum(get_namespace_name(RelationGetNamespace(seqrel)));
			values[1] = CStringGetTextDatum(RelationGetRelationName(seqrel));
			values[2] = Int64GetDatum(state.horizon);
			values[3] = BoolGetDatum(state.is_called);
			values[4] = LSNGetDatum(state.lsn);
			tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
		}
		relation_close(seqrel, NoLock);
	}
	return (Datum) 0;
}

/*
 * barista_sequence_state(sequence oid)
 *		returns (horizon bigint, is_called boolean)
 *
 * The state of one sequence now; NULL if it is none of this database's
 * permanent ones.  Takes the lock that a query upon the sequence would take, so
 * it waits for a transaction that is dropping or altering it, and gives the
 * lock back at once.
 */
Datum
barista_sequence_state(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_GETARG_OID(0);
	Relation	seqrel;
	SequenceState state;
	TupleDesc	desc;
	Datum		values[2];
	bool		nulls[2] = {false};

	barista_require_own_session("barista_sequence_state");
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	if (!is_permanent_sequence(relid))
		PG_RETURN_NULL();
	seqrel = try_relation_open(relid, AccessShareLock);
	if (seqrel == NULL)
		PG_RETURN_NULL();
	read_state(seqrel, &state);
	relation_close(seqrel, AccessShareLock);

	values[0] = Int64GetDatum(state.horizon);
	values[1] = BoolGetDatum(state.is_called);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}
