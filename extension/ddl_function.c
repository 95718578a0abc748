/*-------------------------------------------------------------------------
 *
 * ddl_function.c
 *	  CREATE FUNCTION with types of a temporary table's columns (%TYPE).
 *
 * Other nodes do not have the table, so they are told what it came to: the
 * function as it is in the catalog.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "nodes/makefuncs.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"

#include "ddl.h"

/* table.column%TYPE */
static bool
is_copied(TypeName *type)
{
	List	   *table;
	Oid			relid;

	if (type == NULL || !type->pct_type)
		return false;
	table = list_truncate(list_copy(type->names), list_length(type->names) - 1);
	if (table == NIL)
		return false;
	relid = RangeVarGetRelid(makeRangeVarFromNameList(table), NoLock, true);
	return OidIsValid(relid) && get_rel_persistence(relid) == RELPERSISTENCE_TEMP;
}

/* Does it need a table that only this session has? */
bool
ddl_function_copies_temporary(Node *node)
{
	CreateFunctionStmt *stmt = (CreateFunctionStmt *) node;
	bool		copies;
	ListCell   *lc;

	if (!IsA(node, CreateFunctionStmt))
		return false;
	copies = is_copied(stmt->returnType);
	foreach(lc, stmt->parameters)
		copies |= is_copied(lfirst_node(FunctionParameter, lc)->argType);
	return copies;
}

/* What makes the function; to be read along DDL_NO_PATH. */
char *
ddl_function_text(Oid function)
{
	int			settings = NewGUCNestLevel();
	char	   *definition;

	(void) set_config_option("search_path", DDL_NO_PATH, PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	CommandCounterIncrement();
	definition = TextDatumGetCString(OidFunctionCall1(F_PG_GET_FUNCTIONDEF,
													  ObjectIdGetDatum(function)));
	AtEOXact_GUC(false, settings);
	return definition;
}
