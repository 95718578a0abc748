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

#include "catalog/pg_constraint.h"
#include "nodes/makefuncs.h"
#include "parser/parse_type.h"

#include "ddl.h"

/* Replays VALIDATE CONSTRAINT; false: it is something else. */
bool
ddl_domain_validate(Node *node)
{
	AlterDomainStmt *stmt = (AlterDomainStmt *) node;
	TypeName   *name;

	if (!IsA(node, AlterDomainStmt) || stmt->subtype != 'V')
		return false;
	name = makeTypeNameFromNameList(stmt->typeName);
	ddl_set_validated(get_domain_constraint_oid(typenameTypeId(NULL, name),
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
		ddl_set_validated(constraint);
}
