/*-------------------------------------------------------------------------
 *
 * repeated.c
 *	  Functions that every node runs by itself write nothing.
 *
 * A follower makes the entries of indexes, so it runs again what an index's
 * expression, its operators or the check of a domain in it call.  PostgreSQL
 * demands that such a function be immutable and keeps it from writing, but not
 * from calling a volatile one that writes.  A follower runs it read-only.  So
 * does the leader, here: what would fail there fails already where somebody can
 * be told, and what the function catches of it, it catches on every node.
 *
 * The function manager's hook stands around functions of procedural languages.
 * It would keep the planner from putting a function in SQL in its caller's
 * place.  A call of one that was not put there is known by its frame on the
 * error context stack instead.  One that was has a body without volatile
 * functions, in which the rule holds of what it calls.
 *
 * Functions in C are trusted, as they are with everything else.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_collation.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"

#include "apply.h"
#include "ddl.h"
#include "internal.h"
#include "repeated.h"

/* Calls of repeated functions that are under way, one inside the other. */
static int	depth = 0;

/* XactReadOnly outside the outermost of them, and the same of its security context. */
static bool read_only_outside = false;
static bool restricted_outside = false;

/* The error context callback of functions in SQL; NULL: not seen yet. */
static void (*sql_callback) (void *arg) = NULL;

static needs_fmgr_hook_type next_needs_hook = NULL;
static fmgr_hook_type next_hook = NULL;

/* ------------------------------------------------------------------------
 * Running one
 * ------------------------------------------------------------------------
 */

static void
begin_call(void)
{
	Oid			user;
	int			security;

	if (depth++ > 0)
		return;
	GetUserIdAndSecContext(&user, &security);
	restricted_outside = (security & SECURITY_RESTRICTED_OPERATION) != 0;
	SetUserIdAndSecContext(user, security | SECURITY_RESTRICTED_OPERATION);
	read_only_outside = XactReadOnly;
	XactReadOnly = true;
}

/* After an error the role may be another, until the transaction's abort. */
static void
end_call(void)
{
	Oid			user;
	int			security;

	if (--depth > 0)
		return;
	GetUserIdAndSecContext(&user, &security);
	if (!restricted_outside)
		SetUserIdAndSecContext(user, security & ~SECURITY_RESTRICTED_OPERATION);
	XactReadOnly = read_only_outside;
	if (barista_in_apply)
		max_parallel_maintenance_workers = 0;	/* the function may have set it */
	barista_fence();
}

bool
barista_repeated_runs(void)
{
	return depth > 0;
}

/* The call ends with an error: if it wanted to write, says so, and what to do. */
static void
abort_call(Oid function)
{
	bool		refused = depth == 1 && !read_only_outside &&
		geterrcode() == ERRCODE_READ_ONLY_SQL_TRANSACTION;
	ErrorData  *error;

	end_call();
	if (!refused || barista_in_apply)
		return;
	MemoryContextSwitchTo(TopTransactionContext);
	error = CopyErrorData();
	FlushErrorState();
	error->sqlerrcode = ERRCODE_FEATURE_NOT_SUPPORTED;
	error->detail = error->message;
	error->message = psprintf("function %s cannot write, since every node runs it by itself",
							  format_procedure(function));
	error->hint = pstrdup("An index, an operator or a domain uses it. Let a trigger do what writes.");
	ReThrowError(error);
}

/*
 * Is it called by a statement that is replayed?  Whatever it is there for, it may
 * only give a value.  What an extension's script calls is as it is in the script
 * of a superuser, if one owns it.
 */
static bool
is_replayed(RepeatedFunction *function)
{
	return ddl_replaying() && function->interpreted &&
		!(creating_extension && superuser_arg(function->owner));
}

static bool
needs_hook(Oid function)
{
	RepeatedFunction *known_function;

	if (next_needs_hook && next_needs_hook(function))
		return true;
	if (function < FirstNormalObjectId)
		return false;
	known_function = repeated_known(function);
	return known_function->hooked || is_replayed(known_function);
}

static void
refuse_temporary_function(Oid function)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("temporary function \"%s\" is used by a function that every node runs by itself",
					get_func_name(function)),
			 errhint("An index, an operator or a domain uses the function.")));
}

/* The hook's own memory of a function that is called, as long as its FmgrInfo. */
typedef struct Called
{
	bool		always;			/* it is repeated by whatever it is used for */
	bool		repeated;		/* each begin_call() has its end */
	bool		temporary;
	bool		session;		/* as in RepeatedFunction */
	bool		replayed;		/* a statement that is replayed calls it */
	Datum		next_private;	/* of another library's hook */
} Called;

static void
refuse_session(Oid function)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("function %s needs this session's role or temporary objects, and every node would run it by itself",
					format_procedure(function)),
			 errhint("An index, an operator or a domain uses it. Other nodes have no session.")));
}

/* What a function gives in a statement that is replayed without functions. */
static Datum
null(PG_FUNCTION_ARGS)
{
	PG_RETURN_NULL();
}

static void
hook(FmgrHookEventType event, FmgrInfo *flinfo, Datum *private)
{
	Called	   *called = (Called *) DatumGetPointer(*private);

	if (called == NULL)
	{
		called = MemoryContextAllocZero(flinfo->fn_mcxt, sizeof(Called));
		if (flinfo->fn_oid >= FirstNormalObjectId)
		{
			RepeatedFunction *known_function = repeated_known(flinfo->fn_oid);

			called->always = known_function->repeated && known_function->hooked;
			called->temporary = known_function->temporary;
			called->session = known_function->session;
		}
		*private = PointerGetDatum(called);
	}
	/* The type cache keeps a range's functions, through statements and rows. */
	if (event == FHET_START && flinfo->fn_oid >= FirstNormalObjectId)
	{
		called->replayed = ddl_replaying() && is_replayed(repeated_known(flinfo->fn_oid));
		called->repeated = called->always || called->replayed;
	}
	if (next_hook)
		next_hook(event, flinfo, &called->next_private);
	if (called->temporary && event == FHET_START && depth > 0 && !barista_in_apply)
		refuse_temporary_function(flinfo->fn_oid);
	if (called->session && event == FHET_START && !barista_in_apply)
		refuse_session(flinfo->fn_oid);
	if (!called->repeated)
		return;
	if (called->replayed && event == FHET_START && apply_without_functions())
		flinfo->fn_addr = null;
	switch (event)
	{
		case FHET_START:
			if (depth == 0 && called->replayed)
				apply_limit_function(true);
			begin_call();
			break;
		case FHET_END:
			end_call();
			if (depth == 0 && called->replayed)
				apply_limit_function(false);
			break;
		case FHET_ABORT:
			if (depth == 1 && called->replayed)
				apply_limit_function(false);
			abort_call(flinfo->fn_oid);
			break;
	}
}

/* ------------------------------------------------------------------------
 * Functions in SQL
 * ------------------------------------------------------------------------
 */

/*
 * The callback has no name outside its file.  It stands on top of the stack when
 * a function in SQL runs the query that makes its result; a query that makes none
 * looks like any other, so then one of PostgreSQL's own functions is called.
 */
static void
learn_callback(QueryDesc *query)
{
	if (query->dest->mydest == DestSQLFunction)
		sql_callback = error_context_stack->callback;
	else if (query->dest->mydest == DestNone)
		(void) OidFunctionCall2Coll(F_LPAD_TEXT_INT4, DEFAULT_COLLATION_OID,
									CStringGetTextDatum(""), Int32GetDatum(1));
}

Oid
barista_repeated_begin(QueryDesc *query)
{
	Oid			function;

	if (likely(error_context_stack == NULL))
		return InvalidOid;
	if (unlikely(sql_callback == NULL))
		learn_callback(query);
	if (error_context_stack->callback != sql_callback || sql_callback == NULL)
		return InvalidOid;
	function = ((FmgrInfo *) error_context_stack->arg)->fn_oid;
	if (function < FirstNormalObjectId || !repeated_known(function)->repeated)
		return InvalidOid;
	begin_call();
	return function;
}

void
barista_repeated_end(void)
{
	end_call();
}

void
barista_repeated_abort(Oid function)
{
	abort_call(function);
}

/* ------------------------------------------------------------------------
 * What else it must not do
 * ------------------------------------------------------------------------
 */

/* Other nodes do not have this session's temporary tables. */
void
barista_repeated_check(QueryDesc *query)
{
	ListCell   *lc;

	if (likely(depth == 0) || barista_in_apply)
		return;
	foreach(lc, query->plannedstmt->rtable)
	{
		RangeTblEntry *rte = lfirst_node(RangeTblEntry, lc);

		if (rte->rtekind == RTE_RELATION &&
			get_rel_persistence(rte->relid) == RELPERSISTENCE_TEMP)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("temporary table \"%s\" is used by a function that every node runs by itself",
							get_rel_name(rte->relid)),
					 errhint("An index, an operator or a domain uses the function.")));
	}
}

/*
 * What concerns the session or the server's files, and the server itself would
 * run in a read-only transaction.  On every node alike: a function may catch it.
 */
void
barista_repeated_check_utility(Node *node)
{
	switch (nodeTag(node))
	{
		case T_CopyStmt:
		case T_ExecuteStmt:
		case T_FetchStmt:
		case T_ClosePortalStmt:
		case T_LoadStmt:
		case T_VacuumStmt:
		case T_ClusterStmt:
		case T_ReindexStmt:
		case T_CheckPointStmt:
			PreventCommandIfReadOnly(GetCommandTagName(CreateCommandTag(node)));
			break;
		default:
			break;
	}
}

/* The same of functions: the values that this session has taken from sequences. */
void
barista_repeated_check_function(Oid function)
{
	if (unlikely(depth > 0) && !barista_in_apply &&
		(function == F_CURRVAL || function == F_LASTVAL))
		ereport(ERROR,
				(errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
				 errmsg("cannot ask for a session's values of sequences")));
}

/* At the end of a transaction nothing runs any more. */
void
barista_repeated_reset(void)
{
	depth = 0;
}

void
barista_repeated_init(void)
{
	repeated_known_init();
	next_needs_hook = needs_fmgr_hook;
	needs_fmgr_hook = needs_hook;
	next_hook = fmgr_hook;
	fmgr_hook = hook;
}
