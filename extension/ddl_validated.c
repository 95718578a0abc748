/*-------------------------------------------------------------------------
 *
 * ddl_validated.c
 *	  A constraint that is added is not checked again where it is replayed.
 *
 * The leader has checked it against the same rows.  To check it again would cost
 * a scan, and may come out otherwise: what a check's function reads in another
 * table may have changed in between.
 *
 *		1. T1 adds CHECK (f(k)), where f is stable and looks into table a.
 *		2. T2 deletes from a, and commits.
 *		3. T1 commits: on followers, which have done 2, rows would fail the check.
 *
 * The constraint is valid there as it is on the leader, as when CREATE TABLE makes
 * it.  (A domain's check is marked by the same word as one that was not validated,
 * and is checked again.)
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "nodes/parsenodes.h"

#include "ddl.h"

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
