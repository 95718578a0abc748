/*-------------------------------------------------------------------------
 *
 * ddl_sequence.c
 *	  ALTER SEQUENCE where it is replayed.
 *
 * A follower's sequence stands at the horizon, up to 32 values beyond the last
 * one that the leader gave out.  So new bounds that the leader's sequence lies
 * within could be refused here.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "nodes/makefuncs.h"
#include "nodes/parsenodes.h"

#include "ddl.h"

/*
 * Bounds are checked against the start value, which the leader's had to pass
 * too.  The sequence's own state follows: whatever sets bounds rewrites the
 * sequence, and a transaction sends the state of each that it rewrote.
 */
void
ddl_sequence_replace(Node *node)
{
	AlterSeqStmt *stmt = (AlterSeqStmt *) node;
	bool		bounds = false;
	ListCell   *lc;

	foreach(lc, stmt->options)
	{
		const char *option = lfirst_node(DefElem, lc)->defname;

		if (strcmp(option, "restart") == 0)
			return;
		bounds |= strcmp(option, "as") == 0 ||
			strcmp(option, "minvalue") == 0 || strcmp(option, "maxvalue") == 0;
	}
	if (bounds)
		stmt->options = lappend(list_copy(stmt->options),
								makeDefElem("restart", NULL, -1));
}
