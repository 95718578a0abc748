/*-------------------------------------------------------------------------
 *
 * ddl_database_rename.c
 *	  ALTER DATABASE ... RENAME on every node.
 *
 * The order names databases, as it names all else, so a new name must take its
 * place in it: what was written in the database comes before with the old name,
 * and after with the new one.  That is so because nobody is connected to a
 * database while it is being renamed, which the server itself demands: sessions
 * that wrote have ended, and new ones wait for the lock that the transaction
 * holds until its turn is over.
 *
 * It changes one row of a catalog in one transaction that passes the gate.  If
 * the server dies before the commit record, the old name is there again, and if
 * the change set was chosen the log brings the new one.  Where it is applied,
 * whoever is connected there must go, barista's own sessions too: they find the
 * database under its new name.
 *
 * barista keeps the states of sequences by database (internal/replicator), so
 * it reads this message, as it does that of a dropped database.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_database.h"
#include "commands/dbcommands.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/syscache.h"

#include "apply.h"
#include "ddl.h"

/*
 * Errors (0A000) for names that are Barista's.  barista's own sessions in the
 * database are told to end; RenameDatabase waits for that.  Those who may not
 * rename it are left to find that out there.
 */
void
ddl_database_before_rename(RenameStmt *stmt)
{
	Oid			database = get_database_oid(stmt->subname, true);
	HeapTuple	tuple;

	ddl_database_refuse_own(stmt->subname, "ALTER DATABASE ... RENAME");
	ddl_database_check_name(stmt->newname);
	if (!OidIsValid(database) || database == MyDatabaseId ||
		!pg_database_ownercheck(database, GetUserId()) ||
		!have_createdb_privilege())
		return;
	tuple = ddl_database_lock(stmt->subname);
	if (tuple != NULL)
		ddl_database_end_own_sessions(((Form_pg_database) GETSTRUCT(tuple))->oid);
}

/* After it has run. */
void
ddl_database_renamed(RenameStmt *stmt)
{
	barista_note_ddl();
	barista_note_names_databases();
	barista_buffer_message_begin('n');
	barista_buffer_append_cstr(stmt->subname);
	barista_buffer_append_cstr(stmt->newname);
	barista_buffer_message_end();
}

/* Where it is replayed. */
void
apply_rename_database(const char *from, const char *to)
{
	HeapTuple	tuple = ddl_database_lock(from);
	BaristaRights before;

	if (tuple == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_BARISTA_DIVERGENCE),
				 errmsg("there is no database \"%s\" to rename", from)));
	ddl_database_end_sessions(((Form_pg_database) GETSTRUCT(tuple))->oid);
	barista_rights_take(BOOTSTRAP_SUPERUSERID, &before);
	(void) RenameDatabase(from, to);
	barista_rights_give_back(&before);
}
