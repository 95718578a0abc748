/*-------------------------------------------------------------------------
 *
 * rights.c
 *	  Whose rights Barista's own sessions work with.
 *
 * A session of Barista's is authenticated as role barista, a superuser, since
 * only that outranks what owners say of their databases (who may connect, how
 * many).  But then it says barista.session=own, and its session user is barista_nobody
 * before the first statement: a role that owns nothing and may nothing.  What a
 * task needs it takes for the time of the task, in a security-restricted operation: the rights of a table's
 * owner to make an index's entries, those of a role to run its statement again.
 *
 * So users' code that runs where nobody thought of it runs as barista_nobody.
 * It cannot become what the connection was authenticated as either: for the life
 * of the session nobody changes who it is.
 *
 *-------------------------------------------------------------------------
 */
#include "barista.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "commands/dbcommands.h"
#include "miscadmin.h"
#include "storage/proc.h"
#include "storage/procarray.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/guc_tables.h"
#include "utils/varlena.h"

#include "internal.h"

void
barista_rights_take(Oid role, BaristaRights *before)
{
	GetUserIdAndSecContext(&before->user, &before->security);
	SetUserIdAndSecContext(role, before->security | SECURITY_RESTRICTED_OPERATION);
}

/* After an error the end of the transaction does this. */
void
barista_rights_give_back(const BaristaRights *before)
{
	SetUserIdAndSecContext(before->user, before->security);
}

/*
 * May this session be one of Barista's own?  Whatever the connection was
 * authenticated as, it becomes barista_nobody, whose OID is left in extra.  A
 * parallel worker gets all of that from its leader.
 */
bool
barista_rights_check(void **extra)
{
	Oid			authenticated;
	Oid			nobody;

	if (IsParallelWorker())
		return true;
	authenticated = GetAuthenticatedUserId();
	if (MyBackendType != B_BACKEND || !IsTransactionState() || !OidIsValid(authenticated) ||
		strcmp(GetUserNameFromId(authenticated, false), BARISTA_ROLE) != 0)
	{
		GUC_check_errdetail("It is for barista, authenticated as role \"%s\".", BARISTA_ROLE);
		return false;
	}
	nobody = get_role_oid(BARISTA_NOBODY, true);
	if (!OidIsValid(nobody))
	{
		GUC_check_errdetail("There is no role \"%s\": an earlier version of Barista made this cluster.",
							BARISTA_NOBODY);
		GUC_check_errhint("Make a new cluster, and restore a dump of this one.");
		return false;
	}
	*extra = malloc(sizeof(Oid));
	if (*extra == NULL)
		return false;
	*(Oid *) *extra = nobody;
	return true;
}

/* May it look for a text search configuration of this name? */
static bool
may_look_for(const char *configuration)
{
	char	   *name = pstrdup(configuration);
	List	   *parts;
	Oid			schema;

	if (!SplitIdentifierString(name, '.', &parts))
		return false;
	if (list_length(parts) == 3 &&
		strcmp(linitial(parts), get_database_name(MyDatabaseId)) == 0)
		parts = list_delete_first(parts);
	if (list_length(parts) != 2)
		return list_length(parts) == 1;
	schema = get_namespace_oid(linitial(parts), true);
	return !OidIsValid(schema) ||
		pg_namespace_aclcheck(schema, GetUserId(), ACL_USAGE) == ACLCHECK_OK;
}

static GucStringCheckHook check_configuration = NULL;

/*
 * PostgreSQL raises an error, whatever sets this, where the name is in a schema that
 * the session may not use, or of another database.  The owner of a database stores
 * such names, and the session would never begin: so they are as good as unknown ones.
 */
static bool
check_configuration_here(char **newval, void **extra, GucSource source)
{
	if (IsTransactionState() && OidIsValid(MyDatabaseId) && !may_look_for(*newval))
		return false;
	return check_configuration(newval, extra, source);
}

/*
 * The session begins.  For its life nobody changes who it is: SET and RESET fail,
 * also where no restricted operation is under way.
 */
void
barista_rights_begin(void *extra)
{
	struct config_generic **settings = get_guc_variables();

	if (extra == NULL)
		return;					/* a parallel worker */
	SetSessionAuthorization(*(Oid *) extra, false);
	for (int i = 0; i < GetNumConfigOptions(); i++)
	{
		if (strcmp(settings[i]->name, "role") == 0 ||
			strcmp(settings[i]->name, "session_authorization") == 0)
			settings[i]->context = PGC_INTERNAL;
		if (strcmp(settings[i]->name, "default_text_search_config") == 0 &&
			check_configuration == NULL)
		{
			check_configuration = ((struct config_string *) settings[i])->check_hook;
			((struct config_string *) settings[i])->check_hook = check_configuration_here;
		}
	}
}

/*
 * By what it was authenticated as: a superuser's session may choose its session
 * user.
 */
bool
barista_is_own_backend(int pid)
{
	PGPROC	   *proc = BackendPidGetProc(pid);

	return proc != NULL && OidIsValid(proc->roleId) &&
		proc->roleId == get_role_oid(BARISTA_ROLE, true);
}
