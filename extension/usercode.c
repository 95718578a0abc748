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
 * Operator classes may rest on users' functions, too.  Those in C, of which
 * extensions' operator classes are made, take neither path nor role into account.
 *
 *-------------------------------------------------------------------------
 */
#include "barista.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/pg_amop.h"
#include "catalog/pg_amproc.h"
#include "catalog/pg_index.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
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

/* A users' function that is not in C. */
static bool
is_interpreted(Oid function)
{
	HeapTuple	tuple;
	Oid			language;

	if (!is_user_function(function, NULL))
		return false;
	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	if (!HeapTupleIsValid(tuple))
		return false;
	language = ((Form_pg_proc) GETSTRUCT(tuple))->prolang;
	ReleaseSysCache(tuple);
	return language != INTERNALlanguageId && language != ClanguageId;
}

/* Does a family of operators rest on functions that are not in C? */
static bool
family_runs_user_code(Oid family)
{
	CatCList   *functions = SearchSysCacheList1(AMPROCNUM, ObjectIdGetDatum(family));
	CatCList   *operators = SearchSysCacheList1(AMOPSTRATEGY, ObjectIdGetDatum(family));
	bool		runs = false;

	for (int i = 0; i < functions->n_members && !runs; i++)
		runs = is_interpreted(((Form_pg_amproc)
							   GETSTRUCT(&functions->members[i]->tuple))->amproc);
	for (int i = 0; i < operators->n_members && !runs; i++)
		runs = is_interpreted(get_opcode(((Form_pg_amop)
										  GETSTRUCT(&operators->members[i]->tuple))->amopopr));
	ReleaseSysCacheList(operators);
	ReleaseSysCacheList(functions);
	return runs;
}

/* Is one of the index's operator classes of that kind? */
static bool
operators_run_user_code(HeapTuple tuple)
{
	bool		null;
	Datum		value = SysCacheGetAttr(INDEXRELID, tuple, Anum_pg_index_indclass, &null);
	oidvector  *classes = (oidvector *) DatumGetPointer(value);

	for (int i = 0; i < classes->dim1; i++)
		if (classes->values[i] >= FirstNormalObjectId &&
			family_runs_user_code(get_opclass_family(classes->values[i])))
			return true;
	return false;
}

/* Takes a tuple of pg_index. */
bool
barista_index_runs_user_code(HeapTuple tuple)
{
	return attribute_runs_user_code(tuple, Anum_pg_index_indexprs) ||
		attribute_runs_user_code(tuple, Anum_pg_index_indpred) ||
		operators_run_user_code(tuple);
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

static bool
may_not_run(Oid function, void *owner)
{
	if (pg_proc_aclcheck(function, *(Oid *) owner, ACL_EXECUTE) == ACLCHECK_OK)
		return false;
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("the owner of a table may not run function %s of an index",
					format_procedure(function)),
			 errdetail("Every node makes the entries of the index, as the table's owner."),
			 errhint("GRANT EXECUTE ON FUNCTION ... TO %s.",
					 quote_identifier(GetUserNameFromId(*(Oid *) owner, false)))));
}

static bool
check_functions(Node *node, void *owner)
{
	if (node == NULL)
		return false;
	(void) check_functions_in_node(node, may_not_run, owner);
	return expression_tree_walker(node, check_functions, owner);
}

void
barista_check_owner(Relation rel)
{
	static const AttrNumber attributes[] = {Anum_pg_index_indexprs, Anum_pg_index_indpred};
	Oid			owner = rel->rd_rel->relowner;
	List	   *indexes = RelationGetIndexList(rel);
	ListCell   *lc;

	foreach(lc, indexes)
	{
		HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(lfirst_oid(lc)));

		if (!HeapTupleIsValid(tuple))
			elog(ERROR, "cache lookup failed for index %u", lfirst_oid(lc));
		for (int i = 0; i < lengthof(attributes); i++)
		{
			bool		null;
			Datum		value = SysCacheGetAttr(INDEXRELID, tuple, attributes[i], &null);

			if (!null && attribute_runs_user_code(tuple, attributes[i]))
				(void) check_functions(stringToNode(TextDatumGetCString(value)), &owner);
		}
		ReleaseSysCache(tuple);
	}
	list_free(indexes);
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
