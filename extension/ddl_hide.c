/*-------------------------------------------------------------------------
 *
 * ddl_hide.c
 *	  A schema change is run again as if its tables were empty.
 *
 * Some statements run users' functions over the rows that are there: CREATE INDEX,
 * EXCLUDE, ATTACH PARTITION.  Where such a function fails on a follower, although
 * the leader has run the statement, barista has it run again like this:
 *
 *		1. Each table that it may read gets an empty file in the place of its own.
 *		2. Users' functions are not called and give a null (repeated.c).
 *		3. The statement runs.
 *		4. The tables get their files back.
 *		5. Indexes that it made know no row: unique ones without expressions are
 *		   built again at once, the others are set aside (index_aside.c).
 *
 * All of that is one transaction, which owns the empty files and nothing else: at its
 * end they are removed.  If the process dies before, it is as if nothing had begun.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/catalog.h"
#include "catalog/index.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "catalog/storage.h"
#include "nodes/parsenodes.h"
#include "storage/bufmgr.h"
#include "storage/smgr.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/syscache.h"

#include "apply.h"
#include "ddl.h"

/* A table whose file is another for now. */
typedef struct Hidden
{
	Oid			relid;
	Oid			file;			/* its own */
	Oid			empty;			/* the one in its place */
	int32		pages;			/* statistics of its own */
	float4		tuples;
	int32		all_visible;
	List	   *indexes;		/* OIDs of those that it had, and... */
	List	   *files;			/* ...of their files */
} Hidden;

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

/* Puts a file into a table's place, with statistics or without. */
static void
set_file(Oid relid, Oid file, const Hidden *statistics)
{
	Relation	classes = table_open(RelationRelationId, RowExclusiveLock);
	HeapTuple	tuple = SearchSysCacheCopy1(RELOID, ObjectIdGetDatum(relid));
	Form_pg_class form;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", relid);
	form = (Form_pg_class) GETSTRUCT(tuple);
	form->relfilenode = file;
	if (statistics)
	{
		form->relpages = statistics->pages;
		form->reltuples = statistics->tuples;
		form->relallvisible = statistics->all_visible;
	}
	CatalogTupleUpdate(classes, &tuple->t_self, tuple);
	heap_freetuple(tuple);
	table_close(classes, RowExclusiveLock);
	CommandCounterIncrement();
}

/* NULL if it has no rows: then there is nothing to hide, and it may be written anew. */
static Hidden *
hide(Oid relid)
{
	Relation	rel = relation_open(relid, AccessExclusiveLock);
	Hidden	   *hidden;
	RelFileNode node = rel->rd_node;
	ListCell   *lc;

	if (!RELKIND_HAS_TABLE_AM(rel->rd_rel->relkind) ||
		rel->rd_rel->relpersistence != RELPERSISTENCE_PERMANENT ||
		RelationGetNumberOfBlocks(rel) == 0)
	{
		relation_close(rel, NoLock);
		return NULL;
	}
	hidden = palloc0(sizeof(Hidden));
	hidden->relid = relid;
	hidden->file = rel->rd_rel->relfilenode;
	hidden->pages = rel->rd_rel->relpages;
	hidden->tuples = rel->rd_rel->reltuples;
	hidden->all_visible = rel->rd_rel->relallvisible;
	hidden->indexes = RelationGetIndexList(rel);
	foreach(lc, hidden->indexes)
		hidden->files = lappend_oid(hidden->files, file_of(lfirst_oid(lc)));
	hidden->empty = node.relNode = GetNewRelFileNode(rel->rd_rel->reltablespace, NULL,
													 RELPERSISTENCE_PERMANENT);
	smgrclose(RelationCreateStorage(node, RELPERSISTENCE_PERMANENT, true));
	relation_close(rel, NoLock);
	set_file(relid, hidden->empty, NULL);
	return hidden;
}

/* Adds a table and those that inherit from it. */
static List *
with_heirs(List *relids, RangeVar *name)
{
	Oid			relid = RangeVarGetRelid(name, AccessExclusiveLock, true);

	return OidIsValid(relid) ?
		list_concat_unique_oid(relids, find_all_inheritors(relid, AccessExclusiveLock, NULL)) : relids;
}

/* The tables whose rows a statement, as the parser made it, may look at. */
static List *
tables_of(Node *node)
{
	List	   *relids = NIL;
	ListCell   *lc;

	switch (nodeTag(node))
	{
		case T_IndexStmt:
			return with_heirs(NIL, ((IndexStmt *) node)->relation);
		case T_AlterTableStmt:
			relids = with_heirs(NIL, ((AlterTableStmt *) node)->relation);
			foreach(lc, ((AlterTableStmt *) node)->cmds)
			{
				AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);

				if (cmd->subtype == AT_AttachPartition)
					relids = with_heirs(relids, ((PartitionCmd *) cmd->def)->name);
			}
			return relids;
		case T_CreateStmt:
			if (((CreateStmt *) node)->partbound)	/* a default partition has rows */
				foreach(lc, ((CreateStmt *) node)->inhRelations)
					relids = with_heirs(relids, lfirst_node(RangeVar, lc));
			return relids;
		default:
			return NIL;
	}
}

/*
 * All users' domains check nothing until apply_domains_show(): what a statement
 * holds of their values, the leader has checked.
 */
void
ddl_hide_domains(void)
{
	Relation	types = table_open(TypeRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(types, InvalidOid, false, NULL, 0, NULL);
	List	   *domains = NIL;
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_type form = (Form_pg_type) GETSTRUCT(tuple);

		if (form->typtype == TYPTYPE_DOMAIN && form->oid >= FirstNormalObjectId)
			domains = lappend_oid(domains, form->oid);
	}
	systable_endscan(scan);
	table_close(types, AccessShareLock);
	apply_domains_hide(domains);
}

/* In the current context. */
List *
ddl_hide_rows(Node *node)
{
	List	   *all = NIL;
	ListCell   *lc;

	foreach(lc, tables_of(node))
	{
		Hidden	   *hidden = hide(lfirst_oid(lc));

		if (hidden)
			all = lappend(all, hidden);
	}
	return all;
}

/* Was the index there before, and is it as it was? */
static bool
is_untouched(Hidden *hidden, Oid index)
{
	ListCell   *lc;

	foreach(lc, hidden->indexes)
		if (lfirst_oid(lc) == index)
			return list_nth_oid(hidden->files, foreach_current_index(lc)) == file_of(index);
	return false;
}

/* By a unique one rows may be found, so it is needed at once. */
static void
mend_index(Oid index)
{
	ReindexParams params = {0};
	HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
	bool		needed = ((Form_pg_index) GETSTRUCT(tuple))->indisunique &&
		heap_attisnull(tuple, Anum_pg_index_indexprs, NULL) &&
		heap_attisnull(tuple, Anum_pg_index_indpred, NULL) &&
		!barista_index_runs_user_code(tuple);

	ReleaseSysCache(tuple);
	if (needed)
		reindex_index(index, false, RELPERSISTENCE_PERMANENT, &params);
	else
		(void) apply_set_index_aside(index);
	CommandCounterIncrement();
}

static void
show(Hidden *hidden)
{
	Relation	rel = try_relation_open(hidden->relid, AccessExclusiveLock);
	List	   *indexes;
	ListCell   *lc;

	if (rel == NULL)
		return;
	if (rel->rd_rel->relfilenode != hidden->empty)
		ereport(ERROR,
				(errcode(ERRCODE_BARISTA_DIVERGENCE),
				 errmsg("table %s was written anew, without its rows",
						RelationGetRelationName(rel))));
	RelationDropStorage(rel);	/* of the empty file */
	indexes = RelationGetIndexList(rel);
	relation_close(rel, NoLock);
	set_file(hidden->relid, hidden->file, hidden);
	foreach(lc, indexes)
		if (!is_untouched(hidden, lfirst_oid(lc)))
			mend_index(lfirst_oid(lc));
}

void
ddl_show_rows(List *hidden)
{
	ListCell   *lc;

	CommandCounterIncrement();
	foreach(lc, hidden)
		show(lfirst(lc));
}
