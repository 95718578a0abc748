/*-------------------------------------------------------------------------
 *
 * unlogged.c
 *	  What is unlogged lasts as long as a leadership.
 *
 * Rows of unlogged tables are on the leader's server alone, and the next leader
 * has none.  Rows that stayed behind on this one would come back with its next
 * leadership; and a schema change that the leader's rows allow, a unique index for
 * example, would fail here on them and stop this node.  So barista empties them
 * before a server follows: when it is started, and when an epoch has ended.
 *
 * If the server dies on the way, PostgreSQL empties them by itself.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "commands/sequence.h"
#include "storage/bufmgr.h"
#include "utils/rel.h"

#include "apply.h"
#include "internal.h"

PG_FUNCTION_INFO_V1(barista_empty_unlogged);

/* Unlogged relations of one kind. */
static List *
unlogged(char kind)
{
	Relation	catalog = table_open(RelationRelationId, AccessShareLock);
	TableScanDesc scan = table_beginscan_catalog(catalog, 0, NULL);
	List	   *found = NIL;
	HeapTuple	tuple;

	while ((tuple = heap_getnext(scan, ForwardScanDirection)) != NULL)
	{
		Form_pg_class class = (Form_pg_class) GETSTRUCT(tuple);

		if (class->relpersistence == RELPERSISTENCE_UNLOGGED && class->relkind == kind)
			found = lappend_oid(found, class->oid);
	}
	table_endscan(scan);
	table_close(catalog, AccessShareLock);
	return found;
}

/*
 * barista_empty_unlogged() returns void
 *
 * Empties the unlogged tables of this database, and has its unlogged sequences
 * begin anew.  No trigger fires.
 */
Datum
barista_empty_unlogged(PG_FUNCTION_ARGS)
{
	ListCell   *lc;

	barista_require_own_session("barista_empty_unlogged");
	if (barista_gate_is_open(NULL))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("barista_empty_unlogged() is for a closed gate")));
	barista_oids_keep_apart();
	barista_in_apply = true;	/* until the end of the transaction */
	XactReadOnly = true;		/* for the functions of indexes, which are made anew */
	foreach(lc, unlogged(RELKIND_RELATION))
	{
		Relation	rel = table_open(lfirst_oid(lc), AccessExclusiveLock);

		if (RelationGetNumberOfBlocks(rel) > 0)
			apply_truncate_one(rel);
		table_close(rel, NoLock);
	}
	foreach(lc, unlogged(RELKIND_SEQUENCE))
		ResetSequence(lfirst_oid(lc));
	PG_RETURN_VOID();
}
