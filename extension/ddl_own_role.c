/*-------------------------------------------------------------------------
 *
 * ddl_own_role.c
 *	  Roles barista and barista_nobody stay as they are.
 *
 * Barista's own sessions are authenticated as the one and work as the other, on
 * every node: a change could lock them out of all nodes at once, let somebody else
 * in as what the one is, or make the other somebody.  A comment does no harm, nor
 * what others grant it of their own.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"

#include "ddl.h"

static void
check_name(const char *name)
{
	if (name && (strcmp(name, BARISTA_ROLE) == 0 || strcmp(name, BARISTA_NOBODY) == 0))
		ddl_refuse(psprintf("A change of role \"%s\"", name),
				   "Barista itself needs this role as it is.");
}

/* By its name, or as the one that runs the statement. */
static void
check_role(RoleSpec *role)
{
	if (role == NULL)
		return;
	switch (role->roletype)
	{
		case ROLESPEC_CSTRING:
			check_name(role->rolename);
			break;
		case ROLESPEC_CURRENT_ROLE:
		case ROLESPEC_CURRENT_USER:
			check_name(GetUserNameFromId(GetUserId(), false));
			break;
		default:
			break;
	}
}

static void
check_roles(List *roles)
{
	ddl_each_role(roles, check_role);
}

/* GRANT and REVOKE of memberships. */
static void
check_grant(GrantRoleStmt *stmt)
{
	ListCell   *lc;

	foreach(lc, stmt->granted_roles)
		check_name(lfirst_node(AccessPriv, lc)->priv_name);
	check_roles(stmt->grantee_roles);
}

/* Memberships among the options of CREATE ROLE and ALTER GROUP. */
static void
check_options(List *options)
{
	ddl_each_role_of_options(options, check_role);
}

void
ddl_check_own_role(Node *node)
{
	switch (nodeTag(node))
	{
		case T_CreateRoleStmt:
			check_name(((CreateRoleStmt *) node)->role);
			check_options(((CreateRoleStmt *) node)->options);
			break;
		case T_AlterRoleStmt:
			check_role(((AlterRoleStmt *) node)->role);
			check_options(((AlterRoleStmt *) node)->options);
			break;
		case T_AlterRoleSetStmt:
			check_role(((AlterRoleSetStmt *) node)->role);
			break;
		case T_RenameStmt:
			if (((RenameStmt *) node)->renameType == OBJECT_ROLE)
				check_name(((RenameStmt *) node)->subname);
			break;
		case T_GrantRoleStmt:
			check_grant((GrantRoleStmt *) node);
			break;
		case T_DropRoleStmt:
			check_roles(((DropRoleStmt *) node)->roles);
			break;
		case T_DropOwnedStmt:
			check_roles(((DropOwnedStmt *) node)->roles);
			break;
		case T_ReassignOwnedStmt:
			check_roles(((ReassignOwnedStmt *) node)->roles);
			break;
		default:
			break;
	}
}
