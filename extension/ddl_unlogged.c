/*-------------------------------------------------------------------------
 *
 * ddl_unlogged.c
 *	  Who makes something unlogged is told what becomes of it, once in a session.
 *
 * Its definition is replicated and its rows are not, which is as with
 * PostgreSQL's own standbys, but the leader changes more easily than a primary.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "nodes/parsenodes.h"

#include "ddl.h"

static bool
sets_unlogged(AlterTableStmt *stmt)
{
	ListCell   *lc;

	foreach(lc, stmt->cmds)
		if (lfirst_node(AlterTableCmd, lc)->subtype == AT_SetUnLogged)
			return true;
	return false;
}

/* Does it make a table or a sequence unlogged? */
static bool
makes_unlogged(Node *node)
{
	RangeVar   *made = NULL;

	switch (nodeTag(node))
	{
		case T_CreateStmt:
			made = ((CreateStmt *) node)->relation;
			break;
		case T_CreateTableAsStmt:
			made = ((CreateTableAsStmt *) node)->into->rel;
			break;
		case T_CreateSeqStmt:
			made = ((CreateSeqStmt *) node)->sequence;
			break;
		case T_AlterTableStmt:
			return sets_unlogged((AlterTableStmt *) node);
		default:
			break;
	}
	return made != NULL && made->relpersistence == RELPERSISTENCE_UNLOGGED;
}

void
ddl_warn_of_unlogged(Node *node)
{
	static bool warned = false; /* for the backend's life */

	if (warned || !makes_unlogged(node))
		return;
	warned = true;
	ereport(WARNING,
			(errmsg("rows of unlogged tables are not replicated"),
			 errdetail("They are in this server alone: another node that leads does not have them.")));
}
