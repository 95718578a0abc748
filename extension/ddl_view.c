/*-------------------------------------------------------------------------
 *
 * ddl_view.c
 *	  CREATE RULE "_RETURN", which makes an empty table a view.
 *
 * PostgreSQL does so for a table without triggers only, and ours has those of
 * capture: they go first, on every node.  If it is no table that can become a
 * view, the statement fails and they are there again.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_trigger.h"
#include "commands/tablecmds.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "ddl.h"

/* Drops our triggers of a table; have others been left? */
static bool
drop_triggers(Oid relid)
{
	Relation	triggers = table_open(TriggerRelationId, AccessShareLock);
	ObjectAddresses *ours = new_object_addresses();
	bool		others = false;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_trigger_tgrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relid));
	scan = systable_beginscan(triggers, TriggerRelidNameIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_trigger form = (Form_pg_trigger) GETSTRUCT(tuple);
		ObjectAddress trigger;

		if (triggers_is_ours(form))
		{
			ObjectAddressSet(trigger, TriggerRelationId, form->oid);
			add_exact_object_address(&trigger, ours);
		}
		else
			others = true;
	}
	systable_endscan(scan);
	table_close(triggers, AccessShareLock);
	performMultipleDeletions(ours, DROP_RESTRICT, PERFORM_DELETION_INTERNAL);
	free_object_addresses(ours);
	return others;
}

/* Has none of them any more: the server itself leaves that to VACUUM. */
static void
note_no_triggers(Oid relid)
{
	Relation	classes = table_open(RelationRelationId, RowExclusiveLock);
	HeapTuple	tuple;

	CommandCounterIncrement();
	tuple = SearchSysCacheCopy1(RELOID, ObjectIdGetDatum(relid));
	if (HeapTupleIsValid(tuple))
	{
		((Form_pg_class) GETSTRUCT(tuple))->relhastriggers = false;
		CatalogTupleUpdate(classes, &tuple->t_self, tuple);
		heap_freetuple(tuple);
	}
	table_close(classes, RowExclusiveLock);
	CommandCounterIncrement();
}

/* Before it runs. */
void
ddl_view_before_rule(RuleStmt *stmt)
{
	Oid			relid;

	if (stmt->event != CMD_SELECT)
		return;
	relid = RangeVarGetRelidExtended(stmt->relation, AccessExclusiveLock, RVR_MISSING_OK,
									 RangeVarCallbackOwnsRelation, NULL);
	if (get_rel_relkind(relid) == RELKIND_RELATION && !drop_triggers(relid))
		note_no_triggers(relid);
}
