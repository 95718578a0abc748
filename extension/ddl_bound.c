/*-------------------------------------------------------------------------
 *
 * ddl_bound.c
 *	  Partition bounds that are expressions.
 *
 * FOR VALUES FROM (now()) is evaluated where the statement runs first; its text
 * travels with what came out, as pg_dump would write it, and that takes the
 * expression's place where the statement runs again.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "nodes/nodeFuncs.h"
#include "parser/parser.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/syscache.h"

#include "ddl.h"

/* A constant: a literal, perhaps cast or negated, MINVALUE, MAXVALUE. */
static bool
is_constant(Node *node)
{
	switch (nodeTag(node))
	{
		case T_A_Const:
		case T_ColumnRef:		/* MINVALUE and MAXVALUE look like this */
			return true;
		case T_TypeCast:
			return is_constant(((TypeCast *) node)->arg);
		case T_A_Expr:
			{
				A_Expr	   *expr = (A_Expr *) node;

				return expr->kind == AEXPR_OP && expr->lexpr == NULL &&
					strcmp(strVal(llast(expr->name)), "-") == 0 &&
					is_constant(expr->rexpr);
			}
		default:
			return false;
	}
}

bool
ddl_bound_is_evaluated(PartitionBoundSpec *bound)
{
	List	   *lists[] = {bound->listdatums, bound->lowerdatums, bound->upperdatums};

	for (int i = 0; i < lengthof(lists); i++)
	{
		ListCell   *lc;

		foreach(lc, lists[i])
			if (!is_constant(lfirst(lc)))
				return true;
	}
	return false;
}

/* ALTER TABLE ... ATTACH PARTITION stands alone in its statement. */
static PartitionCmd *
attached(Node *node)
{
	AlterTableCmd *cmd;

	if (!IsA(node, AlterTableStmt))
		return NULL;
	cmd = linitial_node(AlterTableCmd, ((AlterTableStmt *) node)->cmds);
	return cmd->subtype == AT_AttachPartition ? (PartitionCmd *) cmd->def : NULL;
}

/* The bound in a statement as the parser made it, or NULL. */
PartitionBoundSpec *
ddl_bound_of(Node *node)
{
	PartitionCmd *partition = attached(node);

	if (IsA(node, CreateStmt) || IsA(node, CreateForeignTableStmt))
		return ((CreateStmt *) node)->partbound;
	return partition ? partition->bound : NULL;
}

char *
ddl_bound_text(Oid relid)
{
	int			settings = NewGUCNestLevel();
	HeapTuple	tuple;
	Datum		bound;
	Datum		written;
	bool		null;

	/* As exact as they can be written; read alike under any setting. */
	(void) set_config_option("DateStyle", "ISO", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	(void) set_config_option("extra_float_digits", "3", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", relid);
	bound = SysCacheGetAttr(RELOID, tuple, Anum_pg_class_relpartbound, &null);
	if (null)
		elog(ERROR, "relation %u is no partition", relid);
	written = OidFunctionCall2(F_PG_GET_EXPR_PG_NODE_TREE_OID, bound,
							ObjectIdGetDatum(relid));
	ReleaseSysCache(tuple);
	AtEOXact_GUC(false, settings);
	return TextDatumGetCString(written);
}

void
ddl_bound_replace(Node *node, const char *text)
{
	PartitionCmd *partition = attached(node);
	char	   *statement = psprintf("ALTER TABLE a ATTACH PARTITION b %s", text);
	List	   *raw = raw_parser(statement, RAW_PARSE_DEFAULT);
	PartitionBoundSpec *bound = list_length(raw) == 1 ?
		ddl_bound_of(linitial_node(RawStmt, raw)->stmt) : NULL;

	if (bound == NULL || ddl_bound_of(node) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_BARISTA_MALFORMED),
				 errmsg("malformed statement: a partition bound that it does not have")));
	if (partition)
		partition->bound = bound;
	else
		((CreateStmt *) node)->partbound = bound;
}
