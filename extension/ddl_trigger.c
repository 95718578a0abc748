/*-------------------------------------------------------------------------
 *
 * ddl_trigger.c
 *	  The capture triggers stay as they are.
 *
 * ALTER TABLE ... ENABLE or DISABLE TRIGGER ALL means every trigger, also the
 * internal ones, and only a superuser may touch those.  Without ours, an owner
 * of a table that has no foreign keys could say ALL: for such a table it becomes
 * USER.  A superuser's ALL reaches the triggers of foreign keys, as it should;
 * ours are then restored in the same command.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "ddl.h"

/* What a scan of a table's triggers looks for. */
typedef enum TriggerSearch
{
	SEARCH_OURS_BY_NAME,
	SEARCH_OTHER_INTERNAL
} TriggerSearch;

static SysScanDesc
begin_scan(Relation triggers, Oid relid)
{
	ScanKeyData key;

	ScanKeyInit(&key, Anum_pg_trigger_tgrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relid));
	return systable_beginscan(triggers, TriggerRelidNameIndexId, true, NULL, 1, &key);
}

static bool
search(Oid relid, TriggerSearch what, const char *name)
{
	Relation	triggers = table_open(TriggerRelationId, AccessShareLock);
	SysScanDesc scan = begin_scan(triggers, relid);
	bool		found = false;
	HeapTuple	tuple;

	while (!found && HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_trigger form = (Form_pg_trigger) GETSTRUCT(tuple);

		if (what == SEARCH_OURS_BY_NAME)
			found = triggers_is_ours(form) && strcmp(NameStr(form->tgname), name) == 0;
		else
			found = form->tgisinternal && !triggers_is_ours(form);
	}
	systable_endscan(scan);
	table_close(triggers, AccessShareLock);
	return found;
}

/* Errors (0A000) if the trigger of this name is one of ours. */
void
ddl_protect_trigger(Oid relid, const char *name)
{
	if (OidIsValid(relid) && search(relid, SEARCH_OURS_BY_NAME, name))
		ddl_refuse("A change of Barista's own triggers",
				   "Without them the table would not be replicated.");
}

static bool
says_all(AlterTableStmt *stmt)
{
	ListCell   *lc;

	foreach(lc, stmt->cmds)
	{
		AlterTableType type = lfirst_node(AlterTableCmd, lc)->subtype;

		if (type == AT_EnableTrigAll || type == AT_DisableTrigAll)
			return true;
	}
	return false;
}

/* An owner's ALL becomes USER where that is the same. */
void
ddl_before_alter_table(AlterTableStmt *stmt)
{
	Oid			relid;
	ListCell   *lc;

	if (!says_all(stmt) || superuser())
		return;
	relid = RangeVarGetRelid(stmt->relation, NoLock, true);
	if (!OidIsValid(relid) || search(relid, SEARCH_OTHER_INTERNAL, NULL))
		return;
	foreach(lc, stmt->cmds)
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);

		if (cmd->subtype == AT_EnableTrigAll)
			cmd->subtype = AT_EnableTrigUser;
		else if (cmd->subtype == AT_DisableTrigAll)
			cmd->subtype = AT_DisableTrigUser;
	}
}

/* Turns a table's capture triggers on again. */
static void
restore(Oid relid)
{
	Relation	triggers = table_open(TriggerRelationId, RowExclusiveLock);
	SysScanDesc scan = begin_scan(triggers, relid);
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_trigger form = (Form_pg_trigger) GETSTRUCT(tuple);
		HeapTuple	changed;

		if (!triggers_is_ours(form) || form->tgenabled == TRIGGER_FIRES_ALWAYS)
			continue;
		changed = heap_copytuple(tuple);
		((Form_pg_trigger) GETSTRUCT(changed))->tgenabled = TRIGGER_FIRES_ALWAYS;
		CatalogTupleUpdate(triggers, &changed->t_self, changed);
		heap_freetuple(changed);
	}
	systable_endscan(scan);
	table_close(triggers, RowExclusiveLock);
	CacheInvalidateRelcacheByRelid(relid);
}

void
ddl_after_alter_table(AlterTableStmt *stmt)
{
	Oid			relid;
	ListCell   *lc;

	if (!says_all(stmt))
		return;
	relid = RangeVarGetRelid(stmt->relation, NoLock, true);
	if (!OidIsValid(relid))
		return;
	CommandCounterIncrement();
	foreach(lc, find_all_inheritors(relid, NoLock, NULL))
		restore(lfirst_oid(lc));
	CommandCounterIncrement();
}
