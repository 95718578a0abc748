/*-------------------------------------------------------------------------
 *
 * ddl_setting.c
 *	  Replay of statements that store settings of roles, databases and functions.
 *
 * Whether a role may set a library's setting is known to those who have loaded
 * the library: the session of the leader may have, that of apply need not, and
 * then only a superuser may.  Where the statement ran first the right has been
 * judged, so where it is replayed a superuser stores the setting.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_proc.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "tcop/utility.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "ddl.h"

/* RESET ALL leaves what the role may not set; it means the role. */
static bool
stores(VariableSetStmt *set)
{
	return set->kind != VAR_RESET_ALL;
}

/* The SET and RESET clauses among a function's options, and the others. */
static List *
take_settings(List **options)
{
	List	   *settings = NIL;
	ListCell   *lc;

	foreach(lc, *options)
	{
		DefElem    *option = lfirst_node(DefElem, lc);

		if (strcmp(option->defname, "set") != 0)
			continue;
		settings = lappend(settings, option);
		*options = foreach_delete_current(*options, lc);
	}
	return settings;
}

/* Does only the right to set something depend on the role? */
bool
ddl_setting_by_superuser(Node *node)
{
	if (IsA(node, AlterRoleSetStmt))
	{
		RoleSpec   *role = ((AlterRoleSetStmt *) node)->role;

		if (!stores(((AlterRoleSetStmt *) node)->setstmt))
			return false;
		if (role && role->roletype != ROLESPEC_CSTRING)
		{
			role->roletype = ROLESPEC_CSTRING;
			role->rolename = GetUserNameFromId(GetUserId(), false);
		}
		return true;
	}
	if (IsA(node, AlterDatabaseSetStmt))
		return stores(((AlterDatabaseSetStmt *) node)->setstmt);
	if (IsA(node, AlterFunctionStmt))
	{
		List	   *actions = list_copy(((AlterFunctionStmt *) node)->actions);

		return take_settings(&actions) != NIL;
	}
	return false;
}

/* Of CREATE FUNCTION: the settings, which are to be stored when it has run. */
List *
ddl_setting_take(Node *node)
{
	return IsA(node, CreateFunctionStmt) ?
		take_settings(&((CreateFunctionStmt *) node)->options) : NIL;
}

/* Stores them; the function belongs to the role that made it. */
void
ddl_setting_store(List *settings, Oid function)
{
	AlterFunctionStmt *stmt = makeNode(AlterFunctionStmt);
	ObjectWithArgs *name = makeNode(ObjectWithArgs);
	PlannedStmt *pstmt = makeNode(PlannedStmt);
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Form_pg_proc form;
	Oid			user;
	int			security;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for function %u", function);
	form = (Form_pg_proc) GETSTRUCT(tuple);
	name->objname = list_make2(makeString(get_namespace_name(form->pronamespace)),
							   makeString(pstrdup(NameStr(form->proname))));
	for (int i = 0; i < form->pronargs; i++)
		name->objargs = lappend(name->objargs,
								makeTypeNameFromOid(form->proargtypes.values[i], -1));
	ReleaseSysCache(tuple);
	stmt->objtype = OBJECT_ROUTINE;
	stmt->func = name;
	stmt->actions = settings;
	pstmt->commandType = CMD_UTILITY;
	pstmt->utilityStmt = (Node *) stmt;
	pstmt->stmt_location = -1;

	GetUserIdAndSecContext(&user, &security);
	SetUserIdAndSecContext(BOOTSTRAP_SUPERUSERID, security);
	CommandCounterIncrement();
	ProcessUtility(pstmt, "", false, PROCESS_UTILITY_SUBCOMMAND, NULL, NULL,
				   None_Receiver, NULL);
	SetUserIdAndSecContext(user, security);
}
