/*-------------------------------------------------------------------------
 *
 * apply_relation.c
 *	  Which local table a described relation is, and how its rows are read,
 *	  found and indexed.
 *
 * Working this out costs many catalog lookups, so entries are kept from call
 * to call in a cache of this backend, by the bytes of the description without the
 * writer's settings: who writes may change these from row to row.  A
 * relcache invalidation of the table or of one of its indexes makes its entry
 * invalid; one of a schema or a type, any entry.  An entry that is open goes on
 * being used: the lock on its table keeps its definition as it is.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/transam.h"
#include "access/tupdesc.h"
#include "access/xact.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_am.h"
#include "catalog/pg_index.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "apply.h"

/* Above this many entries, those that are invalid or closed are dropped. */
#define CACHED_RELATIONS	1024

/* Lists that the entries are spread over, by hash. */
#define LISTS	256

/* Lives as long as the backend; holds the entries' contexts. */
static MemoryContext cache_context = NULL;
static ApplyRelation *lists[LISTS];
static int	cached = 0;

/* Those whose tables are open, during one call. */
static ApplyRelation *opened = NULL;

#define list_of(hash)	(&lists[(hash) % LISTS])

static Size length_without_settings(const char *description, Size length);
static void take_settings(ApplyRelation *ar, const char *bytes, Size length);
static ApplyRelation *find(const char *description, Size length);
static ApplyRelation *build(const char *description, Size length, uint64 hash);
static void read_column(BaristaReader *r, ApplyRelation *ar, Relation rel, int i);
static void check_columns(ApplyRelation *ar, Relation rel);
static void build_indexes(ApplyRelation *ar, Relation rel);
static void choose_key(ApplyRelation *ar, Relation rel);
static bool prepare_key(ApplyRelation *ar, Relation index);
static void open_indexes(ApplyRelation *ar);
static void close_one(ApplyRelation *ar);
static void drop(ApplyRelation *ar);
static void drop_idle(void);
static void forget_images_of_others(ApplyRelation *ar);
static bool belongs_to(Oid relid, ApplyRelation *ar);
static void relcache_changed(Datum arg, Oid relid);
static void syscache_changed(Datum arg, int cacheid, uint32 hashvalue);

void
apply_relation_init(void)
{
	CacheRegisterRelcacheCallback(relcache_changed, (Datum) 0);
	CacheRegisterSyscacheCallback(NAMESPACEOID, syscache_changed, (Datum) 0);
	CacheRegisterSyscacheCallback(TYPEOID, syscache_changed, (Datum) 0);
}

/*
 * The entry of a description (a relation message's body without its number).
 * It is opened at its first use, and not dropped before
 * apply_relation_unused().  The rows that follow are written under the settings of
 * the last one of their table.
 */
ApplyRelation *
apply_relation_find(const char *description, Size length)
{
	Size		part = length_without_settings(description, length);
	ApplyRelation *ar = find(description, part);

	take_settings(ar, description + part, length - part);
	return ar;
}

/* One that is malformed has none. */
static Size
length_without_settings(const char *description, Size length)
{
	BaristaReader r;
	uint16		columns;

	reader_init(&r, description, length);
	(void) reader_cstr(&r);
	(void) reader_cstr(&r);
	(void) reader_u8(&r);
	columns = reader_u16(&r);
	for (int i = 0; i < columns && r.failure == NULL; i++)
	{
		(void) reader_u16(&r);
		(void) reader_cstr(&r);
		(void) reader_cstr(&r);
		(void) reader_cstr(&r);
		(void) reader_u32(&r);
	}
	(void) reader_cstr(&r);
	return r.failure ? length : r.at;
}

static void
take_settings(ApplyRelation *ar, const char *bytes, Size length)
{
	BaristaReader r;
	MemoryContext caller;

	if (ar->settings_bytes != NULL && ar->settings_length == length &&
		memcmp(ar->settings_bytes, bytes, length) == 0)
		return;
	ar->settings = NIL;
	ar->settings_bytes = NULL;
	if (ar->settings_context != NULL)
		MemoryContextReset(ar->settings_context);
	else
		ar->settings_context = AllocSetContextCreate(ar->context, "barista apply settings",
													 ALLOCSET_SMALL_SIZES);
	caller = MemoryContextSwitchTo(ar->settings_context);
	reader_init(&r, bytes, length);
	ar->settings = barista_writer_settings_read(&r);
	reader_finish(&r, "relation");
	ar->settings_length = length;
	ar->settings_bytes = palloc(Max(length, 1));
	memcpy(ar->settings_bytes, bytes, length);
	MemoryContextSwitchTo(caller);
}

static ApplyRelation *
find(const char *description, Size length)
{
	uint64		hash = hash_bytes_extended((const unsigned char *) description,
										   length, 0);
	ApplyRelation *ar;
	ApplyRelation *next;

	for (ar = *list_of(hash); ar; ar = next)
	{
		next = ar->next;
		if (ar->hash != hash || ar->description_length != length ||
			memcmp(ar->description, description, length) != 0)
			continue;
		if (ar->valid || ar->rel)
		{
			ar->used = true;
			forget_images_of_others(ar);
			return ar;
		}
		if (!ar->used)
			drop(ar);
		break;
	}
	if (cached >= CACHED_RELATIONS)
		drop_idle();
	ar = build(description, length, hash);
	forget_images_of_others(ar);
	return ar;
}

/*
 * A table has an entry for each search_path that it was written along.  What
 * one stores, the images of another do not know.
 */
static void
forget_images_of_others(ApplyRelation *ar)
{
	for (ApplyRelation *other = opened; other; other = other->next_opened)
		if (other != ar && other->relid == ar->relid)
			apply_images_forget(other);
}

/* Drops what neither is open nor may be referred to. */
static void
drop_idle(void)
{
	for (int i = 0; i < LISTS; i++)
	{
		for (ApplyRelation *ar = lists[i], *next; ar; ar = next)
		{
			next = ar->next;
			if (!ar->rel && !ar->used)
				drop(ar);
		}
	}
}

static ApplyRelation *
build(const char *description, Size length, uint64 hash)
{
	BaristaReader r;
	MemoryContext context;
	MemoryContext caller;
	ApplyRelation *ar;
	Relation	rel;
	const char *schema;
	const char *name;
	const char *search_path;
	Oid			namespace;

	if (cache_context == NULL)
		cache_context = AllocSetContextCreate(TopMemoryContext,
											  "barista apply relations",
											  ALLOCSET_DEFAULT_SIZES);
	/* Until the entry is whole, an error frees it with the transaction. */
	context = AllocSetContextCreate(CurTransactionContext,
									"barista apply relation",
									ALLOCSET_SMALL_SIZES);
	caller = MemoryContextSwitchTo(context);

	reader_init(&r, description, length);
	schema = reader_cstr(&r);
	name = reader_cstr(&r);
	ar = palloc0(sizeof(ApplyRelation));
	ar->context = context;
	ar->hash = hash;
	ar->description = palloc(length);
	memcpy(ar->description, description, length);
	ar->description_length = length;
	ar->name = quote_qualified_identifier(schema, name);
	ar->identity = (char) reader_u8(&r);
	ar->ncolumns = reader_u16(&r);
	if (ar->identity != 'k' && ar->identity != 'f')
		reader_fail(&r, "a relation has an unknown identity");
	/* A column takes 9 bytes at least. */
	if ((Size) ar->ncolumns * 9 > reader_left(&r))
		reader_fail(&r, "it is cut short");
	if (r.failure)
		reader_finish(&r, "relation");

	namespace = get_namespace_oid(schema, true);
	ar->relid = OidIsValid(namespace) ?
		get_relname_relid(name, namespace) : InvalidOid;
	rel = OidIsValid(ar->relid) ?
		try_table_open(ar->relid, RowExclusiveLock) : NULL;
	if (rel == NULL ||
		(rel->rd_rel->relkind != RELKIND_RELATION &&
		 rel->rd_rel->relkind != RELKIND_MATVIEW) ||
		rel->rd_rel->relpersistence != RELPERSISTENCE_PERMANENT)
		ereport(ERROR,
				(errcode(ERRCODE_BARISTA_DIVERGENCE),
				 errmsg("there is no table %s", ar->name)));

	ar->owner = rel->rd_rel->relowner;
	ar->desc = CreateTupleDescCopyConstr(RelationGetDescr(rel));
	ar->columns = palloc0(ar->ncolumns * sizeof(ApplyColumn));
	for (int i = 0; i < ar->ncolumns && r.failure == NULL; i++)
		read_column(&r, ar, rel, i);
	search_path = reader_cstr(&r);
	reader_finish(&r, "relation");
	ar->search_path = barista_trusted_path(search_path, ar->owner);
	check_columns(ar, rel);
	build_indexes(ar, rel);
	if (ar->identity == 'k')
		choose_key(ar, rel);
	ar->runs = apply_run_allowed(ar);
	ar->found = MakeSingleTupleTableSlot(ar->desc, table_slot_callbacks(rel));
	ar->fresh = MakeSingleTupleTableSlot(ar->desc, &TTSOpsVirtual);
	table_close(rel, NoLock);

	MemoryContextSwitchTo(caller);
	MemoryContextSetParent(context, cache_context);
	ar->valid = true;
	ar->used = true;
	ar->next = *list_of(hash);
	*list_of(hash) = ar;
	cached++;
	return ar;
}

/* Reads one column and maps it, by name, to the local table's. */
static void
read_column(BaristaReader *r, ApplyRelation *ar, Relation rel, int i)
{
	ApplyColumn *column = &ar->columns[i];
	uint8		flags = reader_u8(r);
	const char *name;
	const char *type_schema;
	const char *type_name;
	int32		typmod;
	Oid			type;
	Oid			namespace;
	AttrNumber	attno;
	Form_pg_attribute att;

	column->key = (flags & 1) != 0;
	column->format = (char) reader_u8(r);
	name = reader_cstr(r);
	type_schema = reader_cstr(r);
	type_name = reader_cstr(r);
	typmod = (int32) reader_u32(r);
	if (flags > 1)
		reader_fail(r, "a column has unknown flags");
	if (column->format != 't' && column->format != 'b')
		reader_fail(r, "a column has an unknown format");
	if (r->failure)
		return;

	attno = get_attnum(ar->relid, name);
	if (attno <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_BARISTA_DIVERGENCE),
				 errmsg("table %s has no column \"%s\"", ar->name, name)));
	att = TupleDescAttr(ar->desc, attno - 1);
	namespace = get_namespace_oid(type_schema, true);
	type = OidIsValid(namespace) ?
		GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid,
						PointerGetDatum(type_name),
						ObjectIdGetDatum(namespace)) : InvalidOid;
	if (type != att->atttypid || typmod != att->atttypmod)
		ereport(ERROR,
				(errcode(ERRCODE_BARISTA_DIVERGENCE),
				 errmsg("column \"%s\" of table %s has not the type %s",
						name, ar->name,
						quote_qualified_identifier(type_schema, type_name))));
	column->attribute = attno - 1;
	apply_tuple_prepare_column(column, att->atttypid, ar->context);
}

/* Each live column of the table is described, once. */
static void
check_columns(ApplyRelation *ar, Relation rel)
{
	bool	   *seen = palloc0(ar->desc->natts);

	for (int i = 0; i < ar->ncolumns; i++)
	{
		int			attribute = ar->columns[i].attribute;

		if (seen[attribute])
			ereport(ERROR,
					(errcode(ERRCODE_BARISTA_MALFORMED),
					 errmsg("malformed relation: a column is described twice")));
		seen[attribute] = true;
	}
	for (int i = 0; i < ar->desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(ar->desc, i);

		if (!seen[i] && !att->attisdropped)
			ereport(ERROR,
					(errcode(ERRCODE_BARISTA_DIVERGENCE),
					 errmsg("table %s has a column \"%s\" too many",
							ar->name, NameStr(att->attname))));
	}
}

/* The server's own operator classes call the functions of a users' range or row type. */
static bool
holds_users_values(Relation index)
{
	for (int i = 0; i < index->rd_index->indnkeyatts; i++)
		if (barista_type_runs_user_code(TupleDescAttr(RelationGetDescr(index), i)->atttypid))
			return true;
	return false;
}

static void
build_indexes(ApplyRelation *ar, Relation rel)
{
	List	   *oids = RelationGetIndexList(rel);
	ListCell   *lc;

	ar->nindexes = 0;
	ar->indexes = palloc0(Max(list_length(oids), 1) * sizeof(ApplyIndex));
	foreach(lc, oids)
	{
		ApplyIndex *index = &ar->indexes[ar->nindexes++];
		Relation	indexrel = index_open(lfirst_oid(lc), RowExclusiveLock);
		HeapTuple	tuple = indexrel->rd_indextuple;

		index->oid = lfirst_oid(lc);
		index->simple = indexrel->rd_rel->relam == BTREE_AM_OID &&
			heap_attisnull(tuple, Anum_pg_index_indexprs, NULL) &&
			heap_attisnull(tuple, Anum_pg_index_indpred, NULL);
		index->aside = !indexrel->rd_index->indisready;
		index->info = index->simple ? BuildIndexInfo(indexrel) : NULL;
		index->restricted = barista_index_runs_user_code(tuple) ||
			holds_users_values(indexrel);
		ar->restricted |= index->restricted && !index->aside;
		index_close(indexrel, NoLock);
	}
	list_free(oids);
}

/*
 * The index to find rows by: unique, immediate, valid, whole, and over exactly
 * the columns that the description marks as the key.
 */
static void
choose_key(ApplyRelation *ar, Relation rel)
{
	for (int i = 0; i < ar->nindexes && ar->key == NULL; i++)
	{
		Relation	index = index_open(ar->indexes[i].oid, RowExclusiveLock);

		if (ar->indexes[i].simple && index->rd_index->indisunique &&
			index->rd_index->indimmediate && index->rd_index->indisvalid &&
			prepare_key(ar, index))
			ar->key = &ar->indexes[i];
		index_close(index, NoLock);
	}
	if (ar->key == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_BARISTA_DIVERGENCE),
				 errmsg("table %s has no unique index over its key", ar->name)));
}

/* The scan keys for an index, if its columns are the key's, each once. */
static bool
prepare_key(ApplyRelation *ar, Relation index)
{
	int			nkeys = IndexRelationGetNumberOfKeyAttributes(index);
	int			nmarked = 0;

	for (int i = 0; i < ar->ncolumns; i++)
		nmarked += ar->columns[i].key;
	if (nmarked != nkeys)
		return false;

	ar->nkeys = nkeys;
	ar->scankeys = palloc0(nkeys * sizeof(ScanKeyData));
	ar->key_columns = palloc0(nkeys * sizeof(int));
	for (int k = 0; k < nkeys; k++)
	{
		int			attribute = index->rd_index->indkey.values[k] - 1;
		Oid			family = index->rd_opfamily[k];
		Oid			type = index->rd_opcintype[k];
		Oid			operator;
		int			c;

		for (c = 0; c < ar->ncolumns; c++)
			if (ar->columns[c].attribute == attribute)
				break;
		if (c == ar->ncolumns || !ar->columns[c].key)
			return false;
		for (int other = 0; other < k; other++)
			if (ar->key_columns[other] == c)
				return false;
		ar->key_columns[k] = c;
		operator = get_opfamily_member(family, type, type, BTEqualStrategyNumber);
		if (!OidIsValid(operator))
			return false;
		ScanKeyInit(&ar->scankeys[k], k + 1, BTEqualStrategyNumber,
					get_opcode(operator), (Datum) 0);
		ar->scankeys[k].sk_collation = index->rd_indcollation[k];
	}
	return true;
}

/*
 * Opens the table, and for rows its indexes, until the end of the call.  Returns the
 * entry to use from now on: another one if this one has become invalid.
 */
ApplyRelation *
apply_relation_use(ApplyRelation *ar, bool for_rows)
{
	if (ar->rel)
		return ar;
	/* Locking it makes invalidations known. */
	ar->rel = try_table_open(ar->relid, RowExclusiveLock);
	if (ar->rel == NULL || !ar->valid)
	{
		ApplyRelation *invalid = ar;

		close_one(invalid);
		ar = build(invalid->description, invalid->description_length,
				   invalid->hash);
		take_settings(ar, invalid->settings_bytes, invalid->settings_length);
		drop(invalid);
		ar->rel = table_open(ar->relid, NoLock);
	}
	ar->next_opened = opened;
	opened = ar;
	if (for_rows)
		open_indexes(ar);
	return ar;
}

static void
open_indexes(ApplyRelation *ar)
{
	MemoryContext caller = MemoryContextSwitchTo(apply_call_context);

	for (int i = 0; i < ar->nindexes; i++)
	{
		if (!ar->indexes[i].aside)
			apply_index_open(ar, &ar->indexes[i]);
	}
	MemoryContextSwitchTo(caller);
}

static void
close_one(ApplyRelation *ar)
{
	if (ar->rel == NULL)
		return;
	apply_images_forget(ar);
	ExecClearTuple(ar->found);
	ExecClearTuple(ar->fresh);
	if (ar->scan)
		index_endscan(ar->scan);
	if (ar->estate)
		FreeExecutorState(ar->estate);
	for (int i = 0; i < ar->nindexes; i++)
	{
		if (ar->indexes[i].rel)
			index_close(ar->indexes[i].rel, NoLock);
		ar->indexes[i].rel = NULL;
		ar->indexes[i].open_info = NULL;
	}
	table_close(ar->rel, NoLock);
	ar->rel = NULL;
	ar->scan = NULL;
	ar->estate = NULL;
	ar->run = NULL;
}

/* Closes what is open; locks stay until the end of the transaction. */
void
apply_relations_close(void)
{
	for (ApplyRelation *ar = opened; ar; ar = ar->next_opened)
		close_one(ar);
	opened = NULL;
}

/* The change set that referred to it is over. */
void
apply_relation_unused(ApplyRelation *ar)
{
	apply_images_forget(ar);
	ar->used = false;
}

/*
 * After an error: the transaction's resource owner has closed, or will close,
 * everything that was open.
 */
void
apply_relations_forget(void)
{
	for (int i = 0; i < LISTS; i++)
	{
		for (ApplyRelation *ar = lists[i], *next; ar; ar = next)
		{
			next = ar->next;
			ar->used = false;
			if (ar->rel)
				drop(ar);
		}
	}
	opened = NULL;
}

/* Frees an entry; what is open in it is left to the resource owner. */
static void
drop(ApplyRelation *ar)
{
	for (ApplyRelation **link = list_of(ar->hash); *link; link = &(*link)->next)
	{
		if (*link != ar)
			continue;
		*link = ar->next;
		cached--;
		MemoryContextDelete(ar->context);
		return;
	}
}

static void
relcache_changed(Datum arg, Oid relid)
{
	for (int i = 0; i < LISTS; i++)
		for (ApplyRelation *ar = lists[i]; ar; ar = ar->next)
			if (!OidIsValid(relid) || belongs_to(relid, ar))
				ar->valid = false;
}

/* Is it the table or one of its indexes? */
static bool
belongs_to(Oid relid, ApplyRelation *ar)
{
	for (int i = 0; i < ar->nindexes; i++)
		if (ar->indexes[i].oid == relid)
			return true;
	return ar->relid == relid;
}

static void
syscache_changed(Datum arg, int cacheid, uint32 hashvalue)
{
	relcache_changed(arg, InvalidOid);
}
