/*-------------------------------------------------------------------------
 *
 * large_object_visits.c
 *	  Which pages of large objects the transaction has looked up.
 *
 * Every function that changes a large object scans the index of pg_largeobject
 * for the pages that are there, and inserts those that are not into the index.
 * While a transaction is watched, this backend's own descriptor of that index
 * has three calls that note the page before, or after, they do what the B-tree
 * does.  The descriptor stays open, so that no invalidation replaces it.
 *
 * Noted is one bit for each page, also for pages that were only read and for
 * what a savepoint undid: what became of them is asked of the pages themselves.
 * 100 GB of large objects make 8 MB of bits.
 *
 * A function of an index must not use pages in such a transaction: where followers
 * run it, no page has been written yet, since pages come last.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/amapi.h"
#include "access/genam.h"
#include "access/itup.h"
#include "access/nbtree.h"
#include "access/relscan.h"
#include "catalog/pg_largeobject.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#include "internal.h"
#include "large_object.h"

/* The columns of the index. */
#define COLUMN_OBJECT	1
#define COLUMN_PAGE		2

/*
 * Of the running transaction: the index, while it is watched, and what was
 * noted.  Memory is the transaction's, which large_object_unwatch() ends.
 */
static Relation watched = NULL;
static bool noting = false;
static HTAB *visited = NULL;

/* The B-tree's calls with ours among them; for the backend's life. */
static IndexAmRoutine noting_calls;
static bool calls_ready = false;

static void
note(Oid object, int32 page)
{
	struct
	{
		Oid			object;
		int32		first;
	}			key = {object, page - page % VISITED_PAGES};
	VisitedPages *pages;
	bool		found;

	if (page < 0)
		return;
	pages = hash_search(visited, &key, HASH_ENTER, &found);
	if (!found)
		memset(pages->bits, 0, sizeof(pages->bits));
	page -= pages->first;
	pages->bits[page / 8] |= 1 << (page % 8);
}

/* Also of what was about to write by way of an expression made ready before. */
static void
check_repeated(void)
{
	if (barista_repeated_runs())
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("a large object is used by a function that every node runs by itself"),
				 errdetail("The transaction writes large objects."),
				 errhint("An index, an operator or a domain uses the function. Let a trigger do what writes, and another transaction what reads.")));
}

/* What the scan finds is asked for as it stands in the index. */
static void
rescan(IndexScanDesc scan, ScanKey keys, int nkeys, ScanKey orderbys, int norderbys)
{
	if (noting)
	{
		check_repeated();
		scan->xs_want_itup = true;
	}
	btrescan(scan, keys, nkeys, orderbys, norderbys);
}

static bool
get_tuple(IndexScanDesc scan, ScanDirection direction)
{
	bool		found = btgettuple(scan, direction);

	if (found && noting && scan->xs_itup != NULL)
	{
		TupleDesc	desc = RelationGetDescr(scan->indexRelation);
		bool		null;
		Oid			object = DatumGetObjectId(index_getattr(scan->xs_itup,
															COLUMN_OBJECT, desc, &null));

		note(object, DatumGetInt32(index_getattr(scan->xs_itup, COLUMN_PAGE,
												 desc, &null)));
	}
	return found;
}

static bool
insert(Relation index, Datum *values, bool *nulls, ItemPointer tid, Relation heap,
	   IndexUniqueCheck unique, bool unchanged, IndexInfo *info)
{
	if (noting)
		note(DatumGetObjectId(values[COLUMN_OBJECT - 1]),
			 DatumGetInt32(values[COLUMN_PAGE - 1]));
	return btinsert(index, values, nulls, tid, heap, unique, unchanged, info);
}

static void
make_table(void)
{
	HASHCTL		control = {
		.keysize = offsetof(VisitedPages, bits),
		.entrysize = sizeof(VisitedPages),
		.hcxt = TopTransactionContext,
	};

	visited = hash_create("barista visited pages of large objects", 64, &control,
						  HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

/* The descriptor belongs to the transaction as a whole, not to a savepoint. */
void
large_object_watch(void)
{
	ResourceOwner owner = CurrentResourceOwner;

	if (likely(watched != NULL))
		return;
	if (visited == NULL)
		make_table();
	CurrentResourceOwner = TopTransactionResourceOwner;
	watched = index_open(LargeObjectLOidPNIndexId, RowExclusiveLock);
	CurrentResourceOwner = owner;
	if (watched->rd_indam != &noting_calls)
	{
		if (!calls_ready)
		{
			noting_calls = *watched->rd_indam;
			noting_calls.amrescan = rescan;
			noting_calls.amgettuple = get_tuple;
			noting_calls.aminsert = insert;
			calls_ready = true;
		}
		watched->rd_indam = &noting_calls;
	}
	noting = true;
}

Relation
large_object_index(void)
{
	return watched;
}

void
large_object_pause(void)
{
	noting = false;
}

/* Before a commit; after an abort its owner has closed the descriptor. */
void
large_object_unwatch(void)
{
	ResourceOwner owner = CurrentResourceOwner;

	noting = false;
	if (watched == NULL)
		return;
	CurrentResourceOwner = TopTransactionResourceOwner;
	index_close(watched, NoLock);
	CurrentResourceOwner = owner;
	watched = NULL;
}

/* End of any transaction.  Does not fail. */
void
barista_large_objects_end(void)
{
	noting = false;
	watched = NULL;
	visited = NULL;
}

static int
compare(const void *a, const void *b)
{
	const VisitedPages *x = *(VisitedPages *const *) a;
	const VisitedPages *y = *(VisitedPages *const *) b;

	if (x->object != y->object)
		return x->object < y->object ? -1 : 1;
	return x->first < y->first ? -1 : x->first > y->first;
}

VisitedPages **
large_object_visited(int *count)
{
	VisitedPages **all;
	VisitedPages *pages;
	HASH_SEQ_STATUS scan;
	long		n = hash_get_num_entries(visited);

	all = palloc_extended(Max(n, 1) * sizeof(VisitedPages *), MCXT_ALLOC_HUGE);
	*count = 0;
	hash_seq_init(&scan, visited);
	while ((pages = hash_seq_search(&scan)) != NULL)
		all[(*count)++] = pages;
	qsort(all, *count, sizeof(VisitedPages *), compare);
	return all;
}
