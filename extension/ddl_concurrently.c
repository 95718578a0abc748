/*-------------------------------------------------------------------------
 *
 * ddl_concurrently.c
 *	  What says CONCURRENTLY runs without.
 *
 * CONCURRENTLY commits several transactions, of which the log could hold none
 * before the last, and one that fails half-way would leave what only this server
 * has.  ddl_replay.c leaves the word out, too: it stays in the recorded text.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "commands/defrem.h"
#include "tcop/cmdtag.h"
#include "tcop/utility.h"

#include "ddl.h"

/* Where a statement says CONCURRENTLY and is recorded without; or NULL. */
static bool *
word(Node *node)
{
	if (IsA(node, IndexStmt))
		return &((IndexStmt *) node)->concurrent;
	if (IsA(node, DropStmt))
		return &((DropStmt *) node)->concurrent;
	return NULL;
}

/* Errors, as PostgreSQL does, if it says so inside a transaction. */
void
ddl_concurrently_check(Node *node, bool top_level)
{
	bool	   *concurrently = word(node);

	if (concurrently && *concurrently)
		PreventInTransactionBlock(top_level,
								  psprintf("%s CONCURRENTLY",
										   GetCommandTagName(CreateCommandTag(node))));
}

static void
notice(const char *what)
{
	ereport(NOTICE,
			(errmsg("%s CONCURRENTLY runs as a plain %s", what, what),
			 errdetail("Changes of the table wait until it is done.")));
}

/* Takes the word out of a tree that may be changed, and says so. */
void
ddl_concurrently_drop(Node *node)
{
	bool	   *concurrently = word(node);

	if (concurrently == NULL || !*concurrently)
		return;
	notice(GetCommandTagName(CreateCommandTag(node)));
	*concurrently = false;
}

/* The same, of a statement that is replayed. */
void
ddl_concurrently_replay(Node *node)
{
	bool	   *concurrently = word(node);

	if (concurrently)
		*concurrently = false;
}

/* REINDEX is local, and has an option for it. */
void
ddl_concurrently_drop_option(ReindexStmt *stmt, bool top_level)
{
	ListCell   *lc;

	foreach(lc, stmt->params)
	{
		DefElem    *option = lfirst_node(DefElem, lc);

		if (strcmp(option->defname, "concurrently") != 0 || !defGetBoolean(option))
			continue;
		PreventInTransactionBlock(top_level, "REINDEX CONCURRENTLY");
		notice("REINDEX");
		stmt->params = foreach_delete_current(stmt->params, lc);
	}
}
