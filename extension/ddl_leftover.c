/*-------------------------------------------------------------------------
 *
 * ddl_leftover.c
 *	  Files without an owner that are in the way of an OID.
 *
 * A new table's file, and a new database's folder, has the number of its OID, and
 * the server gives up an OID if there is such a file.  On a node that has led, there
 * may be one that belongs to nothing:
 *
 *		1. The leader makes table 20000 in a transaction that is refused, since another
 *		   node takes over, or that a crash ends.
 *		2. Its file stays: empty, up to the next checkpoint; or, after the crash, as it
 *		   is, for ever.
 *		3. Nobody has heard of 20000.  The next leader gives it to another table.
 *
 * The same is left behind by a replay that failed and comes again.
 *
 * A file that waits for a checkpoint must not get a new owner before: the checkpoint
 * would remove it by its number.  So a checkpoint comes first.  What is there then,
 * and which no row of the catalog names, is removed: nobody but us makes files of such
 * numbers here (ddl_oids.c).  If the process dies on the way, it is done again.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <sys/stat.h>
#include <unistd.h>

#include "catalog/pg_class.h"
#include "catalog/pg_database.h"
#include "catalog/pg_tablespace_d.h"
#include "catalog/storage.h"
#include "common/relpath.h"
#include "miscadmin.h"
#include "postmaster/bgwriter.h"
#include "storage/fd.h"
#include "storage/smgr.h"
#include "utils/relfilenodemap.h"
#include "utils/syscache.h"

#include "ddl.h"

static RelFileNode
file_of(Oid oid)
{
	RelFileNode node = {MyDatabaseTableSpace, MyDatabaseId, oid};

	return node;
}

static bool
is_there(char *path)
{
	bool		there = access(path, F_OK) == 0;

	pfree(path);
	return there;
}

static void
look_for_file(Oid oid, void *found)
{
	*(bool *) found |= is_there(relpathperm(file_of(oid), MAIN_FORKNUM));
}

static void
look_for_folder(Oid oid, void *found)
{
	*(bool *) found |= is_there(GetDatabasePath(oid, DEFAULTTABLESPACE_OID));
}

/* Does it belong to a table of which this transaction has taken it?  It needs it again if we abort. */
static bool
goes_at_commit(Oid oid)
{
	RelFileNode *files;
	int			count = smgrGetPendingDeletes(true, &files);
	bool		goes = false;

	for (int i = 0; i < count; i++)
		goes |= RelFileNodeEquals(files[i], file_of(oid));
	if (count > 0)
		pfree(files);
	return goes;
}

static void
remove_file(Oid oid, void *context)
{
	SMgrRelation file;

	if (!is_there(relpathperm(file_of(oid), MAIN_FORKNUM)) ||
		OidIsValid(RelidByRelfilenode(MyDatabaseTableSpace, oid)) ||
		goes_at_commit(oid))
		return;
	ereport(LOG,
			(errmsg("removing file %u, which belongs to no table", oid)));
	file = smgropen(file_of(oid), InvalidBackendId);
	smgrdounlinkall(&file, 1, true);
	smgrclose(file);
}

static void
remove_folder(Oid oid, void *context)
{
	char	   *path = GetDatabasePath(oid, DEFAULTTABLESPACE_OID);

	if (access(path, F_OK) == 0 && !SearchSysCacheExists1(DATABASEOID, ObjectIdGetDatum(oid)))
	{
		ereport(LOG,
				(errmsg("removing folder \"%s\", which belongs to no database", path)));
		(void) rmtree(path, true);
	}
	pfree(path);
}

/* Of the relations and databases that are to be made. */
void
ddl_leftover_remove(DdlOids *oids)
{
	bool		found = false;

	ddl_oids_each(oids, RelationRelationId, look_for_file, &found);
	ddl_oids_each(oids, DatabaseRelationId, look_for_folder, &found);
	if (!found)
		return;
	RequestCheckpoint(CHECKPOINT_IMMEDIATE | CHECKPOINT_FORCE | CHECKPOINT_WAIT);
	ddl_oids_each(oids, RelationRelationId, remove_file, NULL);
	ddl_oids_each(oids, DatabaseRelationId, remove_folder, NULL);
}
