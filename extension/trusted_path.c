/*-------------------------------------------------------------------------
 *
 * trusted_path.c
 *	  Along which search_path users' code runs as a table's owner.
 *
 * Other nodes run the functions of an index as the table's owner, along the path
 * of whoever writes.  Such a function may name others without their schema.  If a
 * schema of the path were one that somebody else may create functions in, theirs
 * could be found there, and would run as the owner:
 *
 *		1. Eve may insert into Alice's table, whose index calls alice.f(), which
 *		   calls g() without a schema.
 *		2. Eve makes eve.g(), sets search_path to eve and inserts a row.
 *		3. Here that runs as Eve.  On the other nodes eve.g() would run as Alice.
 *
 * So such schemas are left out of the path there, and here a write that a function
 * of an index might need them for is refused.
 *
 * A schema is trusted if nobody may create in it but the table's owner, who may
 * become the owner, and superusers; and if all that they could have made belongs to
 * them, for somebody else's may be from a time when he, too, could.  And the owner
 * may look into it, or other nodes would not find what the writer finds.
 *
 *-------------------------------------------------------------------------
 */
#include "barista.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/namespace.h"
#include "catalog/pg_aggregate.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_database.h"
#include "catalog/pg_language.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/varlena.h"

#include "internal.h"

static Oid
database_owner(void)
{
	HeapTuple	tuple = SearchSysCache1(DATABASEOID, ObjectIdGetDatum(MyDatabaseId));
	Oid			owner;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for database %u", MyDatabaseId);
	owner = ((Form_pg_database) GETSTRUCT(tuple))->datdba;
	ReleaseSysCache(tuple);
	return owner;
}

/* May this role be in the owner's place anyway?  ACL_ID_PUBLIC is no role. */
static bool
stands_for(Oid role, Oid owner)
{
	if (role == ACL_ID_PUBLIC)
		return false;
	if (role == ROLE_PG_DATABASE_OWNER)
		role = database_owner();
	return role == owner || superuser_arg(role) ||
		is_member_of_role_nosuper(role, owner);
}

/* What a function may find in a schema, or may have a function of its own called. */
static const struct
{
	Oid			catalog;
	AttrNumber	schema;
	AttrNumber	owner;
}			kinds[] =
{
	{ProcedureRelationId, Anum_pg_proc_pronamespace, Anum_pg_proc_proowner},
	{OperatorRelationId, Anum_pg_operator_oprnamespace, Anum_pg_operator_oprowner},
	{TypeRelationId, Anum_pg_type_typnamespace, Anum_pg_type_typowner},	/* views', too */
};

/* Does all of that in a schema belong to roles that stand for this one? */
static bool
all_stands_for(Oid schema, Oid owner)
{
	bool		stands = true;

	for (int i = 0; i < lengthof(kinds) && stands; i++)
	{
		Relation	catalog = table_open(kinds[i].catalog, AccessShareLock);
		ScanKeyData key;
		SysScanDesc scan;
		HeapTuple	tuple;

		ScanKeyInit(&key, kinds[i].schema, BTEqualStrategyNumber, F_OIDEQ,
					ObjectIdGetDatum(schema));
		scan = systable_beginscan(catalog, InvalidOid, false, NULL, 1, &key);
		while (stands && HeapTupleIsValid(tuple = systable_getnext(scan)))
		{
			bool		null;

			stands = stands_for(DatumGetObjectId(heap_getattr(tuple, kinds[i].owner,
															  RelationGetDescr(catalog), &null)),
								owner);
		}
		systable_endscan(scan);
		table_close(catalog, AccessShareLock);
	}
	return stands;
}

bool
barista_schema_is_trusted(Oid schema, Oid owner)
{
	HeapTuple	tuple = SearchSysCache1(NAMESPACEOID, ObjectIdGetDatum(schema));
	bool		trusted;
	bool		null;
	Datum		acl;

	if (!HeapTupleIsValid(tuple))
		return false;
	trusted = !isAnyTempNamespace(schema) &&
		stands_for(((Form_pg_namespace) GETSTRUCT(tuple))->nspowner, owner);
	acl = SysCacheGetAttr(NAMESPACEOID, tuple, Anum_pg_namespace_nspacl, &null);
	if (trusted && !null)
	{
		Acl		   *rights = DatumGetAclP(acl);

		for (int i = 0; i < ACL_NUM(rights) && trusted; i++)
		{
			AclItem    *item = &ACL_DAT(rights)[i];

			trusted = (ACLITEM_GET_PRIVS(*item) & ACL_CREATE) == 0 ||
				stands_for(item->ai_grantee, owner);
		}
	}
	ReleaseSysCache(tuple);
	return trusted && pg_namespace_aclcheck(schema, owner, ACL_USAGE) == ACLCHECK_OK &&
		all_stands_for(schema, owner);
}

/* What is left of a path, as a setting; in the current context. */
char *
barista_trusted_path(const char *path, Oid owner)
{
	StringInfoData trusted;
	List	   *names;
	ListCell   *lc;

	initStringInfo(&trusted);
	if (!SplitIdentifierString(pstrdup(path), ',', &names))
		elog(ERROR, "invalid list of schemas \"%s\"", path);
	foreach(lc, names)
	{
		Oid			schema = get_namespace_oid(lfirst(lc), true);

		if (OidIsValid(schema) && barista_schema_is_trusted(schema, owner))
			appendStringInfo(&trusted, "%s%s", trusted.len > 0 ? ", " : "",
							 quote_identifier(lfirst(lc)));
	}
	return trusted.data;
}

/* Has the function a search_path of its own? */
static bool
has_path(HeapTuple tuple)
{
	bool		null;
	Datum		config = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_proconfig, &null);
	Datum	   *settings;
	int			count;

	if (null)
		return false;
	deconstruct_array(DatumGetArrayTypeP(config), TEXTOID, -1, false, TYPALIGN_INT,
					  &settings, NULL, &count);
	for (int i = 0; i < count; i++)
		if (strncmp(TextDatumGetCString(settings[i]), "search_path=", strlen("search_path=")) == 0)
			return true;
	return false;
}

/* In the functions that an aggregate is made of. */
static bool
aggregate_follows_path(Oid aggregate, List **asked)
{
	HeapTuple	tuple = SearchSysCache1(AGGFNOID, ObjectIdGetDatum(aggregate));
	Form_pg_aggregate form;
	bool		follows;

	if (!HeapTupleIsValid(tuple))
		return false;
	form = (Form_pg_aggregate) GETSTRUCT(tuple);
	follows = barista_follows_path(form->aggtransfn, asked) ||
		barista_follows_path(form->aggfinalfn, asked) ||
		barista_follows_path(form->aggmtransfn, asked) ||
		barista_follows_path(form->aggminvtransfn, asked) ||
		barista_follows_path(form->aggmfinalfn, asked);
	ReleaseSysCache(tuple);
	return follows;
}

static bool
follows_path(Oid function, void *asked)
{
	return barista_follows_path(function, asked);
}

/*
 * May the function find others, or not, depending on the path it is called along?
 * What one calls, whose body was read when it was made, is called along the same.
 */
bool
barista_follows_path(Oid function, List **asked)
{
	HeapTuple	tuple;
	Form_pg_proc form;
	Datum		body;
	bool		null;
	bool		follows = false;

	if (function < FirstNormalObjectId || list_member_oid(*asked, function))
		return false;
	check_stack_depth();
	*asked = lappend_oid(*asked, function);
	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	if (!HeapTupleIsValid(tuple))
		return false;
	form = (Form_pg_proc) GETSTRUCT(tuple);
	body = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_prosqlbody, &null);
	if (form->prokind == PROKIND_AGGREGATE)
		follows = aggregate_follows_path(function, asked);
	else if (form->prolang != INTERNALlanguageId && form->prolang != ClanguageId && !has_path(tuple))
		follows = null ||
			barista_calls(stringToNode(TextDatumGetCString(body)), follows_path, asked);
	ReleaseSysCache(tuple);
	return follows;
}
