/*-------------------------------------------------------------------------
 *
 * ddl_detach.c
 *	  ALTER TABLE ... DETACH PARTITION ... CONCURRENTLY, as a plain DETACH.
 *
 * CONCURRENTLY commits in its middle, and a partition that is detached on one
 * server only would route rows otherwise there.  What it leaves behind is the
 * same: a check constraint with the partition's bound, unless others imply it.
 * Every node makes it by itself.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "commands/tablecmds.h"
#include "nodes/makefuncs.h"
#include "optimizer/optimizer.h"
#include "partitioning/partbounds.h"
#include "partitioning/partdesc.h"
#include "tcop/utility.h"
#include "utils/lsyscache.h"
#include "utils/partcache.h"
#include "utils/rel.h"

#include "ddl.h"

/* DETACH PARTITION stands alone in its statement. */
static PartitionCmd *
detached(Node *node)
{
	AlterTableCmd *cmd;

	if (!IsA(node, AlterTableStmt))
		return NULL;
	cmd = linitial_node(AlterTableCmd, ((AlterTableStmt *) node)->cmds);
	return cmd->subtype == AT_DetachPartition ? (PartitionCmd *) cmd->def : NULL;
}

/* Errors, as PostgreSQL does, if it is concurrent inside a transaction. */
void
ddl_detach_check(Node *node, bool top_level)
{
	PartitionCmd *partition = detached(node);

	if (partition && partition->concurrent)
		PreventInTransactionBlock(top_level, "ALTER TABLE ... DETACH CONCURRENTLY");
}

/* What the table's validated constraints say, as an implicit AND. */
static List *
known(Relation rel)
{
	TupleConstr *constraints = RelationGetDescr(rel)->constr;
	List	   *all = NIL;

	for (int i = 0; i < RelationGetNumberOfAttributes(rel); i++)
	{
		Form_pg_attribute column = TupleDescAttr(RelationGetDescr(rel), i);
		NullTest   *test;

		if (!column->attnotnull || column->attisdropped)
			continue;
		test = makeNode(NullTest);
		test->arg = (Expr *) makeVar(1, i + 1, column->atttypid, column->atttypmod,
									 column->attcollation, 0);
		test->nulltesttype = IS_NOT_NULL;
		test->location = -1;
		all = lappend(all, test);
	}
	for (int i = 0; constraints && i < constraints->num_check; i++)
	{
		Node	   *check;

		if (!constraints->check[i].ccvalid)
			continue;
		check = eval_const_expressions(NULL, stringToNode(constraints->check[i].ccbin));
		all = list_concat(all, make_ands_implicit(canonicalize_qual((Expr *) check, true)));
	}
	return all;
}

/* The constraint that it will need, or NULL. */
static Constraint *
needed(Relation parent, Relation rel)
{
	PartitionDesc partitions = RelationGetPartitionDesc(parent, true);
	Constraint *constraint;
	List	   *bound;

	if (OidIsValid(get_default_oid_from_partdesc(partitions)))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("cannot detach partitions concurrently when a default partition exists")));
	/* A hash partition's bound names its parent's OID. */
	if (!rel->rd_rel->relispartition ||
		partitions->boundinfo->strategy == PARTITION_STRATEGY_HASH)
		return NULL;
	bound = (List *) eval_const_expressions(NULL, (Node *) RelationGetPartitionQual(rel));
	if (predicate_implied_by(bound, known(rel), true))
		return NULL;
	constraint = makeNode(Constraint);
	constraint->contype = CONSTR_CHECK;
	constraint->cooked_expr = nodeToString(make_ands_explicit(bound));
	constraint->initially_valid = true;
	constraint->skip_validation = true; /* it has held all the time */
	constraint->location = -1;
	return constraint;
}

/*
 * Before the statement runs, with a tree that may be changed: makes it a plain
 * one.  Returns the statement that is to follow it, or NULL.
 */
AlterTableStmt *
ddl_detach_begin(Node *node)
{
	PartitionCmd *partition = detached(node);
	AlterTableStmt *stmt = NULL;
	AlterTableCmd *cmd;
	Oid			relid;
	Relation	parent;
	Relation	rel;

	if (partition == NULL || !partition->concurrent)
		return NULL;
	partition->concurrent = false;
	if (!barista_in_apply)
		ereport(NOTICE,
				(errmsg("DETACH PARTITION CONCURRENTLY runs as a plain DETACH PARTITION"),
				 errdetail("Changes of the table wait until it is done.")));
	relid = RangeVarGetRelidExtended(((AlterTableStmt *) node)->relation,
									 AccessExclusiveLock, RVR_MISSING_OK,
									 RangeVarCallbackOwnsRelation, NULL);
	if (get_rel_relkind(relid) != RELKIND_PARTITIONED_TABLE)
		return NULL;			/* which the plain one tells */
	parent = table_open(relid, NoLock);
	relid = RangeVarGetRelid(partition->name, AccessExclusiveLock, true);
	if (get_rel_relkind(relid) == RELKIND_RELATION ||
		get_rel_relkind(relid) == RELKIND_PARTITIONED_TABLE)
	{
		Constraint *constraint;

		rel = table_open(relid, NoLock);
		constraint = needed(parent, rel);
		if (constraint)
		{
			cmd = makeNode(AlterTableCmd);
			cmd->subtype = AT_AddConstraint;
			cmd->def = (Node *) constraint;
			cmd->behavior = DROP_RESTRICT;
			stmt = makeNode(AlterTableStmt);
			stmt->relation = makeRangeVar(get_namespace_name(RelationGetNamespace(rel)),
										  pstrdup(RelationGetRelationName(rel)), -1);
			stmt->cmds = list_make1(cmd);
			stmt->objtype = OBJECT_TABLE;
		}
		table_close(rel, NoLock);
	}
	table_close(parent, NoLock);
	return stmt;
}

/* The statement that follows it, as a part of it. */
void
ddl_detach_end(AlterTableStmt *stmt)
{
	PlannedStmt *pstmt = makeNode(PlannedStmt);

	pstmt->commandType = CMD_UTILITY;
	pstmt->utilityStmt = (Node *) stmt;
	pstmt->stmt_location = -1;
	CommandCounterIncrement();
	ProcessUtility(pstmt, "", false, PROCESS_UTILITY_SUBCOMMAND, NULL, NULL,
				   None_Receiver, NULL);
}
