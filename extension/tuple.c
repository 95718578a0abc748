/*-------------------------------------------------------------------------
 *
 * tuple.c
 *	  How rows become bytes: descriptions of relations, and tuples.
 *
 * The messages are framed like those of PostgreSQL's logical replication
 * protocol, but the writer is our own.  That protocol's functions leave out
 * every value that is stored out of line, skip generated columns, and convert
 * to the client's encoding; a change set must hold every value, in the
 * server's encoding.
 *
 * Which message is written when is for capture.c, and how a single value is
 * written for tuple_value.c.
 *
 * Binary is for built-in types whose binary form is the same on every server
 * of one major version; everything else travels as text, written and read
 * under pinned settings.
 *
 *-------------------------------------------------------------------------
 */
#include "barista.h"

#include "access/detoast.h"
#include "access/genam.h"
#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_index.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/bytea.h"
#include "utils/float.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/pg_locale.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/syscache.h"
#include "utils/xml.h"

#include "internal.h"

/* ------------------------------------------------------------------------
 * Types
 * ------------------------------------------------------------------------
 */

/* Built-in types whose send function depends on no setting and no encoding. */
static bool
send_is_stable(Oid type)
{
	switch (type)
	{
		case NUMERICOID:
		case INTERVALOID:
		case TIMETZOID:
		case INETOID:
		case CIDROID:
		case BITOID:
		case VARBITOID:
		case POINTOID:
		case LSEGOID:
		case PATHOID:
		case BOXOID:
		case POLYGONOID:
		case LINEOID:
		case CIRCLEOID:
		case TIDOID:
		case INT4RANGEOID:
		case INT8RANGEOID:
		case NUMRANGEOID:
		case TSRANGEOID:
		case TSTZRANGEOID:
		case DATERANGEOID:
		case INT4MULTIRANGEOID:
		case INT8MULTIRANGEOID:
		case NUMMULTIRANGEOID:
		case TSMULTIRANGEOID:
		case TSTZMULTIRANGEOID:
		case DATEMULTIRANGEOID:
			return true;
		default:
			return false;
	}
}

/* Built-in types that have a coding of our own; false for all others. */
static bool
builtin_coding(Oid type, ColumnCoding *coding, char *format)
{
	*format = 'b';
	switch (type)
	{
		case BOOLOID:
		case CHAROID:
			*coding = CODING_BYTE;
			return true;
		case INT2OID:
			*coding = CODING_SHORT;
			return true;
		case INT4OID:
		case OIDOID:
		case FLOAT4OID:
		case DATEOID:
			*coding = CODING_WORD;
			return true;
		case INT8OID:
		case FLOAT8OID:
		case TIMEOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
		case CASHOID:
		case LSNOID:
		case XID8OID:
			*coding = CODING_LONG;
			return true;
		case UUIDOID:
		case MACADDROID:
		case MACADDR8OID:
			*coding = CODING_FIXED;
			return true;
			/* Those after it no input function takes. */
		case BYTEAOID:
		case PG_NODE_TREEOID:
		case PG_NDISTINCTOID:
		case PG_DEPENDENCIESOID:
		case PG_MCV_LISTOID:
		case PG_BRIN_BLOOM_SUMMARYOID:
		case PG_BRIN_MINMAX_MULTI_SUMMARYOID:
			*coding = CODING_VARLENA;
			return true;
		case TEXTOID:
		case VARCHAROID:
		case BPCHAROID:
		case JSONOID:
		case XMLOID:
			*format = 't';
			*coding = CODING_VARLENA;
			return true;
		case NAMEOID:
			*format = 't';
			*coding = CODING_NAME;
			return true;
		default:
			if (!send_is_stable(type))
				return false;
			*coding = type == NUMERICOID ? CODING_NUMERIC : CODING_SEND;
			return true;
	}
}

/* Does the type's output depend on no setting at all? */
static bool
output_is_stable(Oid type)
{
	ColumnCoding coding;
	char		format;

	switch (type)
	{
		case JSONBOID:
		case JSONPATHOID:
		case TSVECTOROID:
		case TSQUERYOID:
		case XIDOID:
		case CIDOID:
		case INT2VECTOROID:
		case OIDVECTOROID:
		case INT4OID:
		case INT2OID:
		case INT8OID:
		case NUMERICOID:
		case BOOLOID:
		case UUIDOID:
			return true;
		default:
			if (get_typtype(type) == TYPTYPE_ENUM)
				return true;
			return builtin_coding(type, &coding, &format) && format == 't';
	}
}

/* Chooses how values of a type are written. */
static void
choose_coding(CapturedColumn *column, Oid type)
{
	Oid			base;
	Oid			element;
	Oid			function;
	bool		is_varlena;

	if (builtin_coding(type, &column->coding, &column->format))
	{
		if (column->coding == CODING_SEND || column->coding == CODING_NUMERIC)
		{
			getTypeBinaryOutputInfo(type, &function, &is_varlena);
			fmgr_info_cxt(function, &column->function, CurrentMemoryContext);
		}
		return;
	}

	/* A domain is stored as its base type, and read through its own input. */
	base = getBaseType(type);
	if (base != type && builtin_coding(base, &column->coding, &column->format) &&
		column->format == 't')
		return;

	element = get_element_type(base);
	if (base == type && OidIsValid(element) && element < FirstGenbkiObjectId &&
		builtin_coding(element, &column->coding, &column->format) &&
		column->format == 'b')
	{
		getTypeBinaryOutputInfo(type, &function, &is_varlena);
		column->coding = CODING_SEND;
		fmgr_info_cxt(function, &column->function, CurrentMemoryContext);
		return;
	}

	column->format = 't';
	column->type = type;
	/* A row type may get another attribute, and this is not told of it. */
	column->names = barista_type_holds_names(type) ||
		type_is_rowtype(OidIsValid(element) ? getBaseType(element) : base);
	if (output_is_stable(OidIsValid(element) ? getBaseType(element) : base))
		column->coding = CODING_OUTPUT;
	else
		column->coding = CODING_OUTPUT_PINNED;
	getTypeOutputInfo(type, &function, &is_varlena);
	fmgr_info_cxt(function, &column->function, CurrentMemoryContext);
}

/* ------------------------------------------------------------------------
 * Relations
 * ------------------------------------------------------------------------
 */

/*
 * Can rows be found by this index alone?  It must be checked at once, be
 * complete, and have no column that can be null or that it names twice.
 */
static bool
index_is_key(Relation rel, Relation index)
{
	Form_pg_index form = index->rd_index;

	if (!form->indisunique || !form->indisvalid || !form->indisready ||
		!form->indimmediate ||
		!heap_attisnull(index->rd_indextuple, Anum_pg_index_indpred, NULL))
		return false;
	for (int i = 0; i < form->indnkeyatts; i++)
	{
		AttrNumber	attnum = form->indkey.values[i];

		if (attnum <= 0 ||
			!TupleDescAttr(RelationGetDescr(rel), attnum - 1)->attnotnull)
			return false;
		for (int j = 0; j < i; j++)
			if (form->indkey.values[j] == attnum)
				return false;
	}
	return true;
}

/*
 * Columns of the key by which a row is found: the primary key, else the
 * narrowest index that can serve.  Attribute numbers; NULL if there is none.
 */
static Bitmapset *
choose_key(Relation rel)
{
	Bitmapset  *best = NULL;
	int			best_rank = 0;
	ListCell   *cell;

	foreach(cell, RelationGetIndexList(rel))
	{
		Relation	index = index_open(lfirst_oid(cell), AccessShareLock);

		if (index_is_key(rel, index))
		{
			Form_pg_index form = index->rd_index;
			int			rank = form->indisprimary ? -1 : form->indnkeyatts;

			if (best == NULL || rank < best_rank)
			{
				bms_free(best);
				best = NULL;
				for (int i = 0; i < form->indnkeyatts; i++)
					best = bms_add_member(best, form->indkey.values[i]);
				best_rank = rank;
			}
		}
		index_close(index, AccessShareLock);
	}
	return best;
}

static void
append_cstr(StringInfo s, const char *value)
{
	appendBinaryStringInfoNT(s, value, (int) strlen(value) + 1);
}

static void
append_u16(StringInfo s, uint16 value)
{
	value = pg_hton16(value);
	appendBinaryStringInfoNT(s, (char *) &value, sizeof(value));
}

static void
append_u32(StringInfo s, uint32 value)
{
	value = pg_hton32(value);
	appendBinaryStringInfoNT(s, (char *) &value, sizeof(value));
}

/* As a setting of search_path; empty is pg_catalog alone. */
static void
append_search_path(StringInfo s, OverrideSearchPath *path, Oid owner)
{
	const char *separator = "";
	ListCell   *lc;

	if (path != NULL)
	{
		foreach(lc, path->schemas)
		{
			char	   *schema = get_namespace_name(lfirst_oid(lc));

			if (schema == NULL || !barista_schema_is_trusted(lfirst_oid(lc), owner))
				continue;
			appendStringInfo(s, "%s%s", separator, quote_identifier(schema));
			separator = ", ";
		}
	}
	appendStringInfoChar(s, '\0');
}

/* Body of 'R', without the local number. */
static void
describe(CapturedRelation *captured, Relation rel)
{
	StringInfoData s;
	char	   *schema = get_namespace_name(RelationGetNamespace(rel));

	if (schema == NULL)
		elog(ERROR, "cache lookup failed for schema %u", RelationGetNamespace(rel));
	initStringInfo(&s);
	append_cstr(&s, schema);
	append_cstr(&s, RelationGetRelationName(rel));
	appendStringInfoChar(&s, captured->keyed ? 'k' : 'f');
	append_u16(&s, (uint16) captured->column_count);
	for (int i = 0; i < captured->column_count; i++)
	{
		CapturedColumn *column = &captured->columns[i];
		Form_pg_attribute attribute =
			TupleDescAttr(RelationGetDescr(rel), column->attnum - 1);
		HeapTuple	tuple;
		Form_pg_type type;
		char	   *type_schema;

		tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(attribute->atttypid));
		if (!HeapTupleIsValid(tuple))
			elog(ERROR, "cache lookup failed for type %u", attribute->atttypid);
		type = (Form_pg_type) GETSTRUCT(tuple);
		type_schema = get_namespace_name(type->typnamespace);
		if (type_schema == NULL)
			elog(ERROR, "cache lookup failed for schema %u", type->typnamespace);

		appendStringInfoChar(&s, column->key ? 1 : 0);
		appendStringInfoChar(&s, column->format);
		append_cstr(&s, NameStr(attribute->attname));
		append_cstr(&s, type_schema);
		append_cstr(&s, NameStr(type->typname));
		append_u32(&s, (uint32) attribute->atttypmod);
		ReleaseSysCache(tuple);
	}
	append_search_path(&s, captured->path, rel->rd_rel->relowner);
	if (captured->path != NULL)
		barista_writer_settings_append(&s);
	captured->description = s.data;
	captured->description_length = s.len;
}

void
barista_relation_build(CapturedRelation *captured, Relation rel)
{
	TupleDesc	desc = RelationGetDescr(rel);
	MemoryContext context;
	MemoryContext old;
	Bitmapset  *key;

	context = AllocSetContextCreate(CurrentMemoryContext, "barista captured relation",
									ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(context);
	captured->relid = RelationGetRelid(rel);

	captured->unguarded = barista_unguarded(rel, &captured->unguarded_by);
	captured->path = barista_relation_runs_user_code(rel) ?
		GetOverrideSearchPath(CurrentMemoryContext) : NULL;
	captured->settings = captured->path != NULL ? barista_writer_settings() : NULL;
	if (captured->path != NULL)
	{
		barista_check_owner(rel);
		barista_check_path(rel, captured->path->schemas);
	}
	key = choose_key(rel);
	captured->keyed = key != NULL;
	captured->columns = palloc0(Max(desc->natts, 1) * sizeof(CapturedColumn));
	captured->keys = palloc0(Max(desc->natts, 1) * sizeof(int));
	captured->column_count = 0;
	captured->key_count = 0;
	captured->last_key = 0;
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);
		CapturedColumn *column = &captured->columns[captured->column_count];

		if (attribute->attisdropped)
			continue;
		column->attnum = attribute->attnum;
		column->byval = attribute->attbyval;
		column->length = attribute->attlen;
		column->key = bms_is_member(attribute->attnum, key);
		choose_coding(column, attribute->atttypid);
		column->reader = barista_type_runs_user_code(attribute->atttypid) ?
			rel->rd_rel->relowner : InvalidOid;
		if (column->key)
		{
			captured->keys[captured->key_count++] = captured->column_count;
			captured->last_key = attribute->attnum;
		}
		captured->column_count++;
	}
	describe(captured, rel);

	MemoryContextSwitchTo(old);

	/* Nothing failed: from here on it lives until it is built anew. */
	MemoryContextSetParent(context, TopMemoryContext);
	captured->context = context;
}
