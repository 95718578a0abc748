/*-------------------------------------------------------------------------
 *
 * apply_run.c
 *	  Inserts that follow each other in one table are stored together.
 *
 * That spares a WAL record, a page lookup and a command for each row.  Nothing
 * may look at the table in between, so a run ends before anything else is
 * applied, and a table where users' code runs for each row has none.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/tableam.h"
#include "access/xact.h"
#include "executor/executor.h"
#include "utils/memutils.h"

#include "apply.h"

/* Where a run ends: rows, and bytes of their messages. */
#define RUN_ROWS	256
#define RUN_BYTES	(256 * 1024)

/* The run that has begun; within one call of barista_apply(). */
typedef struct ApplyRun
{
	ApplyRelation *ar;			/* NULL: there is none */
	int			rows;
	Size		bytes;
	MemoryContext context;		/* holds their values; of the call */
} ApplyRun;

static ApplyRun run;

static TupleTableSlot *run_slot(ApplyRelation *ar, int i);

/* May rows of this table wait for those that follow? */
bool
apply_run_allowed(ApplyRelation *ar)
{
	for (int i = 0; i < ar->nindexes; i++)
		if (ar->indexes[i].restricted)
			return false;
	for (int i = 0; i < ar->ncolumns; i++)
		if (ar->columns[i].restricted)
			return false;
	return true;
}

/* The table whose rows wait, or NULL. */
ApplyRelation *
apply_run_relation(void)
{
	return run.ar;
}

/* Reads an insert's tuple and lets it wait.  Only rows of ar may wait already. */
void
apply_run_add(ApplyRelation *ar, BaristaReader *r)
{
	MemoryContext row_context = apply_row_context;
	TupleTableSlot *slot;
	ApplyTuple	tuple;

	if (run.context == NULL)
		run.context = AllocSetContextCreate(apply_call_context,
											"barista apply run",
											ALLOCSET_DEFAULT_SIZES);
	apply_row_context = run.context;
	apply_tuple_read(r, ar, false, false, &tuple);
	if (r->failure == NULL)
		apply_row_shorten(ar, &tuple);
	apply_row_context = row_context;
	reader_finish(r, "insert");

	slot = run_slot(ar, run.rows);
	ExecClearTuple(slot);
	memcpy(slot->tts_values, tuple.values, ar->desc->natts * sizeof(Datum));
	memcpy(slot->tts_isnull, tuple.nulls, ar->desc->natts * sizeof(bool));
	ExecStoreVirtualTuple(slot);
	slot->tts_tableOid = ar->relid;
	run.ar = ar;
	run.rows++;
	run.bytes += r->length;
	if (run.rows == RUN_ROWS || run.bytes >= RUN_BYTES)
		apply_run_store();
}

/* Stores the rows that wait. */
void
apply_run_store(void)
{
	ApplyRelation *ar = run.ar;
	MemoryContext caller;

	if (ar == NULL)
		return;
	caller = MemoryContextSwitchTo(run.context);
	if (run.rows == 1)
		table_tuple_insert(ar->rel, run_slot(ar, 0), GetCurrentCommandId(true),
						   0, NULL);
	else
		table_multi_insert(ar->rel, ar->run, run.rows, GetCurrentCommandId(true),
						   0, NULL);
	for (int i = 0; i < run.rows; i++)
	{
		TupleTableSlot *slot = run_slot(ar, i);

		if (ar->nindexes > 0)
			apply_index_insert(ar, slot, NULL);
		apply_image_stored(ar, slot);
		ExecClearTuple(slot);
	}
	MemoryContextSwitchTo(caller);
	MemoryContextReset(run.context);
	run.ar = NULL;
	run.rows = 0;
	run.bytes = 0;
	CommandCounterIncrement();
}

/* At the beginning of a call, and after an error: its memory is gone. */
void
apply_run_forget(void)
{
	memset(&run, 0, sizeof(run));
}

/* The slot of a run's row.  The first is there anyway. */
static TupleTableSlot *
run_slot(ApplyRelation *ar, int i)
{
	if (ar->run == NULL)
	{
		ar->run = MemoryContextAllocZero(apply_call_context,
										 RUN_ROWS * sizeof(TupleTableSlot *));
		ar->run[0] = ar->fresh;
	}
	if (ar->run[i] == NULL)
	{
		MemoryContext caller = MemoryContextSwitchTo(apply_call_context);

		ar->run[i] = MakeSingleTupleTableSlot(ar->desc, &TTSOpsVirtual);
		MemoryContextSwitchTo(caller);
	}
	return ar->run[i];
}
