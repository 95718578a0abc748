/*-------------------------------------------------------------------------
 *
 * ddl_domain.c
 *	  Checks of a domain: where a statement is replayed, the rows that are there
 *	  have been looked at already, by the leader.
 *
 * A check may call a volatile function, which might find fault with them here.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/pg_constraint.h"
#include "nodes/makefuncs.h"
#include "parser/parse_type.h"
#include "utils/syscache.h"

#include "ddl.h"

static void
set_validated(Oid oid)
{
	Relation	constraints = table_open(ConstraintRelationId, RowExclusiveLock);
	HeapTuple	tuple;

	CommandCounterIncrement();
	tuple = SearchSysCacheCopy1(CONSTROID, ObjectIdGetDatum(oid));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for constraint %u", oid);
	((Form_pg_constraint) GETSTRUCT(tuple))->convalidated = true;
	CatalogTupleUpdate(constraints, &tuple->t_self, tuple);
	heap_freetuple(tuple);
	table_close(constraints, RowExclusiveLock);
	CommandCounterIncrement();
}

/* Replays VALIDATE CONSTRAINT; false: it is something else. */
bool
ddl_domain_validate(Node *node)
{
	AlterDomainStmt *stmt = (AlterDomainStmt *) node;
	TypeName   *name;

	if (!IsA(node, AlterDomainStmt) || stmt->subtype != 'V')
		return false;
	name = makeTypeNameFromNameList(stmt->typeName);
	set_validated(get_domain_constraint_oid(typenameTypeId(NULL, name),
											stmt->name, false));
	return true;
}

/*
 * Before ADD CONSTRAINT is replayed: takes the look at the rows out of it.  False
 * if there is none.
 */
bool
ddl_domain_add(Node *node)
{
	AlterDomainStmt *stmt = (AlterDomainStmt *) node;
	Constraint *constraint = (Constraint *) stmt->def;

	if (!IsA(node, AlterDomainStmt) || stmt->subtype != 'C' ||
		!IsA(constraint, Constraint) || constraint->skip_validation)
		return false;
	constraint->skip_validation = true;
	return true;
}

/* After ADD CONSTRAINT: the check holds. */
void
ddl_domain_added(Oid constraint)
{
	if (OidIsValid(constraint))
		set_validated(constraint);
}
