/*-------------------------------------------------------------------------
 *
 * apply_shorten.c
 *	  Long values, as short as they can be made, where they must be in line.
 *
 * An index takes entries up to a length, and how long one is depends on how its
 * values are compressed: by the method of the session that wrote the row
 * (default_toast_compression), or as they were in the column that they were
 * copied from.  The change set has values uncompressed and tells nothing of this.
 * So that an entry which the leader's index took is not too long here, each long
 * value is compressed by the method that makes it shorter.  To the index it is the
 * same value.
 *
 * Only in indexes that store the values which they are handed: what GIN and GiST
 * make of a value is theirs.
 *
 * So it is with a column of STORAGE PLAIN.  Nothing new is compressed there, but
 * what had been compressed before stays so.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/detoast.h"
#include "access/heaptoast.h"
#include "access/toast_compression.h"
#include "access/toast_internals.h"
#include "catalog/pg_am.h"
#include "catalog/pg_type.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "apply.h"

/* The compressed value, or none if it does not become shorter. */
static struct varlena *
compressed(struct varlena *plain, char method)
{
	return (struct varlena *)
		DatumGetPointer(toast_compress_datum(PointerGetDatum(plain), method));
}

/* The shorter of the two, either of which may be none; the other one is freed. */
static struct varlena *
shorter(struct varlena *a, struct varlena *b)
{
	if (a == NULL || b == NULL)
		return a ? a : b;
	if (VARSIZE(b) < VARSIZE(a))
	{
		pfree(a);
		return b;
	}
	pfree(b);
	return a;
}

/* In the row context. */
static struct varlena *
shortest(struct varlena *value)
{
	MemoryContext caller = MemoryContextSwitchTo(apply_row_context);
	struct varlena *plain = detoast_attr(value);
	struct varlena *by_lz4 = NULL;
	struct varlena *result;

#ifdef USE_LZ4
	by_lz4 = compressed(plain, TOAST_LZ4_COMPRESSION);
#endif
	result = shorter(compressed(plain, TOAST_PGLZ_COMPRESSION), by_lz4);
	if (plain != value)
		pfree(plain);
	MemoryContextSwitchTo(caller);
	return result;
}

/* Replaces long values of an entry.  Those that it returns are to be freed. */
List *
apply_index_shorten(Relation index, Datum *values, const bool *nulls)
{
	TupleDesc	desc = RelationGetDescr(index);
	List	   *shortened = NIL;

	if (index->rd_rel->relam != BTREE_AM_OID && index->rd_rel->relam != BRIN_AM_OID)
		return NIL;
	for (int i = 0; i < index->rd_index->indnatts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);
		struct varlena *value;

		if (nulls[i] || attribute->attlen != -1 ||
			attribute->attstorage == TYPSTORAGE_PLAIN ||
			toast_raw_datum_size(values[i]) <= TOAST_INDEX_TARGET)
			continue;
		value = shortest((struct varlena *) DatumGetPointer(values[i]));
		if (value == NULL)
			continue;
		values[i] = PointerGetDatum(value);
		shortened = lappend(shortened, value);
	}
	return shortened;
}

/* Replaces long values of a new row in columns of STORAGE PLAIN. */
void
apply_row_shorten(ApplyRelation *ar, ApplyTuple *tuple)
{
	for (int i = 0; i < ar->desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(ar->desc, i);
		struct varlena *value;

		if (likely(attribute->attstorage != TYPSTORAGE_PLAIN) ||
			attribute->attlen != -1 || tuple->nulls[i] || tuple->unchanged[i] ||
			toast_raw_datum_size(tuple->values[i]) <= TOAST_INDEX_TARGET ||
			get_typstorage(attribute->atttypid) == TYPSTORAGE_PLAIN)
			continue;
		value = shortest((struct varlena *) DatumGetPointer(tuple->values[i]));
		if (value != NULL)
			tuple->values[i] = PointerGetDatum(value);
	}
}
