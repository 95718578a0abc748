/*-------------------------------------------------------------------------
 *
 * apply_truncate.c
 *	  TRUNCATE, of exactly the tables that were truncated.
 *
 * Cascades were followed where the statement ran, and its triggers fired there,
 * so each table is emptied by itself.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/heap.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "commands/sequence.h"
#include "commands/tablecmds.h"
#include "pgstat.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"

#include "apply.h"

static void new_storage(Relation rel);
static void new_indexes(Relation rel);

/* relations is a list of ApplyRelation, all of them closed. */
void
apply_truncate(List *relations, bool restart)
{
	ListCell   *lc;

	foreach(lc, relations)
	{
		ApplyRelation *ar = lfirst(lc);
		int			settings = apply_user_path(ar);
		Relation	rel = try_table_open(ar->relid, AccessExclusiveLock);

		if (rel == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_BARISTA_DIVERGENCE),
					 errmsg("there is no table %s", ar->name)));
		CheckTableNotInUse(rel, "TRUNCATE");
		apply_truncate_one(rel);
		if (restart)
		{
			List	   *sequences = getOwnedSequences(ar->relid);
			ListCell   *seq;

			foreach(seq, sequences)
				ResetSequence(lfirst_oid(seq));
		}
		table_close(rel, NoLock);
		AtEOXact_GUC(false, settings);
	}
}

/*
 * Empties tables before a statement that is replayed, under its settings.  Unlogged
 * ones may hold rows of their own.
 */
void
apply_empty(List *names)
{
	ListCell   *lc;

	foreach(lc, names)
	{
		ApplyName  *table = lfirst(lc);
		Oid			namespace = get_namespace_oid(table->schema, true);
		Oid			relid = OidIsValid(namespace) ?
			get_relname_relid(table->name, namespace) : InvalidOid;
		Relation	rel = OidIsValid(relid) ?
			try_table_open(relid, AccessExclusiveLock) : NULL;

		if (rel == NULL || rel->rd_rel->relkind != RELKIND_RELATION)
			ereport(ERROR,
					(errcode(ERRCODE_BARISTA_DIVERGENCE),
					 errmsg("there is no table %s",
							quote_qualified_identifier(table->schema, table->name))));
		CheckTableNotInUse(rel, "ALTER TABLE");
		apply_truncate_one(rel);
		table_close(rel, NoLock);
	}
	if (names != NIL)
		CommandCounterIncrement();
}

/* In place if an abort throws the whole file away, else by a new file. */
void
apply_truncate_one(Relation rel)
{
	SubTransactionId current = GetCurrentSubTransactionId();

	if (rel->rd_createSubid == current || rel->rd_newRelfilenodeSubid == current)
		heap_truncate_one_rel(rel);
	else
	{
		Oid			toast = rel->rd_rel->reltoastrelid;

		new_storage(rel);
		if (OidIsValid(toast))
		{
			Relation	toastrel = relation_open(toast, AccessExclusiveLock);

			new_storage(toastrel);
			new_indexes(toastrel);
			relation_close(toastrel, NoLock);
		}
		new_indexes(rel);
	}
	pgstat_count_truncate(rel);
}

static void
new_storage(Relation rel)
{
	RelationSetNewRelfilenode(rel, rel->rd_rel->relpersistence);
}

/*
 * Indexes of a table that is empty now.  REINDEX would simplify their expressions,
 * which may run users' functions; without rows they need none.  Nor is there a reason
 * left to set one of them aside.
 */
static void
new_indexes(Relation rel)
{
	List	   *indexes = RelationGetIndexList(rel);
	ListCell   *lc;

	foreach(lc, indexes)
	{
		Relation	index = index_open(lfirst_oid(lc), AccessExclusiveLock);

		new_storage(index);
		index_build(rel, index, BuildDummyIndexInfo(index), true, false);
		index_close(index, NoLock);
		apply_take_index_back(lfirst_oid(lc));
		CommandCounterIncrement();
	}
	list_free(indexes);
}
