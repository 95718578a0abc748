/*-------------------------------------------------------------------------
 *
 * ddl_database.c
 *	  CREATE DATABASE on every node.
 *
 * It is one transaction, which passes the gate when the copy is made and before
 * the new database is to be seen: if it does not pass, or the server dies before,
 * files of no database are left behind and nothing else.  The other nodes copy
 * their own template, which holds the same at that position: nobody is connected
 * to a template that is being copied.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <signal.h>

#include "access/htup_details.h"
#include "catalog/pg_database.h"
#include "commands/dbcommands.h"
#include "commands/defrem.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "parser/parse_node.h"
#include "utils/acl.h"
#include "utils/backend_status.h"
#include "utils/builtins.h"
#include "utils/syscache.h"

#include "ddl.h"

static char *
setting(HeapTuple tuple, AttrNumber attribute)
{
	bool		null;
	Datum		value = SysCacheGetAttr(DATABASEOID, tuple, attribute, &null);

	return null ? pstrdup("") : TextDatumGetCString(value);
}

/* Is it C, or this database's own, which the nodes have compared? */
static bool
is_known_locale(const char *name)
{
	static const char *const everywhere[] = {"C", "POSIX", "C.UTF-8", "C.utf8"};
	HeapTuple	tuple;
	bool		known;

	for (int i = 0; i < lengthof(everywhere); i++)
		if (strcmp(name, everywhere[i]) == 0)
			return true;
	tuple = SearchSysCache1(DATABASEOID, ObjectIdGetDatum(MyDatabaseId));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for database %u", MyDatabaseId);
	known = strcmp(name, setting(tuple, Anum_pg_database_datcollate)) == 0 ||
		strcmp(name, setting(tuple, Anum_pg_database_datctype)) == 0;
	ReleaseSysCache(tuple);
	return known;
}

static bool
is_utf8(DefElem *option)
{
	if (IsA(option->arg, Integer))
		return intVal(option->arg) < 0 || intVal(option->arg) == PG_UTF8;
	return pg_char_to_encoding(defGetString(option)) == PG_UTF8;
}

static void
check_option(DefElem *option)
{
	const char *name = option->defname;

	if (option->arg == NULL)
		return;					/* DEFAULT */
	if (strcmp(name, "allow_connections") == 0 && !defGetBoolean(option))
		ddl_refuse("CREATE DATABASE ... ALLOW_CONNECTIONS false",
				   "Barista itself connects to it; use REVOKE CONNECT ON DATABASE.");
	if (strcmp(name, "oid") == 0 || strcmp(name, "collation_version") == 0)
		ddl_refuse("CREATE DATABASE with an OID or a version of its collation",
				   "Leave the option out: each server has its own.");
	if (strcmp(name, "tablespace") == 0 && strcmp(defGetString(option), "pg_default") != 0)
		ddl_refuse("CREATE DATABASE ... TABLESPACE",
				   "Tablespaces are a matter of each server.");
	if (strcmp(name, "encoding") == 0 && !is_utf8(option))
		ddl_refuse("A database in another encoding than UTF8",
				   "Let clients set client_encoding.");
	if ((strcmp(name, "locale") == 0 || strcmp(name, "lc_collate") == 0 ||
		 strcmp(name, "lc_ctype") == 0) && !is_known_locale(defGetString(option)))
		ddl_refuse("A database with a locale that the cluster does not have",
				   "Use the locale of this database, or C; other collations go with columns and indexes.");
}

/* Errors (0A000) for what may not be made alike on every node. */
void
ddl_database_check(CreatedbStmt *stmt)
{
	ListCell   *lc;

	ddl_database_check_name(stmt->dbname);
	foreach(lc, stmt->options)
		check_option(lfirst_node(DefElem, lc));
}

/* The template that is to be copied, or InvalidOid if there is none. */
static Oid
template(CreatedbStmt *stmt)
{
	const char *name = "template1";
	ListCell   *lc;

	foreach(lc, stmt->options)
	{
		DefElem    *option = lfirst_node(DefElem, lc);

		if (strcmp(option->defname, "template") == 0 && option->arg)
			name = defGetString(option);
	}
	return get_database_oid(name, true);
}

/*
 * Tells barista's own sessions in a database to end: they come again, and would
 * keep it from being copied.
 */
void
ddl_database_end_own_sessions(Oid database)
{
	int			total;

	pgstat_clear_backend_activity_snapshot();
	total = pgstat_fetch_stat_numbackends();
	for (int i = 1; i <= total; i++)
	{
		LocalPgBackendStatus *local = pgstat_fetch_stat_local_beentry(i);

		if (local && local->backendStatus.st_procpid > 0 &&
			local->backendStatus.st_procpid != MyProcPid &&
			local->backendStatus.st_backendType == B_BACKEND &&
			local->backendStatus.st_databaseid == database &&
			barista_is_own_backend(local->backendStatus.st_procpid))
			(void) kill(local->backendStatus.st_procpid, SIGTERM);
	}
}

/* May the role make a copy of it? */
static bool
may_copy(Oid database)
{
	HeapTuple	tuple = SearchSysCache1(DATABASEOID, ObjectIdGetDatum(database));
	bool		may;

	if (!HeapTupleIsValid(tuple))
		return false;
	may = have_createdb_privilege() &&
		(((Form_pg_database) GETSTRUCT(tuple))->datistemplate ||
		 pg_database_ownercheck(database, GetUserId()));
	ReleaseSysCache(tuple);
	return may;
}

/*
 * Where the statement runs first; it waits for the sessions to end.  Whose statement
 * will be refused must not end them.
 */
void
ddl_database_before(CreatedbStmt *stmt)
{
	Oid			database = template(stmt);

	if (OidIsValid(database) && database != MyDatabaseId && may_copy(database))
		ddl_database_end_own_sessions(database);
}

/* Where it is replayed: whoever reads the template there must go. */
void
ddl_database_replay(CreatedbStmt *stmt)
{
	ParseState *pstate = make_parsestate(NULL);
	Oid			database = template(stmt);

	if (OidIsValid(database) && database != MyDatabaseId)
		ddl_database_end_sessions(database);
	(void) createdb(pstate, stmt);
	free_parsestate(pstate);
}
