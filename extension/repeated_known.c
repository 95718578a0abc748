/*-------------------------------------------------------------------------
 *
 * repeated_known.c
 *	  Which users' functions every node may run by itself.
 *
 * Those that an index, a partition key, an operator, an operator class or a
 * domain of an index names, and those that may be put in the place of a call
 * in the body of such a function in SQL.  What is known of a function is kept
 * until a catalog that it rests on changes.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "catalog/pg_amop.h"
#include "catalog/pg_amproc.h"
#include "catalog/pg_cast.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_language.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/formatting.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "internal.h"
#include "repeated.h"

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

static bool is_mentioned(const char *name, List *asked);
static bool is_body_named(void);

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
		return barista_has_dependent(TypeRelationId, form->objid, repeats_type);
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
	repeats = barista_has_dependent(TypeRelationId, domain, repeats_type) ||
		(barista_has_dependent(TypeRelationId, domain, is_function) && is_body_named());
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
			return barista_has_dependent(OperatorRelationId, form->objid, repeats_operator);
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
	return barista_has_dependent(ProcedureRelationId, function, repeats_function);
}

/* A function whose body was read when it was made, so that it depends on what it calls. */
static bool
repeats_body(Form_pg_depend form)
{
	return form->classid == ProcedureRelationId &&
		(is_named(form->objid) ||
		 barista_has_dependent(ProcedureRelationId, form->objid, repeats_body));
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

/* A function of language internal is one of the server's own under another name. */
static Oid
called(HeapTuple tuple)
{
	Form_pg_proc form = (Form_pg_proc) GETSTRUCT(tuple);
	bool		null = true;
	Datum		source = (Datum) 0;
	Oid			own;

	if (form->prolang == INTERNALlanguageId)
		source = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_prosrc, &null);
	own = null ? InvalidOid : fmgr_internal_function(TextDatumGetCString(source));
	return OidIsValid(own) ? own : form->oid;
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
static RepeatedFunction
look_at(Oid function)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	RepeatedFunction answer = {.function = function, .called = function};
	Form_pg_proc form;

	if (!HeapTupleIsValid(tuple))
		return answer;
	form = (Form_pg_proc) GETSTRUCT(tuple);
	answer.interpreted = !is_in_c(form->prolang);
	answer.owner = form->proowner;
	answer.called = called(tuple);
	if (form->prokind == PROKIND_FUNCTION && !is_in_c(form->prolang) &&
		form->prorettype != TRIGGEROID && form->prorettype != EVENT_TRIGGEROID)
		answer.repeated = is_named(function) ||
			barista_has_dependent(ProcedureRelationId, function, repeats_domain_check) ||
			(form->provolatile != PROVOLATILE_VOLATILE &&
			 (is_mentioned(NameStr(form->proname), NIL) ||
			  barista_has_dependent(ProcedureRelationId, function, repeats_body) ||
			  barista_has_dependent(ProcedureRelationId, function, is_called_unnamed)));
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

RepeatedFunction *
repeated_known(Oid function)
{
	RepeatedFunction *entry = hash_search(known, &function, HASH_FIND, NULL);
	uint64		asked;
	RepeatedFunction answer;

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
	return function >= FirstNormalObjectId && repeated_known(function)->repeated;
}

Oid
barista_called_function(Oid function)
{
	return function < FirstNormalObjectId ? function : repeated_known(function)->called;
}

static void
forget(Datum arg, int cacheid, uint32 hashvalue)
{
	HASH_SEQ_STATUS scan;
	RepeatedFunction *entry;

	generation++;
	if (cacheid == PROCOID)
		functions_generation++;
	hash_seq_init(&scan, known);
	while ((entry = hash_seq_search(&scan)) != NULL)
		hash_search(known, &entry->function, HASH_REMOVE, NULL);
}

void
repeated_known_init(void)
{
	static const int caches[] = {
		PROCOID, INDEXRELID, CASTSOURCETARGET, PARTRELID, OPEROID, AMOPSTRATEGY, AMPROCNUM,
		TYPEOID, CONSTROID
	};
	HASHCTL		control = {
		.keysize = sizeof(Oid),
		.entrysize = sizeof(RepeatedFunction),
		.hcxt = TopMemoryContext,
	};

	known = hash_create("barista repeated functions", 64, &control,
						HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	for (int i = 0; i < lengthof(caches); i++)
		CacheRegisterSyscacheCallback(caches[i], forget, (Datum) 0);
}
