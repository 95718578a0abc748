/*-------------------------------------------------------------------------
 *
 * ddl_check.c
 *	  What cannot be replicated is refused, before it runs.
 *
 * Refused is what depends on this session (temporary tables), what is each server's own (tablespaces), and what belongs to Barista
 * itself.  ddl_result.c refuses some more, when it sees what a statement did.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "commands/defrem.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "ddl.h"

#define TABLESPACE_HINT \
	"Leave it in pg_default, and put the folder of each node's data on the disk that suits it."
#define SUBSCRIPTION_HINT \
	"Have an application, or a foreign table, write what another database sends."
#define ACCESS_METHOD_HINT "Only CREATE EXTENSION may bring access methods."

static void check_create_table(CreateStmt *stmt);
static void check_not_temporary(RangeVar *relation);
static void check_alter_table(AlterTableStmt *stmt);
static void check_alter_command(AlterTableCmd *cmd);
static void check_alter_database(AlterDatabaseStmt *stmt);
static void check_element(Node *node);
static bool is_partitioned(RangeVar *name);
static void check_index(IndexStmt *stmt);
static void check_drop(DropStmt *stmt);
static void check_trigger_name(List *name);
static void check_kind(ObjectType kind);
static bool is_everywhere(const char *tablespace);
static void check_grant(GrantStmt *stmt);
static void check_set(VariableSetStmt *stmt);
static void check_tablespace(AlterDatabaseStmt *stmt);
static void check_alter_system(AlterSystemStmt *stmt);
static bool is_own_setting(const char *name);

/* what is a subject in the singular: "CREATE DATABASE". */
void
ddl_refuse(const char *what, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("%s is not supported by Barista", what),
			 errhint("%s", hint)));
}

/* A statement that would be recorded. */
void
ddl_check(Node *node)
{
	ddl_check_roles(node);
	ddl_check_own_role(node);
	switch (nodeTag(node))
	{
		case T_CreateStmt:
			check_create_table((CreateStmt *) node);
			break;
		case T_AlterTableStmt:
			check_alter_table((AlterTableStmt *) node);
			break;
		case T_CreateSchemaStmt:
			{
				ListCell   *lc;

				foreach(lc, ((CreateSchemaStmt *) node)->schemaElts)
					check_element(lfirst(lc));
				break;
			}
		case T_IndexStmt:
			check_index((IndexStmt *) node);
			break;
		case T_DropStmt:
			check_drop((DropStmt *) node);
			break;
		case T_RenameStmt:
			{
				RenameStmt *stmt = (RenameStmt *) node;

				check_kind(stmt->renameType);
				if (stmt->renameType == OBJECT_TRIGGER)
					ddl_protect_trigger(RangeVarGetRelid(stmt->relation, NoLock, true),
										stmt->subname);
				break;
			}
		case T_AlterOwnerStmt:
			check_kind(((AlterOwnerStmt *) node)->objectType);
			break;
		case T_AlterObjectSchemaStmt:
			check_kind(((AlterObjectSchemaStmt *) node)->objectType);
			break;
		case T_AlterObjectDependsStmt:
			{
				AlterObjectDependsStmt *stmt = (AlterObjectDependsStmt *) node;

				check_kind(stmt->objectType);
				if (stmt->objectType == OBJECT_TRIGGER)
					ddl_protect_trigger(RangeVarGetRelid(stmt->relation, NoLock, true),
										strVal(llast(castNode(List, stmt->object))));
				break;
			}
		case T_CommentStmt:
			{
				CommentStmt *stmt = (CommentStmt *) node;

				if (stmt->objtype != OBJECT_ACCESS_METHOD &&
					!(stmt->objtype == OBJECT_TABLESPACE &&
					  is_everywhere(strVal(stmt->object))))
					check_kind(stmt->objtype);
				break;
			}
		case T_SecLabelStmt:
			check_kind(((SecLabelStmt *) node)->objtype);
			break;
		case T_GrantStmt:
			check_grant((GrantStmt *) node);
			break;
		case T_AlterRoleSetStmt:
			check_set(((AlterRoleSetStmt *) node)->setstmt);
			break;
		case T_AlterDatabaseSetStmt:
			check_set(((AlterDatabaseSetStmt *) node)->setstmt);
			break;
		case T_CreatedbStmt:
			ddl_database_check((CreatedbStmt *) node);
			break;
		case T_AlterDatabaseStmt:
			check_alter_database((AlterDatabaseStmt *) node);
			break;
		default:
			break;
	}
}

/* Part of CREATE SCHEMA, with which it is replayed as a whole. */
static void
check_element(Node *node)
{
	PartitionBoundSpec *bound = ddl_bound_of(node);

	if (bound && ddl_bound_is_evaluated(bound))
		ddl_refuse("A partition bound that is not a constant inside CREATE SCHEMA",
				   "Create the partition by a statement of its own.");
	ddl_check(node);
}

static void
check_create_table(CreateStmt *stmt)
{
	ListCell   *lc;

	if (stmt->relation->relpersistence == RELPERSISTENCE_TEMP)
		return;
	foreach(lc, stmt->tableElts)
	{
		TableLikeClause *like = lfirst(lc);

		if (IsA(like, TableLikeClause))
			check_not_temporary(like->relation);
	}
}

/* A table whose columns a statement copies. */
static void
check_not_temporary(RangeVar *relation)
{
	Oid			relid = RangeVarGetRelid(relation, NoLock, true);

	if (OidIsValid(relid) && get_rel_persistence(relid) == RELPERSISTENCE_TEMP)
		ddl_refuse("A copy of a temporary table's columns",
				   "Other nodes do not have the temporary table; name the types.");
}

static void
check_alter_table(AlterTableStmt *stmt)
{
	ListCell   *lc;

	check_kind(stmt->objtype);
	foreach(lc, stmt->cmds)
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);

		switch (cmd->subtype)
		{
			case AT_EnableTrig:
			case AT_EnableAlwaysTrig:
			case AT_EnableReplicaTrig:
			case AT_DisableTrig:
				ddl_protect_trigger(RangeVarGetRelid(stmt->relation, NoLock, true),
									cmd->name);
				break;
			default:
				check_alter_command(cmd);
		}
	}
}

static void
check_alter_command(AlterTableCmd *cmd)
{
	switch (cmd->subtype)
	{
		case AT_SetTableSpace:
			if (!is_everywhere(cmd->name))
				ddl_refuse("SET TABLESPACE", TABLESPACE_HINT);
			break;
		default:
			break;
	}
}

/*
 * A partitioned table or index; PostgreSQL changes none CONCURRENTLY, but
 * temporary ones, with which it never does.
 */
static bool
is_partitioned(RangeVar *name)
{
	Oid			relid = RangeVarGetRelid(name, NoLock, true);
	char		kind = get_rel_relkind(relid);

	if (OidIsValid(relid) && get_rel_persistence(relid) == RELPERSISTENCE_TEMP)
		return false;
	return kind == RELKIND_PARTITIONED_TABLE || kind == RELKIND_PARTITIONED_INDEX;
}

static void
check_index(IndexStmt *stmt)
{
	if (stmt->concurrent && is_partitioned(stmt->relation))
		ddl_refuse("CREATE INDEX CONCURRENTLY on a partitioned table",
				   "Use CREATE INDEX without CONCURRENTLY.");
}

static void
check_drop(DropStmt *stmt)
{
	ListCell   *lc;

	check_kind(stmt->removeType);
	if (stmt->concurrent &&
		(list_length(stmt->objects) != 1 || stmt->behavior == DROP_CASCADE))
		ddl_refuse("DROP INDEX CONCURRENTLY of several indexes or with CASCADE",
				   "Use DROP INDEX without CONCURRENTLY.");
	if (stmt->concurrent &&
		is_partitioned(makeRangeVarFromNameList(linitial_node(List, stmt->objects))))
		ddl_refuse("DROP INDEX CONCURRENTLY of a partitioned index",
				   "Use DROP INDEX without CONCURRENTLY.");
	if (stmt->removeType == OBJECT_TRIGGER)
		foreach(lc, stmt->objects)
			check_trigger_name(lfirst_node(List, lc));
}

/* A list of the table's name and the trigger's. */
static void
check_trigger_name(List *name)
{
	List	   *table = list_truncate(list_copy(name), list_length(name) - 1);

	if (table != NIL)
		ddl_protect_trigger(RangeVarGetRelid(makeRangeVarFromNameList(table),
											 NoLock, true),
							strVal(llast(name)));
}

void
ddl_refuse_whole(Node *node)
{
	const char *hint = "Only what every node would do in the same way is replicated.";

	switch (nodeTag(node))
	{
		case T_CreateTableSpaceStmt:
		case T_DropTableSpaceStmt:
		case T_AlterTableSpaceOptionsStmt:
		case T_AlterTableMoveAllStmt:
			hint = TABLESPACE_HINT;
			break;
		case T_CreateSubscriptionStmt:
		case T_AlterSubscriptionStmt:
		case T_DropSubscriptionStmt:
			hint = SUBSCRIPTION_HINT;
			break;
		case T_CreateAmStmt:
			hint = ACCESS_METHOD_HINT;
			break;
		default:
			break;
	}
	ddl_refuse(GetCommandTagName(CreateCommandTag(node)), hint);
}

/* Kinds of objects of which no statement is replicated. */
static void
check_kind(ObjectType kind)
{
	switch (kind)
	{
		case OBJECT_SUBSCRIPTION:
			ddl_refuse("A subscription", SUBSCRIPTION_HINT);
		case OBJECT_TABLESPACE:
			ddl_refuse("A tablespace", TABLESPACE_HINT);
		case OBJECT_ACCESS_METHOD:
			ddl_refuse("An access method", ACCESS_METHOD_HINT);
		default:
			break;
	}
}

/* The two tablespaces that each server has; there are no others. */
static bool
is_everywhere(const char *tablespace)
{
	return strcmp(tablespace, "pg_default") == 0 ||
		strcmp(tablespace, "pg_global") == 0;
}

static void
check_grant(GrantStmt *stmt)
{
	ListCell   *lc;

	if (stmt->objtype != OBJECT_TABLESPACE)
	{
		check_kind(stmt->objtype);
		return;
	}
	foreach(lc, stmt->objects)
		if (!is_everywhere(strVal(lfirst(lc))))
			check_kind(OBJECT_TABLESPACE);
}

static void
check_alter_database(AlterDatabaseStmt *stmt)
{
	ListCell   *lc;

	foreach(lc, stmt->options)
	{
		DefElem    *option = lfirst_node(DefElem, lc);

		if (strcmp(option->defname, "allow_connections") == 0 &&
			option->arg != NULL && !defGetBoolean(option))
			ddl_refuse("ALTER DATABASE ... ALLOW_CONNECTIONS false",
					   "Barista itself connects to it; use REVOKE CONNECT ON DATABASE.");
	}
}

static void
check_set(VariableSetStmt *stmt)
{
	if (stmt->name && is_own_setting(stmt->name))
		ddl_refuse("A change of a setting that Barista owns",
				   "Change Barista's configuration.");
}

/* A statement that runs here only. */
void
ddl_check_local(Node *node)
{
	switch (nodeTag(node))
	{
		case T_TransactionStmt:
			switch (((TransactionStmt *) node)->kind)
			{
				case TRANS_STMT_PREPARE:
				case TRANS_STMT_COMMIT_PREPARED:
				case TRANS_STMT_ROLLBACK_PREPARED:
					ddl_refuse("PREPARE TRANSACTION", "Use COMMIT.");
				default:
					break;
			}
			break;
		case T_AlterSystemStmt:
			check_alter_system((AlterSystemStmt *) node);
			break;
		case T_AlterDatabaseStmt:
			check_tablespace((AlterDatabaseStmt *) node);
			break;
		default:
			break;
	}
}

/* ALTER DATABASE ... SET TABLESPACE: the default one, where it is already. */
static void
check_tablespace(AlterDatabaseStmt *stmt)
{
	DefElem    *option = linitial_node(DefElem, stmt->options);

	if (strcmp(defGetString(option), "pg_default") != 0)
		ddl_refuse("ALTER DATABASE ... SET TABLESPACE", TABLESPACE_HINT);
}

static void
check_alter_system(AlterSystemStmt *stmt)
{
	if (stmt->setstmt->name && is_own_setting(stmt->setstmt->name))
		ddl_refuse("A change of a setting that Barista owns",
				   "Change Barista's configuration.");
}

static bool
is_own_setting(const char *name)
{
	static const char *const own[] = {
		"data_directory", "db_user_namespace", "dynamic_library_path", "fsync", "full_page_writes",
		"hba_file", "hot_standby", "ident_file", "listen_addresses",
		"local_preload_libraries", "max_prepared_transactions",
		"max_replication_slots", "max_wal_senders", "port", "primary_conninfo",
		"restart_after_crash", "restore_command", "session_preload_libraries",
		"shared_preload_libraries", "synchronous_standby_names",
		"unix_socket_directories", "wal_level"
	};

	if (pg_strncasecmp(name, "barista.", strlen("barista.")) == 0)
		return true;
	for (int i = 0; i < lengthof(own); i++)
		if (pg_strcasecmp(name, own[i]) == 0)
			return true;
	return false;
}
