/*-------------------------------------------------------------------------
 *
 * apply_sequence.c
 *	  Sequence states overwrite the local ones.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/relation.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "apply.h"

void
apply_sequence(const char *schema, const char *name, int64 horizon,
			   bool is_called, bool missing_ok)
{
	Oid			namespace = get_namespace_oid(schema, true);
	Oid			relid = OidIsValid(namespace) ?
		get_relname_relid(name, namespace) : InvalidOid;
	Relation	rel = OidIsValid(relid) ?
		try_relation_open(relid, RowExclusiveLock) : NULL;

	if (rel != NULL && rel->rd_rel->relkind == RELKIND_SEQUENCE)
	{
		/* One that was made unlogged goes its own way on each server. */
		if (rel->rd_rel->relpersistence == RELPERSISTENCE_PERMANENT)
			barista_sequence_overwrite(rel, horizon, is_called);
	}
	else if (!missing_ok)
		ereport(ERROR,
				(errcode(ERRCODE_BARISTA_DIVERGENCE),
				 errmsg("there is no sequence %s",
						quote_qualified_identifier(schema, name))));
	if (rel != NULL)
		relation_close(rel, NoLock);
}
