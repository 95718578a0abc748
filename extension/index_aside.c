/*-------------------------------------------------------------------------
 *
 * index_aside.c
 *	  Indexes that this node cannot keep, because their functions fail here.
 *
 * A function that an index calls is immutable by its declaration only.  On the
 * leader it gave a value for a row; here it may fail.  Then the row is stored all
 * the same, for the leader has acknowledged it, and the index is set aside: no entry
 * is made in it and no query uses it.  That is pg_index.indisready and indisvalid =
 * false, as PostgreSQL itself has it of an index that is not built yet; no other
 * index of a cluster is in that state, since nothing is built CONCURRENTLY.  It is a
 * matter of this server alone and survives its end with the catalog.
 *
 *		1. barista_apply() fails, and the mapped file names the index.
 *		2. barista has it set aside, by a transaction of its own.  If the process
 *		   dies before that commits, 1 comes again.
 *		3. The batch is applied again and passes the index over.
 *		4. Later barista has it built again: then it has all rows, or is as it was.
 *
 * A unique index and an exclusion constraint watch over their table.  A leader
 * that has set one aside refuses rows there that it would have to watch over; what
 * goes, or stays as it is in the index's columns, it lets through.
 *
 * Whether rows are unique is asked once, by the leader that lets them in, with an
 * index that has all rows.  Nobody asks again, neither for an entry here nor when all
 * are made anew: two that are equal here, and were not there, say that a function is
 * not immutable, and an index that can never be built would guard nothing.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/sysattr.h"
#include "access/table.h"
#include "catalog/index.h"
#include "catalog/indexing.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "miscadmin.h"
#include "nodes/nodes.h"
#include "optimizer/optimizer.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/relcache.h"
#include "utils/syscache.h"

#include "apply.h"

/* Its entry in pg_index; the caller releases it.  NULL if there is none. */
static HeapTuple
find(Oid index)
{
	HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));

	return HeapTupleIsValid(tuple) && get_rel_relkind(index) == RELKIND_INDEX ? tuple : NULL;
}

/* Is there such an index, and is it set aside? */
static bool
is_set_aside(Oid index)
{
	HeapTuple	tuple = find(index);
	bool		aside;

	if (tuple == NULL)
		return false;
	aside = !((Form_pg_index) GETSTRUCT(tuple))->indisready;
	ReleaseSysCache(tuple);
	return aside;
}

/*
 * False if there is no such index.  One that was built late may miss versions that
 * snapshots of before see.
 */
static bool
set_ready(Oid index, bool ready, bool late)
{
	Relation	catalog = table_open(IndexRelationId, RowExclusiveLock);
	HeapTuple	tuple = SearchSysCacheCopy1(INDEXRELID, ObjectIdGetDatum(index));
	bool		found = HeapTupleIsValid(tuple);

	if (found)
	{
		Form_pg_index form = (Form_pg_index) GETSTRUCT(tuple);

		form->indisready = ready;
		form->indisvalid = ready;
		form->indcheckxmin |= late;
		CatalogTupleUpdate(catalog, &tuple->t_self, tuple);
		CacheInvalidateRelcacheByRelid(form->indrelid);
		heap_freetuple(tuple);
	}
	table_close(catalog, RowExclusiveLock);
	CommandCounterIncrement();
	return found;
}

/*
 * False if there is no such index.  Nobody may go on planning with what it was: the
 * table is locked for that.
 */
bool
apply_set_index_aside(Oid index)
{
	Oid			table = IndexGetRelation(index, true);

	if (OidIsValid(table))
		LockRelationOid(table, AccessExclusiveLock);
	return set_ready(index, false, false);
}

/* Its table is empty, and so is the index. */
void
apply_take_index_back(Oid index)
{
	if (is_set_aside(index))
		(void) set_ready(index, true, false);
}

/* ------------------------------------------------------------------------
 * While a schema change is replayed
 * ------------------------------------------------------------------------
 */

/* An index that is shown as it is on the leader. */
typedef struct Shown
{
	Oid			index;
	Oid			file;
} Shown;

static Oid
file_of(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Oid			file;

	if (!HeapTupleIsValid(tuple))
		return InvalidOid;
	file = ((Form_pg_class) GETSTRUCT(tuple))->relfilenode;
	ReleaseSysCache(tuple);
	return file;
}

/*
 * Some statements look at whether an index is valid: CLUSTER ON, ATTACH PARTITION.
 * They are to find what the leader's found, so what is set aside is taken back until
 * the statement has run; nobody else sees that.  In the current context.
 */
List *
apply_show_aside(void)
{
	Relation	catalog = table_open(IndexRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(catalog, InvalidOid, false, NULL, 0, NULL);
	List	   *all = NIL;
	HeapTuple	tuple;
	ListCell   *lc;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_index form = (Form_pg_index) GETSTRUCT(tuple);
		Shown	   *shown;

		if (!form->indislive || form->indisready || get_rel_relkind(form->indexrelid) != RELKIND_INDEX)
			continue;
		shown = palloc(sizeof(Shown));
		shown->index = form->indexrelid;
		shown->file = file_of(form->indexrelid);
		all = lappend(all, shown);
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	foreach(lc, all)
		(void) set_ready(((Shown *) lfirst(lc))->index, true, false);
	return all;
}

/* Those that the statement has built anew are no longer set aside. */
void
apply_hide_aside(List *all)
{
	ListCell   *lc;

	if (all != NIL)
		CommandCounterIncrement();
	foreach(lc, all)
	{
		Shown	   *shown = lfirst(lc);

		if (file_of(shown->index) == shown->file)
			(void) set_ready(shown->index, false, false);
	}
}

/* Where functions that name others without a schema may find them: nobody's path travels here. */
static void
set_path(Oid owner)
{
	char	   *path = psprintf("%s, public",
								quote_identifier(GetUserNameFromId(owner, false)));

	path = barista_trusted_path(path, owner);
	(void) set_config_option("search_path", *path ? path : "pg_catalog", PGC_USERSET,
							 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
}

/*
 * Builds an index that was set aside, within so many ms; past them, or when barista
 * wants apply to go on, the session ends.
 * False if it is not set aside (any more).  An error leaves it as it was.  It is named
 * meanwhile, and stays so if the server ends: else that would build it again at once,
 * and end again.
 */
bool
apply_rebuild_index(Oid index, int longest)
{
	ReindexParams params = {0};
	HeapTuple	tuple = find(index);
	Relation	table;
	int			settings;

	if (tuple == NULL)
		return false;
	table = try_table_open(((Form_pg_index) GETSTRUCT(tuple))->indrelid, ShareLock);
	ReleaseSysCache(tuple);
	if (table == NULL)
		return false;
	if (!is_set_aside(index))	/* now it stays as it is */
	{
		table_close(table, NoLock);
		return false;
	}
	XactReadOnly = true;		/* for the functions */
	settings = NewGUCNestLevel();
	set_path(table->rd_rel->relowner);
	barista_writer_settings_reset();
	apply_suspect_name(index);
	apply_limits_begin(longest);
	apply_limits_give_way();
	PG_TRY();
	{
		reindex_index(index, true, table->rd_rel->relpersistence, &params);
	}
	PG_FINALLY();
	{
		apply_suspect_end();
	}
	PG_END_TRY();
	CommandCounterIncrement();
	if (is_set_aside(index))	/* that does not trust what it was not to check */
		(void) set_ready(index, true, true);
	AtEOXact_GUC(false, settings);
	table_close(table, NoLock);
	return true;
}

/* ------------------------------------------------------------------------
 * On the leader
 * ------------------------------------------------------------------------
 */

/* The columns of an index, and those in its expressions and its predicate, as pull_varattnos() counts them. */
static Bitmapset *
columns_of(HeapTuple tuple)
{
	static const AttrNumber attributes[] = {Anum_pg_index_indexprs, Anum_pg_index_indpred};
	Form_pg_index form = (Form_pg_index) GETSTRUCT(tuple);
	Bitmapset  *columns = NULL;

	for (int i = 0; i < form->indnatts; i++)
		if (form->indkey.values[i] != 0)
			columns = bms_add_member(columns, form->indkey.values[i] - FirstLowInvalidHeapAttributeNumber);
	for (int i = 0; i < lengthof(attributes); i++)
	{
		bool		null;
		Datum		value = SysCacheGetAttr(INDEXRELID, tuple, attributes[i], &null);

		if (!null)
			pull_varattnos(stringToNode(TextDatumGetCString(value)), 1, &columns);
	}
	return columns;
}

/* Does the index watch over its table, and is set aside? */
static bool
is_missed(Form_pg_index form)
{
	return !form->indisready && (form->indisunique || form->indisexclusion);
}

Bitmapset *
barista_unguarded(Relation rel, Oid *by)
{
	List	   *indexes = RelationGetIndexList(rel);
	Bitmapset  *columns = NULL;
	ListCell   *lc;

	*by = InvalidOid;
	foreach(lc, indexes)
	{
		HeapTuple	tuple = find(lfirst_oid(lc));

		if (tuple == NULL)
			continue;
		if (is_missed((Form_pg_index) GETSTRUCT(tuple)))
		{
			columns = bms_add_members(columns, columns_of(tuple));
			*by = lfirst_oid(lc);
		}
		ReleaseSysCache(tuple);
	}
	list_free(indexes);
	return columns;
}

void
barista_refuse_unguarded(Relation rel, Oid index)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("this row of table \"%s\" cannot be written: index \"%s\" is set aside on this node",
					RelationGetRelationName(rel), get_rel_name(index)),
			 errdetail("A function of the index failed here for a row that another node wrote, so it is not immutable, and nothing would tell whether rows are unique."),
			 errhint("Mend the function, or DELETE the row; the index is then built again by itself, or by REINDEX. Or DROP the index.")));
}

void
barista_take_indexes_back(Relation rel)
{
	List	   *indexes = RelationGetIndexList(rel);
	ListCell   *lc;

	foreach(lc, indexes)
		apply_take_index_back(lfirst_oid(lc));
	list_free(indexes);
}
