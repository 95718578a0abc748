/*-------------------------------------------------------------------------
 *
 * apply_row.c
 *	  Inserts, updates and deletes of single rows.
 *
 * By the table's and the indexes' own access calls: no trigger fires, no
 * constraint is checked again, no generated column is computed again.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/tableam.h"
#include "access/xact.h"
#include "executor/executor.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "apply.h"

static void find_row(ApplyRelation *ar, BaristaReader *r, char kind);
static void fill_fresh(ApplyRelation *ar, ApplyTuple *tuple);
static void missing(ApplyRelation *ar, ApplyTuple *tuple) pg_attribute_noreturn();
static void check_result(ApplyRelation *ar, TM_Result result);

void
apply_insert(ApplyRelation *ar, BaristaReader *r)
{
	ApplyTuple	tuple;

	if (reader_u8(r) != 'N')
		reader_fail(r, "no new tuple");
	if (ar->runs)
	{
		apply_run_add(ar, r);
		return;
	}
	apply_tuple_read(r, ar, false, false, &tuple);
	reader_finish(r, "insert");

	fill_fresh(ar, &tuple);
	table_tuple_insert(ar->rel, ar->fresh, GetCurrentCommandId(true), 0, NULL);
	if (ar->nindexes > 0)
		apply_index_insert(ar, ar->fresh, NULL);
	apply_image_stored(ar, ar->fresh);
}

void
apply_update(ApplyRelation *ar, BaristaReader *r)
{
	ApplyTuple	tuple;
	TM_FailureData failure;
	LockTupleMode lock;
	TM_Result	result;
	bool		update_indexes;
	uint8		kind = reader_u8(r);

	if (kind == 'K' || kind == 'O')
	{
		find_row(ar, r, kind);
		if (reader_u8(r) != 'N')
			reader_fail(r, "no new tuple");
		apply_tuple_read(r, ar, false, true, &tuple);
		reader_finish(r, "update");
	}
	else
	{
		if (kind != 'N')
			reader_fail(r, "no new tuple");
		if (ar->identity != 'k')
			reader_fail(r, "no old tuple, and the table has no key");
		apply_tuple_read(r, ar, false, true, &tuple);
		reader_finish(r, "update");
		if (!apply_find_by_key(ar, &tuple))
			missing(ar, &tuple);
	}

	fill_fresh(ar, &tuple);
	result = table_tuple_update(ar->rel, &ar->found->tts_tid, ar->fresh,
								GetCurrentCommandId(true), InvalidSnapshot,
								InvalidSnapshot, true, &failure, &lock,
								&update_indexes);
	check_result(ar, result);
	if (update_indexes && ar->nindexes > 0)
		apply_index_insert(ar, ar->fresh, ar->found);
	apply_image_stored(ar, ar->fresh);
	ExecClearTuple(ar->found);
}

void
apply_delete(ApplyRelation *ar, BaristaReader *r)
{
	TM_FailureData failure;
	TM_Result	result;
	uint8		kind = reader_u8(r);

	find_row(ar, r, kind);
	reader_finish(r, "delete");
	result = table_tuple_delete(ar->rel, &ar->found->tts_tid,
								GetCurrentCommandId(true), InvalidSnapshot,
								InvalidSnapshot, true, &failure, false);
	check_result(ar, result);
	ExecClearTuple(ar->found);
}

/* Reads an old tuple of this kind and finds its row, into ar->found. */
static void
find_row(ApplyRelation *ar, BaristaReader *r, char kind)
{
	const char *image = r->data + r->at;
	Size		start = r->at;
	ApplyTuple	tuple;
	bool		found;

	if (kind != 'K' && kind != 'O')
		reader_fail(r, "no old tuple");
	if (kind == 'K' && ar->identity != 'k')
		reader_fail(r, "a key of a table that has none");
	apply_tuple_read(r, ar, kind == 'K', false, &tuple);
	if (r->failure)
		reader_finish(r, "old tuple");

	if (ar->identity == 'k')
		found = apply_find_by_key(ar, &tuple);
	else
		found = apply_find_by_image(ar, image, r->at - start);
	if (!found)
		missing(ar, &tuple);
}

static void
missing(ApplyRelation *ar, ApplyTuple *tuple)
{
	ereport(ERROR,
			(errcode(ERRCODE_BARISTA_DIVERGENCE),
			 errmsg("table %s has no row that another node has", ar->name),
			 errdetail("Row %s is missing.", apply_key_text(ar, tuple))));
}

/*
 * Puts a new row into ar->fresh; its unchanged values are ar->found's, whose
 * page stays pinned until the row is stored.
 */
static void
fill_fresh(ApplyRelation *ar, ApplyTuple *tuple)
{
	TupleTableSlot *slot = ExecClearTuple(ar->fresh);

	apply_row_shorten(ar, tuple);
	if (tuple->any_unchanged)
	{
		for (int i = 0; i < ar->desc->natts; i++)
			if (tuple->unchanged[i])
				tuple->values[i] = slot_getattr(ar->found, i + 1, &tuple->nulls[i]);
	}
	memcpy(slot->tts_values, tuple->values, ar->desc->natts * sizeof(Datum));
	memcpy(slot->tts_isnull, tuple->nulls, ar->desc->natts * sizeof(bool));
	ExecStoreVirtualTuple(slot);
	slot->tts_tableOid = ar->relid;
}

/*
 * A row that was there a moment ago is not divergence but somebody else at
 * work: to be tried again.
 */
static void
check_result(ApplyRelation *ar, TM_Result result)
{
	if (result != TM_Ok)
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("a row of table %s changed while it was applied", ar->name)));
}
