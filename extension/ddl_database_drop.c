/*-------------------------------------------------------------------------
 *
 * ddl_database_drop.c
 *	  DROP DATABASE in two steps, of which only the first can be undone.
 *
 * The server's own DROP DATABASE destroys the files before its transaction ends.
 * So the statement runs as
 *
 *		1. A transaction that passes the gate takes the name away from the
 *		   database, and all that other catalogs know of it, and marks it as one
 *		   that nobody can connect to.  This is what is agreed on and replayed.
 *		2. Each server destroys what is so marked, by itself: directly
 *		   afterwards, or else when it applies the next change.
 *
 * A crash before the end of 1 leaves the database as it was, one after it a
 * nameless rest that is swept away later.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_database.h"
#include "catalog/pg_db_role_setting.h"
#include "commands/comment.h"
#include "commands/dbcommands.h"
#include "commands/seclabel.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "storage/procarray.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/resowner.h"
#include "utils/syscache.h"

#include "apply.h"
#include "ddl.h"

/* What databases that have been dropped are called until they are gone. */
#define DROPPED_PREFIX	"barista_dropped_"

/* May there be some, for all that this backend knows? */
static bool unswept = true;

/* what is the beginning of a statement: "DROP DATABASE". */
void
ddl_database_refuse_own(const char *name, const char *what)
{
	if (strcmp(name, "postgres") == 0 || strcmp(name, "template1") == 0)
		ddl_refuse(psprintf("%s of \"postgres\" or \"template1\"", what),
				   "Barista itself connects to it.");
}

/* The name is taken: what is dropped is called so on each server by another number. */
void
ddl_database_check_name(const char *name)
{
	if (strncmp(name, DROPPED_PREFIX, strlen(DROPPED_PREFIX)) == 0)
		ddl_refuse("A database with a name that begins with \"" DROPPED_PREFIX "\"",
				   "Choose another name.");
}

HeapTuple
ddl_database_lock(const char *name)
{
	Oid			database = get_database_oid(name, true);
	HeapTuple	tuple;

	if (!OidIsValid(database))
		return NULL;
	LockSharedObject(DatabaseRelationId, database, 0, AccessExclusiveLock);
	tuple = SearchSysCacheCopy1(DATABASEOID, ObjectIdGetDatum(database));
	if (HeapTupleIsValid(tuple) &&
		strcmp(NameStr(((Form_pg_database) GETSTRUCT(tuple))->datname), name) == 0)
		return tuple;
	return NULL;
}

static void
check_allowed(Form_pg_database form)
{
	const char *name = NameStr(form->datname);

	if (!pg_database_ownercheck(form->oid, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_DATABASE, name);
	ddl_database_refuse_own(name, "DROP DATABASE");
	if (form->datistemplate)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("cannot drop a template database")));
	if (form->oid == MyDatabaseId)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("cannot drop the currently open database")));
}

static void
check_unused(Form_pg_database form)
{
	int			others;
	int			prepared;

	if (CountOtherDBBackends(form->oid, &others, &prepared))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("database \"%s\" is being accessed by other users",
						NameStr(form->datname)),
				 errdetail_plural("There is %d other session using the database.",
								  "There are %d other sessions using the database.",
								  others, others)));
}

void
ddl_database_end_sessions(Oid database)
{
	BaristaRights before;

	barista_rights_take(BOOTSTRAP_SUPERUSERID, &before);
	TerminateOtherDBBackends(database);
	barista_rights_give_back(&before);
}

/* Step 1 in the catalogs.  Nothing of it lasts if the transaction does not. */
static void
mark(Relation databases, HeapTuple tuple)
{
	Oid			database = ((Form_pg_database) GETSTRUCT(tuple))->oid;
	Datum		values[Natts_pg_database] = {0};
	bool		nulls[Natts_pg_database] = {false};
	bool		replaced[Natts_pg_database] = {false};
	NameData	name;

	DeleteSharedComments(database, DatabaseRelationId);
	DeleteSharedSecurityLabel(database, DatabaseRelationId);
	DropSetting(database, InvalidOid);
	dropDatabaseDependencies(database);

	namestrcpy(&name, psprintf(DROPPED_PREFIX "%u", database));
	values[Anum_pg_database_datname - 1] = NameGetDatum(&name);
	values[Anum_pg_database_datdba - 1] = ObjectIdGetDatum(BOOTSTRAP_SUPERUSERID);
	values[Anum_pg_database_datistemplate - 1] = BoolGetDatum(false);
	values[Anum_pg_database_datallowconn - 1] = BoolGetDatum(false);
	values[Anum_pg_database_datconnlimit - 1] = Int32GetDatum(DATCONNLIMIT_INVALID_DB);
	nulls[Anum_pg_database_datacl - 1] = true;
	replaced[Anum_pg_database_datname - 1] = true;
	replaced[Anum_pg_database_datdba - 1] = true;
	replaced[Anum_pg_database_datistemplate - 1] = true;
	replaced[Anum_pg_database_datallowconn - 1] = true;
	replaced[Anum_pg_database_datconnlimit - 1] = true;
	replaced[Anum_pg_database_datacl - 1] = true;
	tuple = heap_modify_tuple(tuple, RelationGetDescr(databases), values, nulls, replaced);
	CatalogTupleUpdate(databases, &tuple->t_self, tuple);
	unswept = true;
}

/* Step 1 where the statement runs; returns false if there is no such database. */
bool
ddl_database_drop(const char *name, bool force)
{
	Relation	databases = table_open(DatabaseRelationId, RowExclusiveLock);
	HeapTuple	tuple = ddl_database_lock(name);

	if (tuple != NULL)
	{
		Form_pg_database form = (Form_pg_database) GETSTRUCT(tuple);

		check_allowed(form);
		ddl_database_end_own_sessions(form->oid);
		if (force)
			TerminateOtherDBBackends(form->oid);
		check_unused(form);
		mark(databases, tuple);
		barista_note_ddl();
		barista_note_names_databases();
		barista_buffer_message_begin('d');
		barista_buffer_append_cstr(name);
		barista_buffer_message_end();
	}
	table_close(databases, NoLock);
	return tuple != NULL;
}

/* Step 1 where it is replayed. */
void
apply_drop_database(const char *name)
{
	Relation	databases = table_open(DatabaseRelationId, RowExclusiveLock);
	HeapTuple	tuple = ddl_database_lock(name);
	Form_pg_database form;

	if (tuple == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_BARISTA_DIVERGENCE),
				 errmsg("there is no database \"%s\" to drop", name)));
	form = (Form_pg_database) GETSTRUCT(tuple);
	ddl_database_end_sessions(form->oid);
	check_unused(form);
	mark(databases, tuple);
	table_close(databases, NoLock);
}

/* Step 2, in a transaction of this server only. */
void
barista_sweep_databases(void)
{
	Relation	databases;
	SysScanDesc scan;
	List	   *names = NIL;
	HeapTuple	tuple;
	BaristaRights before;
	ListCell   *lc;

	if (!unswept)
		return;
	databases = table_open(DatabaseRelationId, AccessShareLock);
	scan = systable_beginscan(databases, InvalidOid, false, NULL, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_database form = (Form_pg_database) GETSTRUCT(tuple);

		if (form->datconnlimit == DATCONNLIMIT_INVALID_DB &&
			strncmp(NameStr(form->datname), DROPPED_PREFIX, strlen(DROPPED_PREFIX)) == 0)
			names = lappend(names, pstrdup(NameStr(form->datname)));
	}
	systable_endscan(scan);
	table_close(databases, AccessShareLock);
	unswept = false;

	barista_rights_take(BOOTSTRAP_SUPERUSERID, &before);
	foreach(lc, names)
		dropdb(lfirst(lc), true, true);
	barista_rights_give_back(&before);
}

/*
 * Step 2 where the statement ran.  The database is dropped, whatever happens
 * here: an error is a warning.
 */
void
ddl_database_sweep(void)
{
	MemoryContext caller = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;

	barista_note_known_write();
	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(caller);
	PG_TRY();
	{
		barista_sweep_databases();
		ReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(caller);
		CurrentResourceOwner = owner;
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(caller);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(caller);
		CurrentResourceOwner = owner;
		unswept = true;
		ereport(WARNING,
				(errmsg("files of a dropped database are left for now"),
				 errdetail("%s", error->message)));
		FreeErrorData(error);
	}
	PG_END_TRY();
}
