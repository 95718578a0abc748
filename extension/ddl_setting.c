/*-------------------------------------------------------------------------
 *
 * ddl_setting.c
 *	  Settings that are stored: of roles, databases and functions.
 *
 * Which settings a role may store, which values are right and what RESET ALL
 * takes away depend on the libraries that a session has loaded.  That of the
 * leader may have loaded others than those that apply, and these others from one
 * day to the next.  FROM CURRENT depends on the session besides.  So all that is
 * judged is judged where the statement runs first, and the settings that its
 * object then has travel behind the statement.  Other nodes store these, as they
 * are, and judge nothing.  A value that is wrong for a library is passed over with
 * a warning by sessions that begin, there as here.
 *
 * The settings are read and stored in the statement's own transaction: if the
 * server dies, here or where it is replayed, nothing of them is left.
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
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/dbcommands.h"
#include "nodes/makefuncs.h"
#include "parser/parse_func.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/syscache.h"

#include "ddl.h"

/* In the place of a function's SET and RESET clauses: what came of them. */
#define STORED	"barista_stored"

/* ------------------------------------------------------------------------
 * Which statements
 * ------------------------------------------------------------------------
 */

/* What a statement says about a function, or NULL. */
static List **
function_options(Node *node)
{
	if (IsA(node, CreateFunctionStmt))
		return &((CreateFunctionStmt *) node)->options;
	if (IsA(node, AlterFunctionStmt))
		return &((AlterFunctionStmt *) node)->actions;
	return NULL;
}

/* That of a role, a database or both; NULL: it is about a function. */
static VariableSetStmt *
row_setting(Node *node)
{
	if (IsA(node, AlterRoleSetStmt))
		return ((AlterRoleSetStmt *) node)->setstmt;
	if (IsA(node, AlterDatabaseSetStmt))
		return ((AlterDatabaseSetStmt *) node)->setstmt;
	return NULL;
}

bool
ddl_setting_is_stored(Node *node)
{
	List	  **options = function_options(node);
	ListCell   *lc;

	if (options == NULL)
		return row_setting(node) != NULL;
	foreach(lc, *options)
		if (strcmp(lfirst_node(DefElem, lc)->defname, "set") == 0)
			return true;
	return false;
}

/* ------------------------------------------------------------------------
 * Where a statement runs first
 * ------------------------------------------------------------------------
 */

static List *
strings(Datum array)
{
	List	   *result = NIL;
	Datum	   *elements;
	int			count;

	deconstruct_array(DatumGetArrayTypeP(array), TEXTOID, -1, false, TYPALIGN_INT,
					  &elements, NULL, &count);
	for (int i = 0; i < count; i++)
		result = lappend(result, TextDatumGetCString(elements[i]));
	return result;
}

static Oid
database_of(Node *node)
{
	const char *name = IsA(node, AlterDatabaseSetStmt) ?
		((AlterDatabaseSetStmt *) node)->dbname : ((AlterRoleSetStmt *) node)->database;

	return name ? get_database_oid(name, false) : InvalidOid;
}

/* ALL is no role. */
static Oid
role_of(Node *node)
{
	RoleSpec   *role = IsA(node, AlterRoleSetStmt) ? ((AlterRoleSetStmt *) node)->role : NULL;

	return role ? get_rolespec_oid(role, false) : InvalidOid;
}

static SysScanDesc
find_row(Relation rel, Oid database, Oid role)
{
	ScanKeyData keys[2];

	ScanKeyInit(&keys[0], Anum_pg_db_role_setting_setdatabase, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(database));
	ScanKeyInit(&keys[1], Anum_pg_db_role_setting_setrole, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(role));
	return systable_beginscan(rel, DbRoleSettingDatidRolidIndexId, true, NULL, 2, keys);
}

static List *
of_row(Oid database, Oid role)
{
	Relation	rel = table_open(DbRoleSettingRelationId, AccessShareLock);
	SysScanDesc scan = find_row(rel, database, role);
	HeapTuple	tuple = systable_getnext(scan);
	List	   *settings = NIL;
	bool		null = true;
	Datum		array = (Datum) 0;

	if (HeapTupleIsValid(tuple))
		array = heap_getattr(tuple, Anum_pg_db_role_setting_setconfig,
							 RelationGetDescr(rel), &null);
	if (!null)
		settings = strings(array);
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return settings;
}

static List *
of_function(Oid function)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	List	   *settings;
	bool		null;
	Datum		array;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for function %u", function);
	array = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_proconfig, &null);
	settings = null ? NIL : strings(array);
	ReleaseSysCache(tuple);
	return settings;
}

/* The function that a statement has made or altered. */
static Oid
function_of(Node *node, DdlFrame *frame)
{
	AlterFunctionStmt *stmt = (AlterFunctionStmt *) node;

	return IsA(node, CreateFunctionStmt) ? ddl_frame_object(frame, ProcedureRelationId) :
		LookupFuncWithArgs(stmt->objtype, stmt->func, false);
}

/* As name=value, when the statement has run. */
List *
ddl_setting_stored(Node *node, DdlFrame *frame)
{
	CommandCounterIncrement();
	return row_setting(node) ? of_row(database_of(node), role_of(node)) :
		of_function(function_of(node, frame));
}

/* ------------------------------------------------------------------------
 * Where it is replayed
 * ------------------------------------------------------------------------
 */

static Datum
array_of(List *settings)
{
	Datum	   *elements = palloc(list_length(settings) * sizeof(Datum));
	ListCell   *lc;

	foreach(lc, settings)
		elements[foreach_current_index(lc)] = CStringGetTextDatum(lfirst(lc));
	return PointerGetDatum(construct_array(elements, list_length(settings), TEXTOID, -1,
										   false, TYPALIGN_INT));
}

/* Puts what came of its settings into a statement that is replayed. */
void
ddl_setting_replace(Node *node, List *settings)
{
	List	  **options = function_options(node);
	VariableSetStmt *set = row_setting(node);
	ListCell   *lc;

	if (set)
	{
		set->args = settings;
		return;
	}
	if (options == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_BARISTA_MALFORMED),
				 errmsg("malformed statement: settings of what stores none")));
	foreach(lc, *options)
		if (strcmp(lfirst_node(DefElem, lc)->defname, "set") == 0)
			*options = foreach_delete_current(*options, lc);
	*options = lappend(*options, makeDefElem(STORED, (Node *) settings, -1));
}

/* Takes them out of a statement about a function before it runs; or NULL. */
DefElem *
ddl_setting_take(Node *node)
{
	List	  **options = function_options(node);
	DefElem    *last = options && *options ? llast_node(DefElem, *options) : NULL;

	if (last == NULL || strcmp(last->defname, STORED) != 0)
		return NULL;
	*options = list_delete_last(*options);
	return last;
}

/* When the statement has run without them. */
void
ddl_setting_store(DefElem *stored, Node *node, DdlFrame *frame)
{
	List	   *settings = (List *) stored->arg;
	Relation	rel = table_open(ProcedureRelationId, RowExclusiveLock);
	Datum		values[Natts_pg_proc] = {0};
	bool		nulls[Natts_pg_proc] = {0};
	bool		replaces[Natts_pg_proc] = {0};
	HeapTuple	tuple;
	Oid			function;

	CommandCounterIncrement();
	function = function_of(node, frame);
	tuple = SearchSysCacheCopy1(PROCOID, ObjectIdGetDatum(function));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for function %u", function);
	replaces[Anum_pg_proc_proconfig - 1] = true;
	nulls[Anum_pg_proc_proconfig - 1] = settings == NIL;
	if (settings != NIL)
		values[Anum_pg_proc_proconfig - 1] = array_of(settings);
	tuple = heap_modify_tuple(tuple, RelationGetDescr(rel), values, nulls, replaces);
	CatalogTupleUpdate(rel, &tuple->t_self, tuple);
	table_close(rel, RowExclusiveLock);
}

static void
store_row(Oid database, Oid role, List *settings)
{
	Relation	rel = table_open(DbRoleSettingRelationId, RowExclusiveLock);
	SysScanDesc scan = find_row(rel, database, role);
	HeapTuple	old = systable_getnext(scan);
	Datum		values[Natts_pg_db_role_setting] = {0};
	bool		nulls[Natts_pg_db_role_setting] = {0};

	values[Anum_pg_db_role_setting_setdatabase - 1] = ObjectIdGetDatum(database);
	values[Anum_pg_db_role_setting_setrole - 1] = ObjectIdGetDatum(role);
	if (settings != NIL)
	{
		HeapTuple	tuple;

		values[Anum_pg_db_role_setting_setconfig - 1] = array_of(settings);
		tuple = heap_form_tuple(RelationGetDescr(rel), values, nulls);
		if (HeapTupleIsValid(old))
			CatalogTupleUpdate(rel, &old->t_self, tuple);
		else
			CatalogTupleInsert(rel, tuple);
	}
	else if (HeapTupleIsValid(old))
		CatalogTupleDelete(rel, &old->t_self);
	systable_endscan(scan);
	table_close(rel, NoLock);
}

/* Is the statement about a role or a database?  Then it is done with this. */
bool
ddl_setting_replay(Node *node)
{
	Oid			database;
	Oid			role;

	if (row_setting(node) == NULL)
		return false;
	database = database_of(node);
	role = role_of(node);
	if (OidIsValid(database))
		shdepLockAndCheckObject(DatabaseRelationId, database);
	if (OidIsValid(role))
		shdepLockAndCheckObject(AuthIdRelationId, role);
	store_row(database, role, row_setting(node)->args);
	return true;
}
