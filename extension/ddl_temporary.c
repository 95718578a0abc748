/*-------------------------------------------------------------------------
 *
 * ddl_temporary.c
 *	  Is a statement's target temporary?  Asked before it runs, of statements
 *	  whose target has a name.
 *
 * What is certainly temporary needs neither the cluster-wide lock nor a record.
 * Of the others, ddl_result.c sees what they made.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "utils/lsyscache.h"

#include "ddl.h"

/* An existing relation, by its name. */
static bool
existing(RangeVar *relation)
{
	Oid			relid;

	if (relation == NULL)
		return false;
	relid = RangeVarGetRelid(relation, NoLock, true);
	return OidIsValid(relid) &&
		get_rel_persistence(relid) == RELPERSISTENCE_TEMP;
}

/* A relation that is to be made. */
static bool
made(RangeVar *relation)
{
	return relation->relpersistence == RELPERSISTENCE_TEMP ||
		(relation->schemaname != NULL &&
		 strcmp(relation->schemaname, "pg_temp") == 0);
}

/* A name of a relation, perhaps with some more names behind it. */
static bool
named(List *names, int behind)
{
	List	   *relation = list_truncate(list_copy(names),
										 list_length(names) - behind);

	return relation != NIL && existing(makeRangeVarFromNameList(relation));
}

/* How many names stand behind the relation's?  -1: none is there. */
static int
names_behind(ObjectType kind)
{
	switch (kind)
	{
		case OBJECT_TABLE:
		case OBJECT_VIEW:
		case OBJECT_INDEX:
		case OBJECT_SEQUENCE:
		case OBJECT_FOREIGN_TABLE:
			return 0;
		case OBJECT_COLUMN:
		case OBJECT_TRIGGER:
		case OBJECT_RULE:
		case OBJECT_POLICY:
		case OBJECT_TABCONSTRAINT:
			return 1;
		default:
			return -1;
	}
}

/*
 * Are all of them temporary?  Some temporary and some not cannot be told apart
 * on another node.
 */
static bool
all_temporary(List *temporary)
{
	int			count = 0;
	ListCell   *lc;

	foreach(lc, temporary)
		count += lfirst_int(lc);
	if (count > 0 && count < list_length(temporary))
		ddl_refuse("A statement on temporary and other tables at once",
				   "Use one statement for each kind.");
	return count > 0;
}

static bool
dropped(DropStmt *stmt)
{
	int			behind = names_behind(stmt->removeType);
	List	   *temporary = NIL;
	ListCell   *lc;

	if (behind < 0)
		return false;
	foreach(lc, stmt->objects)
		temporary = lappend_int(temporary, named(lfirst_node(List, lc), behind));
	return all_temporary(temporary);
}

static bool
granted(GrantStmt *stmt)
{
	List	   *temporary = NIL;
	ListCell   *lc;

	if (stmt->targtype != ACL_TARGET_OBJECT ||
		(stmt->objtype != OBJECT_TABLE && stmt->objtype != OBJECT_SEQUENCE))
		return false;
	foreach(lc, stmt->objects)
		temporary = lappend_int(temporary, existing(lfirst_node(RangeVar, lc)));
	return all_temporary(temporary);
}

bool
ddl_is_temporary(Node *node)
{
	switch (nodeTag(node))
	{
		case T_CreateStmt:
		case T_CreateForeignTableStmt:
			return made(((CreateStmt *) node)->relation);
		case T_CreateTableAsStmt:
			return made(((CreateTableAsStmt *) node)->into->rel);
		case T_ViewStmt:
			return made(((ViewStmt *) node)->view);
		case T_CreateSeqStmt:
			return made(((CreateSeqStmt *) node)->sequence);
		case T_AlterSeqStmt:
			return existing(((AlterSeqStmt *) node)->sequence);
		case T_AlterTableStmt:
			return existing(((AlterTableStmt *) node)->relation);
		case T_IndexStmt:
			return existing(((IndexStmt *) node)->relation);
		case T_CreateTrigStmt:
			return existing(((CreateTrigStmt *) node)->relation);
		case T_RuleStmt:
			return existing(((RuleStmt *) node)->relation);
		case T_CreatePolicyStmt:
			return existing(((CreatePolicyStmt *) node)->table);
		case T_AlterPolicyStmt:
			return existing(((AlterPolicyStmt *) node)->table);
		case T_CreateStatsStmt:
			{
				Node	   *first = linitial(((CreateStatsStmt *) node)->relations);

				return IsA(first, RangeVar) && existing((RangeVar *) first);
			}
		case T_RenameStmt:
			return existing(((RenameStmt *) node)->relation);
		case T_AlterOwnerStmt:
			return existing(((AlterOwnerStmt *) node)->relation);
		case T_AlterObjectSchemaStmt:
			return existing(((AlterObjectSchemaStmt *) node)->relation);
		case T_CommentStmt:
			{
				CommentStmt *stmt = (CommentStmt *) node;
				int			behind = names_behind(stmt->objtype);

				return behind >= 0 && named((List *) stmt->object, behind);
			}
		case T_DropStmt:
			return dropped((DropStmt *) node);
		case T_GrantStmt:
			return granted((GrantStmt *) node);
		default:
			return false;
	}
}
