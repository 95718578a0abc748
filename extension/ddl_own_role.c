/*-------------------------------------------------------------------------
 *
 * ddl_own_role.c
 *	  Role barista stays as it is.
 *
 * Barista's own sessions run under it, on every node: a change of it could lock
 * them out of all nodes at once, or let somebody else in as what it is.  That it
 * owns an object, has a comment or default privileges does no harm, and is
 * replicated like with any other role.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"

#include "ddl.h"

static void
check_name(const char *name)
{
	if (name && strcmp(name, BARISTA_ROLE) == 0)
		ddl_refuse("A change of role \"" BARISTA_ROLE "\"",
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
