/*-------------------------------------------------------------------------
 *
 * apply_large_object.c
 *	  Large objects, and their pages, as they became on the leader.
 *
 * What is not as expected is divergence, as with rows.  An object and its pages
 * come and go by messages of their own, since on the leader, too, pages may
 * outlive the object that another transaction removes.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/pg_largeobject.h"
#include "catalog/pg_largeobject_metadata.h"
#include "commands/comment.h"
#include "commands/seclabel.h"
#include "miscadmin.h"
#include "storage/large_object.h"
#include "storage/lwlock.h"
#include "utils/acl.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"

#include "apply.h"

/* Numbers that are logged as given out at a time, as the server itself does. */
#define NUMBERS_LOGGED	8192

/* A scan for pages of one object, in order; next is the one that it is at. */
typedef struct PageScan
{
	Relation	heap;
	Relation	index;
	SysScanDesc scan;
	HeapTuple	next;			/* or NULL */
} PageScan;

static void
diverged(Oid object, const char *how)
{
	ereport(ERROR,
			(errcode(ERRCODE_BARISTA_DIVERGENCE),
			 errmsg("large object %u %s", object, how)));
}

static void
page_diverged(Oid object, int32 number, const char *how)
{
	ereport(ERROR,
			(errcode(ERRCODE_BARISTA_DIVERGENCE),
			 errmsg("page %d of large object %u %s", number, object, how)));
}

/*
 * Numbers up to this one were given out by a leader: none of them is to be given
 * out again here.  The counter goes around, so what counts is the distance.
 */
static void
go_past_numbers(Oid next)
{
	int32		ahead;

	if (next < BARISTA_OIDS_LOCAL)
		return;					/* given out before numbers were divided */
	LWLockAcquire(OidGenLock, LW_EXCLUSIVE);
	ahead = (int32) (next - ShmemVariableCache->nextOid);
	if (ahead > 0)
	{
		ShmemVariableCache->nextOid = next;
		if ((uint32) ahead <= ShmemVariableCache->oidCount)
			ShmemVariableCache->oidCount -= ahead;
		else
		{
			XLogPutNextOid(next + NUMBERS_LOGGED);
			ShmemVariableCache->oidCount = NUMBERS_LOGGED;
		}
	}
	LWLockRelease(OidGenLock);
}

void
apply_large_object_created(BaristaReader *r)
{
	Oid			object = reader_u32(r);
	const char *owner = reader_cstr(r);
	Oid			next = reader_u32(r);
	Oid			role;
	Oid			user;
	int			security;

	if (object == InvalidOid)
		reader_fail(r, "it has no number");
	reader_finish(r, "large object");
	role = get_role_oid(owner, true);
	if (!OidIsValid(role))
		ereport(ERROR,
				(errcode(ERRCODE_BARISTA_DIVERGENCE),
				 errmsg("there is no role \"%s\" to own large object %u",
						owner, object)));
	if (LargeObjectExists(object))
		diverged(object, "is there already");
	go_past_numbers(next);
	GetUserIdAndSecContext(&user, &security);
	SetUserIdAndSecContext(role, security | SECURITY_LOCAL_USERID_CHANGE);
	(void) inv_create(object);
	SetUserIdAndSecContext(user, security);
}

/* The object, its owner and rights, and what is said of it; not its pages. */
void
apply_large_object_unlinked(BaristaReader *r)
{
	Oid			object = reader_u32(r);
	ObjectAddress address;
	Relation	objects;
	SysScanDesc scan;
	ScanKeyData key;
	HeapTuple	tuple;

	reader_finish(r, "removed large object");
	objects = table_open(LargeObjectMetadataRelationId, RowExclusiveLock);
	ScanKeyInit(&key, Anum_pg_largeobject_metadata_oid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(object));
	scan = systable_beginscan(objects, LargeObjectMetadataOidIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (!HeapTupleIsValid(tuple))
		diverged(object, "is not there");
	CatalogTupleDelete(objects, &tuple->t_self);
	systable_endscan(scan);
	table_close(objects, RowExclusiveLock);

	ObjectAddressSet(address, LargeObjectRelationId, object);
	deleteDependencyRecordsFor(address.classId, address.objectId, false);
	deleteSharedDependencyRecordsFor(address.classId, address.objectId, 0);
	DeleteComments(address.objectId, address.classId, 0);
	DeleteSecurityLabel(&address);
}

static void
next_page(PageScan *s)
{
	s->next = systable_getnext_ordered(s->scan, ForwardScanDirection);
}

static void
begin_scan(PageScan *s, Oid object, int32 first)
{
	ScanKeyData keys[2];

	s->heap = table_open(LargeObjectRelationId, RowExclusiveLock);
	s->index = index_open(LargeObjectLOidPNIndexId, RowExclusiveLock);
	ScanKeyInit(&keys[0], Anum_pg_largeobject_loid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(object));
	ScanKeyInit(&keys[1], Anum_pg_largeobject_pageno, BTGreaterEqualStrategyNumber,
				F_INT4GE, Int32GetDatum(first));
	s->scan = systable_beginscan_ordered(s->heap, s->index, NULL, 2, keys);
	next_page(s);
}

static bool
is_at(const PageScan *s, int32 number)
{
	return HeapTupleIsValid(s->next) &&
		((Form_pg_largeobject) GETSTRUCT(s->next))->pageno == number;
}

static void
end_scan(PageScan *s)
{
	systable_endscan_ordered(s->scan);
	index_close(s->index, RowExclusiveLock);
	table_close(s->heap, RowExclusiveLock);
}

static HeapTuple
form_page(Relation heap, Oid object, int32 number, const char *bytes, Size length)
{
	Datum		values[Natts_pg_largeobject];
	bool		nulls[Natts_pg_largeobject] = {false};
	bytea	   *data = palloc(VARHDRSZ + length);

	SET_VARSIZE(data, VARHDRSZ + length);
	memcpy(VARDATA(data), bytes, length);
	values[Anum_pg_largeobject_loid - 1] = ObjectIdGetDatum(object);
	values[Anum_pg_largeobject_pageno - 1] = Int32GetDatum(number);
	values[Anum_pg_largeobject_data - 1] = PointerGetDatum(data);
	return heap_form_tuple(RelationGetDescr(heap), values, nulls);
}

/* Pages one after the other, each of which says whether it replaces one. */
void
apply_large_object_pages(BaristaReader *r)
{
	MemoryContext caller = MemoryContextSwitchTo(apply_row_context);
	Oid			object = reader_u32(r);
	uint32		number = reader_u32(r);
	CatalogIndexState indexes;
	PageScan	s;

	if (number > PG_INT32_MAX || reader_left(r) == 0)
		reader_fail(r, "it has no possible page");
	if (r->failure)
		reader_finish(r, "pages of a large object");
	begin_scan(&s, object, (int32) number);
	indexes = CatalogOpenIndexes(s.heap);
	for (; reader_left(r) > 0; number++)
	{
		uint8		replaces = reader_u8(r);
		uint16		length = reader_u16(r);
		const char *bytes = reader_bytes(r, length);
		HeapTuple	tuple;

		if (replaces > 1 || length > LOBLKSIZE || number > PG_INT32_MAX)
			reader_fail(r, "it has an impossible page");
		if (r->failure)
			break;
		tuple = form_page(s.heap, object, (int32) number, bytes, length);
		if (is_at(&s, (int32) number) != (replaces == 1))
			page_diverged(object, (int32) number,
						  replaces ? "is not there" : "is there already");
		if (replaces)
		{
			CatalogTupleUpdateWithInfo(s.heap, &s.next->t_self, tuple, indexes);
			next_page(&s);
		}
		else
			CatalogTupleInsertWithInfo(s.heap, tuple, indexes);
	}
	reader_finish(r, "pages of a large object");
	CatalogCloseIndexes(indexes);
	end_scan(&s);
	MemoryContextSwitchTo(caller);
}

void
apply_large_object_removed(BaristaReader *r)
{
	Oid			object = reader_u32(r);
	uint32		first = reader_u32(r);
	uint32		count = reader_u32(r);
	PageScan	s;

	if (first > PG_INT32_MAX || count == 0 || count > PG_INT32_MAX - first + 1)
		reader_fail(r, "its pages are out of range");
	reader_finish(r, "removed pages of a large object");
	begin_scan(&s, object, (int32) first);
	for (uint32 i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (!is_at(&s, (int32) (first + i)))
			page_diverged(object, (int32) (first + i), "is not there");
		CatalogTupleDelete(s.heap, &s.next->t_self);
		next_page(&s);
	}
	end_scan(&s);
}
