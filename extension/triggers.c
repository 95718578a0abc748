/*-------------------------------------------------------------------------
 *
 * triggers.c
 *	  The capture triggers, and the tables that must have them.
 *
 * Each permanent table has four triggers: AFTER, internal, ENABLE ALWAYS, one
 * for each event.  They never fire: the work is done by their WHEN condition,
 * which the server evaluates directly after each row change,
 *
 *		barista_capture(NULL::internal, tableoid, OLD.ctid or NULL, NEW.ctid or NULL)
 *
 * and for TRUNCATE directly after the tables are empty and before any AFTER
 * trigger runs,
 *
 *		barista_capture_truncate(NULL::internal, the table's OID)
 *
 * The expressions are built here, since SQL cannot name the type internal.
 * Being internal, the triggers are shown by neither \d nor pg_dump, and are not
 * cloned to partitions: every leaf gets its own when it is created, on every
 * node.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/sysattr.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/transam.h"
#include "catalog/catalog.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/execdesc.h"
#include "fmgr.h"
#include "nodes/makefuncs.h"
#include "nodes/parsenodes.h"
#include "parser/parse_func.h"
#include "parser/parsetree.h"
#include "rewrite/prs2lock.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "barista.h"
#include "ddl.h"

/* What a statement's target is to capture, from good to bad. */
typedef enum TargetKind
{
	TARGET_LOCAL,				/* temporary or unlogged */
	TARGET_INDIRECT,			/* a view: its rules and triggers decide; a
								 * materialized one: only REFRESH writes it */
	TARGET_CAPTURED,			/* has the triggers */
	TARGET_MIXED,				/* partitioned: some of its partitions are
								 * captured, some foreign */
	TARGET_FOREIGN,				/* its rows are another server's, which no node
								 * but this one writes */
	TARGET_BARE,				/* should have the triggers and has not */
	TARGET_CATALOG
} TargetKind;

typedef struct Target
{
	Oid			relid;			/* hash key */
	TargetKind	kind;
} Target;

/*
 * Kinds of the tables that this backend has written to.  Lives as long as the
 * backend; entries go by relcache invalidation.
 */
static HTAB *targets = NULL;

static void add_triggers(Oid relid);
static void add_trigger(Oid relid, const char *name, int16 event, Node *when);
static Node *row_condition(int16 event);
static Node *truncate_condition(Oid relid);
static Oid	truncate_function_oid(void);
static void refuse_target(Oid relid, TargetKind kind) pg_attribute_noreturn();
static TargetKind kind_of(Oid relid);
static TargetKind look_at(Oid relid);
static bool has_triggers(Relation rel);
static void forget_target(Datum arg, Oid relid);

void
triggers_init(void)
{
	HASHCTL		control;

	control.keysize = sizeof(Oid);
	control.entrysize = sizeof(Target);
	control.hcxt = TopMemoryContext;
	targets = hash_create("barista targets", 64, &control,
						  HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	CacheRegisterRelcacheCallback(forget_target, (Datum) 0);
}

/* Must this relation have the triggers? */
static bool
wants_triggers(Form_pg_class form)
{
	return form->relkind == RELKIND_RELATION &&
		form->relpersistence == RELPERSISTENCE_PERMANENT &&
		form->oid >= FirstNormalObjectId;
}

/* Gives a relation that was just created its triggers, if it must have them. */
void
triggers_add(Oid relid)
{
	Relation	rel = try_relation_open(relid, NoLock);
	bool		wanted;

	if (rel == NULL)
		return;
	wanted = wants_triggers(rel->rd_rel) && !has_triggers(rel);
	relation_close(rel, NoLock);
	if (wanted)
		add_triggers(relid);
}

/* The tables that were there before barista. */
void
barista_triggers_bootstrap(void)
{
	Relation	classes = table_open(RelationRelationId, AccessShareLock);
	TableScanDesc scan = table_beginscan_catalog(classes, 0, NULL);
	List	   *wanted = NIL;
	ListCell   *lc;
	HeapTuple	tuple;

	while ((tuple = heap_getnext(scan, ForwardScanDirection)) != NULL)
	{
		Form_pg_class form = (Form_pg_class) GETSTRUCT(tuple);

		if (wants_triggers(form))
			wanted = lappend_oid(wanted, form->oid);
	}
	table_endscan(scan);
	table_close(classes, AccessShareLock);
	foreach(lc, wanted)
	{
		Relation	rel = try_table_open(lfirst_oid(lc), ShareRowExclusiveLock);

		if (rel == NULL)
			continue;
		table_close(rel, NoLock);
		triggers_add(lfirst_oid(lc));
	}
}

static void
add_triggers(Oid relid)
{
	add_trigger(relid, "barista_insert", TRIGGER_TYPE_INSERT,
				row_condition(TRIGGER_TYPE_INSERT));
	add_trigger(relid, "barista_update", TRIGGER_TYPE_UPDATE,
				row_condition(TRIGGER_TYPE_UPDATE));
	add_trigger(relid, "barista_delete", TRIGGER_TYPE_DELETE,
				row_condition(TRIGGER_TYPE_DELETE));
	add_trigger(relid, "barista_truncate", TRIGGER_TYPE_TRUNCATE,
				truncate_condition(relid));
	CommandCounterIncrement();
}

static void
add_trigger(Oid relid, const char *name, int16 event, Node *when)
{
	CreateTrigStmt *stmt = makeNode(CreateTrigStmt);

	stmt->trigname = pstrdup(name);
	stmt->row = event != TRIGGER_TYPE_TRUNCATE;
	stmt->timing = TRIGGER_TYPE_AFTER;
	stmt->events = event;
	CreateTriggerFiringOn(stmt, NULL, relid, InvalidOid, InvalidOid, InvalidOid,
						  barista_trigger_function_oid(), InvalidOid, when,
						  true, false, TRIGGER_FIRES_ALWAYS);
}

static Node *
ctid_of(int varno)
{
	return (Node *) makeVar(varno, SelfItemPointerAttributeNumber, TIDOID, -1,
							InvalidOid, 0);
}

static Node *
no_ctid(void)
{
	return (Node *) makeNullConst(TIDOID, -1, InvalidOid);
}

static Node *
row_condition(int16 event)
{
	int			varno = event == TRIGGER_TYPE_DELETE ?
		PRS2_OLD_VARNO : PRS2_NEW_VARNO;
	List	   *args;

	args = list_make4(makeNullConst(INTERNALOID, -1, InvalidOid),
					  makeVar(varno, TableOidAttributeNumber, OIDOID, -1,
							  InvalidOid, 0),
					  event == TRIGGER_TYPE_INSERT ?
					  no_ctid() : ctid_of(PRS2_OLD_VARNO),
					  event == TRIGGER_TYPE_DELETE ?
					  no_ctid() : ctid_of(PRS2_NEW_VARNO));
	return (Node *) makeFuncExpr(barista_capture_function_oid(), BOOLOID, args,
								 InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL);
}

static Node *
truncate_condition(Oid relid)
{
	List	   *args;

	args = list_make2(makeNullConst(INTERNALOID, -1, InvalidOid),
					  makeConst(OIDOID, -1, InvalidOid, sizeof(Oid),
								ObjectIdGetDatum(relid), false, true));
	return (Node *) makeFuncExpr(truncate_function_oid(), BOOLOID, args,
								 InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL);
}

static Oid
truncate_function_oid(void)
{
	Oid			types[] = {INTERNALOID, OIDOID};

	return LookupFuncName(list_make2(makeString("pg_catalog"),
									 makeString("barista_capture_truncate")),
						  lengthof(types), types, false);
}

/* Is this trigger one of ours? */
bool
triggers_is_ours(Form_pg_trigger form)
{
	return form->tgisinternal && form->tgfoid == barista_trigger_function_oid();
}

/* The trigger's condition for TRUNCATE; never true, so that nothing fires. */
PG_FUNCTION_INFO_V1(barista_capture_truncate);
Datum
barista_capture_truncate(PG_FUNCTION_ARGS)
{
	Relation	rel;
	uint32		number;

	if (!barista_capturing() || barista_replays_itself())
		PG_RETURN_BOOL(false);

	/* The internal argument keeps this function out of SQL's reach. */
	barista_assign_epoch_before_first_write();
	rel = table_open(PG_GETARG_OID(1), NoLock);
	if (rel->rd_rel->relpersistence != RELPERSISTENCE_PERMANENT)
	{
		table_close(rel, NoLock);
		PG_RETURN_BOOL(false);
	}
	barista_take_indexes_back(rel);
	number = barista_describe_relation(rel);
	table_close(rel, NoLock);
	barista_note_ddl();
	barista_buffer_message_begin('T');
	barista_buffer_append_u32(1);
	barista_buffer_append_u8(ddl_truncate_options());
	barista_buffer_append_u32(number);
	barista_buffer_message_end();
	PG_RETURN_BOOL(false);
}

/* ------------------------------------------------------------------------
 * Targets
 * ------------------------------------------------------------------------
 */

void
barista_triggers_check_targets(QueryDesc *queryDesc)
{
	PlannedStmt *plan = queryDesc->plannedstmt;
	ListCell   *lc;

	foreach(lc, plan->resultRelations)
		triggers_check_target(rt_fetch(lfirst_int(lc), plan->rtable)->relid);
}

/*
 * To which partitions rows were routed shows only when a statement has done its
 * work, and it has before the transaction commits: its portal ends first.  Those
 * that it may change without routing are targets of their own.
 */
void
barista_triggers_note_routed(EState *estate)
{
	ListCell   *lc;

	foreach(lc, estate->es_tuple_routing_result_relations)
		if (lfirst_node(ResultRelInfo, lc)->ri_FdwRoutine != NULL)
			barista_note_foreign_write();
}

/* COPY routes rows past the executor's hooks: it may have written any of them. */
void
triggers_check_copy(Oid relid)
{
	triggers_check_target(relid);
	if (kind_of(relid) == TARGET_MIXED)
		barista_note_foreign_write();
}

/* Errors with 0A000 if rows of this relation cannot be written. */
void
triggers_check_target(Oid relid)
{
	TargetKind	kind = kind_of(relid);

	if (kind == TARGET_LOCAL)
		barista_note_known_write();
	if (kind == TARGET_LOCAL || kind == TARGET_INDIRECT)
		return;
	if (kind == TARGET_FOREIGN)
		barista_note_foreign_write();
	else if (barista_replays_itself() && kind != TARGET_MIXED)
	{
		ddl_event_script_writes(relid);
		return;
	}
	if (kind == TARGET_FOREIGN && !ddl_recording() && !barista_replays_itself())
		return;
	if ((kind == TARGET_CAPTURED || kind == TARGET_MIXED) && !ddl_recording() &&
		!barista_replays_itself())
	{
		ddl_event_check_target(relid);
		return;
	}
	refuse_target(relid, kind);
}

static void
refuse_target(Oid relid, TargetKind kind)
{
	const char *name = get_rel_name(relid);

	if (kind == TARGET_CAPTURED || kind == TARGET_MIXED || kind == TARGET_FOREIGN)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("a schema change cannot write rows of table \"%s\"", name),
				 errdetail("Every node runs the schema change by itself."),
				 errhint("Run the statement that writes by itself.")));
	if (kind == TARGET_CATALOG)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("rows of system catalog \"%s\" cannot be replicated", name),
				 errhint("Use the statement that changes the catalog, such as ALTER or COMMENT.")));
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("rows of table \"%s\" cannot be replicated", name),
			 errdetail("It was made behind Barista's back."),
			 errhint("Create it again through Barista.")));
}

static TargetKind
kind_of(Oid relid)
{
	Target	   *target = hash_search(targets, &relid, HASH_FIND, NULL);
	TargetKind	kind;

	if (target)
		return target->kind;
	/* Looking may take in invalidations, so the entry is made afterwards. */
	kind = look_at(relid);
	target = hash_search(targets, &relid, HASH_ENTER, NULL);
	target->kind = kind;
	return kind;
}

static TargetKind
look_at(Oid relid)
{
	Relation	rel = relation_open(relid, AccessShareLock);
	char		relkind = rel->rd_rel->relkind;
	char		persistence = rel->rd_rel->relpersistence;
	bool		bare = wants_triggers(rel->rd_rel) && !has_triggers(rel);
	bool		system = IsCatalogRelation(rel) || relid < FirstNormalObjectId ||
		relkind == RELKIND_TOASTVALUE;

	relation_close(rel, NoLock);
	if (persistence != RELPERSISTENCE_PERMANENT)
		return TARGET_LOCAL;
	if (system && relkind != RELKIND_VIEW)
		return TARGET_CATALOG;
	switch (relkind)
	{
		case RELKIND_VIEW:
		case RELKIND_MATVIEW:
			return TARGET_INDIRECT;
		case RELKIND_FOREIGN_TABLE:
			return TARGET_FOREIGN;
		case RELKIND_RELATION:
			return bare ? TARGET_BARE : TARGET_CAPTURED;
		case RELKIND_PARTITIONED_TABLE:
			break;
		default:
			return TARGET_BARE;
	}

	/* A partitioned table is as good as the worst of its partitions. */
	{
		List	   *members = find_all_inheritors(relid, AccessShareLock, NULL);
		TargetKind	worst = TARGET_CAPTURED;
		ListCell   *lc;

		foreach(lc, members)
		{
			if (lfirst_oid(lc) != relid &&
				get_rel_relkind(lfirst_oid(lc)) != RELKIND_PARTITIONED_TABLE)
				worst = Max(worst, look_at(lfirst_oid(lc)));
		}
		list_free(members);
		return worst == TARGET_FOREIGN ? TARGET_MIXED : worst;
	}
}

/* All four, and all of them on. */
static bool
has_triggers(Relation rel)
{
	TriggerDesc *triggers = rel->trigdesc;
	Oid			function;
	int			found = 0;

	if (triggers == NULL)
		return false;
	function = barista_trigger_function_oid();
	for (int i = 0; i < triggers->numtriggers; i++)
	{
		Trigger    *trigger = &triggers->triggers[i];

		if (trigger->tgisinternal && trigger->tgfoid == function &&
			trigger->tgenabled == TRIGGER_FIRES_ALWAYS)
			found++;
	}
	return found == 4;
}

static void
forget_target(Datum arg, Oid relid)
{
	HASH_SEQ_STATUS scan;
	Target	   *target;

	if (OidIsValid(relid))
	{
		hash_search(targets, &relid, HASH_REMOVE, NULL);
		return;
	}
	hash_seq_init(&scan, targets);
	while ((target = hash_seq_search(&scan)) != NULL)
		hash_search(targets, &target->relid, HASH_REMOVE, NULL);
}
