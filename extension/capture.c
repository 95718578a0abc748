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
 * bounded; the gate sends that file in chunks.
 *
 *-------------------------------------------------------------------------
 */
#include "barista.h"

#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_am.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/datum.h"
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
 * Entries become invalid by relcache invalidation and are built anew.
 */
static HTAB *relations = NULL;

/* ------------------------------------------------------------------------
 * The buffer
 * ------------------------------------------------------------------------
 */

char *
barista_buffer_reserve(Size n)
{
	if (unlikely(set.length + n > set.capacity))
	{
		Size		capacity = Max(set.capacity * 2, FIRST_CAPACITY);

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

void
barista_buffer_advance(Size n)
{
	set.length += n;
}

Size
barista_buffer_mark(void)
{
	return set.length;
}

void
barista_buffer_patch_u32(Size mark, uint32 value)
{
	value = pg_hton32(value);
	memcpy(set.data + mark, &value, sizeof(value));
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

/* Moves all complete messages from memory to the file. */
static void
spill(void)
{
	Size		done = 0;

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

	Assert(set.in_message);
	if (body > PG_UINT32_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a single change of %zu bytes is too long to replicate", body)));
	barista_buffer_patch_u32(set.message_start + 1, (uint32) body);
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
	view->flags = set.flags;
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
}

/* The cache entry of a relation, valid and with a local number. */
static CapturedRelation *
captured_relation(Relation rel)
{
	Oid			relid = RelationGetRelid(rel);
	CapturedRelation *captured;
	bool		found;

	captured = hash_search(relations, &relid, HASH_ENTER, &found);
	if (!found)
	{
		captured->valid = false;
		captured->context = NULL;
		captured->change_set = 0;
		captured->number = 0;
	}

	/* Building reads catalogs, which may bring an invalidation: try again. */
	while (unlikely(!captured->valid))
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
	return captured;
}

uint32
barista_describe_relation(Relation rel)
{
	return captured_relation(rel)->number;
}

/* ------------------------------------------------------------------------
 * Row changes
 * ------------------------------------------------------------------------
 */

/* Reads the row version at tid into a tuple that points into a pinned page. */
static Buffer
fetch(Relation rel, ItemPointer tid, HeapTuple tuple)
{
	Buffer		buffer;

	tuple->t_self = *tid;
	if (!heap_fetch(rel, SnapshotAny, tuple, &buffer, false))
		elog(ERROR, "row (%u,%u) of table \"%s\" is gone before it could be captured",
			 ItemPointerGetBlockNumberNoCheck(tid),
			 ItemPointerGetOffsetNumberNoCheck(tid),
			 RelationGetRelationName(rel));
	return buffer;
}

static void
capture_insert(CapturedRelation *captured, Relation rel, ItemPointer tid)
{
	HeapTupleData tuple;
	Buffer		buffer = fetch(rel, tid, &tuple);

	heap_deform_tuple(&tuple, RelationGetDescr(rel),
					  captured->new_values, captured->new_nulls);
	barista_buffer_message_begin('I');
	barista_buffer_append_u32(captured->number);
	barista_tuple_append(captured, 'N', captured->new_values,
						 captured->new_nulls, NULL, NULL);
	barista_buffer_message_end();
	ReleaseBuffer(buffer);
}

static void
capture_delete(CapturedRelation *captured, Relation rel, ItemPointer tid)
{
	HeapTupleData tuple;
	Buffer		buffer = fetch(rel, tid, &tuple);

	heap_deform_tuple(&tuple, RelationGetDescr(rel),
					  captured->old_values, captured->old_nulls);
	barista_buffer_message_begin('D');
	barista_buffer_append_u32(captured->number);
	barista_tuple_append(captured, captured->keyed ? 'K' : 'O',
						 captured->old_values, captured->old_nulls, NULL, NULL);
	barista_buffer_message_end();
	ReleaseBuffer(buffer);
}

/* Did the update change the bytes of a key column? */
static bool
key_changed(CapturedRelation *captured)
{
	for (int i = 0; i < captured->key_count; i++)
	{
		CapturedColumn *column = &captured->columns[captured->keys[i]];
		int			a = column->attnum - 1;

		if (!datumIsEqual(captured->old_values[a], captured->new_values[a],
						  column->byval, column->length))
			return true;
	}
	return false;
}

static void
capture_update(CapturedRelation *captured, Relation rel,
			   ItemPointer old_tid, ItemPointer new_tid)
{
	HeapTupleData old_tuple;
	HeapTupleData new_tuple;
	Buffer		old_buffer = fetch(rel, old_tid, &old_tuple);
	Buffer		new_buffer = fetch(rel, new_tid, &new_tuple);

	heap_deform_tuple(&old_tuple, RelationGetDescr(rel),
					  captured->old_values, captured->old_nulls);
	heap_deform_tuple(&new_tuple, RelationGetDescr(rel),
					  captured->new_values, captured->new_nulls);
	barista_buffer_message_begin('U');
	barista_buffer_append_u32(captured->number);
	if (!captured->keyed)
		barista_tuple_append(captured, 'O', captured->old_values,
							 captured->old_nulls, NULL, NULL);
	else if (key_changed(captured))
		barista_tuple_append(captured, 'K', captured->old_values,
							 captured->old_nulls, NULL, NULL);
	barista_tuple_append(captured, 'N', captured->new_values, captured->new_nulls,
						 captured->old_values, captured->old_nulls);
	barista_buffer_message_end();
	ReleaseBuffer(new_buffer);
	ReleaseBuffer(old_buffer);
}

/*
 * barista_capture(internal, tableoid oid, old tid, new tid) returns boolean
 *
 * The WHEN condition of the capture triggers.  A null tid says that there is
 * no such row version.  Always false.
 */
Datum
barista_capture(PG_FUNCTION_ARGS)
{
	ItemPointer old_tid = PG_ARGISNULL(2) ? NULL : (ItemPointer) PG_GETARG_POINTER(2);
	ItemPointer new_tid = PG_ARGISNULL(3) ? NULL : (ItemPointer) PG_GETARG_POINTER(3);
	Oid			relid = PG_ARGISNULL(1) ? InvalidOid : PG_GETARG_OID(1);
	CapturedRelation *captured;
	Relation	rel;

	/* The root's own event of a move between partitions carries no table. */
	if (!OidIsValid(relid) || !barista_capturing() || barista_replays_itself())
		PG_RETURN_BOOL(false);

	rel = RelationIdGetRelation(relid);
	if (!RelationIsValid(rel))
		elog(ERROR, "could not open relation with OID %u", relid);
	if (unlikely(rel->rd_rel->relam != HEAP_TABLE_AM_OID))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot replicate changes of table \"%s\"",
						RelationGetRelationName(rel)),
				 errhint("Only tables of the access method heap are replicated.")));

	captured = captured_relation(rel);
	if (old_tid == NULL)
		capture_insert(captured, rel, new_tid);
	else if (new_tid == NULL)
		capture_delete(captured, rel, old_tid);
	else
		capture_update(captured, rel, old_tid, new_tid);

	RelationClose(rel);
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
