/*
 * behind.c
 *	  Changes a row behind everybody's back as soon as it is loaded: the first
 *	  row of the table "spoiled" gets 666 in its last column, an int.
 *
 * The row is overwritten in place: no transaction id, no trigger, no commit.
 * Only tests build this.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "fmgr.h"
#include "nodes/makefuncs.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

PG_MODULE_MAGIC;

void		_PG_init(void);

void
_PG_init(void)
{
	Relation	rel;
	TableScanDesc scan;
	HeapTuple	found;
	HeapTuple	changed;

	rel = table_openrv(makeRangeVar("public", "spoiled", -1), RowExclusiveLock);
	PushActiveSnapshot(GetTransactionSnapshot());
	scan = table_beginscan(rel, GetActiveSnapshot(), 0, NULL);
	found = heap_getnext(scan, ForwardScanDirection);
	if (found == NULL)
		elog(ERROR, "table \"spoiled\" has no row");
	changed = heap_copytuple(found);
	*(int32 *) ((char *) changed->t_data + changed->t_len - sizeof(int32)) = 666;
	table_endscan(scan);
	heap_inplace_update(rel, changed);
	PopActiveSnapshot();
	table_close(rel, NoLock);
}
