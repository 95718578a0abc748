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
#include "access/table.h"
#include "access/transam.h"
#include "catalog/namespace.h"
#include "catalog/pg_amop.h"
#include "catalog/pg_amproc.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_index.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_range.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/syscache.h"

static bool
is_user_function(Oid function, void *context)
{
	return function >= FirstNormalObjectId;
}

/* What is looked for among the functions of an index. */
typedef struct FunctionSearch
{
	check_function_callback test;
	void	   *context;		/* of test */
	bool		types;			/* users' types count, too: casts to domains, and values */
} FunctionSearch;

/*
 * The server's own functions upon a value call the functions of its type: of a range
 * that they make, the canonical one.  Values come from columns and constants.
 */
static bool
is_of_users_type(Node *node)
{
	return IsA(node, CoerceToDomain) ||
		((IsA(node, Var) || IsA(node, Const)) && barista_type_runs_user_code(exprType(node)));
}

static bool finds_in_checks(Oid domain, FunctionSearch *search);

static bool
finds(Node *node, void *search)
{
	FunctionSearch *s = (FunctionSearch *) search;

	if (node == NULL)
		return false;
	if (IsA(node, Query))		/* in the body of a function */
		return query_tree_walker((Query *) node, finds, search, 0);
	if (s->types ? is_of_users_type(node) :
		IsA(node, CoerceToDomain) && finds_in_checks(((CoerceToDomain *) node)->resulttype, s))
		return true;
	if (check_functions_in_node(node, s->test, s->context))
		return true;
	return expression_tree_walker(node, finds, search);
}

/* What a domain is made of; an invalid OID if it is none. */
static Oid
base_of_domain(Oid type)
{
	HeapTuple	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
	Oid			base;

	if (!HeapTupleIsValid(tuple))
		return InvalidOid;
	base = ((Form_pg_type) GETSTRUCT(tuple))->typbasetype;
	ReleaseSysCache(tuple);
	return base;
}

/* In the checks of a domain and of those that it is made of. */
static bool
finds_in_checks(Oid domain, FunctionSearch *search)
{
	bool		found = false;

	for (; !found && OidIsValid(domain); domain = base_of_domain(domain))
	{
		Relation	constraints = table_open(ConstraintRelationId, AccessShareLock);
		ScanKeyData key;
		SysScanDesc scan;
		HeapTuple	tuple;

		ScanKeyInit(&key, Anum_pg_constraint_contypid, BTEqualStrategyNumber, F_OIDEQ,
					ObjectIdGetDatum(domain));
		scan = systable_beginscan(constraints, ConstraintTypidIndexId, true, NULL, 1, &key);
		while (!found && HeapTupleIsValid(tuple = systable_getnext(scan)))
		{
			bool		null;
			Datum		check = heap_getattr(tuple, Anum_pg_constraint_conbin,
											 RelationGetDescr(constraints), &null);

			found = !null && finds(stringToNode(TextDatumGetCString(check)), search);
		}
		systable_endscan(scan);
		table_close(constraints, AccessShareLock);
	}
	return found;
}

bool
barista_calls(Node *node, check_function_callback test, void *context)
{
	FunctionSearch search = {test, context, false};

	return finds(node, &search);
}

/* In the expressions and the predicate of a tuple of pg_index. */
static bool
finds_in_expressions(HeapTuple tuple, FunctionSearch *search)
{
	static const AttrNumber attributes[] = {Anum_pg_index_indexprs, Anum_pg_index_indpred};

	for (int i = 0; i < lengthof(attributes); i++)
	{
		bool		null;
		Datum		value = SysCacheGetAttr(INDEXRELID, tuple, attributes[i], &null);

		if (!null && finds(stringToNode(TextDatumGetCString(value)), search))
			return true;
	}
	return false;
}

/* A users' function that is not in C. */
static bool
is_interpreted(Oid function, void *context)
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

static bool
finds_in_family(Oid family, FunctionSearch *search)
{
	CatCList   *functions = SearchSysCacheList1(AMPROCNUM, ObjectIdGetDatum(family));
	CatCList   *operators = SearchSysCacheList1(AMOPSTRATEGY, ObjectIdGetDatum(family));
	bool		found = false;

	for (int i = 0; i < functions->n_members && !found; i++)
		found = search->test(((Form_pg_amproc)
							  GETSTRUCT(&functions->members[i]->tuple))->amproc,
							 search->context);
	for (int i = 0; i < operators->n_members && !found; i++)
		found = search->test(get_opcode(((Form_pg_amop)
										 GETSTRUCT(&operators->members[i]->tuple))->amopopr),
							 search->context);
	ReleaseSysCacheList(operators);
	ReleaseSysCacheList(functions);
	return found;
}

/* In the families of users' operator classes of a tuple of pg_index. */
static bool
finds_in_operators(HeapTuple tuple, FunctionSearch *search)
{
	bool		null;
	Datum		value = SysCacheGetAttr(INDEXRELID, tuple, Anum_pg_index_indclass, &null);
	oidvector  *classes = (oidvector *) DatumGetPointer(value);

	for (int i = 0; i < classes->dim1; i++)
		if (classes->values[i] >= FirstNormalObjectId &&
			finds_in_family(get_opclass_family(classes->values[i]), search))
			return true;
	return false;
}

typedef bool (*IndexTest) (HeapTuple tuple, void *context);

/* Does one of a table's indexes, by its tuple of pg_index, pass the test? */
static bool
any_index(Relation rel, IndexTest test, void *context)
{
	List	   *indexes = RelationGetIndexList(rel);
	bool		found = false;
	ListCell   *lc;

	foreach(lc, indexes)
	{
		HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(lfirst_oid(lc)));

		if (!HeapTupleIsValid(tuple))
			elog(ERROR, "cache lookup failed for index %u", lfirst_oid(lc));
		found = test(tuple, context);
		ReleaseSysCache(tuple);
		if (found)
			break;
	}
	list_free(indexes);
	return found;
}

/* Takes a tuple of pg_index. */
bool
barista_index_runs_user_code(HeapTuple tuple)
{
	FunctionSearch users = {is_user_function, NULL, true};
	FunctionSearch interpreted = {is_interpreted, NULL, false};

	return finds_in_expressions(tuple, &users) || finds_in_operators(tuple, &interpreted);
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
check_index_owner(HeapTuple tuple, void *owner)
{
	FunctionSearch search = {may_not_run, owner, false};

	if (barista_index_runs_user_code(tuple))
		(void) finds_in_expressions(tuple, &search);
	return false;
}

void
barista_check_owner(Relation rel)
{
	Oid			owner = rel->rd_rel->relowner;

	(void) any_index(rel, check_index_owner, &owner);
}

/* A function, and the schema of the path that it might look into. */
static bool
may_not_look(Oid function, void *schema)
{
	List	   *asked = NIL;

	if (!barista_follows_path(function, &asked))
		return false;
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("function %s would be run along a search_path with schema \"%s\" on other nodes",
					format_procedure(function), get_namespace_name(*(Oid *) schema)),
			 errdetail("An index or a type calls it.  Every node does so by itself, as the table's owner, and others may create functions in that schema, or own something there, or the owner may not use it."),
			 errhint("ALTER FUNCTION ... SET search_path = ..., or take the schema out of this session's search_path.")));
}

static bool
check_index_path(HeapTuple tuple, void *schema)
{
	FunctionSearch search = {may_not_look, schema, false};

	return finds_in_expressions(tuple, &search) || finds_in_operators(tuple, &search);
}

/*
 * Reading a value plans the checks of the domains in it, which runs functions that are
 * given constants.  A range's functions run when it is read, and by the server's own
 * operator classes.
 */
static void
check_type_path(Oid type, FunctionSearch *search)
{
	HeapTuple	tuple;

	(void) finds_in_checks(type, search);
	tuple = SearchSysCache1(RANGETYPE, ObjectIdGetDatum(type));
	if (!HeapTupleIsValid(tuple))
		return;
	(void) search->test(((Form_pg_range) GETSTRUCT(tuple))->rngcanonical, search->context);
	(void) search->test(((Form_pg_range) GETSTRUCT(tuple))->rngsubdiff, search->context);
	ReleaseSysCache(tuple);
}

static void
check_columns_path(Relation rel, void *schema)
{
	FunctionSearch search = {may_not_look, schema, false};
	TupleDesc	desc = RelationGetDescr(rel);
	ListCell   *lc;

	for (int i = 0; i < desc->natts; i++)
	{
		Oid			type = TupleDescAttr(desc, i)->atttypid;

		if (TupleDescAttr(desc, i)->attisdropped || !barista_type_runs_user_code(type))
			continue;
		foreach(lc, barista_types_in(getBaseType(type)))
			check_type_path(lfirst_oid(lc), &search);
	}
}

void
barista_check_path(Relation rel, List *schemas)
{
	ListCell   *lc;

	foreach(lc, schemas)
	{
		if (isAnyTempNamespace(lfirst_oid(lc)) ||
			barista_schema_is_trusted(lfirst_oid(lc), rel->rd_rel->relowner))
			continue;
		(void) any_index(rel, check_index_path, &lfirst_oid(lc));
		check_columns_path(rel, &lfirst_oid(lc));
	}
}

static bool
index_runs_user_code(HeapTuple tuple, void *context)
{
	return barista_index_runs_user_code(tuple);
}

bool
barista_relation_runs_user_code(Relation rel)
{
	TupleDesc	desc = RelationGetDescr(rel);

	for (int i = 0; i < desc->natts; i++)
		if (!TupleDescAttr(desc, i)->attisdropped &&
			barista_type_runs_user_code(TupleDescAttr(desc, i)->atttypid))
			return true;
	return any_index(rel, index_runs_user_code, NULL);
}
