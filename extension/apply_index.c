/*-------------------------------------------------------------------------
 *
 * apply_index.c
 *	  Rows are found by their key, and get their index entries.
 *
 * The executor's ExecInsertIndexTuples() is not used: it checks exclusion
 * constraints again, builds an expression state for each call, and needs a range
 * table to learn which columns changed, where the two rows are at hand here.
 *
 * Uniqueness is checked where the index checks it at once: a violation is
 * divergence.  Deferrable and exclusion constraints were checked where the
 * transaction ran and are not checked again; nor are indexes whose users' functions
 * may find two values equal here that were not so there (index_aside.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/tableam.h"
#include "catalog/index.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/snapmgr.h"
#include "utils/datum.h"

#include "apply.h"

/*
 * The index whose entry is made; within one call of barista_apply().  None while
 * the row is found by its key: what fails there is no matter of an index that could
 * be set aside.
 */
static ApplyIndex *entered = NULL;

/* The entries of a row are made under its writer's settings.  Within one call, too. */
static bool under_writer = false;

static void insert_simple(ApplyRelation *ar, ApplyIndex *index,
						  TupleTableSlot *slot, TupleTableSlot *old);
static void insert_evaluated(ApplyRelation *ar, ApplyIndex *index,
							 TupleTableSlot *slot);
static bool same_key(ApplyRelation *ar, IndexInfo *info,
					 TupleTableSlot *slot, TupleTableSlot *old);

/*
 * The name of the index that this error is of, or NULL: its entry could not be made.
 * One that follows from the row alone and is too long here (values are compressed
 * otherwise) is the index's own affair, as what its functions do is.
 */
const char *
apply_index_failed(int sqlstate)
{
	if (entered == NULL)
		return NULL;
	if (sqlstate == ERRCODE_PROGRAM_LIMIT_EXCEEDED)
		apply_suspect_name(entered->oid);
	return RelationGetRelationName(entered->rel);
}

/* At the beginning of a call: what an error has left behind is gone. */
void
apply_index_forget(void)
{
	entered = NULL;
	under_writer = false;
}

/*
 * Whatever an index calls is called by its owner, for the server's own functions
 * call those of types, too.  The path and the settings cost more than that.
 */
static void
begin_evaluation(ApplyRelation *ar, ApplyIndex *index, ApplyUser *before)
{
	before->settings = index->restricted && !under_writer ? apply_user_settings(ar) : 0;
	barista_rights_take(ar->owner, &before->rights);
}

static void
end_evaluation(ApplyUser *before)
{
	barista_rights_give_back(&before->rights);
	if (before->settings != 0)
		AtEOXact_GUC(false, before->settings);
}

/*
 * The same for the entry of an index that may be set aside if that fails: not for
 * the one by which rows are found.  One that runs no users' code may be so while its
 * expressions are evaluated: what the server's own functions give may depend on
 * files and settings of this machine.
 */
static void
begin_entry(ApplyRelation *ar, ApplyIndex *index, bool evaluates, ApplyUser *before)
{
	begin_evaluation(ar, index, before);
	if (index == ar->key)
		return;
	entered = index;
	if (index->restricted || evaluates)
		apply_suspect_begin(index->oid);
}

static void
end_entry(ApplyRelation *ar, ApplyIndex *index, bool evaluates, ApplyUser *before)
{
	if (index != ar->key && (index->restricted || evaluates))
		apply_suspect_end();
	entered = NULL;
	end_evaluation(before);
}

/*
 * Opens an index for its entries.  Simplifying its expressions may run functions in
 * them.  The estate is there before an error can be.
 */
void
apply_index_open(ApplyRelation *ar, ApplyIndex *index)
{
	ApplyUser	before;

	if ((index->restricted || !index->simple) && index != ar->key && apply_without_functions())
	{
		index->aside = true;
		(void) apply_set_index_aside(index->oid);
		return;
	}
	index->rel = index_open(index->oid, RowExclusiveLock);
	if (index->simple)
	{
		index->open_info = index->info;
		return;
	}
	if (ar->estate == NULL)
		ar->estate = CreateExecutorState();
	begin_entry(ar, index, true, &before);
	index->open_info = BuildIndexInfo(index->rel);
	end_entry(ar, index, true, &before);
}

/*
 * Finds the row with this key, into ar->found.
 *
 * The snapshot that sees every row that is there at this moment will do: only
 * apply changes rows here.
 */
bool
apply_find_by_key(ApplyRelation *ar, ApplyTuple *key)
{
	ApplyUser	before;
	bool		found;

	if (ar->scan == NULL)
	{
		MemoryContext caller = MemoryContextSwitchTo(apply_call_context);

		ar->scan = index_beginscan(ar->rel, ar->key->rel, SnapshotSelf,
								   ar->nkeys, 0);
		MemoryContextSwitchTo(caller);
	}
	for (int k = 0; k < ar->nkeys; k++)
	{
		int			attribute = ar->columns[ar->key_columns[k]].attribute;

		if (key->nulls[attribute])
			ereport(ERROR,
					(errcode(ERRCODE_BARISTA_MALFORMED),
					 errmsg("malformed change of table %s: its key holds a null",
							ar->name)));
		ar->scankeys[k].sk_argument = key->values[attribute];
	}
	begin_evaluation(ar, ar->key, &before);
	index_rescan(ar->scan, ar->scankeys, ar->nkeys, NULL, 0);
	found = index_getnext_slot(ar->scan, ForwardScanDirection, ar->found);
	end_evaluation(&before);
	return found;
}

/*
 * Makes the index entries of a row just stored.  old is the row that it
 * replaces, or NULL; it tells the index whether the key changed, no more.
 */
void
apply_index_insert(ApplyRelation *ar, TupleTableSlot *slot, TupleTableSlot *old)
{
	int			settings = ar->restricted ? apply_user_settings(ar) : 0;

	under_writer = ar->restricted;
	for (int i = 0; i < ar->nindexes; i++)
	{
		ApplyIndex *index = &ar->indexes[i];

		if (index->aside)
			continue;
		if (index->simple)
			insert_simple(ar, index, slot, old);
		else
			insert_evaluated(ar, index, slot);
	}
	under_writer = false;
	if (settings != 0)
		AtEOXact_GUC(false, settings);
}

/* Makes an entry.  The index's operator class may run users' functions. */
static void
insert_entry(ApplyRelation *ar, ApplyIndex *index, TupleTableSlot *slot,
			 Datum *values, bool *nulls, bool unchanged)
{
	Form_pg_index form = index->rel->rd_index;
	List	   *shortened = apply_index_shorten(index->rel, values, nulls);
	ApplyUser	before;
	bool		asks = form->indisunique && form->indimmediate &&
		(!index->restricted || index == ar->key);

	/* Whoever may not read the table is not told of the key that is there already. */
	begin_entry(ar, index, false, &before);
	index_insert(index->rel, values, nulls, &slot->tts_tid, ar->rel,
				 asks ? UNIQUE_CHECK_YES : UNIQUE_CHECK_NO,
				 unchanged, index->open_info);
	end_entry(ar, index, false, &before);
	list_free_deep(shortened);
}

static void
insert_simple(ApplyRelation *ar, ApplyIndex *index, TupleTableSlot *slot,
			  TupleTableSlot *old)
{
	IndexInfo  *info = index->open_info;
	Datum		values[INDEX_MAX_KEYS];
	bool		nulls[INDEX_MAX_KEYS];

	for (int i = 0; i < info->ii_NumIndexAttrs; i++)
		values[i] = slot_getattr(slot, info->ii_IndexAttrNumbers[i], &nulls[i]);
	insert_entry(ar, index, slot, values, nulls,
				 old != NULL && same_key(ar, info, slot, old));
}

/* Is the index's key the same in both rows, byte for byte? */
static bool
same_key(ApplyRelation *ar, IndexInfo *info, TupleTableSlot *slot,
		 TupleTableSlot *old)
{
	for (int i = 0; i < info->ii_NumIndexKeyAttrs; i++)
	{
		AttrNumber	attno = info->ii_IndexAttrNumbers[i];
		Form_pg_attribute att = TupleDescAttr(ar->desc, attno - 1);
		bool		null;
		bool		old_null;
		Datum		value = slot_getattr(slot, attno, &null);
		Datum		old_value = slot_getattr(old, attno, &old_null);

		if (null != old_null)
			return false;
		if (!null && !datum_image_eq(value, old_value, att->attbyval, att->attlen))
			return false;
	}
	return true;
}

/*
 * An index that has expressions or a predicate, or is not a b-tree.  All of
 * it runs with the rights of the table's owner.
 */
static void
insert_evaluated(ApplyRelation *ar, ApplyIndex *index, TupleTableSlot *slot)
{
	ExprContext *econtext = GetPerTupleExprContext(ar->estate);
	IndexInfo  *info = index->open_info;
	Datum		values[INDEX_MAX_KEYS];
	bool		nulls[INDEX_MAX_KEYS];
	ApplyUser	before;
	bool		wanted = true;

	econtext->ecxt_scantuple = slot;
	begin_entry(ar, index, true, &before);
	if (info->ii_Predicate != NIL)
	{
		if (info->ii_PredicateState == NULL)
			info->ii_PredicateState = ExecPrepareQual(info->ii_Predicate, ar->estate);
		wanted = ExecQual(info->ii_PredicateState, econtext);
	}
	if (wanted)
		FormIndexDatum(info, slot, ar->estate, values, nulls);
	end_entry(ar, index, true, &before);
	if (wanted)
		insert_entry(ar, index, slot, values, nulls, false);
	ResetExprContext(econtext);
}
