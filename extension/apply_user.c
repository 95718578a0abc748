/*-------------------------------------------------------------------------
 *
 * apply_user.c
 *	  Users' code runs as its table's owner, along the writer's search_path.
 *
 * The owner is who made the indexes; apply's own role may nothing.  The path
 * travels with the description of the relation: a function that names others
 * without a schema must find the same ones on every node.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/guc.h"

#include "apply.h"

/*
 * Sets the writer's search_path; values are read under pinned settings, so none else.
 * Returns a level for AtEOXact_GUC(false, ...),
 * which sets the pinned one again; an error does so too, with the transaction.
 */
int
apply_user_path(ApplyRelation *ar)
{
	int			level = NewGUCNestLevel();

	(void) set_config_option("search_path",
							 *ar->search_path ? ar->search_path : "pg_catalog",
							 PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	return level;
}

/* The same with all else that a function of an index may follow (writer_settings.c). */
int
apply_user_settings(ApplyRelation *ar)
{
	int			level = apply_user_path(ar);

	barista_writer_settings_set(ar->settings);
	return level;
}

void
apply_user_begin(ApplyRelation *ar, ApplyUser *before)
{
	barista_rights_take(ar->owner, &before->rights);
	before->settings = apply_user_path(ar);
}

void
apply_user_end(ApplyUser *before)
{
	AtEOXact_GUC(false, before->settings);
	barista_rights_give_back(&before->rights);
}
