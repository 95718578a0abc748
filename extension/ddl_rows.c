/*-------------------------------------------------------------------------
 *
 * ddl_rows.c
 *	  Rows that a schema change made, and that other nodes do not make.
 *
 * They follow the statement as inserts.  Where the table had rows before, it is
 * emptied on the other nodes first, so that they have nothing to evaluate.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tableam.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "ddl.h"

/* Other nodes empty the table before they run the statement that follows. */
void
ddl_rows_emptied(Oid relid)
{
	barista_buffer_message_begin('e');
	barista_buffer_append_cstr(get_namespace_name(get_rel_namespace(relid)));
	barista_buffer_append_cstr(get_rel_name(relid));
	barista_buffer_message_end();
}

/*
 * Appends all rows of a permanent relation, as this transaction sees them now.
 * It holds a lock on the relation that keeps other writers out.
 */
void
ddl_rows_append(Oid relid)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "barista ddl rows",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = CurrentMemoryContext;
	Relation	rel = table_open(relid, AccessShareLock);
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	TableScanDesc scan = table_beginscan(rel, snapshot, 0, NULL);

	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		CHECK_FOR_INTERRUPTS();
		MemoryContextSwitchTo(context);
		slot_getallattrs(slot);
		barista_capture_row(rel, slot->tts_values, slot->tts_isnull);
		MemoryContextSwitchTo(caller);
		MemoryContextReset(context);
	}
	table_endscan(scan);
	UnregisterSnapshot(snapshot);
	ExecDropSingleTupleTableSlot(slot);
	table_close(rel, NoLock);
	MemoryContextDelete(context);
}
