/*-------------------------------------------------------------------------
 *
 * ddl_rolespec.c
 *	  Where a statement names roles; SESSION_USER among them.
 *
 * A recorded statement runs again under the role that ran it, so CURRENT_USER
 * means the same everywhere.  The session's user does not travel.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "ddl.h"

static void
check_role(RoleSpec *role)
{
	if (role && role->roletype == ROLESPEC_SESSION_USER)
		ddl_refuse("SESSION_USER in place of a role's name",
				   "Name the role, or use CURRENT_USER.");
}

void
ddl_each_role(List *roles, DdlRoleCheck check)
{
	ListCell   *lc;

	foreach(lc, roles)
		check(lfirst_node(RoleSpec, lc));
}

/* Of options whose values are lists of roles. */
void
ddl_each_role_of_options(List *options, DdlRoleCheck check)
{
	static const char *const lists[] = {
		"addroleto", "rolemembers", "adminmembers", "roles"
	};
	ListCell   *lc;

	foreach(lc, options)
	{
		DefElem    *def = lfirst_node(DefElem, lc);

		for (int i = 0; i < lengthof(lists); i++)
			if (strcmp(def->defname, lists[i]) == 0)
				ddl_each_role((List *) def->arg, check);
	}
}

static void
check_roles(List *roles)
{
	ddl_each_role(roles, check_role);
}

static void
check_options(List *options)
{
	ddl_each_role_of_options(options, check_role);
}

static void
check_grant(GrantStmt *stmt)
{
	check_roles(stmt->grantees);
	check_role(stmt->grantor);
}

static void
check_alter_table(AlterTableStmt *stmt)
{
	ListCell   *lc;

	foreach(lc, stmt->cmds)
		check_role(lfirst_node(AlterTableCmd, lc)->newowner);
}

void
ddl_check_roles(Node *node)
{
	switch (nodeTag(node))
	{
		case T_GrantStmt:
			check_grant((GrantStmt *) node);
			break;
		case T_AlterDefaultPrivilegesStmt:
			check_options(((AlterDefaultPrivilegesStmt *) node)->options);
			check_grant(((AlterDefaultPrivilegesStmt *) node)->action);
			break;
		case T_GrantRoleStmt:
			check_roles(((GrantRoleStmt *) node)->grantee_roles);
			check_role(((GrantRoleStmt *) node)->grantor);
			break;
		case T_CreateRoleStmt:
			check_options(((CreateRoleStmt *) node)->options);
			break;
		case T_AlterRoleStmt:
			check_role(((AlterRoleStmt *) node)->role);
			check_options(((AlterRoleStmt *) node)->options);
			break;
		case T_AlterRoleSetStmt:
			check_role(((AlterRoleSetStmt *) node)->role);
			break;
		case T_DropRoleStmt:
			check_roles(((DropRoleStmt *) node)->roles);
			break;
		case T_ReassignOwnedStmt:
			check_roles(((ReassignOwnedStmt *) node)->roles);
			check_role(((ReassignOwnedStmt *) node)->newrole);
			break;
		case T_DropOwnedStmt:
			check_roles(((DropOwnedStmt *) node)->roles);
			break;
		case T_CreateSchemaStmt:
			check_role(((CreateSchemaStmt *) node)->authrole);
			break;
		case T_AlterOwnerStmt:
			check_role(((AlterOwnerStmt *) node)->newowner);
			break;
		case T_AlterTableStmt:
			check_alter_table((AlterTableStmt *) node);
			break;
		case T_CreateUserMappingStmt:
			check_role(((CreateUserMappingStmt *) node)->user);
			break;
		case T_AlterUserMappingStmt:
			check_role(((AlterUserMappingStmt *) node)->user);
			break;
		case T_DropUserMappingStmt:
			check_role(((DropUserMappingStmt *) node)->user);
			break;
		case T_CreatePolicyStmt:
			check_roles(((CreatePolicyStmt *) node)->roles);
			break;
		case T_AlterPolicyStmt:
			check_roles(((AlterPolicyStmt *) node)->roles);
			break;
		default:
			break;
	}
}
