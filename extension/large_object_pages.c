/*-------------------------------------------------------------------------
 *
 * large_object_pages.c
 *	  What became of the pages of large objects that a transaction looked up.
 *
 * Asked before the commit, when all its subtransactions have ended one way or
 * the other.  Of each page all versions are read, whoever sees them.  A version
 * of ours that we did not remove is what the page is now; a version of others
 * that we removed says that there was one before.  So a page was
 *
 *		before	now
 *		no		yes		written anew
 *		yes		yes		replaced
 *		yes		no		removed
 *		no		no		left alone, or undone
 *
 * Exactly that is replicated.  Of a page that others are about to write we have
 * no version and say nothing; nobody else can have changed one of ours, since
 * the version that we removed is locked until our end.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/skey.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_largeobject.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "storage/large_object.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "internal.h"
#include "large_object.h"

/* Pages that nobody looked up between two that somebody did. */
#define SMALL_GAP			16
/* Most pages in one message: 256 kB. */
#define WRITTEN_TOGETHER	128

/* What is known of a page after some of its versions. */
typedef struct Looked
{
	Oid			object;
	int32		number;
	bool		before;
	bool		now;
	Size		length;			/* of now */
	char		data[LOBLKSIZE];
} Looked;

/* Pages in a row with the same fate: one message. */
typedef struct Run
{
	char		type;			/* 'p', which is being written; 'r'; 0 = none */
	Oid			object;
	int32		first;
	uint32		count;
} Run;

static void
end_run(Run *run)
{
	if (run->type == 'p')
		barista_buffer_message_end();
	else if (run->type == 'r')
	{
		barista_buffer_message_begin('r');
		barista_buffer_append_u32(run->object);
		barista_buffer_append_u32((uint32) run->first);
		barista_buffer_append_u32(run->count);
		barista_buffer_message_end();
	}
	run->type = 0;
}

/* Continues the run, or begins another one, with this page. */
static void
add_to_run(Run *run, char type, const Looked *page)
{
	if (run->type != type || run->object != page->object ||
		run->first + (int64) run->count != page->number ||
		(type == 'p' && run->count == WRITTEN_TOGETHER))
	{
		end_run(run);
		run->type = type;
		run->object = page->object;
		run->first = page->number;
		run->count = 0;
		if (type == 'p')
		{
			barista_buffer_message_begin('p');
			barista_buffer_append_u32(page->object);
			barista_buffer_append_u32((uint32) page->number);
		}
	}
	run->count++;
}

static void
capture(Run *run, const Looked *page)
{
	if (page->now)
	{
		add_to_run(run, 'p', page);
		barista_buffer_append_u8(page->before);
		barista_buffer_append_u16((uint16) page->length);
		barista_buffer_append(page->data, page->length);
	}
	else if (page->before)
		add_to_run(run, 'r', page);
}

/* Who made this version, and did we remove it?  Others may lock it meanwhile. */
static void
look_at_version(TupleTableSlot *slot, bool *ours, bool *removed)
{
	Buffer		buffer = ((BufferHeapTupleTableSlot *) slot)->buffer;
	HeapTupleHeader header = ((HeapTupleTableSlot *) slot)->tuple->t_data;

	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	*ours = TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(header));
	*removed = (header->t_infomask & HEAP_XMAX_INVALID) == 0 &&
		!HEAP_XMAX_IS_LOCKED_ONLY(header->t_infomask) &&
		TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetUpdateXid(header));
	LockBuffer(buffer, BUFFER_LOCK_UNLOCK);
}

static void
take_data(Looked *page, TupleTableSlot *slot)
{
	bool		null;
	Datum		value = slot_getattr(slot, Anum_pg_largeobject_data, &null);
	bytea	   *data = null ? NULL : DatumGetByteaPP(value);

	if (data == NULL || VARSIZE_ANY_EXHDR(data) > LOBLKSIZE)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("page %d of large object %u has an invalid size",
						page->number, page->object)));
	page->length = VARSIZE_ANY_EXHDR(data);
	memcpy(page->data, VARDATA_ANY(data), page->length);
}

/* Is the page the given distance behind the group's first one noted? */
static bool
was_visited(const VisitedPages *pages, int distance)
{
	return (pages->bits[distance / 8] & (1 << (distance % 8))) != 0;
}

/*
 * The next stretch of visited pages after the last one, with small gaps at most:
 * to skip a page costs less than to begin another scan.
 */
static bool
next_stretch(const VisitedPages *pages, int *from, int *to)
{
	int			at = *to + 1;

	while (at < VISITED_PAGES && !was_visited(pages, at))
		at++;
	*from = *to = at;
	for (; at < VISITED_PAGES && at - *to <= SMALL_GAP; at++)
		if (was_visited(pages, at))
			*to = at;
	return *from < VISITED_PAGES;
}

static IndexScanDesc
begin_scan(Relation heap, Relation index, Oid object, int32 first, int32 last)
{
	ScanKeyData keys[3];
	IndexScanDesc scan;

	ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(object));
	ScanKeyInit(&keys[1], 2, BTGreaterEqualStrategyNumber, F_INT4GE,
				Int32GetDatum(first));
	ScanKeyInit(&keys[2], 2, BTLessEqualStrategyNumber, F_INT4LE,
				Int32GetDatum(last));
	scan = index_beginscan(heap, index, SnapshotAny, 3, 0);
	index_rescan(scan, keys, 3, NULL, 0);
	return scan;
}

/* Versions of a page come one after the other, in no order that counts. */
static void
capture_stretch(Run *run, Relation heap, Relation index, const VisitedPages *pages,
				int from, int to, TupleTableSlot *slot)
{
	IndexScanDesc scan = begin_scan(heap, index, pages->object,
									pages->first + from, pages->first + to);
	Looked		page = {.number = -1};

	while (index_getnext_slot(scan, ForwardScanDirection, slot))
	{
		bool		null;
		int32		number = DatumGetInt32(slot_getattr(slot, Anum_pg_largeobject_pageno,
														&null));
		bool		ours;
		bool		removed;

		if (!was_visited(pages, number - pages->first))
			continue;
		if (number != page.number)
		{
			capture(run, &page);
			page.object = pages->object;
			page.number = number;
			page.before = page.now = false;
		}
		look_at_version(slot, &ours, &removed);
		if (ours && !removed)
		{
			page.now = true;
			take_data(&page, slot);
		}
		else if (!ours && removed)
			page.before = true;
	}
	capture(run, &page);
	index_endscan(scan);
}

/*
 * The pages that the transaction wrote or removed go into its change set.  In
 * its pre-commit callback, before the gate; does nothing if no function was
 * called that writes large objects.
 */
void
barista_large_objects_collect(void)
{
	Relation	index = large_object_index();
	Run			run = {0};
	Relation	heap;
	TupleTableSlot *slot;
	MemoryContext context;
	MemoryContext caller;
	VisitedPages **groups;
	int			count;

	if (likely(index == NULL))
		return;
	large_object_pause();
	groups = large_object_visited(&count);
	heap = table_open(LargeObjectRelationId, RowExclusiveLock);
	slot = table_slot_create(heap, NULL);
	context = AllocSetContextCreate(CurrentMemoryContext,
									"barista large object pages",
									ALLOCSET_DEFAULT_SIZES);
	for (int i = 0; i < count; i++)
	{
		int			from;
		int			to = -1;

		CHECK_FOR_INTERRUPTS();
		caller = MemoryContextSwitchTo(context);
		while (next_stretch(groups[i], &from, &to))
			capture_stretch(&run, heap, index, groups[i], from, to, slot);
		MemoryContextSwitchTo(caller);
		MemoryContextReset(context);
	}
	end_run(&run);
	MemoryContextDelete(context);
	ExecDropSingleTupleTableSlot(slot);
	table_close(heap, NoLock);
	pfree(groups);
	large_object_unwatch();
}
