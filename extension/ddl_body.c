/*-------------------------------------------------------------------------
 *
 * ddl_body.c
 *	  Does a function in SQL say something temporary in its body?
 *
 * The planner reads the body of a function in SQL, to put it in its caller's
 * place, wherever it prepares the expression of an index, of a partition key or
 * of the default of a column that is added: also if the function is never called,
 * since there are no rows.  Where a statement is replayed there is nothing
 * temporary, and it would fail.
 *
 * Bodies are looked at as the parser makes them: only the call says of which types
 * the arguments of a polymorphic function are.  Of functions that have the same
 * name, each is looked at.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "nodes/nodeFuncs.h"
#include "parser/parser.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "ddl.h"

static bool body_is_temporary(Oid function, List **seen);

/* Functions of this name, and what they call. */
static bool
functions_are_temporary(List *names, List **seen)
{
	FuncCandidateList candidate;

	if (ddl_in_temporary_schema(names))
		return true;
	for (candidate = FuncnameGetCandidates(names, -1, NIL, false, false, true, true);
		 candidate != NULL; candidate = candidate->next)
		if (body_is_temporary(candidate->oid, seen))
			return true;
	return false;
}

static bool
is_temporary(Node *node, List **seen)
{
	Oid			relid;

	if (node == NULL)
		return false;
	switch (nodeTag(node))
	{
		case T_RangeVar:
			relid = RangeVarGetRelid((RangeVar *) node, NoLock, true);
			if (OidIsValid(relid) && get_rel_persistence(relid) == RELPERSISTENCE_TEMP)
				return true;
			break;
		case T_TypeName:
			if (ddl_type_is_temporary((TypeName *) node))
				return true;
			break;
		case T_FuncCall:
			if (functions_are_temporary(((FuncCall *) node)->funcname, seen))
				return true;
			break;
		default:
			break;
	}
	return raw_expression_tree_walker(node, is_temporary, seen);
}

/* Only one SELECT is put in its caller's place. */
static bool
text_is_temporary(const char *text, List **seen)
{
	List	   *raw = raw_parser(text, RAW_PARSE_DEFAULT);
	Node	   *select;

	if (list_length(raw) != 1)
		return false;
	select = linitial_node(RawStmt, raw)->stmt;
	return IsA(select, SelectStmt) && is_temporary(select, seen);
}

static bool
function_is_temporary(Oid function, void *seen)
{
	return body_is_temporary(function, seen);
}

/* An analyzed expression: the functions and operators in it. */
static bool
calls_temporary(Node *node, List **seen)
{
	if (node == NULL)
		return false;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, calls_temporary, seen, 0);
	return check_functions_in_node(node, function_is_temporary, seen) ||
		expression_tree_walker(node, calls_temporary, seen);
}

static bool
body_is_temporary(Oid function, List **seen)
{
	HeapTuple	tuple;
	Form_pg_proc form;
	bool		temporary = false;

	if (function < FirstNormalObjectId || list_member_oid(*seen, function))
		return false;
	*seen = lappend_oid(*seen, function);
	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	if (!HeapTupleIsValid(tuple))
		return false;
	form = (Form_pg_proc) GETSTRUCT(tuple);
	if (form->prolang == SQLlanguageId && form->prokind == PROKIND_FUNCTION &&
		!form->prosecdef && !form->proretset &&
		heap_attisnull(tuple, Anum_pg_proc_proconfig, NULL))
	{
		bool		null;
		Datum		body = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_prosqlbody, &null);

		/* One that was read when the function was made names nothing temporary. */
		if (!null)
			temporary = calls_temporary(stringToNode(TextDatumGetCString(body)), seen);
		else
		{
			body = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_prosrc, &null);
			temporary = !null && text_is_temporary(TextDatumGetCString(body), seen);
		}
	}
	ReleaseSysCache(tuple);
	return temporary;
}

bool
ddl_body_is_temporary(Oid function)
{
	List	   *seen = NIL;

	return body_is_temporary(function, &seen);
}

bool
ddl_calls_temporary(Node *expression)
{
	List	   *seen = NIL;

	return calls_temporary(expression, &seen);
}
