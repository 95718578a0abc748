/*-------------------------------------------------------------------------
 *
 * ddl_classify.c
 *	  What is done about each kind of utility statement.
 *
 * A whitelist: what is not named here is refused.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "ddl.h"

/* ALTER DATABASE ... SET TABLESPACE */
static bool
moves_database(AlterDatabaseStmt *stmt)
{
	ListCell   *lc;

	foreach(lc, stmt->options)
		if (strcmp(lfirst_node(DefElem, lc)->defname, "tablespace") == 0)
			return true;
	return false;
}

DdlAction
ddl_classify(Node *node)
{
	switch (nodeTag(node))
	{
			/* Sessions, transactions, cursors; what runs other statements. */
		case T_TransactionStmt:
		case T_DeclareCursorStmt:
		case T_FetchStmt:
		case T_ClosePortalStmt:
		case T_PrepareStmt:
		case T_ExecuteStmt:
		case T_DeallocateStmt:
		case T_DoStmt:
		case T_CallStmt:
		case T_ExplainStmt:
		case T_VariableSetStmt:
		case T_VariableShowStmt:
		case T_DiscardStmt:
		case T_ConstraintsSetStmt:
		case T_LockStmt:
		case T_ListenStmt:
		case T_UnlistenStmt:
		case T_NotifyStmt:
		case T_AlterSystemStmt:
		case T_LoadStmt:
			return DDL_LOCAL;

			/* Work on this server's files, of no meaning to the others. */
		case T_CheckPointStmt:
		case T_VacuumStmt:
		case T_ReindexStmt:
		case T_ClusterStmt:
			/* REFRESH VERSION: that this server's indexes are built anew. */
		case T_AlterCollationStmt:
		case T_AlterDatabaseRefreshCollStmt:
			return DDL_MAINTENANCE;

		case T_CopyStmt:
			return DDL_COPY;
		case T_TruncateStmt:
			return DDL_TRUNCATE;
		case T_CreateTableAsStmt:
			return DDL_CREATE_AS;
		case T_DropdbStmt:
			return DDL_DROP_DATABASE;

		case T_RenameStmt:
			return ((RenameStmt *) node)->renameType == OBJECT_DATABASE ?
				DDL_RENAME_DATABASE : DDL_RECORD;

		case T_ImportForeignSchemaStmt:
			return DDL_IMPORT;

			/* To pg_default, where it is: no node has another tablespace. */
		case T_AlterDatabaseStmt:
			return moves_database((AlterDatabaseStmt *) node) ?
				DDL_LOCAL : DDL_RECORD;

			/* Relations and what belongs to them. */
		case T_CreateStmt:
		case T_AlterTableStmt:
		case T_IndexStmt:
		case T_ViewStmt:
		case T_RefreshMatViewStmt:
		case T_RuleStmt:
		case T_CreateSeqStmt:
		case T_AlterSeqStmt:
		case T_CreateTrigStmt:
		case T_CreatePolicyStmt:
		case T_AlterPolicyStmt:
		case T_CreateStatsStmt:
		case T_AlterStatsStmt:
			/* Schemas, types, functions, operators. */
		case T_CreateSchemaStmt:
		case T_CompositeTypeStmt:
		case T_CreateEnumStmt:
		case T_AlterEnumStmt:
		case T_CreateRangeStmt:
		case T_AlterTypeStmt:
		case T_CreateDomainStmt:
		case T_AlterDomainStmt:
		case T_CreateFunctionStmt:
		case T_AlterFunctionStmt:
		case T_DefineStmt:
		case T_AlterOperatorStmt:
		case T_CreateOpClassStmt:
		case T_CreateOpFamilyStmt:
		case T_AlterOpFamilyStmt:
		case T_CreateCastStmt:
		case T_CreateConversionStmt:
		case T_CreateTransformStmt:
		case T_CreatePLangStmt:
		case T_AlterTSDictionaryStmt:
		case T_AlterTSConfigurationStmt:
			/* Roles and privileges. */
		case T_CreateRoleStmt:
		case T_AlterRoleStmt:
		case T_AlterRoleSetStmt:
		case T_DropRoleStmt:
		case T_GrantStmt:
		case T_GrantRoleStmt:
		case T_AlterDefaultPrivilegesStmt:
		case T_ReassignOwnedStmt:
		case T_DropOwnedStmt:
			/* What others may read of the schema's changes and of the WAL. */
		case T_CreateEventTrigStmt:
		case T_AlterEventTrigStmt:
		case T_CreatePublicationStmt:
		case T_AlterPublicationStmt:
			/* Data of other servers, not their rows. */
		case T_CreateFdwStmt:
		case T_AlterFdwStmt:
		case T_CreateForeignServerStmt:
		case T_AlterForeignServerStmt:
		case T_CreateUserMappingStmt:
		case T_AlterUserMappingStmt:
		case T_DropUserMappingStmt:
		case T_CreateForeignTableStmt:
			/* Of many kinds of objects. */
		case T_DropStmt:
		case T_AlterOwnerStmt:
		case T_AlterObjectSchemaStmt:
		case T_AlterObjectDependsStmt:
		case T_CommentStmt:
		case T_SecLabelStmt:
		case T_CreatedbStmt:
		case T_AlterDatabaseSetStmt:
			/* Extensions, by their scripts. */
		case T_CreateExtensionStmt:
		case T_AlterExtensionStmt:
		case T_AlterExtensionContentsStmt:
			return DDL_RECORD;

		default:
			return DDL_REFUSE;
	}
}
