/*-------------------------------------------------------------------------
 *
 * ddl_cluster.c
 *	  CLUSTER ... USING an index that is not the marked one.
 *
 * The order of a table's rows is each server's own matter, but the mark on the
 * index is in the catalog: other nodes set it, and CLUSTER when they are told to.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/transam.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "ddl.h"

/*
 * The statement that sets the mark, to be read along DDL_NO_PATH; NULL if it sets
 * none.  Before it runs.
 */
char *
ddl_cluster_mark(Node *node)
{
	ClusterStmt *stmt = (ClusterStmt *) node;
	Oid			relid;
	Oid			index;
	const char *schema;

	if (!IsA(node, ClusterStmt) || stmt->indexname == NULL)
		return NULL;
	relid = RangeVarGetRelid(stmt->relation, NoLock, true);
	if (!OidIsValid(relid) || get_rel_persistence(relid) == RELPERSISTENCE_TEMP)
		return NULL;
	index = get_relname_relid(stmt->indexname, get_rel_namespace(relid));
	if (!OidIsValid(index) || get_index_isclustered(index))
		return NULL;
	if (relid < FirstNormalObjectId || get_rel_relkind(relid) == RELKIND_TOASTVALUE)
		ddl_refuse("CLUSTER of a system table by another index than the marked one",
				   "Leave the order of its rows to the server.");
	if (get_rel_relkind(relid) == RELKIND_PARTITIONED_TABLE)
		ddl_refuse("CLUSTER of a partitioned table",
				   "Cluster its partitions, each by an index of its own.");
	schema = get_namespace_name(get_rel_namespace(relid));
	return psprintf("ALTER TABLE %s CLUSTER ON %s",
					quote_qualified_identifier(schema, get_rel_name(relid)),
					quote_identifier(stmt->indexname));
}

/* Records it, after CLUSTER has run. */
void
ddl_cluster_write(char *mark)
{
	DdlRecord  *record = ddl_record_new("CLUSTER");

	ddl_record_replace(record, mark);
	ddl_record_search_path(record, DDL_NO_PATH);
	ddl_record_write(record);
}
