/*-------------------------------------------------------------------------
 *
 * large_object.c
 *	  Large objects: which statements make, change and remove them.
 *
 * The functions for large objects change two catalogs directly, and no trigger
 * sees it.  The object access hook tells when an object is made or removed;
 * both are captured at that moment ('l' and 'u'), since a later GRANT, COMMENT
 * or ALTER in the same transaction needs or misses the object.  It does not
 * tell which pages a function writes.  But all of them find pages by way of one
 * index: large_object_visits.c notes the pages that were looked up there, and
 * before the commit large_object_pages.c sees what became of each ('p' and
 * 'r').  Nothing refers to a page, so their place at the end is as good as any.
 *
 * What if the transaction or the server ends between two of these steps?
 * Nothing has left the backend before the gate, and the catalogs roll back.
 *
 * A follower makes the object under the same number and for the role of the same
 * name; it goes past what the leader's counter had given out, so that a number
 * is not given out again when it leads.  Other names of roles must not come
 * between:
 *
 *		1. T1 makes an object as role r, and captures "r".
 *		2. T2 renames r, or reassigns or drops all that r owns, and commits.
 *		3. T1 commits: followers have no r, or had no object in step 2.
 *
 * So whoever makes or removes an object keeps a lock on the catalog until its
 * end, and ddl_order.c has T2 wait for it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/transam.h"
#include "catalog/pg_largeobject_metadata.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "storage/lwlock.h"
#include "utils/fmgroids.h"

#include "ddl.h"
#include "internal.h"
#include "large_object.h"

bool
large_object_is_writer(Oid function)
{
	switch (function)
	{
		case F_LO_CREAT:
		case F_LO_CREATE:
		case F_LO_IMPORT_TEXT:
		case F_LO_IMPORT_TEXT_OID:
		case F_LO_FROM_BYTEA:
		case F_LO_PUT:
		case F_LO_TRUNCATE:
		case F_LO_TRUNCATE64:
		case F_LO_UNLINK:
		case F_LOWRITE:
			return true;
		default:
			return false;
	}
}

/* The server itself lets a read-only transaction write large objects. */
static void
check_allowed(void)
{
	if (barista_replays_itself())
		ddl_refuse("A large object in an extension's script",
				   "Each node runs the script, and would choose another number for it.");
	if (barista_repeated_runs())
		ereport(ERROR,
				(errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
				 errmsg("cannot write a large object in a function that every node runs by itself")));
	barista_assign_epoch_before_first_write();
	if (!barista_gate_is_open(NULL))
		ereport(ERROR,
				(errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
				 errmsg("cannot write a large object on a node that does not lead")));
	barista_note_known_write();
}

void
large_object_function(Oid function)
{
	if (!large_object_is_writer(function))
		return;
	barista_oids_keep_apart();
	if (!barista_capturing())
	{
		/* Of an index, say, in apply or autovacuum. */
		if (!barista_bootstrapping)
			ereport(ERROR,
					(errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
					 errmsg("cannot write a large object here")));
		return;
	}
	if (ddl_recording())
		ddl_refuse("A large object that a schema change writes",
				   "Write it before or after the statement.");
	check_allowed();
	large_object_watch();
}

static Oid
next_number(void)
{
	Oid			next;

	LWLockAcquire(OidGenLock, LW_SHARED);
	next = barista_control->oids_lent ? barista_control->local_oid :
		ShmemVariableCache->nextOid;
	LWLockRelease(OidGenLock);
	return next;
}

void
large_object_created(Oid object)
{
	char	   *owner;

	if (!barista_capturing())
		return;
	check_allowed();
	LockRelationOid(LargeObjectMetadataRelationId, RowExclusiveLock);
	owner = GetUserNameFromId(GetUserId(), false);
	barista_buffer_message_begin('l');
	barista_buffer_append_u32(object);
	barista_buffer_append_cstr(owner);
	barista_buffer_append_u32(next_number());
	barista_buffer_message_end();
	pfree(owner);
}

/*
 * Its pages are about to be removed one by one.  Others may write new ones
 * meanwhile, which stay: so a follower, too, removes only what was removed here.
 */
void
large_object_unlinked(Oid object)
{
	if (!barista_capturing())
		return;
	check_allowed();
	if (IgnoreSystemIndexes)
		ddl_refuse("A large object's removal under ignore_system_indexes",
				   "Turn it off.");
	large_object_watch();
	LockRelationOid(LargeObjectMetadataRelationId, RowExclusiveLock);
	barista_buffer_message_begin('u');
	barista_buffer_append_u32(object);
	barista_buffer_message_end();
}
