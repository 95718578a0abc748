/*-------------------------------------------------------------------------
 *
 * ddl_result.c
 *	  What a recorded statement did.
 *
 * PostgreSQL's object access hook tells each object that is created, altered or
 * dropped.  From that follows whether the statement was about temporary objects
 * only (a view of a temporary table, a function in pg_temp), which new tables
 * need capture triggers, and whether it did something that other nodes would do
 * otherwise: rewrote a table, or evaluated an expression that is not immutable.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/objectaccess.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_largeobject.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "rewrite/rewriteHandler.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "ddl.h"
#include "large_object.h"

/* An object that the statement created or altered. */
typedef struct Touched
{
	Oid			class;
	Oid			object;
	int			sub;			/* a column, or 0 */
	bool		created;
} Touched;

struct DdlFrame
{
	DdlFrame   *outer;
	MemoryContext context;		/* of this frame and all below */
	Node	   *node;
	DdlRewrite *rewrite;		/* of an ALTER TABLE that is recorded */
	List	   *emptied;		/* OIDs, of tables whose rows travel */
	List	   *touched;		/* of Touched */
	int			temporary;		/* temporary objects dropped */
	int			permanent;		/* permanent ones dropped */
	int			other;			/* dropped that are in no schema: triggers, roles */
	DdlOids    *oids;			/* NULL: they are not chosen */
};

/*
 * The innermost statement that runs.  It ends with the statement;
 * ddl_result_reset() ends it after an error.
 */
static DdlFrame *frame = NULL;

static object_access_hook_type next_object_access_hook = NULL;

static void object_access(ObjectAccessType access, Oid class, Oid object,
						  int sub, void *arg);
static void protect_function(Oid class, Oid object);
static void check_dependencies(Oid class, Oid object);
static void check_body(Oid function);
static void check_large_object(ObjectType kind, Node *name);
static void check_constraint(DdlRewrite *rewrite, Oid constraint);
static int	is_temporary(Oid class, Oid object);
static void check_function(Oid function);

void
ddl_result_init(void)
{
	next_object_access_hook = object_access_hook;
	object_access_hook = object_access;
}

void
ddl_result_reset(void)
{
	/* Its memory went with the statement's. */
	frame = NULL;
	ddl_oids_reset();
}

static void
begin_rewrite(DdlFrame *f)
{
	MemoryContext caller = MemoryContextSwitchTo(f->context);

	if (IsA(f->node, AlterTableStmt) && !barista_in_apply)
		f->rewrite = ddl_rewrite_begin((AlterTableStmt *) f->node);
	MemoryContextSwitchTo(caller);
}

/*
 * REFRESH MATERIALIZED VIEW makes nothing that stays but a table for values out of
 * line, and goes another way where it is replayed.
 */
static bool
chooses_oids(DdlFrame *f)
{
	return barista_capturing() && !IsA(f->node, RefreshMatViewStmt);
}

/* Where a statement is replayed, its OIDs are given as a whole (ddl_replay.c). */
static void
watch(void)
{
	if (!barista_in_apply)
		ddl_oids_watch(frame ? frame->oids : NULL);
}

/* What happens from here on, up to ddl_frame_end(), is the statement's doing. */
DdlFrame *
ddl_frame_begin(Node *node)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "barista ddl statement",
												  ALLOCSET_SMALL_SIZES);
	DdlFrame   *f = MemoryContextAllocZero(context, sizeof(DdlFrame));

	f->context = context;
	f->node = node;
	f->outer = frame;
	begin_rewrite(f);
	frame = f;
	if (chooses_oids(f))
		f->oids = ddl_oids_begin();
	watch();
	return f;
}

void
ddl_frame_begin_anew(DdlFrame *f)
{
	begin_rewrite(f);
}

void
ddl_frame_resume(DdlFrame *f)
{
	frame = f;
	watch();
}

bool
ddl_in_frame(void)
{
	return frame != NULL;
}

void
ddl_frame_end(DdlFrame *f)
{
	if (f->oids)
		ddl_oids_end(f->oids);
	ddl_frame_abandon(f);
}

/* What it holds goes with its transaction, or what is left of that. */
void
ddl_frame_abandon(DdlFrame *f)
{
	frame = f->outer;
	watch();
}

DdlOids *
ddl_frame_oids(DdlFrame *f)
{
	return f->oids;
}

/* When nobody asks any more what it did. */
void
ddl_frame_free(DdlFrame *f)
{
	MemoryContextDelete(f->context);
}

/* Errors (0A000) if the statement did what other nodes would do otherwise. */
void
ddl_frame_check(DdlFrame *f)
{
	bool		has_temporary;
	Oid			temporary;
	Oid			toast;
	MemoryContext caller = MemoryContextSwitchTo(f->context);
	ListCell   *lc;

	GetTempNamespaceState(&temporary, &toast);
	has_temporary = OidIsValid(temporary) && !ddl_frame_is_local(f);
	foreach(lc, f->touched)
	{
		Touched    *t = lfirst(lc);

		if (f->rewrite && t->created && t->class == ConstraintRelationId)
			check_constraint(f->rewrite, t->object);
		if (f->rewrite && t->created && t->class == RelationRelationId && t->sub > 0)
			ddl_rewrite_added_column(f->rewrite, t->object, t->sub);
		if (has_temporary && is_temporary(t->class, t->object) <= 0)
		{
			check_dependencies(t->class, t->object);
			if (t->class == ProcedureRelationId)
				check_body(t->object);
		}
	}
	if (f->rewrite)
		f->emptied = ddl_rewrite_tables(f->rewrite);
	if (IsA(f->node, CommentStmt))
		check_large_object(((CommentStmt *) f->node)->objtype,
						   ((CommentStmt *) f->node)->object);
	else if (IsA(f->node, SecLabelStmt))
		check_large_object(((SecLabelStmt *) f->node)->objtype,
						   ((SecLabelStmt *) f->node)->object);
	MemoryContextSwitchTo(caller);
}

List *
ddl_frame_emptied(DdlFrame *f)
{
	return f->emptied;
}

/* The first, which is not what belongs to it. */
Oid
ddl_frame_created(DdlFrame *f)
{
	ListCell   *lc;

	foreach(lc, f->touched)
	{
		Touched    *t = lfirst(lc);

		if (t->class == RelationRelationId && t->sub == 0 && t->created &&
			is_temporary(t->class, t->object) == 0)
			switch (get_rel_relkind(t->object))
			{
				case RELKIND_RELATION:
				case RELKIND_PARTITIONED_TABLE:
				case RELKIND_MATVIEW:
				case RELKIND_FOREIGN_TABLE:
					return t->object;
			}
	}
	return InvalidOid;
}

Oid
ddl_frame_object(DdlFrame *f, Oid class)
{
	ListCell   *lc;

	foreach(lc, f->touched)
	{
		Touched    *t = lfirst(lc);

		if (t->class == class && t->sub == 0 && t->created)
			return t->object;
	}
	return InvalidOid;
}

/* Was the statement about temporary objects only? */
bool
ddl_frame_is_local(DdlFrame *f)
{
	int			temporary = f->temporary;
	int			permanent = f->permanent;
	ListCell   *lc;

	/* CONCURRENTLY uses a temporary table. */
	if (IsA(f->node, RefreshMatViewStmt))
		return false;

	foreach(lc, f->touched)
	{
		Touched    *t = lfirst(lc);
		int			answer = is_temporary(t->class, t->object);

		temporary += answer > 0;
		permanent += answer == 0;
	}
	return temporary > 0 && permanent == 0;
}

/* Did it do nothing?  Only for kinds that always tell what they do. */
bool
ddl_frame_is_empty(DdlFrame *f)
{
	if (f->touched != NIL || f->temporary > 0 || f->permanent > 0 || f->other > 0)
		return false;
	switch (nodeTag(f->node))
	{
		case T_CreateStmt:
			return ((CreateStmt *) f->node)->if_not_exists;
		case T_CreateForeignTableStmt:
			return ((CreateForeignTableStmt *) f->node)->base.if_not_exists;
		case T_CreateForeignServerStmt:
			return ((CreateForeignServerStmt *) f->node)->if_not_exists;
		case T_CreateUserMappingStmt:
			return ((CreateUserMappingStmt *) f->node)->if_not_exists;
		case T_DropUserMappingStmt:
			return ((DropUserMappingStmt *) f->node)->missing_ok;
		case T_CreateTableAsStmt:
			return ((CreateTableAsStmt *) f->node)->if_not_exists;
		case T_IndexStmt:
			return ((IndexStmt *) f->node)->if_not_exists;
		case T_CreateSeqStmt:
			return ((CreateSeqStmt *) f->node)->if_not_exists;
		case T_CreateSchemaStmt:
			return ((CreateSchemaStmt *) f->node)->if_not_exists;
		case T_CreateExtensionStmt:
			return ((CreateExtensionStmt *) f->node)->if_not_exists;
		case T_DropStmt:
			return ((DropStmt *) f->node)->missing_ok;
		case T_DropRoleStmt:
			return ((DropRoleStmt *) f->node)->missing_ok;
		default:
			return false;
	}
}

void
ddl_frame_protect(DdlFrame *f)
{
	AlterTableStmt *alter = (AlterTableStmt *) f->node;
	ListCell   *lc;

	if (IsA(alter, AlterTableStmt))
		ddl_after_alter_table(alter);
	foreach(lc, f->touched)
	{
		Touched    *t = lfirst(lc);

		if (t->class == RelationRelationId && t->sub == 0 && t->created)
			triggers_add(t->object);
	}
	if (!IsA(alter, AlterTableStmt))
		return;
	foreach(lc, alter->cmds)
	{
		if (lfirst_node(AlterTableCmd, lc)->subtype == AT_SetLogged)
			triggers_add(RangeVarGetRelid(alter->relation, NoLock, false));
	}
}

static bool
is_new(DdlFrame *f, Oid class, Oid object)
{
	ListCell   *lc;

	foreach(lc, f->touched)
	{
		Touched    *t = lfirst(lc);

		if (t->created && t->sub == 0 && t->class == class && t->object == object)
			return true;
	}
	return false;
}

/* Types of which there may be values, and that are not as they were. */
static List *
changed_types(DdlFrame *f)
{
	List	   *types = NIL;
	ListCell   *lc;

	foreach(lc, f->touched)
	{
		Touched    *t = lfirst(lc);

		if ((t->class == RelationRelationId || t->class == TypeRelationId) &&
			!is_new(f, t->class, t->object))
			types = lappend_oid(types, t->class == TypeRelationId ? t->object :
								get_rel_type_id(t->object));
	}
	return types;
}

/* What other types a composite one or a range is made of, is not looked at. */
static bool
may_hold(Oid type, List *types)
{
	Oid			element;

	type = getBaseType(type);
	element = get_element_type(type);
	if (OidIsValid(element))
		type = getBaseType(element);
	return type >= FirstNormalObjectId &&
		(list_member_oid(types, type) ||
		 (get_typtype(type) != TYPTYPE_BASE && get_typtype(type) != TYPTYPE_ENUM));
}

bool
ddl_frame_changes_rows(DdlFrame *f, Oid relid)
{
	List	   *types = changed_types(f);
	Relation	rel;
	bool		changes = false;
	ListCell   *lc;

	foreach(lc, f->touched)
	{
		Touched    *t = lfirst(lc);

		if (t->class == RelationRelationId && t->object == relid)
			return true;
	}
	if (types == NIL)
		return false;
	rel = relation_open(relid, AccessShareLock);
	for (int i = 0; i < RelationGetNumberOfAttributes(rel); i++)
	{
		Form_pg_attribute column = TupleDescAttr(RelationGetDescr(rel), i);

		changes |= !column->attisdropped && may_hold(column->atttypid, types);
	}
	relation_close(rel, NoLock);
	return changes;
}

/* ------------------------------------------------------------------------
 * What the hook tells
 * ------------------------------------------------------------------------
 */

static void
touch(Oid class, Oid object, int sub, bool created)
{
	MemoryContext caller = MemoryContextSwitchTo(frame->context);
	Touched    *t = palloc(sizeof(Touched));

	t->class = class;
	t->object = object;
	t->sub = sub;
	t->created = created;
	frame->touched = lappend(frame->touched, t);
	MemoryContextSwitchTo(caller);
}

static void
object_access(ObjectAccessType access, Oid class, Oid object, int sub, void *arg)
{
	if (next_object_access_hook)
		next_object_access_hook(access, class, object, sub, arg);
	switch (access)
	{
		case OAT_FUNCTION_EXECUTE:
			object = barista_called_function(object);
			if (object >= FirstNormalObjectId)
				break;
			large_object_function(object);
			if (barista_capturing())
				check_function(object);
			break;
		case OAT_TRUNCATE:
			if (barista_capturing())
				triggers_check_target(object);
			break;
		case OAT_POST_CREATE:
			protect_function(class, object);
			if (class == LargeObjectRelationId)
				large_object_created(object);
			if (sub == 0)
				ddl_oids_made(class, object);
			if (frame)
				touch(class, object, sub, true);
			break;
		case OAT_POST_ALTER:
			protect_function(class, object);
			if (frame)
				touch(class, object, sub, false);
			if (sub == 0 && barista_capturing())
				barista_sequence_names_altered(class, object);
			break;
		case OAT_DROP:
			protect_function(class, object);
			if (class == LargeObjectRelationId)
				large_object_unlinked(object);
			if (frame)
			{
				int			answer = is_temporary(class, object);

				frame->temporary += answer > 0;
				frame->permanent += answer == 0;
				frame->other += answer < 0;
				if (answer == 0 && barista_capturing() &&
					class == RelationRelationId && sub == 0 &&
					get_rel_relkind(object) == RELKIND_SEQUENCE)
					barista_sequence_name_given_up(object);
			}
			break;
		default:
			break;
	}
}

/* Barista's own functions stay as they are. */
static void
protect_function(Oid class, Oid object)
{
	char	   *name;

	if (class != ProcedureRelationId || !barista_capturing() ||
		get_func_namespace(object) != PG_CATALOG_NAMESPACE)
		return;
	name = get_func_name(object);
	if (name && strncmp(name, "barista_", strlen("barista_")) == 0)
		ddl_refuse("A change of Barista's own functions",
				   "Without them nothing would be replicated.");
}

/*
 * Is this object temporary: 1, or not: 0?  -1 if that does not follow from its
 * schema.
 */
static int
is_temporary(Oid class, Oid object)
{
	AttrNumber	attribute;
	int			cache;
	HeapTuple	tuple;
	Datum		namespace;
	bool		null;

	if (class == NamespaceRelationId)
		return isAnyTempNamespace(object);
	if (!is_objectclass_supported(class))
		return -1;
	attribute = get_object_attnum_namespace(class);
	cache = get_object_catcache_oid(class);
	if (attribute == InvalidAttrNumber || cache < 0)
		return -1;
	tuple = SearchSysCache1(cache, ObjectIdGetDatum(object));
	if (!HeapTupleIsValid(tuple))
		return -1;
	namespace = SysCacheGetAttr(cache, tuple, attribute, &null);
	ReleaseSysCache(tuple);
	return !null && isAnyTempNamespace(DatumGetObjectId(namespace));
}

/* Functions that change what is replicated, past every hook. */
static void
check_function(Oid function)
{
	switch (function)
	{
		case F_PG_REPLICATION_ORIGIN_CREATE:
		case F_PG_REPLICATION_ORIGIN_DROP:
		case F_PG_REPLICATION_ORIGIN_ADVANCE:
		case F_PG_REPLICATION_ORIGIN_SESSION_SETUP:
		case F_PG_REPLICATION_ORIGIN_XACT_SETUP:
			if (!barista_own_session())
				ddl_refuse("A replication origin",
						   "Barista replicates the whole database by itself.");
			break;
		case F_PG_IMPORT_SYSTEM_COLLATIONS:
			ddl_refuse("pg_import_system_collations()", "Use CREATE COLLATION.");
	}
}

/* ------------------------------------------------------------------------
 * What may not be done
 * ------------------------------------------------------------------------
 */

/*
 * A comment or label waits for whoever removes the large object, and then does
 * not look whether it is still there.
 */
static void
check_large_object(ObjectType kind, Node *name)
{
	Oid			object;

	if (kind != OBJECT_LARGEOBJECT)
		return;
	object = oidparse(name);
	if (!LargeObjectExists(object))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("large object %u does not exist", object)));
}

static bool
names_temporary(Oid class, Oid object)
{
	switch (class)
	{
		case ProcedureRelationId:
			return ddl_body_is_temporary(object);
		case OperatorRelationId:
			return ddl_body_is_temporary(get_opcode(object));
		default:
			return false;
	}
}

/* Does every node prepare the expressions of this object? */
static bool
is_prepared(Oid class, Oid object)
{
	if (class != RelationRelationId)
		return false;
	switch (get_rel_relkind(object))
	{
		case RELKIND_INDEX:
		case RELKIND_PARTITIONED_INDEX:
		case RELKIND_PARTITIONED_TABLE:
			return true;
		default:
			return false;
	}
}

/* Other nodes do not have this session's temporary objects. */
static void
check_dependencies(Oid class, Oid object)
{
	Relation	depends = table_open(DependRelationId, AccessShareLock);
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		prepared = is_prepared(class, object);
	bool		found = false;

	ScanKeyInit(&keys[0], Anum_pg_depend_classid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(class));
	ScanKeyInit(&keys[1], Anum_pg_depend_objid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(object));
	scan = systable_beginscan(depends, DependDependerIndexId, true, NULL, 2, keys);
	while (!found && HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend form = (Form_pg_depend) GETSTRUCT(tuple);

		found = is_temporary(form->refclassid, form->refobjid) > 0 ||
			(prepared && names_temporary(form->refclassid, form->refobjid));
	}
	systable_endscan(scan);
	table_close(depends, AccessShareLock);
	if (found)
		ddl_refuse("An object that needs a temporary one",
				   "Other nodes do not have the temporary object.");
}

/* A function of an index gets another body. */
static void
check_body(Oid function)
{
	if (barista_is_repeated(function) && ddl_body_is_temporary(function))
		ddl_refuse("A function of an index that needs a temporary object",
				   "Other nodes do not have the temporary object.");
}

/* A new constraint was checked against the rows that are there. */
static void
check_constraint(DdlRewrite *rewrite, Oid constraint)
{
	HeapTuple	tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(constraint));
	Form_pg_constraint form;
	Datum		expression;
	Node	   *check;
	bool		null;

	if (!HeapTupleIsValid(tuple))
		return;
	form = (Form_pg_constraint) GETSTRUCT(tuple);
	expression = SysCacheGetAttr(CONSTROID, tuple, Anum_pg_constraint_conbin, &null);
	check = null ? NULL : stringToNode(TextDatumGetCString(expression));
	ddl_rewrite_constraint(rewrite, form, check);
	ReleaseSysCache(tuple);
}
