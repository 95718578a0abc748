/*-------------------------------------------------------------------------
 *
 * ddl_validated.c
 *	  A constraint that is added or validated is not checked again where that is
 *	  replayed.
 *
 * The leader has checked it against the same rows.  To check it again would cost
 * a scan, and may come out otherwise: what a check's function reads in another
 * table may have changed in between.
 *
 *		1. T1 adds CHECK (f(k)), where f is stable and looks into table a.
 *		2. T2 deletes from a, and commits.
 *		3. T1 commits: on followers, which have done 2, rows would fail the check.
 *
 * VALIDATE CONSTRAINT only marks it there, in the transaction of the statement: if
 * the process dies, both are gone.
 *
 * The constraint is valid there as it is on the leader, as when CREATE TABLE makes
 * it.  (A domain's check is marked by the same word as one that was not validated,
 * and is checked again.)
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_inherits.h"
#include "nodes/parsenodes.h"
#include "utils/inval.h"
#include "utils/syscache.h"

#include "ddl.h"

/* What it says of the rows that are there is taken as true. */
void
ddl_set_validated(Oid oid)
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

static void
skip(Constraint *constraint)
{
	if ((constraint->contype == CONSTR_CHECK || constraint->contype == CONSTR_FOREIGN) &&
		constraint->initially_valid)
		constraint->skip_validation = true;
}

/* Takes a statement as the parser made it. */
void
ddl_validated_replay(Node *node)
{
	ListCell   *lc;
	ListCell   *column;

	if (!IsA(node, AlterTableStmt))
		return;
	foreach(lc, ((AlterTableStmt *) node)->cmds)
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);

		if (cmd->subtype == AT_AddConstraint)
			skip(castNode(Constraint, cmd->def));
		else if (cmd->subtype == AT_AddColumn)
			foreach(column, castNode(ColumnDef, cmd->def)->constraints)
				skip(lfirst_node(Constraint, column));
	}
}

/*
 * Takes VALIDATE CONSTRAINT out of an ALTER TABLE that is replayed.  Returns the
 * names of the constraints.
 */
List *
ddl_validated_take(Node *node)
{
	AlterTableStmt *stmt = (AlterTableStmt *) node;
	List	   *names = NIL;
	ListCell   *lc;

	if (!IsA(node, AlterTableStmt))
		return NIL;
	foreach(lc, stmt->cmds)
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);

		if (cmd->subtype != AT_ValidateConstraint)
			continue;
		names = lappend(names, cmd->name);
		stmt->cmds = foreach_delete_current(stmt->cmds, lc);
	}
	return names;
}

/* The tables whose constraint becomes valid with this one's. */
static List *
validated_with(Oid relid, Oid constraint)
{
	HeapTuple	tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(constraint));
	Form_pg_constraint form;
	List	   *tables = NIL;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for constraint %u", constraint);
	form = (Form_pg_constraint) GETSTRUCT(tuple);
	if (form->convalidated)
		tables = NIL;
	else if (form->contype == CONSTRAINT_CHECK && !form->connoinherit)
		tables = find_all_inheritors(relid, ShareUpdateExclusiveLock, NULL);
	else
		tables = list_make1_oid(relid);
	ReleaseSysCache(tuple);
	return tables;
}

/* Does what was taken out, when the rest has run. */
void
ddl_validated_finish(Node *node, List *names)
{
	AlterTableStmt *stmt = (AlterTableStmt *) node;
	Oid			relid = RangeVarGetRelid(stmt->relation, ShareUpdateExclusiveLock,
										 stmt->missing_ok);
	ListCell   *name;
	ListCell   *lc;

	if (!OidIsValid(relid))
		return;
	CommandCounterIncrement();
	foreach(name, names)
	{
		Oid			constraint = get_relation_constraint_oid(relid, lfirst(name), false);

		foreach(lc, validated_with(relid, constraint))
		{
			ddl_set_validated(get_relation_constraint_oid(lfirst_oid(lc), lfirst(name), false));
			CacheInvalidateRelcacheByRelid(lfirst_oid(lc));
		}
	}
}
