/*-------------------------------------------------------------------------
 *
 * usercode.c
 *	  Does a change of a table's rows run users' functions on every node?
 *
 * Apply runs no triggers and no checks, but it makes the entries of indexes,
 * whose expressions and predicates may call users' functions, and it reads
 * values of types that contain domains.  Capture asks in order to send the
 * writer's search_path, apply in order to run them along it.
 *
 * The expressions are looked at as the catalog has them: simplifying them, as
 * the relation cache does, may already run such a function.
 *
 *-------------------------------------------------------------------------
 */
#include "barista.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/pg_index.h"
#include "catalog/pg_type.h"
#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

static bool
is_user_function(Oid function, void *context)
{
	return function >= FirstNormalObjectId;
}

static bool
runs_user_code(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, CoerceToDomain))
		return true;
	if (check_functions_in_node(node, is_user_function, NULL))
		return true;
	return expression_tree_walker(node, runs_user_code, context);
}

/* An attribute of pg_index that holds an expression, or none. */
static bool
attribute_runs_user_code(HeapTuple tuple, AttrNumber attribute)
{
	bool		null;
	Datum		value = SysCacheGetAttr(INDEXRELID, tuple, attribute, &null);

	return !null && runs_user_code(stringToNode(TextDatumGetCString(value)), NULL);
}

/* Takes a tuple of pg_index. */
bool
barista_index_runs_user_code(HeapTuple tuple)
{
	return attribute_runs_user_code(tuple, Anum_pg_index_indexprs) ||
		attribute_runs_user_code(tuple, Anum_pg_index_indpred);
}

/*
 * Does reading a value of this type?  A domain's own values are read as its
 * base type's.  Containers of a user's types check the domains in them.
 */
bool
barista_type_runs_user_code(Oid type)
{
	Oid			element;
	char		typtype;

	if (type < FirstNormalObjectId)
		return false;
	type = getBaseType(type);
	element = get_element_type(type);
	if (!OidIsValid(element))
		element = type;
	typtype = get_typtype(element);
	return element >= FirstNormalObjectId &&
		typtype != TYPTYPE_BASE && typtype != TYPTYPE_ENUM;
}

bool
barista_relation_runs_user_code(Relation rel)
{
	TupleDesc	desc = RelationGetDescr(rel);
	List	   *indexes = RelationGetIndexList(rel);
	bool		runs = false;
	ListCell   *lc;

	for (int i = 0; i < desc->natts && !runs; i++)
		runs = !TupleDescAttr(desc, i)->attisdropped &&
			barista_type_runs_user_code(TupleDescAttr(desc, i)->atttypid);
	foreach(lc, indexes)
	{
		HeapTuple	tuple;

		if (runs)
			break;
		tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(lfirst_oid(lc)));
		if (!HeapTupleIsValid(tuple))
			elog(ERROR, "cache lookup failed for index %u", lfirst_oid(lc));
		runs = barista_index_runs_user_code(tuple);
		ReleaseSysCache(tuple);
	}
	list_free(indexes);
	return runs;
}
