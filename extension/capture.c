/*-------------------------------------------------------------------------
 *
 * capture.c
 *	  The change set of the running transaction: its buffer, the relations
 *	  that it has described, and the function that captures row changes.
 *
 * Rows come from the WHEN condition of our triggers: the server evaluates it
 * directly after each row change, which is the only moment whose order can be
 * replayed.  The function appends the change and returns false, so nothing is
 * queued and nothing fires.
 *
 * The buffer is append-only; a rolled-back savepoint cuts it.  Past
 * barista.spill_limit its bytes go to a temporary file, so that memory stays
 * bounded; the gate sends that file in chunks.  The file goes with the
 * transaction; if the server dies, the postmaster removes it at the next start.
 *
 * Past barista.max_transaction the change that does not fit fails, long before
 * anybody else hears of the transaction.  Only the payload counts, which is the
 * same on whichever node it is captured; and who applies it never asks.
 *
 *-------------------------------------------------------------------------
 */
#include "barista.h"

#include "access/heapam.h"
#include "access/sysattr.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_am.h"
#include "catalog/pg_trigger.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/execnodes.h"
#include "utils/datum.h"
#include "utils/guc.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/wait_event.h"

#include "internal.h"

PG_FUNCTION_INFO_V1(barista_capture);
PG_FUNCTION_INFO_V1(barista_trigger);

/* A new row from here on is looked at whether others can put it together. */
#define LONG_ROW		(64 * 1024 * 1024)
/* The buffer keeps up to this much memory from one transaction to the next. */
#define KEPT_CAPACITY	(1024 * 1024)
#define FIRST_CAPACITY	(8 * 1024)

/*
 * Where the change set stood when a savepoint began.  mark and described are
 * what a rollback to it cuts to.
 */
typedef struct Savepoint
{
	uint64		mark;			/* bytes of payload */
	int			described;		/* relations */
	uint8		flags;
} Savepoint;

/*
 * The change set of the running transaction, in TopMemoryContext.  Everything
 * in it is reset by barista_capture_end(), at the end of each transaction.
 */
static struct
{
	char	   *data;			/* payload from byte `spilled` on */
	Size		length;
	Size		capacity;
	uint64		spilled;		/* payload bytes that are in the file */
	File		file;			/* valid if file_open */
	bool		file_open;
	bool		in_message;
	Size		message_start;	/* of the message's type byte, in data */
	uint8		flags;
	bool		known;			/* barista_note_known_write() */
	bool		notified;		/* barista_note_notify() */
	uint64		serial;			/* tells change sets apart in the cache */

	/* Relations in the order of their numbers. */
	CapturedRelation **described;
	int			described_count;
	int			described_capacity;

	Savepoint  *savepoints;		/* one for each open subtransaction */
	int			savepoint_count;
	int			savepoint_capacity;
} set = {.serial = 1};

/*
 * What capture knows of relations, by OID; lives as long as the backend.
 * Entries become invalid by relcache invalidation, and are built anew or, if
 * the relation is not written to any more, swept away later.
 */
static HTAB *relations = NULL;
static bool some_invalid = false;

/* ------------------------------------------------------------------------
 * The buffer
 * ------------------------------------------------------------------------
 */

/* Errors (54000) if n more bytes would be more than a transaction may have. */
static void
check_size(Size n)
{
	if (likely(set.spilled + set.length + n <=
			   (uint64) barista_max_transaction * 1024))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			 errmsg("the changes of the transaction take more than %s, the limit of this cluster",
					GetConfigOptionByName("barista.max_transaction", NULL, false)),
			 errhint("Split it into smaller transactions, or raise max_transaction in the node.yaml of every node.")));
}

char *
barista_buffer_reserve(Size n)
{
	if (unlikely(set.length + n > set.capacity))
	{
		Size		capacity = Max(set.capacity * 2, FIRST_CAPACITY);

		check_size(n);			/* before one long value takes the memory */
		while (capacity < set.length + n)
			capacity *= 2;
		if (set.data == NULL)
			set.data = MemoryContextAllocHuge(TopMemoryContext, capacity);
		else
			set.data = repalloc_huge(set.data, capacity);
		set.capacity = capacity;
	}
	return set.data + set.length;
}

char *
barista_buffer_end(void)
{
	return set.data + set.capacity;
}

void
barista_buffer_advance(Size n)
{
	set.length += n;
}

void
barista_buffer_append(const void *data, Size length)
{
	memcpy(barista_buffer_reserve(length), data, length);
	set.length += length;
}

void
barista_buffer_append_u8(uint8 value)
{
	*barista_buffer_reserve(1) = (char) value;
	set.length += 1;
}

void
barista_buffer_append_u16(uint16 value)
{
	value = pg_hton16(value);
	barista_buffer_append(&value, sizeof(value));
}

void
barista_buffer_append_u32(uint32 value)
{
	value = pg_hton32(value);
	barista_buffer_append(&value, sizeof(value));
}

void
barista_buffer_append_u64(uint64 value)
{
	value = pg_hton64(value);
	barista_buffer_append(&value, sizeof(value));
}

void
barista_buffer_append_cstr(const char *value)
{
	barista_buffer_append(value, strlen(value) + 1);
}

void
barista_buffer_append_bytes32(const void *data, Size length)
{
	if (length > PG_UINT32_MAX)
		elog(ERROR, "value of %zu bytes is too long for a change set", length);
	barista_buffer_append_u32((uint32) length);
	barista_buffer_append(data, length);
}

static void
refuse_pieces(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("a transaction with as many changes cannot rename a database"),
			 errhint("Run ALTER DATABASE ... RENAME in a transaction of its own.")));
}

/* Moves all complete messages from memory to the file. */
static void
spill(void)
{
	Size		done = 0;

	if (set.flags & CHANGE_SET_WHOLE)
		refuse_pieces();
	if (!set.file_open)
	{
		set.file = OpenTemporaryFile(true);
		set.file_open = true;
	}
	while (done < set.length)
	{
		int			n = (int) Min(set.length - done, 1024 * 1024);

		if (FileWrite(set.file, set.data + done, n,
					  (off_t) (set.spilled + done),
					  WAIT_EVENT_BUFFILE_WRITE) != n)
			ereport(ERROR,
					(errcode_for_file_access(),
					 errmsg("could not write a change set to a temporary file: %m")));
		done += n;
	}
	set.spilled += set.length;
	set.length = 0;

	/* One long value must not pin its memory for the rest of the transaction. */
	if (set.capacity > (Size) barista_spill_limit * 2048)
	{
		pfree(set.data);
		set.data = NULL;
		set.capacity = 0;
	}
}

void
barista_buffer_message_begin(char type)
{
	if (set.in_message)
		elog(ERROR, "a change was made while another one was being captured");
	barista_assign_epoch_before_first_write();
	set.in_message = true;
	set.message_start = set.length;
	barista_buffer_reserve(5)[0] = type;
	set.length += 5;
}

void
barista_buffer_message_end(void)
{
	Size		body = set.length - set.message_start - 5;
	uint32		length;

	Assert(set.in_message);
	if (body > BARISTA_MESSAGE_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a single change of %zu bytes is too long to replicate", body),
				 errdetail("The limit is %zu bytes.", (Size) BARISTA_MESSAGE_MAX)));
	check_size(0);
	length = pg_hton32((uint32) body);
	memcpy(set.data + set.message_start + 1, &length, sizeof(length));
	set.in_message = false;
	if (unlikely(set.length > (Size) barista_spill_limit * 1024))
		spill();
}

/* Cuts the change set back to its first `mark` payload bytes. */
static void
truncate_to(uint64 mark, int described)
{
	if (mark >= set.spilled)
		set.length = (Size) (mark - set.spilled);
	else
	{
		/* What stands behind mark in the file is overwritten or ignored. */
		set.spilled = mark;
		set.length = 0;
	}
	set.in_message = false;
	while (set.described_count > described)
		set.described[--set.described_count]->number = 0;
}

void
barista_note_ddl(void)
{
	set.flags |= CHANGE_SET_HAS_DDL;
	set.known = true;
}

void
barista_note_inline_sequences(void)
{
	set.flags |= CHANGE_SET_HAS_SEQUENCES;
}

void
barista_note_names_databases(void)
{
	if (set.spilled > 0)
		refuse_pieces();
	set.flags |= CHANGE_SET_HAS_SEQUENCES | CHANGE_SET_WHOLE;
}

void
barista_note_known_write(void)
{
	set.known = true;
}

void
barista_note_notify(void)
{
	set.notified = true;
	set.known = true;
}

bool
barista_has_captured(void)
{
	return set.spilled + set.length > 0;
}

bool
barista_capture_known(void)
{
	return set.known;
}

bool
barista_capture_notified(void)
{
	return set.notified;
}

void
barista_capture_view(BaristaChangeSet *view)
{
	view->tail = set.data;
	view->tail_length = set.length;
	view->spilled = set.spilled;
	view->file = set.file;
	view->flags = set.flags & ~CHANGE_SET_WHOLE;
}

void
barista_capture_end(void)
{
	if (set.file_open)
	{
		FileClose(set.file);
		set.file_open = false;
	}
	if (set.capacity > KEPT_CAPACITY)
	{
		pfree(set.data);
		set.data = NULL;
		set.capacity = 0;
	}
	set.length = 0;
	set.spilled = 0;
	set.in_message = false;
	set.flags = 0;
	set.known = false;
	set.notified = false;
	set.described_count = 0;
	set.savepoint_count = 0;
	set.serial++;
	barista_tuple_end();
}

void
barista_capture_subtransaction(SubXactEvent event)
{
	switch (event)
	{
		case SUBXACT_EVENT_START_SUB:
			if (set.savepoint_count == set.savepoint_capacity)
			{
				int			capacity = Max(set.savepoint_capacity * 2, 16);

				if (set.savepoints == NULL)
					set.savepoints = MemoryContextAlloc(TopMemoryContext,
														capacity * sizeof(Savepoint));
				else
					set.savepoints = repalloc(set.savepoints,
											  capacity * sizeof(Savepoint));
				set.savepoint_capacity = capacity;
			}
			set.savepoints[set.savepoint_count++] = (Savepoint)
			{
				.mark = set.spilled + set.length,
				.described = set.described_count,
				.flags = set.flags,
			};
			break;

		case SUBXACT_EVENT_ABORT_SUB:
			if (set.savepoint_count > 0)
			{
				Savepoint  *savepoint = &set.savepoints[--set.savepoint_count];

				truncate_to(savepoint->mark, savepoint->described);
				set.flags = savepoint->flags;
			}
			break;

		case SUBXACT_EVENT_COMMIT_SUB:
			if (set.savepoint_count > 0)
				set.savepoint_count--;
			break;

		case SUBXACT_EVENT_PRE_COMMIT_SUB:
			break;
	}
}

/* ------------------------------------------------------------------------
 * Relations
 * ------------------------------------------------------------------------
 */

static void
forget_relation(Datum arg, Oid relid)
{
	CapturedRelation *captured;

	some_invalid = true;
	if (OidIsValid(relid))
	{
		captured = hash_search(relations, &relid, HASH_FIND, NULL);
		if (captured != NULL)
			captured->valid = false;
	}
	else
	{
		HASH_SEQ_STATUS scan;

		hash_seq_init(&scan, relations);
		while ((captured = hash_seq_search(&scan)) != NULL)
			captured->valid = false;
	}
}

/* A type or schema was renamed or redefined: descriptions name both. */
static void
forget_all_relations(Datum arg, int cacheid, uint32 hashvalue)
{
	forget_relation(arg, InvalidOid);
}

void
barista_capture_init(void)
{
	HASHCTL		control = {
		.keysize = sizeof(Oid),
		.entrysize = sizeof(CapturedRelation),
		.hcxt = TopMemoryContext,
	};

	relations = hash_create("barista captured relations", 64, &control,
							HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	CacheRegisterRelcacheCallback(forget_relation, (Datum) 0);
	CacheRegisterSyscacheCallback(TYPEOID, forget_all_relations, (Datum) 0);
	CacheRegisterSyscacheCallback(NAMESPACEOID, forget_all_relations, (Datum) 0);
	/* Whether the owner may run what followers will. */
	CacheRegisterSyscacheCallback(PROCOID, forget_all_relations, (Datum) 0);
	CacheRegisterSyscacheCallback(AUTHOID, forget_all_relations, (Datum) 0);
	CacheRegisterSyscacheCallback(AUTHMEMROLEMEM, forget_all_relations, (Datum) 0);
}

/*
 * Forgets invalid entries: a session that makes and drops tables all day must
 * not grow by each.
 */
static void
sweep_relations(void)
{
	HASH_SEQ_STATUS scan;
	CapturedRelation *captured;

	hash_seq_init(&scan, relations);
	while ((captured = hash_seq_search(&scan)) != NULL)
	{
		if (captured->valid)
			continue;
		if (captured->context != NULL)
			MemoryContextDelete(captured->context);
		hash_search(relations, &captured->relid, HASH_REMOVE, NULL);
	}
	some_invalid = false;
}

/*
 * The cache entry of a relation, which stays where it is until the end of the
 * transaction.  Where none is described yet, no statement that runs has one.
 */
static CapturedRelation *
find_relation(Relation rel)
{
	Oid			relid = RelationGetRelid(rel);
	CapturedRelation *captured;
	bool		found;

	if (unlikely(some_invalid) && set.described_count == 0)
		sweep_relations();
	captured = hash_search(relations, &relid, HASH_ENTER, &found);
	if (!found)
	{
		captured->valid = false;
		captured->context = NULL;
		captured->change_set = 0;
		captured->number = 0;
	}
	return captured;
}

/* Makes a relation's cache entry valid, and gives it a local number. */
static void
describe_relation(CapturedRelation *captured, Relation rel)
{
	/* What was written along another path, or under other settings, has a description of its own. */
	if (unlikely(captured->valid && captured->context != NULL &&
				 captured->path != NULL &&
				 (!OverrideSearchPathMatchesCurrent(captured->path) ||
				  !barista_writer_settings_hold(captured->settings))))
		captured->valid = false;

	/* Building reads catalogs, which may bring an invalidation: try again. */
	while (unlikely(!captured->valid || captured->context == NULL))
	{
		if (captured->context != NULL)
		{
			MemoryContext old = captured->context;

			captured->context = NULL;
			MemoryContextDelete(old);
		}
		captured->number = 0;
		captured->valid = true;
		barista_relation_build(captured, rel);
	}

	if (unlikely(captured->change_set != set.serial || captured->number == 0))
	{
		barista_buffer_message_begin('R');
		barista_buffer_append_u32(set.described_count + 1);
		barista_buffer_append(captured->description, captured->description_length);
		if (set.described_count == set.described_capacity)
		{
			int			capacity = Max(set.described_capacity * 2, 16);

			if (set.described == NULL)
				set.described = MemoryContextAlloc(TopMemoryContext,
												   capacity * sizeof(CapturedRelation *));
			else
				set.described = repalloc(set.described,
										 capacity * sizeof(CapturedRelation *));
			set.described_capacity = capacity;
		}
		barista_buffer_message_end();
		set.described[set.described_count++] = captured;
		captured->change_set = set.serial;
		captured->number = set.described_count;
	}
}

uint32
barista_describe_relation(Relation rel)
{
	CapturedRelation *captured = find_relation(rel);

	describe_relation(captured, rel);
	return captured->number;
}

/* ------------------------------------------------------------------------
 * Row changes
 * ------------------------------------------------------------------------
 */

/* Refuses tables whose rows we do not know how to find again. */
static CapturedRelation *
relation_to_capture(Relation rel)
{
	if (unlikely(rel->rd_rel->relam != HEAP_TABLE_AM_OID))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot replicate changes of table \"%s\"",
						RelationGetRelationName(rel)),
				 errhint("Only tables of the access method heap are replicated.")));
	return find_relation(rel);
}

/* The new row of the open message. */
static void
append_new_row(CapturedRelation *captured, const Datum *values, const bool *nulls,
			   const Datum *old_values, const bool *old_nulls)
{
	barista_tuple_append(captured, 'N', values, nulls, old_values, old_nulls);
	if (unlikely(set.length - set.message_start > LONG_ROW))
		barista_tuple_check(captured, values, nulls, old_values, old_nulls);
}

static void
capture_insert(CapturedRelation *captured, Relation rel, const Datum *values, const bool *nulls)
{
	if (unlikely(OidIsValid(captured->unguarded_by)))
		barista_refuse_unguarded(rel, captured->unguarded_by);
	barista_buffer_message_begin('I');
	barista_buffer_append_u32(captured->number);
	append_new_row(captured, values, nulls, NULL, NULL);
	barista_buffer_message_end();
}

static void
capture_delete(CapturedRelation *captured, TupleTableSlot *slot)
{
	if (captured->keyed)
		slot_getsomeattrs(slot, captured->last_key);
	else
		slot_getallattrs(slot);
	barista_buffer_message_begin('D');
	barista_buffer_append_u32(captured->number);
	barista_tuple_append(captured, captured->keyed ? 'K' : 'O',
						 slot->tts_values, slot->tts_isnull, NULL, NULL);
	barista_buffer_message_end();
}

void
barista_capture_row(Relation rel, const Datum *values, const bool *nulls)
{
	CapturedRelation *captured = relation_to_capture(rel);

	describe_relation(captured, rel);
	capture_insert(captured, rel, values, nulls);
}

/* Did the update change the bytes of a key column? */
static bool
key_changed(CapturedRelation *captured, const Datum *old_values,
			const Datum *new_values)
{
	for (int i = 0; i < captured->key_count; i++)
	{
		CapturedColumn *column = &captured->columns[captured->keys[i]];
		int			a = column->attnum - 1;

		if (!datum_image_eq(old_values[a], new_values[a],
							column->byval, column->length))
			return true;
	}
	return false;
}

/* May a value of this row be stored out of line? */
static bool
has_external(TupleTableSlot *slot)
{
	HeapTuple	tuple = NULL;

	if (TTS_IS_HEAPTUPLE(slot) || TTS_IS_BUFFERTUPLE(slot))
		tuple = ((HeapTupleTableSlot *) slot)->tuple;
	return tuple == NULL || HeapTupleHasExternal(tuple);
}

/*
 * Refuses an update of what an index would have to watch over.  One that leaves its
 * columns as they were, byte for byte, lets nothing in that was not there.
 */
static void
check_unguarded(CapturedRelation *captured, Relation rel,
				TupleTableSlot *old_slot, TupleTableSlot *new_slot)
{
	bool		whole = bms_is_member(-FirstLowInvalidHeapAttributeNumber, captured->unguarded);

	slot_getallattrs(old_slot);
	slot_getallattrs(new_slot);
	for (int i = 0; i < captured->column_count; i++)
	{
		CapturedColumn *column = &captured->columns[i];
		int			a = column->attnum - 1;

		if (!whole && !bms_is_member(column->attnum - FirstLowInvalidHeapAttributeNumber,
									 captured->unguarded))
			continue;
		if (old_slot->tts_isnull[a] != new_slot->tts_isnull[a] ||
			(!new_slot->tts_isnull[a] &&
			 !datum_image_eq(old_slot->tts_values[a], new_slot->tts_values[a],
							 column->byval, column->length)))
			barista_refuse_unguarded(rel, captured->unguarded_by);
	}
}

static void
capture_update(CapturedRelation *captured, Relation rel,
			   TupleTableSlot *old_slot, TupleTableSlot *new_slot)
{
	bool		external = has_external(old_slot);

	if (unlikely(OidIsValid(captured->unguarded_by)))
		check_unguarded(captured, rel, old_slot, new_slot);

	/* Taking a row apart is dear: of the old one, no more than is needed. */
	if (captured->keyed && !external)
		slot_getsomeattrs(old_slot, captured->last_key);
	else
		slot_getallattrs(old_slot);
	slot_getallattrs(new_slot);

	barista_buffer_message_begin('U');
	barista_buffer_append_u32(captured->number);
	if (!captured->keyed)
		barista_tuple_append(captured, 'O', old_slot->tts_values,
							 old_slot->tts_isnull, NULL, NULL);
	else if (key_changed(captured, old_slot->tts_values, new_slot->tts_values))
		barista_tuple_append(captured, 'K', old_slot->tts_values,
							 old_slot->tts_isnull, NULL, NULL);
	append_new_row(captured, new_slot->tts_values, new_slot->tts_isnull,
				   external ? old_slot->tts_values : NULL,
				   external ? old_slot->tts_isnull : NULL);
	barista_buffer_message_end();
}

/* ------------------------------------------------------------------------
 * The conditions of our triggers
 * ------------------------------------------------------------------------
 */

/*
 * What a condition knows of the table that its statement writes to.  It lives
 * as long as the statement, which keeps the table open; the relation's struct
 * stays where it is as long, also when it is read anew.
 */
typedef struct Subject
{
	Relation	rel;
	CapturedRelation *captured; /* NULL until the first row comes */
} Subject;

/* A table keeps its triggers when it becomes unlogged. */
static bool
is_local(Relation rel)
{
	return rel->rd_rel->relpersistence != RELPERSISTENCE_PERMANENT;
}

/* Captures the change from one row version to the other, if that is for us. */
static void
capture_change(Subject *subject, TupleTableSlot *old_slot,
			   TupleTableSlot *new_slot)
{
	if (!barista_capturing() || barista_replays_itself() || is_local(subject->rel))
		return;

	if (unlikely(subject->captured == NULL))
		subject->captured = relation_to_capture(subject->rel);
	describe_relation(subject->captured, subject->rel);
	if (TupIsNull(new_slot))
		capture_delete(subject->captured, old_slot);
	else if (TupIsNull(old_slot))
	{
		slot_getallattrs(new_slot);
		capture_insert(subject->captured, subject->rel, new_slot->tts_values, new_slot->tts_isnull);
	}
	else
		capture_update(subject->captured, subject->rel, old_slot, new_slot);
}

/*
 * The server would read the text of our conditions anew for every statement.
 * Instead, executor start puts a ready expression in the place where it keeps
 * them.
 */
typedef struct ReadyCondition
{
	ExprState	state;			/* first: the executor knows only this */
	Subject		subject;
} ReadyCondition;

/* Evaluates a ready condition: the work, then false. */
static Datum
evaluate_condition(ExprState *state, ExprContext *econtext, bool *isnull)
{
	capture_change(&((ReadyCondition *) state)->subject,
				   econtext->ecxt_innertuple, econtext->ecxt_outertuple);
	*isnull = false;
	return BoolGetDatum(false);
}

/* OID of barista_trigger(), the function of all our triggers, by database. */
static Oid
trigger_function(void)
{
	static Oid	function = InvalidOid;	/* for the backend's life */

	if (!OidIsValid(function))
		function = barista_trigger_function_oid();
	return function;
}

void
barista_capture_prepare(EState *estate)
{
	ListCell   *cell;

	foreach(cell, estate->es_opened_result_relations)
	{
		ResultRelInfo *target = lfirst(cell);
		ReadyCondition *condition = NULL;

		if (target->ri_TrigDesc == NULL)
			continue;
		for (int i = 0; i < target->ri_TrigDesc->numtriggers; i++)
		{
			Trigger    *trigger = &target->ri_TrigDesc->triggers[i];

			if (!trigger->tgisinternal || trigger->tgqual == NULL ||
				!TRIGGER_FOR_ROW(trigger->tgtype) ||
				trigger->tgfoid != trigger_function() ||
				target->ri_TrigWhenExprs[i] != NULL)
				continue;
			if (condition == NULL)
			{
				condition = MemoryContextAllocZero(estate->es_query_cxt,
												   sizeof(ReadyCondition));
				condition->state.type = T_ExprState;
				condition->state.flags = EEO_FLAG_IS_QUAL;
				condition->state.evalfunc = evaluate_condition;
				condition->subject.rel = target->ri_RelationDesc;
			}
			target->ri_TrigWhenExprs[i] = &condition->state;
		}
	}
}

/*
 * The slot in whose row version a ctid was asked for.  It is the executor's
 * own: an expression gets a pointer to the slot's field, and no copy
 * (slot_getsysattr() in executor/tuptable.h).  That spares a second search
 * for the row, which costs more than all else here; and where it is not so, the
 * change is refused.
 */
static TupleTableSlot *
slot_of(Datum ctid, Relation rel)
{
	TupleTableSlot *slot = (TupleTableSlot *)
		((char *) DatumGetPointer(ctid) - offsetof(TupleTableSlot, tts_tid));

	if (!IsA(slot, TupleTableSlot) || slot->tts_tableOid != RelationGetRelid(rel) ||
		slot->tts_tupleDescriptor->natts != RelationGetNumberOfAttributes(rel))
		elog(ERROR, "a row of table \"%s\" was not handed over to be captured",
			 RelationGetRelationName(rel));
	return slot;
}

/*
 * barista_capture(internal, tableoid oid, old tid, new tid) returns boolean
 *
 * The condition as it stands in the catalog, for COPY and for partitions that
 * a statement opens as it goes.  A null tid says that there is no such row
 * version.  Always false.
 */
Datum
barista_capture(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_ARGISNULL(1) ? InvalidOid : PG_GETARG_OID(1);
	Subject    *subject = fcinfo->flinfo->fn_extra;

	/* The root's own event of a move between partitions carries no table. */
	if (!OidIsValid(relid))
		PG_RETURN_BOOL(false);

	if (subject == NULL)
	{
		subject = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(Subject));
		subject->rel = RelationIdGetRelation(relid);
		if (!RelationIsValid(subject->rel))
			elog(ERROR, "could not open relation with OID %u", relid);
		RelationClose(subject->rel);	/* the statement has it open */
		fcinfo->flinfo->fn_extra = subject;
	}
	capture_change(subject,
				   PG_ARGISNULL(2) ? NULL : slot_of(PG_GETARG_DATUM(2), subject->rel),
				   PG_ARGISNULL(3) ? NULL : slot_of(PG_GETARG_DATUM(3), subject->rel));
	PG_RETURN_BOOL(false);
}

/*
 * barista_trigger() returns trigger
 *
 * What the capture triggers would call if their condition were ever true.
 */
Datum
barista_trigger(PG_FUNCTION_ARGS)
{
	elog(ERROR, "a capture trigger fired");
	PG_RETURN_NULL();
}
