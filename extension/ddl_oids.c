/*-------------------------------------------------------------------------
 *
 * ddl_oids.c
 *	  What a recorded statement makes has the leader's OIDs on every node.
 *
 * All of the server takes its OIDs from one counter: objects of catalogs, values
 * that are kept out of line, files.  What is this node's own moves it too, so two
 * nodes that run the same statement would give its objects other OIDs.
 *
 * No hook tells of an OID that is given out, and none can choose it.  But
 * GetNewOidWithIndex() takes a candidate from the counter and then asks the
 * catalog's index whether it is in use, and takes the next one if it is.  While a
 * statement runs, we sit in front of these indexes.  There we learn of every OID
 * of every catalog, in the order in which they are given out; and a candidate that
 * is not one that we want we call used, after we have set the counter to that one.
 *
 * The numbers are divided.  Those below BARISTA_OIDS_LOCAL are for what recorded statements
 * make, and have a counter of their own, which the leader moves and the others
 * follow.  The server's counter has the others: temporary objects, what sessions on
 * a server's own socket make, values out of line, files, large objects.  So nothing
 * that is a node's own is in the way of what another one chooses.
 *
 * For the moment in which the server takes one of ours, its counter is lent to us.
 * Others may take from it then:
 *
 *		1. A statement's session lends the counter: it stands at 20000.
 *		2. Another session takes 20000, for a table's new file.
 *		3. The statement's session takes 20001, and gives the counter back.
 *
 * 20000 must not be set again: the file may not be there yet, so no check finds it.
 * So what comes next is what the counter stood at when it was given back, which is
 * above all that anybody took; and any candidate from there is ours alone.
 *
 * Our counter is the progress of a replication origin: that is in the WAL, in each
 * checkpoint and base backup, like the server's own, and does not roll back.  If the
 * process dies between an object and the counter, neither was agreed on.
 *
 * docs/decisions/0016 has the reasons.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/nbtree.h"
#include "access/relscan.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_am.h"
#include "catalog/pg_amop.h"
#include "catalog/pg_amproc.h"
#include "catalog/pg_attrdef.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_cast.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_conversion.h"
#include "catalog/pg_database.h"
#include "catalog/pg_default_acl.h"
#include "catalog/pg_enum.h"
#include "catalog/pg_event_trigger.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_foreign_data_wrapper.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_language.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_opclass.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_opfamily.h"
#include "catalog/pg_parameter_acl.h"
#include "catalog/pg_policy.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_publication.h"
#include "catalog/pg_publication_namespace.h"
#include "catalog/pg_publication_rel.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_statistic_ext.h"
#include "catalog/pg_transform.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_ts_config.h"
#include "catalog/pg_ts_dict.h"
#include "catalog/pg_ts_parser.h"
#include "catalog/pg_ts_template.h"
#include "catalog/pg_type.h"
#include "catalog/pg_user_mapping.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "replication/origin.h"
#include "storage/lwlock.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/snapmgr.h"

#include "ddl.h"
#include "internal.h"

/* So near to its end the server's counter begins anew. */
#define OIDS_LOCAL_END	((Oid) 0xFFF00000)

/*
 * How far behind the highest OID that is there a cluster begins that has given
 * out OIDs before it had a counter for them.  Its nodes' files have numbers of
 * those times, each its own.
 */
#define OIDS_DISTANCE	((Oid) 0x100000)

/*
 * How many of ours a new leader passes over.  The last one may have given them out
 * in transactions that were not agreed on, or lent them to other sessions.
 */
#define OIDS_PASSED		((Oid) 4096)

/* How many candidates the server's counter has for us, and all who take meanwhile. */
#define OIDS_LENT		(1 << 20)

/* The origin whose progress is our counter. */
#define OIDS_ORIGIN		"barista_oids"

/* Each catalog whose objects have OIDs, and its index over them. */
static const struct
{
	Oid			catalog;
	Oid			index;
	AttrNumber	column;
}			catalogs[] =
{
	{RelationRelationId, ClassOidIndexId, Anum_pg_class_oid},
	{TypeRelationId, TypeOidIndexId, Anum_pg_type_oid},
	{ProcedureRelationId, ProcedureOidIndexId, Anum_pg_proc_oid},
	{NamespaceRelationId, NamespaceOidIndexId, Anum_pg_namespace_oid},
	{ConstraintRelationId, ConstraintOidIndexId, Anum_pg_constraint_oid},
	{TriggerRelationId, TriggerOidIndexId, Anum_pg_trigger_oid},
	{AttrDefaultRelationId, AttrDefaultOidIndexId, Anum_pg_attrdef_oid},
	{RewriteRelationId, RewriteOidIndexId, Anum_pg_rewrite_oid},
	{EnumRelationId, EnumOidIndexId, Anum_pg_enum_oid},
	{PolicyRelationId, PolicyOidIndexId, Anum_pg_policy_oid},
	{AuthIdRelationId, AuthIdOidIndexId, Anum_pg_authid_oid},
	{DatabaseRelationId, DatabaseOidIndexId, Anum_pg_database_oid},
	{OperatorRelationId, OperatorOidIndexId, Anum_pg_operator_oid},
	{OperatorClassRelationId, OpclassOidIndexId, Anum_pg_opclass_oid},
	{OperatorFamilyRelationId, OpfamilyOidIndexId, Anum_pg_opfamily_oid},
	{AccessMethodOperatorRelationId, AccessMethodOperatorOidIndexId, Anum_pg_amop_oid},
	{AccessMethodProcedureRelationId, AccessMethodProcedureOidIndexId, Anum_pg_amproc_oid},
	{AccessMethodRelationId, AmOidIndexId, Anum_pg_am_oid},
	{CastRelationId, CastOidIndexId, Anum_pg_cast_oid},
	{CollationRelationId, CollationOidIndexId, Anum_pg_collation_oid},
	{ConversionRelationId, ConversionOidIndexId, Anum_pg_conversion_oid},
	{LanguageRelationId, LanguageOidIndexId, Anum_pg_language_oid},
	{TransformRelationId, TransformOidIndexId, Anum_pg_transform_oid},
	{ExtensionRelationId, ExtensionOidIndexId, Anum_pg_extension_oid},
	{EventTriggerRelationId, EventTriggerOidIndexId, Anum_pg_event_trigger_oid},
	{ForeignDataWrapperRelationId, ForeignDataWrapperOidIndexId, Anum_pg_foreign_data_wrapper_oid},
	{ForeignServerRelationId, ForeignServerOidIndexId, Anum_pg_foreign_server_oid},
	{UserMappingRelationId, UserMappingOidIndexId, Anum_pg_user_mapping_oid},
	{DefaultAclRelationId, DefaultAclOidIndexId, Anum_pg_default_acl_oid},
	{ParameterAclRelationId, ParameterAclOidIndexId, Anum_pg_parameter_acl_oid},
	{StatisticExtRelationId, StatisticExtOidIndexId, Anum_pg_statistic_ext_oid},
	{TSConfigRelationId, TSConfigOidIndexId, Anum_pg_ts_config_oid},
	{TSDictionaryRelationId, TSDictionaryOidIndexId, Anum_pg_ts_dict_oid},
	{TSParserRelationId, TSParserOidIndexId, Anum_pg_ts_parser_oid},
	{TSTemplateRelationId, TSTemplateOidIndexId, Anum_pg_ts_template_oid},
	{PublicationRelationId, PublicationObjectIndexId, Anum_pg_publication_oid},
	{PublicationRelRelationId, PublicationRelObjectIndexId, Anum_pg_publication_rel_oid},
	{PublicationNamespaceRelationId, PublicationNamespaceObjectIndexId, Anum_pg_publication_namespace_oid},
};

/* An OID that was given out. */
typedef struct Given
{
	Oid			catalog;
	Oid			object;
	bool		made;			/* the object access hook has told of it */
} Given;

struct DdlOids
{
	MemoryContext context;		/* of this and all below */
	bool		follows;		/* the OIDs are given: another node has chosen them */
	Oid			next;			/* our counter, behind them */
	Oid			lent;			/* the candidate that is to come next, or InvalidOid */
	Oid			testing;		/* the one that the server asks about, or InvalidOid */
	Given	   *given;
	int			count;
	int			allocated;
	/* For each catalog, when it follows. */
	int			position[lengthof(catalogs)];	/* behind the last one taken */
	int			taken[lengthof(catalogs)];	/* that one, or -1 */
	bool		choosing;		/* this node chooses one itself */
	int			own;			/* that it has chosen so */
	Relation	indexes[lengthof(catalogs)];
};

/*
 * The statement whose OIDs we choose; NULL if there is none, or while an event
 * trigger runs.  NULL again at the end of a transaction.
 */
static DdlOids *watched = NULL;

/* Of a catalog, while it is told of a row that is not there: see call_used(). */
static const TableAmRoutine *its_routines;
static TableAmRoutine pretending;

static bool get_tuple(IndexScanDesc scan, ScanDirection direction);

static int
find_catalog(Oid catalog)
{
	for (int i = 0; i < lengthof(catalogs); i++)
		if (catalogs[i].catalog == catalog)
			return i;
	return -1;
}

/* ------------------------------------------------------------------------
 * The server's counter
 * ------------------------------------------------------------------------
 */

static bool
is_ours(Oid oid)
{
	return oid >= FirstNormalObjectId && oid < BARISTA_OIDS_LOCAL;
}

/* Under OidGenLock: the server's counter is itself again. */
static void
restore(void)
{
	if (barista_control->oids_lent)
	{
		/* Whoever took from it meanwhile has those: they are not given twice. */
		barista_control->oids_next = is_ours(ShmemVariableCache->nextOid) ?
			ShmemVariableCache->nextOid : FirstNormalObjectId;
		ShmemVariableCache->nextOid = barista_control->local_oid;
		ShmemVariableCache->oidCount = barista_control->local_oid_count;
		barista_control->oids_lent = false;
	}
	if (ShmemVariableCache->nextOid < BARISTA_OIDS_LOCAL ||
		ShmemVariableCache->nextOid >= OIDS_LOCAL_END)
	{
		ShmemVariableCache->nextOid = BARISTA_OIDS_LOCAL;
		ShmemVariableCache->oidCount = 0;
	}
}

/*
 * The next candidate is to be this one, or, if it is InvalidOid, the next of ours
 * that nobody has been given.  Returns which one.
 */
static Oid
lend_counter(Oid oid)
{
	LWLockAcquire(OidGenLock, LW_EXCLUSIVE);
	restore();
	if (!OidIsValid(oid))
		oid = barista_control->oids_next;
	barista_control->local_oid = ShmemVariableCache->nextOid;
	barista_control->local_oid_count = ShmemVariableCache->oidCount;
	barista_control->oids_lent = true;
	ShmemVariableCache->nextOid = oid;
	ShmemVariableCache->oidCount = OIDS_LENT;	/* nothing of it is logged */
	LWLockRelease(OidGenLock);
	return oid;
}

static void
restore_counter(void)
{
	LWLockAcquire(OidGenLock, LW_EXCLUSIVE);
	restore();
	LWLockRelease(OidGenLock);
}

/*
 * Before anything that may take from the server's counter.  It goes around, and
 * values out of line may have driven it to where it should not be; or whoever lent
 * it did not come to give it back.
 */
void
barista_oids_keep_apart(void)
{
	Oid			next = ShmemVariableCache->nextOid;

	if (likely(next >= BARISTA_OIDS_LOCAL && next < OIDS_LOCAL_END) ||
		barista_bootstrapping || !IsUnderPostmaster)
		return;
	restore_counter();
}

/* ------------------------------------------------------------------------
 * Our counter
 * ------------------------------------------------------------------------
 */

static Oid
after(Oid oid, Oid distance)
{
	return oid + distance < BARISTA_OIDS_LOCAL ? oid + distance : FirstNormalObjectId;
}

static RepOriginId
origin(void)
{
	RepOriginId id = replorigin_by_name(OIDS_ORIGIN, true);

	return id != InvalidRepOriginId ? id : replorigin_create(OIDS_ORIGIN);
}

/* The highest of our OIDs in a catalog, or 0. */
static Oid
highest_in(int catalog)
{
	Relation	rel = table_open(catalogs[catalog].catalog, AccessShareLock);
	Relation	index = index_open(catalogs[catalog].index, AccessShareLock);
	Oid			highest = InvalidOid;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		null;

	ScanKeyInit(&key, catalogs[catalog].column, BTLessStrategyNumber, F_OIDLT,
				ObjectIdGetDatum(BARISTA_OIDS_LOCAL));
	scan = systable_beginscan_ordered(rel, index, NULL, 1, &key);
	tuple = systable_getnext_ordered(scan, BackwardScanDirection);
	if (HeapTupleIsValid(tuple))
		highest = DatumGetObjectId(heap_getattr(tuple, catalogs[catalog].column,
												RelationGetDescr(rel), &null));
	systable_endscan_ordered(scan);
	index_close(index, AccessShareLock);
	table_close(rel, AccessShareLock);
	return highest;
}

/* Of a cluster that has no counter yet. */
static Oid
first(void)
{
	Oid			highest = FirstNormalObjectId;

	for (int i = 0; i < lengthof(catalogs); i++)
		highest = Max(highest, highest_in(i));
	return after(highest, OIDS_DISTANCE);
}

static Oid
read_counter(void)
{
	XLogRecPtr	progress = replorigin_get_progress(origin(), false);

	return progress >= FirstNormalObjectId && progress < BARISTA_OIDS_LOCAL ?
		(Oid) progress : first();
}

static void
write_counter(Oid next)
{
	replorigin_advance(origin(), next, InvalidXLogRecPtr, true, true);
}

/* In shared memory it is ahead of what is written, in the epoch in which it was read. */
static void
begin_counter(void)
{
	Oid			next;

	if (barista_control->oids_epoch == barista_transaction_epoch)
		return;
	next = after(read_counter(), OIDS_PASSED);
	LWLockAcquire(OidGenLock, LW_EXCLUSIVE);
	restore();
	barista_control->oids_next = next;
	barista_control->oids_epoch = barista_transaction_epoch;
	LWLockRelease(OidGenLock);
}

static Oid
next_of_ours(void)
{
	Oid			next;

	LWLockAcquire(OidGenLock, LW_EXCLUSIVE);
	restore();
	next = barista_control->oids_next;
	LWLockRelease(OidGenLock);
	return next;
}

/* ------------------------------------------------------------------------
 * In front of the indexes
 * ------------------------------------------------------------------------
 */

static DdlOids *
make(bool follows)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "barista oids",
												  ALLOCSET_SMALL_SIZES);
	DdlOids    *oids = MemoryContextAllocZero(context, sizeof(DdlOids));

	oids->context = context;
	oids->follows = follows;
	for (int i = 0; i < lengthof(catalogs); i++)
		oids->taken[i] = -1;
	return oids;
}

/* An entry of the relcache that is in use keeps what is put into it. */
static void
stand_in_front(DdlOids *oids)
{
	for (int i = 0; i < lengthof(catalogs); i++)
	{
		Relation	index = RelationIdGetRelation(catalogs[i].index);

		if (index == NULL)
			elog(ERROR, "could not open index %u", catalogs[i].index);
		oids->indexes[i] = index;
		index->rd_indam->amgettuple = get_tuple;
	}
}

static void
step_aside(DdlOids *oids)
{
	for (int i = 0; i < lengthof(catalogs); i++)
		RelationClose(oids->indexes[i]);
}

static void
give(DdlOids *oids, Oid catalog, Oid object)
{
	if (oids->count == oids->allocated)
	{
		oids->allocated = Max(16, 2 * oids->allocated);
		oids->given = oids->given == NULL ?
			MemoryContextAlloc(oids->context, oids->allocated * sizeof(Given)) :
			repalloc_huge(oids->given, oids->allocated * sizeof(Given));
	}
	oids->given[oids->count].catalog = catalog;
	oids->given[oids->count].object = object;
	oids->given[oids->count].made = false;
	oids->count++;
}

/* The row that call_used() speaks of. */
static bool
pretend(struct IndexFetchTableData *fetch, ItemPointer tid, Snapshot snapshot,
		TupleTableSlot *slot, bool *call_again, bool *all_dead)
{
	TupleDesc	desc = RelationGetDescr(fetch->rel);
	Datum	   *values;
	bool	   *nulls;

	fetch->rel->rd_tableam = its_routines;	/* before anything can fail */
	values = palloc0(desc->natts * sizeof(Datum));
	nulls = palloc(desc->natts * sizeof(bool));
	memset(nulls, true, desc->natts * sizeof(bool));
	ExecForceStoreHeapTuple(heap_form_tuple(desc, values, nulls), slot, true);
	*call_again = false;
	return true;
}

/*
 * Has the server believe that its candidate is in use: the index has an entry, and
 * the catalog a row at that place.  There may be no row at all in it, so one is made
 * up.  Nothing but the fetch of that row comes between here and pretend().
 */
static bool
call_used(IndexScanDesc scan)
{
	Relation	rel = scan->heapRelation;

	its_routines = rel->rd_tableam;
	pretending = *its_routines;
	pretending.index_fetch_tuple = pretend;
	rel->rd_tableam = &pretending;
	ItemPointerSet(&scan->xs_heaptid, 0, FirstOffsetNumber);
	scan->xs_recheck = false;
	return true;
}

/* Is there an object of this OID, or is one being made? */
static bool
is_in_use(IndexScanDesc outer, Oid oid)
{
	DdlOids    *oids = watched;
	SnapshotData dirty;
	ScanKeyData key;
	SysScanDesc scan;
	bool		used;

	InitDirtySnapshot(dirty);
	ScanKeyInit(&key, catalogs[find_catalog(RelationGetRelid(outer->heapRelation))].column,
				BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(oid));
	watched = NULL;				/* it is we who ask */
	scan = systable_beginscan(outer->heapRelation, RelationGetRelid(outer->indexRelation),
							  true, &dirty, 1, &key);
	used = HeapTupleIsValid(systable_getnext(scan));
	systable_endscan(scan);
	watched = oids;
	return used;
}

/* The leader takes the next one that is free. */
static bool
lead(IndexScanDesc scan, ScanDirection direction, Oid candidate)
{
	bool		found;

	if (candidate != watched->testing)
	{
		if (!OidIsValid(watched->lent) || !is_ours(candidate) ||
			candidate - watched->lent >= OIDS_LENT)
		{
			watched->lent = lend_counter(InvalidOid);
			return call_used(scan);
		}
		restore_counter();
		watched->lent = InvalidOid;
		watched->testing = candidate;
	}
	found = btgettuple(scan, direction);
	if (!found)
	{
		watched->testing = InvalidOid;
		give(watched, RelationGetRelid(scan->heapRelation), candidate);
	}
	return found;
}

/* The next one that is given for this catalog; NULL if there is none. */
static Given *
next_given(DdlOids *oids, int catalog)
{
	int			i = oids->position[catalog];

	while (i < oids->count && oids->given[i].catalog != catalogs[catalog].catalog)
		i++;
	oids->position[catalog] = i;
	return i < oids->count ? &oids->given[i] : NULL;
}

static void
take(DdlOids *oids, int catalog)
{
	oids->taken[catalog] = oids->position[catalog];
	oids->position[catalog]++;
}

/*
 * The server gives up an OID, and asks for another one, if there is a file, or a
 * folder, of that number.
 */
static bool
is_given_up(DdlOids *oids, int catalog)
{
	return (catalogs[catalog].catalog == RelationRelationId ||
			catalogs[catalog].catalog == DatabaseRelationId) &&
		oids->taken[catalog] >= 0 && !oids->given[oids->taken[catalog]].made;
}

/* One that is this node's own. */
static bool
choose_own(IndexScanDesc scan, ScanDirection direction, Oid candidate)
{
	bool		found;

	watched->choosing = true;
	if (candidate < BARISTA_OIDS_LOCAL)
	{
		restore_counter();
		return call_used(scan);
	}
	found = btgettuple(scan, direction);
	if (!found)
	{
		watched->choosing = false;
		watched->own++;
	}
	return found;
}

/*
 * Another node takes the one that is given.  That it cannot must not stop it: then
 * the object has an OID of its own here.
 */
static bool
follow(IndexScanDesc scan, ScanDirection direction, Oid candidate)
{
	int			catalog = find_catalog(RelationGetRelid(scan->heapRelation));
	Given	   *given;

	if (watched->choosing || is_given_up(watched, catalog))
		return choose_own(scan, direction, candidate);
	given = next_given(watched, catalog);
	if (given == NULL)
		return choose_own(scan, direction, candidate);
	if (is_in_use(scan, given->object))
	{
		take(watched, catalog);
		return choose_own(scan, direction, candidate);
	}
	if (candidate != given->object)
	{
		(void) lend_counter(given->object);
		return call_used(scan);
	}
	restore_counter();
	take(watched, catalog);
	return false;
}

/* Does the server ask whether an OID is in use? */
static bool
asks(IndexScanDesc scan)
{
	return (scan->xs_snapshot->snapshot_type == SNAPSHOT_ANY ||
			scan->xs_snapshot->snapshot_type == SNAPSHOT_DIRTY) &&
		scan->heapRelation != NULL && scan->numberOfKeys == 1 &&
		scan->keyData[0].sk_func.fn_oid == F_OIDEQ;
}

static bool
get_tuple(IndexScanDesc scan, ScanDirection direction)
{
	Oid			candidate;

	if (likely(watched == NULL) || !asks(scan))
		return btgettuple(scan, direction);
	candidate = DatumGetObjectId(scan->keyData[0].sk_argument);
	return watched->follows ? follow(scan, direction, candidate) :
		lead(scan, direction, candidate);
}

/* ------------------------------------------------------------------------
 * Statements
 * ------------------------------------------------------------------------
 */

void
ddl_oids_reset(void)
{
	watched = NULL;				/* its memory and references went with the transaction's */
}

/* Where a statement runs first; under ddl_record_lock(), so it is the only one. */
DdlOids *
ddl_oids_begin(void)
{
	DdlOids    *oids = make(false);

	begin_counter();
	stand_in_front(oids);
	return oids;
}

/* From here on its OIDs are chosen, or nobody's. */
void
ddl_oids_watch(DdlOids *oids)
{
	watched = oids;
}

/* What runs inside the statement, up to ddl_oids_watch(), makes nothing that travels. */
DdlOids *
ddl_oids_pause(void)
{
	DdlOids    *oids = watched;

	watched = NULL;
	return oids;
}

void
ddl_oids_end(DdlOids *oids)
{
	step_aside(oids);
}

/* The object access hook tells of an object. */
void
ddl_oids_made(Oid class, Oid object)
{
	if (watched == NULL)
		return;
	if (watched->follows)
	{
		int			catalog = find_catalog(class);

		if (catalog >= 0 && watched->taken[catalog] >= 0)
			watched->given[watched->taken[catalog]].made = true;
		return;
	}
	for (int i = watched->count - 1; i >= 0; i--)
		if (watched->given[i].catalog == class && watched->given[i].object == object)
		{
			watched->given[i].made = true;
			return;
		}
}

/* Will another node ask for it, too?  It has no such file in the way, and its temporary schema. */
static bool
travels(const Given *given)
{
	switch (given->catalog)
	{
		case RelationRelationId:
		case DatabaseRelationId:
			return given->made;
		case NamespaceRelationId:
			return !isAnyTempNamespace(given->object);
		default:
			return true;
	}
}

/* Appends them to the statement's message. */
void
ddl_oids_write(DdlOids *oids)
{
	uint32		count = 0;

	for (int i = 0; i < oids->count; i++)
		count += travels(&oids->given[i]);
	oids->next = next_of_ours();
	write_counter(oids->next);
	barista_buffer_append_u32(oids->next);
	barista_buffer_append_u32(count);
	for (int i = 0; i < oids->count; i++)
	{
		if (!travels(&oids->given[i]))
			continue;
		barista_buffer_append_u32(oids->given[i].catalog);
		barista_buffer_append_u32(oids->given[i].object);
	}
}

/* Reads what was written; allocates in the current context. */
DdlOids *
ddl_oids_read(BaristaReader *r)
{
	DdlOids    *oids = make(true);
	uint32		count;

	oids->next = reader_u32(r);
	count = reader_u32(r);
	if (r->failure == NULL && !is_ours(oids->next))
		reader_fail(r, "its next OID is none of those that are replicated");
	if (r->failure == NULL && (uint64) count * 2 * sizeof(uint32) > reader_left(r))
		reader_fail(r, "it has fewer OIDs than it says");
	for (uint32 i = 0; i < count && r->failure == NULL; i++)
	{
		Oid			catalog = reader_u32(r);
		Oid			object = reader_u32(r);

		if (find_catalog(catalog) < 0)
			reader_fail(r, "it has the OID of an unknown kind of object");
		else if (!is_ours(object))
			reader_fail(r, "it has an OID that is none of those that are replicated");
		else
			give(oids, catalog, object);
	}
	return oids;
}

/* What is made from here on takes the OIDs that were read. */
void
ddl_oids_follow(DdlOids *oids)
{
	stand_in_front(oids);
	watched = oids;
}

/* The statement has run.  What is not as it was where it ran first is told in the server's log. */
void
ddl_oids_follow_end(DdlOids *oids, const char *tag)
{
	int			left = 0;

	watched = NULL;
	restore_counter();
	step_aside(oids);
	write_counter(oids->next);
	for (int i = 0; i < lengthof(catalogs); i++)
		for (; next_given(oids, i) != NULL; oids->position[i]++)
			left++;
	if (oids->own > 0 || left > 0)
		ereport(WARNING,
				(errmsg("objects that %s has made have other OIDs here than on the leader", tag),
				 errdetail("%d OIDs were in use here or not known, %d were not needed.",
						   oids->own, left),
				 errhint("\"barista verify\" names the objects. To give this node the leader's OIDs, stop it, empty its folder and start it again, while the other nodes are up.")));
	MemoryContextDelete(oids->context);
}

/* Calls visit for each that is given for a catalog. */
void
ddl_oids_each(DdlOids *oids, Oid catalog, void (*visit) (Oid object, void *context), void *context)
{
	for (int i = 0; i < oids->count; i++)
		if (oids->given[i].catalog == catalog)
			visit(oids->given[i].object, context);
}
