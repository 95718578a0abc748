/*-------------------------------------------------------------------------
 *
 * ddl_role.c
 *	  Passwords in CREATE ROLE and ALTER ROLE.
 *
 * A verifier has a random salt, so it is computed once, here; both the statement
 * that runs and the one that is recorded carry it.  The plain password goes to
 * the server's password check and nowhere else.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "commands/user.h"
#include "lib/stringinfo.h"
#include "libpq/crypt.h"
#include "miscadmin.h"
#include "nodes/value.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

#include "ddl.h"

static DefElem *option(List *options, const char *name);
static const char *role_name(RoleSpec *role);
static bool hide(const char *role, List *options);
static void check(const char *role, const char *password, List *options);
static void write_options(StringInfo text, List *options);
static void write_option(StringInfo text, DefElem *def);
static void write_roles(StringInfo text, const char *keyword, List *roles);

char *
ddl_hide_password(Node *node)
{
	StringInfoData text;

	initStringInfo(&text);
	if (IsA(node, CreateRoleStmt))
	{
		CreateRoleStmt *stmt = (CreateRoleStmt *) node;
		static const char *const kinds[] = {"ROLE", "USER", "GROUP"};

		if (!hide(stmt->role, stmt->options))
			return NULL;
		appendStringInfo(&text, "CREATE %s %s", kinds[stmt->stmt_type],
						 quote_identifier(stmt->role));
		write_options(&text, stmt->options);
		return text.data;
	}
	if (IsA(node, AlterRoleStmt))
	{
		AlterRoleStmt *stmt = (AlterRoleStmt *) node;

		if (!hide(role_name(stmt->role), stmt->options))
			return NULL;
		appendStringInfo(&text, "ALTER ROLE %s",
						 quote_identifier(role_name(stmt->role)));
		write_options(&text, stmt->options);
		return text.data;
	}
	return NULL;
}

static DefElem *
option(List *options, const char *name)
{
	ListCell   *lc;

	foreach(lc, options)
		if (strcmp(lfirst_node(DefElem, lc)->defname, name) == 0)
			return lfirst_node(DefElem, lc);
	return NULL;
}

/* The name of a role that a statement names in one way or another. */
static const char *
role_name(RoleSpec *role)
{
	switch (role->roletype)
	{
		case ROLESPEC_CURRENT_ROLE:
		case ROLESPEC_CURRENT_USER:
			return GetUserNameFromId(GetUserId(), false);
		case ROLESPEC_SESSION_USER:
			return GetUserNameFromId(GetSessionUserId(), false);
		default:
			return role->rolename ? role->rolename : "public";
	}
}

/* Replaces a plain password.  False if there is no password at all. */
static bool
hide(const char *role, List *options)
{
	DefElem    *def = option(options, "password");
	const char *password;
	const char *unused;

	if (def == NULL || def->arg == NULL)
		return false;
	password = strVal(def->arg);
	if (get_password_type(password) != PASSWORD_TYPE_PLAINTEXT)
		return true;
	check(role, password, options);
	/* An empty password means none; the server says so when it runs. */
	if (password[0] == '\0' ||
		plain_crypt_verify(role, password, "", &unused) == STATUS_OK)
		return true;
	def->arg = (Node *) makeString(encrypt_password(Password_encryption, role,
													password));
	return true;
}

static void
check(const char *role, const char *password, List *options)
{
	DefElem    *until = option(options, "validUntil");
	Datum		time = (Datum) 0;

	if (check_password_hook == NULL)
		return;
	if (until)
		time = DirectFunctionCall3(timestamptz_in,
								   CStringGetDatum(strVal(until->arg)),
								   ObjectIdGetDatum(InvalidOid),
								   Int32GetDatum(-1));
	check_password_hook(role, password, PASSWORD_TYPE_PLAINTEXT, time, until == NULL);
}

static void
write_options(StringInfo text, List *options)
{
	ListCell   *lc;

	foreach(lc, options)
		write_option(text, lfirst_node(DefElem, lc));
}

static void
write_option(StringInfo text, DefElem *def)
{
	static const struct
	{
		const char *name;
		const char *on;
		const char *off;
	}			flags[] = {
		{"superuser", "SUPERUSER", "NOSUPERUSER"},
		{"inherit", "INHERIT", "NOINHERIT"},
		{"createrole", "CREATEROLE", "NOCREATEROLE"},
		{"createdb", "CREATEDB", "NOCREATEDB"},
		{"canlogin", "LOGIN", "NOLOGIN"},
		{"isreplication", "REPLICATION", "NOREPLICATION"},
		{"bypassrls", "BYPASSRLS", "NOBYPASSRLS"},
	};

	for (int i = 0; i < lengthof(flags); i++)
	{
		if (strcmp(def->defname, flags[i].name) != 0)
			continue;
		appendStringInfo(text, " %s",
						 boolVal(def->arg) ? flags[i].on : flags[i].off);
		return;
	}
	if (strcmp(def->defname, "password") == 0)
		appendStringInfo(text, " PASSWORD %s",
						 quote_literal_cstr(strVal(def->arg)));
	else if (strcmp(def->defname, "validUntil") == 0)
		appendStringInfo(text, " VALID UNTIL %s",
						 quote_literal_cstr(strVal(def->arg)));
	else if (strcmp(def->defname, "connectionlimit") == 0)
		appendStringInfo(text, " CONNECTION LIMIT %d", intVal(def->arg));
	else if (strcmp(def->defname, "addroleto") == 0)
		write_roles(text, "IN ROLE", (List *) def->arg);
	else if (strcmp(def->defname, "rolemembers") == 0)
		write_roles(text, "ROLE", (List *) def->arg);
	else if (strcmp(def->defname, "adminmembers") == 0)
		write_roles(text, "ADMIN", (List *) def->arg);
	else if (strcmp(def->defname, "sysid") != 0)
		ddl_refuse("A role option that Barista does not know",
				   "Use two statements, one of them for the password alone.");
}

static void
write_roles(StringInfo text, const char *keyword, List *roles)
{
	ListCell   *lc;

	foreach(lc, roles)
		appendStringInfo(text, "%s %s", lc == list_head(roles) ? psprintf(" %s", keyword) : ",",
						 quote_identifier(role_name(lfirst_node(RoleSpec, lc))));
}
