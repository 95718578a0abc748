/*-------------------------------------------------------------------------
 *
 * compare.c
 *	  What nodes compare: hashes of rows, and the keys of rows that differ.
 *
 * The rows are users', and so is nearly all that SQL would do with them: a cast
 * of a row type to text is its owner's to make, and to plan a query upon a table
 * is to run the immutable functions of its index predicates.  Hence no SQL.  A
 * scan of the table access method under the caller's snapshot gives the rows, and
 * each value's text is what its type's output function says, called directly.
 *
 * Output functions are in C, whoever owns the type: they return cstring, which no
 * procedural language and no function in SQL may (their validators refuse it,
 * also with check_function_bodies off), only superusers make a base type or a
 * function in C, and those of arrays, composites, domains, enums, ranges and
 * multiranges are PostgreSQL's own, which call their elements'.  None of them
 * checks a domain.
 *
 * Nothing here looks at what the relation cache would have to plan: the
 * expressions and predicates of indexes, keys and bounds of partitions, checks.
 *
 * Also the secrets of catalogs that not everybody may read are compared by
 * hashes.  Only these leave this file.
 *
 *-------------------------------------------------------------------------
 */
#include "barista.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/catalog.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "catalog/pg_largeobject.h"
#include "catalog/pg_user_mapping.h"
#include "common/hashfn.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

PG_FUNCTION_INFO_V1(barista_sum_rows);
PG_FUNCTION_INFO_V1(barista_row_keys);
PG_FUNCTION_INFO_V1(barista_hidden);

/* Into how many buckets rows may be divided: a power of two up to this. */
#define BUCKETS_MAX		65536

/* Values longer than this are freed before the next one is read. */
#define LONG_VALUE		(64 * 1024)

/* A relation whose rows are read.  All of it lives in the caller's context. */
typedef struct Reading
{
	Relation	rel;
	TableScanDesc scan;
	TupleTableSlot *slot;
	FmgrInfo   *output;			/* by column, of those that are not dropped */
	int		   *columns;		/* indexes of those, in their order */
	int			column_count;
	int		   *key;			/* of the primary key's, in its order; else as columns */
	int			key_count;
	MemoryContext row;			/* texts of one row */
} Reading;

/* ------------------------------------------------------------------------
 * Reading rows
 * ------------------------------------------------------------------------
 */

/* The columns of the primary key.  False if there is none. */
static bool
find_key(Reading *reading)
{
	List	   *indexes = RelationGetIndexList(reading->rel);
	ListCell   *cell;

	reading->key_count = 0;
	foreach(cell, indexes)
	{
		HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(lfirst_oid(cell)));
		Form_pg_index index;

		if (!HeapTupleIsValid(tuple))
			elog(ERROR, "cache lookup failed for index %u", lfirst_oid(cell));
		index = (Form_pg_index) GETSTRUCT(tuple);
		if (index->indisprimary)
		{
			reading->key = palloc(index->indnkeyatts * sizeof(int));
			for (int i = 0; i < index->indnkeyatts; i++)
				reading->key[reading->key_count++] = index->indkey.values[i] - 1;
		}
		ReleaseSysCache(tuple);
	}
	list_free(indexes);
	return reading->key_count > 0;
}

static void
begin_reading(Reading *reading, Relation rel)
{
	TupleDesc	desc = RelationGetDescr(rel);

	reading->rel = rel;
	reading->output = palloc0(desc->natts * sizeof(FmgrInfo));
	reading->columns = palloc(desc->natts * sizeof(int));
	reading->column_count = 0;
	for (int i = 0; i < desc->natts; i++)
	{
		Oid			function;
		bool		varlena;

		if (TupleDescAttr(desc, i)->attisdropped)
			continue;
		getTypeOutputInfo(TupleDescAttr(desc, i)->atttypid, &function, &varlena);
		fmgr_info(function, &reading->output[i]);
		reading->columns[reading->column_count++] = i;
	}
	reading->row = AllocSetContextCreate(CurrentMemoryContext, "barista row",
										 ALLOCSET_DEFAULT_SIZES);
	reading->slot = table_slot_create(rel, NULL);
	reading->scan = table_beginscan(rel, GetActiveSnapshot(), 0, NULL);
}

/* Opens a table of users'. */
static void
open_table(Reading *reading, Oid relid)
{
	Relation	rel = try_relation_open(relid, AccessShareLock);

	if (rel == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("there is no relation with OID %u", relid)));
	if ((rel->rd_rel->relkind != RELKIND_RELATION && rel->rd_rel->relkind != RELKIND_MATVIEW) ||
		rel->rd_rel->relpersistence != RELPERSISTENCE_PERMANENT ||
		IsCatalogNamespace(RelationGetNamespace(rel)))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" has no rows that all nodes hold", RelationGetRelationName(rel))));
	if (!RelationIsPopulated(rel))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("materialized view \"%s\" has not been populated",
						RelationGetRelationName(rel))));
	begin_reading(reading, rel);
	if (!find_key(reading))
	{
		reading->key = reading->columns;
		reading->key_count = reading->column_count;
	}
}

static bool
next_row(Reading *reading)
{
	CHECK_FOR_INTERRUPTS();
	MemoryContextReset(reading->row);
	if (!table_scan_getnextslot(reading->scan, ForwardScanDirection, reading->slot))
		return false;
	slot_getallattrs(reading->slot);
	return true;
}

static void
end_reading(Reading *reading)
{
	table_endscan(reading->scan);
	ExecDropSingleTupleTableSlot(reading->slot);
	table_close(reading->rel, AccessShareLock);
	MemoryContextDelete(reading->row);
}

/* The text of a value, in the row's context; NULL if it is null. */
static char *
value_text(Reading *reading, int column)
{
	MemoryContext before;
	char	   *text;

	if (reading->slot->tts_isnull[column])
		return NULL;
	before = MemoryContextSwitchTo(reading->row);
	text = OutputFunctionCall(&reading->output[column], reading->slot->tts_values[column]);
	MemoryContextSwitchTo(before);
	return text;
}

/*
 * The hash of some values of the row.  Each one's starts from that of those before
 * it, and a null counts as a zero byte, which no text is.
 */
static uint64
hash_values(Reading *reading, const int *columns, int count)
{
	uint64		hash = 0;

	for (int i = 0; i < count; i++)
	{
		char	   *text = value_text(reading, columns[i]);
		Size		length = text != NULL ? strlen(text) : 1;

		hash = hash_bytes_extended((const unsigned char *) (text != NULL ? text : ""),
								   (int) length, hash);
		if (length > LONG_VALUE)
			MemoryContextReset(reading->row);
	}
	return hash;
}

static uint64
hash_row(Reading *reading)
{
	return hash_values(reading, reading->columns, reading->column_count);
}

static uint64
hash_key(Reading *reading)
{
	return hash_values(reading, reading->key, reading->key_count);
}

/* ------------------------------------------------------------------------
 * Tables
 * ------------------------------------------------------------------------
 */

static void
check_buckets(int32 buckets)
{
	if (buckets < 1 || buckets > BUCKETS_MAX || (buckets & (buckets - 1)) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the number of buckets must be a power of two up to %d", BUCKETS_MAX)));
}

/*
 * barista_sum_rows(relation oid, buckets integer)
 *		returns table(bucket integer, row_count bigint, checksum bigint)
 *
 * Divides a table's rows by the hashes of their keys, and sums up each bucket
 * that has any.  A checksum is the sum of its rows' hashes, modulo 2^64: it does
 * not depend on their order, and chance alone makes two of them equal.
 */
Datum
barista_sum_rows(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_GETARG_OID(0);
	int32		buckets = PG_GETARG_INT32(1);
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Reading		reading;
	int64	   *counts;
	uint64	   *sums;

	barista_require_own_session("barista_sum_rows");
	check_buckets(buckets);
	InitMaterializedSRF(fcinfo, 0);
	counts = palloc0(buckets * sizeof(int64));
	sums = palloc0(buckets * sizeof(uint64));

	open_table(&reading, relid);
	while (next_row(&reading))
	{
		uint64		bucket = buckets == 1 ? 0 : hash_key(&reading) & (buckets - 1);

		counts[bucket]++;
		sums[bucket] += hash_row(&reading);
	}
	end_reading(&reading);

	for (int32 i = 0; i < buckets; i++)
	{
		Datum		values[3] = {Int32GetDatum(i), Int64GetDatum(counts[i]), Int64GetDatum((int64) sums[i])};
		bool		nulls[3] = {false};

		if (counts[i] > 0)
			tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/*
 * The texts of the key's values, cut to so many characters.  A whole row stands in
 * parentheses.
 */
static text *
key_text(Reading *reading, int32 length)
{
	bool		whole = reading->key == reading->columns;
	int			most = length * pg_database_encoding_max_length();
	StringInfoData key;

	initStringInfo(&key);
	if (whole)
		appendStringInfoChar(&key, '(');
	for (int i = 0; i < reading->key_count && key.len < most; i++)
	{
		char	   *text = value_text(reading, reading->key[i]);

		if (i > 0)
			appendStringInfoChar(&key, ',');
		if (text != NULL && *text == '\0')
			appendStringInfoString(&key, "\"\"");
		else if (text != NULL)
			appendBinaryStringInfo(&key, text, (int) strnlen(text, most));
	}
	if (whole)
		appendStringInfoChar(&key, ')');
	return cstring_to_text_with_len(key.data, pg_mbcharcliplen(key.data, key.len, length));
}

/*
 * barista_row_keys(relation oid, buckets integer, bucket integer, length integer)
 *		returns table(key text, checksum bigint)
 *
 * The rows of one bucket: their keys, of which so many characters, and their
 * hashes.  The key is the primary key, else the whole row.
 */
Datum
barista_row_keys(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_GETARG_OID(0);
	int32		buckets = PG_GETARG_INT32(1);
	int32		bucket = PG_GETARG_INT32(2);
	int32		length = PG_GETARG_INT32(3);
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Reading		reading;

	barista_require_own_session("barista_row_keys");
	check_buckets(buckets);
	if (length < 1 || length > 10000)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a key cannot have %d characters", length)));
	InitMaterializedSRF(fcinfo, 0);

	open_table(&reading, relid);
	while (next_row(&reading))
	{
		MemoryContext before;
		Datum		values[2];
		bool		nulls[2] = {false};

		if ((hash_key(&reading) & (buckets - 1)) != bucket)
			continue;
		values[1] = Int64GetDatum((int64) hash_row(&reading));
		before = MemoryContextSwitchTo(reading.row);
		values[0] = PointerGetDatum(key_text(&reading, length));
		MemoryContextSwitchTo(before);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	end_reading(&reading);
	return (Datum) 0;
}

/* ------------------------------------------------------------------------
 * What not everybody may read
 * ------------------------------------------------------------------------
 */

/* A catalog, the columns that name its rows, and the one that is hashed. */
static const struct
{
	Oid			catalog;
	AttrNumber	object;
	AttrNumber	part;			/* 0: an object has one row */
	AttrNumber	secret;
}			hidden[] =
{
	{AuthIdRelationId, Anum_pg_authid_oid, 0, Anum_pg_authid_rolpassword},
	{UserMappingRelationId, Anum_pg_user_mapping_oid, 0, Anum_pg_user_mapping_umoptions},
	{LargeObjectRelationId, Anum_pg_largeobject_loid, Anum_pg_largeobject_pageno, Anum_pg_largeobject_data},
};

/*
 * barista_hidden(catalog regclass)
 *		returns table(object oid, part integer, hash bigint)
 *
 * Hashes of roles' passwords, of the options of user mappings, or of the pages
 * of large objects.
 */
Datum
barista_hidden(PG_FUNCTION_ARGS)
{
	Oid			catalog = PG_GETARG_OID(0);
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Reading		reading;
	int			which = 0;
	int			secret;

	barista_require_own_session("barista_hidden");
	while (which < lengthof(hidden) && hidden[which].catalog != catalog)
		which++;
	if (which == lengthof(hidden))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("nothing of relation %u is hidden", catalog)));
	InitMaterializedSRF(fcinfo, 0);
	secret = hidden[which].secret - 1;

	begin_reading(&reading, table_open(catalog, AccessShareLock));
	while (next_row(&reading))
	{
		Datum	   *row = reading.slot->tts_values;
		Datum		values[3] = {row[hidden[which].object - 1]};
		bool		nulls[3] = {false, hidden[which].part == 0, reading.slot->tts_isnull[secret]};

		if (!nulls[1])
			values[1] = row[hidden[which].part - 1];
		if (!nulls[2])
			values[2] = Int64GetDatum((int64) hash_values(&reading, &secret, 1));
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	end_reading(&reading);
	return (Datum) 0;
}
