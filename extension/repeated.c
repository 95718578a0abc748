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

#include <ctype.h>

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_amop.h"
#include "catalog/pg_amproc.h"
#include "catalog/pg_cast.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_language.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "tcop/cmdtag.h"
#include "tcop/utility.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/formatting.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/regproc.h"
#include "utils/syscache.h"

#include "internal.h"

/* What is known of a users' function. */
typedef struct Known
{
	Oid			function;		/* hash key */
	bool		repeated;		/* every node may run it by itself */
	bool		temporary;		/* it is in pg_temp: no other node has it */
	bool		session;		/* it needs what only this session has */
	bool		hooked;			/* the function manager shall tell of its calls */
} Known;

/* Lives as long as the backend; emptied when a catalog that it rests on changes. */
static HTAB *known = NULL;

/* Counts the times that it was emptied, and those because of a function. */
static uint64 generation = 1;
static uint64 functions_generation = 1;

/*
 * Functions in SQL.  What one says in its body may be put in its caller's place.
 * They hold in the generation of functions beside them, and live in a context of their own.
 */
typedef struct Body
{
	Oid			function;
	char	   *text;			/* in lower case */
} Body;

static List *bodies = NIL;
static MemoryContext bodies_context = NULL;
static uint64 bodies_generation = 0;

/* Calls of repeated functions that are under way, one inside the other. */
static int	depth = 0;

/* XactReadOnly outside the outermost of them, and the same of its security context. */
static bool read_only_outside = false;
static bool restricted_outside = false;

/* The error context callback of functions in SQL; NULL: not seen yet. */
static void (*sql_callback) (void *arg) = NULL;

static needs_fmgr_hook_type next_needs_hook = NULL;
static fmgr_hook_type next_hook = NULL;

static bool is_mentioned(const char *name, List *asked);
static bool is_body_named(void);

/* ------------------------------------------------------------------------
 * Which functions
 * ------------------------------------------------------------------------
 */

/* Does what depends on an object make it repeated? */
typedef bool (*DependentTest) (Form_pg_depend form);

static bool
has_dependent(Oid class, Oid object, DependentTest test)
{
	Relation	depends = table_open(DependRelationId, AccessShareLock);
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		found = false;

	ScanKeyInit(&keys[0], Anum_pg_depend_refclassid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(class));
	ScanKeyInit(&keys[1], Anum_pg_depend_refobjid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(object));
	scan = systable_beginscan(depends, DependReferenceIndexId, true, NULL, 2, keys);
	while (!found && HeapTupleIsValid(tuple = systable_getnext(scan)))
		found = test((Form_pg_depend) GETSTRUCT(tuple));
	systable_endscan(scan);
	table_close(depends, AccessShareLock);
	return found;
}

static bool
is_index(Form_pg_depend form)
{
	return form->classid == RelationRelationId && form->objsubid == 0 &&
		(get_rel_relkind(form->objid) == RELKIND_INDEX ||
		 get_rel_relkind(form->objid) == RELKIND_PARTITIONED_INDEX);
}

/* An index over values of a type, or a type made of it. */
static bool
repeats_type(Form_pg_depend form)
{
	if (form->classid == TypeRelationId)
		return has_dependent(TypeRelationId, form->objid, repeats_type);
	return is_index(form);
}

/* An index that uses an operator, or an operator class. */
static bool
repeats_operator(Form_pg_depend form)
{
	return form->classid == AccessMethodOperatorRelationId || is_index(form);
}

static bool
is_function(Form_pg_depend form)
{
	return form->classid == ProcedureRelationId;
}

/*
 * Is this the constraint of a domain that indexes ask?  A function in SQL may make
 * values of the domain in its body.
 */
static bool
repeats_constraint(Oid constraint)
{
	HeapTuple	tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(constraint));
	Oid			domain;
	bool		repeats;

	if (!HeapTupleIsValid(tuple))
		return false;
	domain = ((Form_pg_constraint) GETSTRUCT(tuple))->contypid;
	ReleaseSysCache(tuple);
	if (!OidIsValid(domain))
		return false;
	repeats = has_dependent(TypeRelationId, domain, repeats_type) ||
		(has_dependent(TypeRelationId, domain, is_function) && is_body_named());
	if (!repeats && SearchSysCacheExists1(TYPEOID, ObjectIdGetDatum(domain)))
	{
		tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(domain));
		repeats = is_mentioned(NameStr(((Form_pg_type) GETSTRUCT(tuple))->typname), NIL);
		ReleaseSysCache(tuple);
	}
	return repeats;
}

/* An index or what an index may be made of. */
static bool
repeats_function(Form_pg_depend form)
{
	switch (form->classid)
	{
		case RelationRelationId:	/* an index, or a key of partitions */
		case AccessMethodProcedureRelationId:
		case TypeRelationId:	/* GiST asks for a range's difference */
			return true;
		case OperatorRelationId:
			return has_dependent(OperatorRelationId, form->objid, repeats_operator);
		default:
			return false;
	}
}

static bool
repeats_domain_check(Form_pg_depend form)
{
	return form->classid == ConstraintRelationId && repeats_constraint(form->objid);
}

static bool
is_named(Oid function)
{
	return has_dependent(ProcedureRelationId, function, repeats_function);
}

/* A function whose body was read when it was made, so that it depends on what it calls. */
static bool
repeats_body(Form_pg_depend form)
{
	return form->classid == ProcedureRelationId &&
		(is_named(form->objid) ||
		 has_dependent(ProcedureRelationId, form->objid, repeats_body));
}

/* Reads the bodies of all users' functions in SQL. */
static void
read_bodies(void)
{
	uint64		begun = functions_generation;
	Relation	functions;
	SysScanDesc scan;
	HeapTuple	tuple;

	if (bodies_context == NULL)
		bodies_context = AllocSetContextCreate(TopMemoryContext,
											   "barista bodies of functions",
											   ALLOCSET_DEFAULT_SIZES);
	bodies = NIL;
	bodies_generation = 0;
	MemoryContextReset(bodies_context);
	functions = table_open(ProcedureRelationId, AccessShareLock);
	scan = systable_beginscan(functions, InvalidOid, false, NULL, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_proc form = (Form_pg_proc) GETSTRUCT(tuple);
		MemoryContext caller;
		Datum		source;
		bool		null;
		Body	   *body;

		if (form->oid < FirstNormalObjectId || form->prolang != SQLlanguageId ||
			form->prokind != PROKIND_FUNCTION)
			continue;
		source = heap_getattr(tuple, Anum_pg_proc_prosrc, RelationGetDescr(functions), &null);
		caller = MemoryContextSwitchTo(bodies_context);
		body = palloc(sizeof(Body));
		body->function = form->oid;
		body->text = null ? "" : TextDatumGetCString(source);
		body->text = asc_tolower(body->text, strlen(body->text));
		bodies = lappend(bodies, body);
		MemoryContextSwitchTo(caller);
	}
	systable_endscan(scan);
	table_close(functions, AccessShareLock);
	bodies_generation = begun;
}

static bool
is_word_part(char c)
{
	return isalnum((unsigned char) c) || c == '_' || c == '$' || IS_HIGHBIT_SET(c);
}

/* Does the text contain the word, or the name of an operator? */
static bool
contains(const char *text, const char *word)
{
	Size		length = strlen(word);

	for (const char *p = strstr(text, word); p; p = strstr(p + 1, word))
		if ((p == text || !is_word_part(p[-1]) || !is_word_part(p[0])) &&
			(!is_word_part(p[length]) || !is_word_part(p[length - 1])))
			return true;
	return false;
}

/*
 * Does the body of a repeated function in SQL contain this name?  The same
 * name of something else makes a function repeated that is not: it must not write,
 * then.
 */
static bool
is_mentioned(const char *name, List *asked)
{
	char	   *lower = asc_tolower(name, strlen(name));
	ListCell   *lc;

	if (asked == NIL && bodies_generation != functions_generation)
		read_bodies();
	foreach(lc, bodies)
	{
		Body	   *body = lfirst(lc);
		char	   *function;

		if (list_member_oid(asked, body->function) || !contains(body->text, lower))
			continue;
		asked = lappend_oid(asked, body->function);
		function = get_func_name(body->function);
		if (function && (is_named(body->function) || is_mentioned(function, asked)))
			return true;
	}
	return false;
}

/* Does an index name any function in SQL? */
static bool
is_body_named(void)
{
	ListCell   *lc;

	if (bodies_generation != functions_generation)
		read_bodies();
	foreach(lc, bodies)
		if (is_named(((Body *) lfirst(lc))->function))
			return true;
	return false;
}

/*
 * A body in SQL need not mention the function of an operator or a cast, nor one
 * that a default argument calls.
 */
static bool
is_called_unnamed(Form_pg_depend form)
{
	char	   *name;
	HeapTuple	tuple;

	switch (form->classid)
	{
		case OperatorRelationId:
			tuple = SearchSysCache1(OPEROID, ObjectIdGetDatum(form->objid));
			if (!HeapTupleIsValid(tuple))
				return false;
			name = pstrdup(NameStr(((Form_pg_operator) GETSTRUCT(tuple))->oprname));
			ReleaseSysCache(tuple);
			return is_mentioned(name, NIL);
		case ProcedureRelationId:
			name = get_func_name(form->objid);
			return name && is_mentioned(name, NIL);
		case CastRelationId:
			return is_body_named();
		default:
			return false;
	}
}

static bool
is_in_c(Oid language)
{
	return language == INTERNALlanguageId || language == ClanguageId;
}

/* Is the role one of the settings that the function itself brings? */
static bool
sets_role(HeapTuple tuple)
{
	bool		null;
	Datum		value = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_proconfig, &null);
	Datum	   *settings;
	int			count;

	if (null)
		return false;
	deconstruct_array(DatumGetArrayTypeP(value), TEXTOID, -1, false, TYPALIGN_INT,
					  &settings, NULL, &count);
	for (int i = 0; i < count; i++)
	{
		char	   *setting = TextDatumGetCString(settings[i]);

		if (strncmp(setting, "role=", strlen("role=")) == 0 ||
			strncmp(setting, "session_authorization=", strlen("session_authorization=")) == 0)
			return true;
	}
	return false;
}

/*
 * Is there a type of this name, lower-case, that is temporary?  A temporary table's
 * is not meant: its name may well be that of a variable.
 */
static bool
is_temporary_type(const char *name, Oid namespace)
{
	Oid			type = GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid,
									   CStringGetDatum(name), ObjectIdGetDatum(namespace));
	Oid			relation = OidIsValid(type) ? get_typ_typrelid(type) : InvalidOid;

	return OidIsValid(type) &&
		(!OidIsValid(relation) || get_rel_relkind(relation) == RELKIND_COMPOSITE_TYPE);
}

/* Does a body, in lower case, name temporary objects? */
static bool
names_temporary(const char *body)
{
	Oid			namespace;
	Oid			toast;
	const char *end;

	if (contains(body, "pg_temp"))
		return true;
	GetTempNamespaceState(&namespace, &toast);
	if (!OidIsValid(namespace))
		return false;
	for (const char *p = body; *p; p = end)
	{
		for (end = p; is_word_part(*end); end++)
			;
		if (end > p && end - p < NAMEDATALEN &&
			is_temporary_type(pnstrdup(p, end - p), namespace))
			return true;
		if (end == p)
			end++;
	}
	return false;
}

/* ddl_body.c looks at bodies in SQL, which are read where nothing is called. */
static bool
is_about_temporary(HeapTuple tuple)
{
	bool		null;
	Datum		value = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_prosrc, &null);
	char	   *body;

	if (null)
		return false;
	body = TextDatumGetCString(value);
	return names_temporary(asc_tolower(body, strlen(body)));
}

/* Fills in the answers; reads catalogs. */
static Known
look_at(Oid function)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Known		answer = {.function = function};
	Form_pg_proc form;

	if (!HeapTupleIsValid(tuple))
		return answer;
	form = (Form_pg_proc) GETSTRUCT(tuple);
	if (form->prokind == PROKIND_FUNCTION && !is_in_c(form->prolang) &&
		form->prorettype != TRIGGEROID && form->prorettype != EVENT_TRIGGEROID)
		answer.repeated = is_named(function) ||
			has_dependent(ProcedureRelationId, function, repeats_domain_check) ||
			(form->provolatile != PROVOLATILE_VOLATILE &&
			 (is_mentioned(NameStr(form->proname), NIL) ||
			  has_dependent(ProcedureRelationId, function, repeats_body) ||
			  has_dependent(ProcedureRelationId, function, is_called_unnamed)));
	answer.session = answer.repeated && !isAnyTempNamespace(form->pronamespace) &&
		(sets_role(tuple) ||
		 (form->prolang != SQLlanguageId && is_about_temporary(tuple)));

	/* A volatile one in SQL may hold volatile ones even in its caller's place. */
	answer.hooked = answer.repeated &&
		(answer.session || form->prolang != SQLlanguageId ||
		 form->provolatile == PROVOLATILE_VOLATILE);

	/* One in SQL must not vanish in its caller. */
	answer.temporary = isAnyTempNamespace(form->pronamespace);
	answer.hooked |= answer.temporary;
	ReleaseSysCache(tuple);
	return answer;
}

static Known *
known_of(Oid function)
{
	Known	   *entry = hash_search(known, &function, HASH_FIND, NULL);
	uint64		asked;
	Known		answer;

	if (likely(entry != NULL))
		return entry;
	/* Looking may take in invalidations, so the entry is made afterwards. */
	do
	{
		asked = generation;
		answer = look_at(function);
	} while (asked != generation);
	entry = hash_search(known, &function, HASH_ENTER, NULL);
	*entry = answer;
	return entry;
}

bool
barista_is_repeated(Oid function)
{
	return function >= FirstNormalObjectId && known_of(function)->repeated;
}

static void
forget(Datum arg, int cacheid, uint32 hashvalue)
{
	HASH_SEQ_STATUS scan;
	Known	   *entry;

	generation++;
	if (cacheid == PROCOID)
		functions_generation++;
	hash_seq_init(&scan, known);
	while ((entry = hash_seq_search(&scan)) != NULL)
		hash_search(known, &entry->function, HASH_REMOVE, NULL);
}

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

static bool
needs_hook(Oid function)
{
	if (next_needs_hook && next_needs_hook(function))
		return true;
	return function >= FirstNormalObjectId && known_of(function)->hooked;
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
	bool		repeated;		/* each begin_call() has its end */
	bool		temporary;
	bool		session;		/* as in Known */
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

static void
hook(FmgrHookEventType event, FmgrInfo *flinfo, Datum *private)
{
	Called	   *called = (Called *) DatumGetPointer(*private);

	if (called == NULL)
	{
		called = MemoryContextAllocZero(flinfo->fn_mcxt, sizeof(Called));
		if (flinfo->fn_oid >= FirstNormalObjectId)
		{
			Known	   *known_function = known_of(flinfo->fn_oid);

			called->repeated = known_function->repeated && known_function->hooked;
			called->temporary = known_function->temporary;
			called->session = known_function->session;
		}
		*private = PointerGetDatum(called);
	}
	if (next_hook)
		next_hook(event, flinfo, &called->next_private);
	if (called->temporary && event == FHET_START && depth > 0 && !barista_in_apply)
		refuse_temporary_function(flinfo->fn_oid);
	if (called->session && event == FHET_START && !barista_in_apply)
		refuse_session(flinfo->fn_oid);
	if (!called->repeated)
		return;
	switch (event)
	{
		case FHET_START:
			begin_call();
			break;
		case FHET_END:
			end_call();
			break;
		case FHET_ABORT:
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
	if (function < FirstNormalObjectId || !known_of(function)->repeated)
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
	static const int caches[] = {
		PROCOID, INDEXRELID, CASTSOURCETARGET, PARTRELID, OPEROID, AMOPSTRATEGY, AMPROCNUM,
		TYPEOID, CONSTROID
	};
	HASHCTL		control = {
		.keysize = sizeof(Oid),
		.entrysize = sizeof(Known),
		.hcxt = TopMemoryContext,
	};

	known = hash_create("barista repeated functions", 64, &control,
						HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	for (int i = 0; i < lengthof(caches); i++)
		CacheRegisterSyscacheCallback(caches[i], forget, (Datum) 0);
	next_needs_hook = needs_fmgr_hook;
	needs_fmgr_hook = needs_hook;
	next_hook = fmgr_hook;
	fmgr_hook = hook;
}
