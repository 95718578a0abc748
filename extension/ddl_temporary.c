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

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "nodes/makefuncs.h"
#include "nodes/value.h"
#include "parser/parse_type.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

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

/* Names that say so: pg_temp.name.  Only types and relations are found without. */
bool
ddl_in_temporary_schema(List *names)
{
	const char *schema;
	const char *name;

	DeconstructQualifiedName(names, (char **) &schema, (char **) &name);
	return schema != NULL &&
		(strcmp(schema, "pg_temp") == 0 ||
		 isAnyTempNamespace(get_namespace_oid(schema, true)));
}

bool
ddl_type_is_temporary(TypeName *name)
{
	Oid			type = LookupTypeNameOid(NULL, name, true);
	HeapTuple	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
	bool		temporary;

	if (!HeapTupleIsValid(tuple))
		return false;
	temporary = isAnyTempNamespace(((Form_pg_type) GETSTRUCT(tuple))->typnamespace);
	ReleaseSysCache(tuple);
	return temporary;
}

/* An object as the parser names it in DROP, COMMENT and SECURITY LABEL. */
static bool
object(ObjectType kind, Node *name)
{
	int			behind = names_behind(kind);

	if (behind >= 0)
		return named((List *) name, behind);
	switch (kind)
	{
		case OBJECT_TYPE:
		case OBJECT_DOMAIN:
			return ddl_type_is_temporary(castNode(TypeName, name));
		case OBJECT_DOMCONSTRAINT:
			return ddl_type_is_temporary(linitial_node(TypeName, (List *) name));
		case OBJECT_AGGREGATE:
		case OBJECT_FUNCTION:
		case OBJECT_OPERATOR:
		case OBJECT_PROCEDURE:
		case OBJECT_ROUTINE:
			return ddl_in_temporary_schema(castNode(ObjectWithArgs, name)->objname);
		case OBJECT_OPCLASS:
		case OBJECT_OPFAMILY:
			return ddl_in_temporary_schema(list_copy_tail((List *) name, 1));
		case OBJECT_COLLATION:
		case OBJECT_CONVERSION:
		case OBJECT_STATISTIC_EXT:
		case OBJECT_TSCONFIGURATION:
		case OBJECT_TSDICTIONARY:
		case OBJECT_TSPARSER:
		case OBJECT_TSTEMPLATE:
			return ddl_in_temporary_schema((List *) name);
		case OBJECT_SCHEMA:
			return isAnyTempNamespace(get_namespace_oid(strVal(name), true));
		default:
			return false;
	}
}

static int
count(List *temporary)
{
	int			all = 0;
	ListCell   *lc;

	foreach(lc, temporary)
		all += lfirst_int(lc);
	return all;
}

/*
 * Are all of them temporary?  Some temporary and some not cannot be told apart
 * on another node.
 */
static bool
all_temporary(List *temporary)
{
	int			n = count(temporary);

	if (n > 0 && n < list_length(temporary))
		ddl_refuse("A statement on temporary and other objects at once",
				   "Use one statement for each kind.");
	return n > 0;
}

static List *
dropped(DropStmt *stmt)
{
	List	   *temporary = NIL;
	ListCell   *lc;

	foreach(lc, stmt->objects)
		temporary = lappend_int(temporary, object(stmt->removeType, lfirst(lc)));
	return temporary;
}

static bool
drop_is_temporary(DropStmt *stmt)
{
	List	   *temporary = dropped(stmt);

	/* Of these, other nodes drop the permanent ones. */
	if (names_behind(stmt->removeType) == 0)
		return count(temporary) == list_length(temporary);
	return all_temporary(temporary);
}

static const char *
kind_name(ObjectType kind)
{
	switch (kind)
	{
		case OBJECT_VIEW:
			return "VIEW";
		case OBJECT_INDEX:
			return "INDEX";
		case OBJECT_SEQUENCE:
			return "SEQUENCE";
		default:
			return "TABLE";
	}
}

/*
 * The text of a DROP of relations without those that are temporary, for other
 * nodes; NULL: there are none.  Before it runs.
 */
char *
ddl_temporary_left_out(Node *node)
{
	DropStmt   *stmt = (DropStmt *) node;
	const char *before = "";
	List	   *temporary;
	StringInfoData text;
	ListCell   *lc;
	ListCell   *is;

	if (!IsA(node, DropStmt) || names_behind(stmt->removeType) != 0)
		return NULL;
	temporary = dropped(stmt);
	if (count(temporary) == 0)
		return NULL;
	initStringInfo(&text);
	appendStringInfo(&text, "DROP %s %s", kind_name(stmt->removeType),
					 stmt->missing_ok ? "IF EXISTS " : "");
	forboth(lc, stmt->objects, is, temporary)
	{
		if (lfirst_int(is))
			continue;
		appendStringInfo(&text, "%s%s", before,
						 NameListToQuotedString(lfirst_node(List, lc)));
		before = ", ";
	}
	if (stmt->behavior == DROP_CASCADE)
		appendStringInfoString(&text, " CASCADE");
	return text.data;
}

static bool
granted_object(ObjectType kind, Node *name)
{
	switch (kind)
	{
		case OBJECT_TABLE:
		case OBJECT_SEQUENCE:
			return existing(castNode(RangeVar, name));
		case OBJECT_TYPE:
		case OBJECT_DOMAIN:
			return ddl_type_is_temporary(makeTypeNameFromNameList((List *) name));
		case OBJECT_COLUMN:
			return false;
		default:
			return object(kind, name);
	}
}

static bool
granted(GrantStmt *stmt)
{
	List	   *temporary = NIL;
	ListCell   *lc;

	if (stmt->targtype == ACL_TARGET_DEFAULTS)
		return false;
	foreach(lc, stmt->objects)
		if (stmt->targtype == ACL_TARGET_ALL_IN_SCHEMA)
			temporary = lappend_int(temporary, ddl_in_temporary_schema(list_make2(lfirst(lc), makeString(""))));
		else
			temporary = lappend_int(temporary, granted_object(stmt->objtype, lfirst(lc)));
	return all_temporary(temporary);
}

/* IN SCHEMA */
static bool
default_privileges(AlterDefaultPrivilegesStmt *stmt)
{
	List	   *temporary = NIL;
	ListCell   *lc;

	foreach(lc, stmt->options)
	{
		DefElem    *option = lfirst_node(DefElem, lc);
		ListCell   *schema;

		if (strcmp(option->defname, "schemas") == 0)
			foreach(schema, (List *) option->arg)
				temporary = lappend_int(temporary, object(OBJECT_SCHEMA, lfirst(schema)));
	}
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
			return object(((CommentStmt *) node)->objtype, ((CommentStmt *) node)->object);
		case T_SecLabelStmt:
			return object(((SecLabelStmt *) node)->objtype, ((SecLabelStmt *) node)->object);
		case T_DropStmt:
			return drop_is_temporary((DropStmt *) node);
		case T_AlterDefaultPrivilegesStmt:
			return default_privileges((AlterDefaultPrivilegesStmt *) node);
		case T_GrantStmt:
			return granted((GrantStmt *) node);
		default:
			return false;
	}
}
