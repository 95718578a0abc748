/*-------------------------------------------------------------------------
 *
 * ddl_rewrite.c
 *	  Tables whose rows an ALTER TABLE makes in a way that is this node's own.
 *
 * A default that is not immutable, USING f(column), a sequence: what they give
 * for the rows that are there is evaluated here, once.  The other nodes empty
 * the table, run the statement, which then has nothing to evaluate, and insert
 * the rows as they are here.  What gives the same everywhere (integer to bigint)
 * every node does by itself, since rows may be many.
 *
 * So it is where an index calls users' functions, which would run for all rows anew.
 *
 * A foreign key that the statement makes anew is checked against the emptied
 * table, so the table that it stands in travels too.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_partitioned_table.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_coerce.h"
#include "parser/parse_type.h"
#include "rewrite/rewriteHandler.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "ddl.h"

/* Where a table's rows were before the statement. */
typedef struct Storage
{
	Oid			relid;
	Oid			filenode;
} Storage;

typedef struct ForeignKey
{
	Oid			table;
	Oid			references;
} ForeignKey;

struct DdlRewrite
{
	List	   *storage;		/* of Storage: tables that it may rewrite */
	bool		once;			/* what it rewrites is evaluated here only */
	bool		retypes;		/* it makes constraints on columns anew */
	bool		all;			/* all of them travel, rewritten or not */
	List	   *tables;			/* OIDs of those that travel */
	List	   *foreign;		/* of ForeignKey: made by the statement */
};

/* The tables OF a composite type, which ALTER TYPE ... CASCADE alters too. */
static List *
typed_tables(Oid type)
{
	Relation	classes = table_open(RelationRelationId, AccessShareLock);
	List	   *tables = NIL;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_class_reloftype, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(type));
	scan = systable_beginscan(classes, InvalidOid, false, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		tables = lappend_oid(tables, ((Form_pg_class) GETSTRUCT(tuple))->oid);
	systable_endscan(scan);
	table_close(classes, AccessShareLock);
	return tables;
}

/* ------------------------------------------------------------------------
 * Before it runs
 * ------------------------------------------------------------------------
 */

static bool
is_certain_function(Oid function)
{
	return function < FirstNormalObjectId &&
		func_volatile(function) == PROVOLATILE_IMMUTABLE;
}

static bool
is_certain_cast(Oid from, Oid to)
{
	Oid			function = InvalidOid;
	Oid			input;
	Oid			output;
	Oid			parameter;
	bool		varlena;

	switch (find_coercion_pathway(to, from, COERCION_EXPLICIT, &function))
	{
		case COERCION_PATH_RELABELTYPE:
			return true;
		case COERCION_PATH_FUNC:
			return is_certain_function(function);
		case COERCION_PATH_COERCEVIAIO:
			getTypeOutputInfo(from, &output, &varlena);
			getTypeInputInfo(to, &input, &parameter);
			return is_certain_function(output) && is_certain_function(input);
		default:
			return false;
	}
}

static bool
is_certain_length(Oid type, int32 typmod)
{
	Oid			function = InvalidOid;

	if (typmod < 0)
		return true;
	switch (find_typmod_coercion_function(type, &function))
	{
		case COERCION_PATH_NONE:
			return true;
		case COERCION_PATH_FUNC:
			return is_certain_function(function);
		default:
			return false;
	}
}

/* USING column::type, which says what would be done anyway. */
static bool
is_plain_using(ColumnDef *column, const char *name)
{
	TypeCast   *cast = (TypeCast *) column->raw_default;
	ColumnRef  *ref;

	if (!IsA(cast, TypeCast) || !equal(cast->typeName, column->typeName) ||
		!IsA(cast->arg, ColumnRef))
		return false;
	ref = (ColumnRef *) cast->arg;
	return list_length(ref->fields) == 1 && IsA(linitial(ref->fields), String) &&
		strcmp(strVal(linitial(ref->fields)), name) == 0;
}

/* Does ALTER COLUMN ... TYPE give the same values on every node? */
static bool
is_certain_type_change(Oid relid, AlterTableCmd *cmd)
{
	ColumnDef  *column = (ColumnDef *) cmd->def;
	HeapTuple	tuple = SearchSysCacheAttName(relid, cmd->name);
	Type		to;
	Oid			type;
	Oid			from;
	int32		typmod;

	if (!HeapTupleIsValid(tuple))
		return false;
	from = getBaseType(((Form_pg_attribute) GETSTRUCT(tuple))->atttypid);
	ReleaseSysCache(tuple);
	if (column->raw_default && !is_plain_using(column, cmd->name))
		return false;
	to = LookupTypeName(NULL, column->typeName, &typmod, true);
	if (to == NULL)
		return false;
	type = typeTypeId(to);
	ReleaseSysCache(to);
	return type < FirstNormalObjectId && get_typtype(type) == TYPTYPE_BASE &&
		is_certain_cast(from, type) && is_certain_length(type, typmod);
}

/*
 * A column that is added gets its first default's value in the rows that are
 * there; afterwards only its last default can be looked at.
 */
static bool
changes_added_default(AlterTableStmt *stmt, const char *column)
{
	ListCell   *lc;

	foreach(lc, stmt->cmds)
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);

		if (cmd->subtype == AT_AddColumn &&
			strcmp(((ColumnDef *) cmd->def)->colname, column) == 0)
			return true;
	}
	return false;
}

static void
note_commands(DdlRewrite *rewrite, AlterTableStmt *stmt, Oid relid)
{
	bool		looks = false;	/* at rows or checks, and may call users' functions for it */
	ListCell   *lc;

	foreach(lc, stmt->cmds)
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);

		switch (cmd->subtype)
		{
			case AT_AddConstraint:
				looks |= castNode(Constraint, cmd->def)->contype != CONSTR_FOREIGN;
				break;
			case AT_SetNotNull:
				looks = true;
				break;
			case AT_AlterColumnType:
				rewrite->retypes = true;
				rewrite->once |= !is_certain_type_change(relid, cmd);
				break;
			case AT_ColumnDefault:
				rewrite->all |= changes_added_default(stmt, cmd->name);
				break;
			case AT_SetLogged:
			case AT_SetUnLogged:
				rewrite->all = true;
				break;
			default:
				break;
		}
	}
	/* Where that fails it runs without functions, which no table can be written anew in. */
	rewrite->once |= rewrite->retypes && looks;
}

/* rewrite->all has been noted: a table that is unlogged may become logged. */
static void
note_storage(DdlRewrite *rewrite, Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Form_pg_class form;

	if (!HeapTupleIsValid(tuple))
		return;
	form = (Form_pg_class) GETSTRUCT(tuple);
	if (form->relkind == RELKIND_RELATION &&
		(form->relpersistence == RELPERSISTENCE_PERMANENT ||
		 (form->relpersistence == RELPERSISTENCE_UNLOGGED && rewrite->all)))
	{
		Storage    *storage = palloc(sizeof(Storage));

		storage->relid = form->oid;
		storage->filenode = form->relfilenode;
		rewrite->storage = lappend(rewrite->storage, storage);
	}
	ReleaseSysCache(tuple);
}

/* Has a partitioned table's key an expression, which the server simplifies wherever it looks at a partition? */
static bool
has_expressions(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(PARTRELID, ObjectIdGetDatum(relid));
	bool		has = HeapTupleIsValid(tuple) &&
		!heap_attisnull(tuple, Anum_pg_partitioned_table_partexprs, NULL);

	if (HeapTupleIsValid(tuple))
		ReleaseSysCache(tuple);
	return has;
}

/* Does an index of a table, a value in it or its key call users' functions? */
static bool
runs_user_code(Oid relid)
{
	Relation	rel = try_relation_open(relid, AccessShareLock);
	bool		runs;

	if (rel == NULL)
		return false;
	if (has_expressions(relid))
	{
		relation_close(rel, AccessShareLock);
		return true;
	}
	runs = rel->rd_rel->relkind == RELKIND_RELATION && barista_relation_runs_user_code(rel);
	relation_close(rel, AccessShareLock);
	return runs;
}

/* Allocates in the current context. */
DdlRewrite *
ddl_rewrite_begin(AlterTableStmt *stmt)
{
	DdlRewrite *rewrite = palloc0(sizeof(DdlRewrite));
	Oid			relid = RangeVarGetRelid(stmt->relation, NoLock, true);
	List	   *members = NIL;
	ListCell   *lc;

	if (!OidIsValid(relid))
		return rewrite;
	note_commands(rewrite, stmt, relid);
	if (stmt->objtype == OBJECT_TABLE || stmt->objtype == OBJECT_FOREIGN_TABLE)
		members = find_all_inheritors(relid, NoLock, NULL);
	else if (stmt->objtype == OBJECT_TYPE)
		members = typed_tables(get_rel_type_id(relid));
	foreach(lc, members)
	{
		/* Indexes of a table that is written anew are, too. */
		if (rewrite->retypes && !rewrite->once)
			rewrite->once = runs_user_code(lfirst_oid(lc));
		note_storage(rewrite, lfirst_oid(lc));
	}
	return rewrite;
}

/* ------------------------------------------------------------------------
 * When it has run
 * ------------------------------------------------------------------------
 */

/* A table with rows of its own, unless it is temporary. */
static bool
can_travel(Oid relid)
{
	return get_rel_relkind(relid) == RELKIND_RELATION &&
		get_rel_persistence(relid) != RELPERSISTENCE_TEMP;
}

static bool
travel(DdlRewrite *rewrite, Oid relid)
{
	if (list_member_oid(rewrite->tables, relid) || !can_travel(relid))
		return false;
	rewrite->tables = lappend_oid(rewrite->tables, relid);
	return true;
}

/* What it gives depends on the transaction's time, role and settings at most: those travel. */
static bool
is_uncertain_function(Oid function, void *context)
{
	switch (function)
	{
		case F_NOW:
		case F_TRANSACTION_TIMESTAMP:
		case F_DATE_TIMESTAMPTZ:
		case F_TIME_TIMESTAMPTZ:
		case F_TIMETZ_TIMESTAMPTZ:
		case F_TIMESTAMP_TIMESTAMPTZ:
			return false;
		default:
			return !is_certain_function(function);
	}
}

static bool
is_uncertain(Node *node, void *context)
{
	if (node == NULL)
		return false;
	switch (nodeTag(node))
	{
		case T_CoerceToDomain:
		case T_NextValueExpr:
			return true;
		case T_SQLValueFunction:
			switch (((SQLValueFunction *) node)->op)
			{
				case SVFOP_SESSION_USER:
				case SVFOP_CURRENT_SCHEMA:
					return true;
				default:
					return false;
			}
		default:
			return check_functions_in_node(node, is_uncertain_function, NULL) ||
				expression_tree_walker(node, is_uncertain, NULL);
	}
}

static bool
is_certain_value(Node *expression)
{
	return !is_uncertain(expression, NULL);
}

/* Is a null of this domain, which is what a column without a default gets, the same everywhere? */
static bool
is_certain_null(Oid type)
{
	DomainConstraintRef *ref = palloc(sizeof(DomainConstraintRef)); /* the context's */
	ListCell   *lc;

	if (get_typtype(type) != TYPTYPE_DOMAIN)
		return true;
	InitDomainConstraintRef(type, ref, CurrentMemoryContext, false);
	foreach(lc, ref->constraints)
	{
		DomainConstraintState *constraint = lfirst(lc);

		if (!is_certain_value((Node *) constraint->check_expr))
			return false;
	}
	return true;
}

/* A column was added: was its value for the rows that are there evaluated? */
void
ddl_rewrite_added_column(DdlRewrite *rewrite, Oid relid, AttrNumber attno)
{
	Relation	rel = relation_open(relid, NoLock);

	if (rel->rd_rel->relkind == RELKIND_RELATION)
	{
		Node	   *value = build_column_default(rel, attno);

		if (ddl_calls_temporary(value))
			ddl_refuse("A column whose default needs a temporary object",
					   "Other nodes do not have the temporary object.");
		if (!is_certain_value(value) ||
			(value == NULL && !is_certain_null(TupleDescAttr(RelationGetDescr(rel), attno - 1)->atttypid)) ||
			barista_type_runs_user_code(TupleDescAttr(RelationGetDescr(rel), attno - 1)->atttypid))
			(void) travel(rewrite, relid);
	}
	relation_close(rel, NoLock);
}

/* A constraint was made, and checked against the rows that are there. */
void
ddl_rewrite_constraint(DdlRewrite *rewrite, Form_pg_constraint form, Node *check)
{
	if (form->contype == CONSTRAINT_FOREIGN)
	{
		ForeignKey *foreign = palloc(sizeof(ForeignKey));

		foreign->table = form->conrelid;
		foreign->references = form->confrelid;
		rewrite->foreign = lappend(rewrite->foreign, foreign);
	}
	/* One that is added is not checked again, one that is made anew is. */
	else if (rewrite->retypes && !is_certain_value(check))
		(void) travel(rewrite, form->conrelid);
}

/* Does a table travel that this one is or consists of? */
static bool
travels(DdlRewrite *rewrite, Oid relid)
{
	ListCell   *lc;

	foreach(lc, find_all_inheritors(relid, NoLock, NULL))
		if (list_member_oid(rewrite->tables, lfirst_oid(lc)))
			return true;
	return false;
}

/* The OIDs of the tables that travel; none if every node does the same. */
List *
ddl_rewrite_tables(DdlRewrite *rewrite)
{
	bool		more = true;
	ListCell   *lc;

	foreach(lc, rewrite->storage)
	{
		Storage    *storage = lfirst(lc);
		HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(storage->relid));
		bool		moved;

		if (!HeapTupleIsValid(tuple))
			continue;
		moved = ((Form_pg_class) GETSTRUCT(tuple))->relfilenode != storage->filenode;
		ReleaseSysCache(tuple);
		if (rewrite->all || (rewrite->once && moved))
			(void) travel(rewrite, storage->relid);
	}
	while (more)
	{
		more = false;
		foreach(lc, rewrite->foreign)
		{
			ForeignKey *foreign = lfirst(lc);

			if (travels(rewrite, foreign->references))
				more |= travel(rewrite, foreign->table);
		}
	}
	return rewrite->tables;
}
