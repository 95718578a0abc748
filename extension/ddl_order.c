/*-------------------------------------------------------------------------
 *
 * ddl_order.c
 *	  A schema change waits for the writers that it would overtake.
 *
 * What a transaction captured names its objects as they were called when it
 * wrote; the log must not hold their new names before it.  A change of a table
 * waits for the table's writers by itself, since they hold a lock on it until
 * their turn is over.  A change of what is only named does not:
 *
 *		1. T1 inserts into s.t, and captures "s.t".
 *		2. T2 renames schema s, which locks no table, and commits.
 *		3. T1 commits: followers that have done 2 have no s.t.
 *
 * So such a statement first locks the tables and sequences against writers,
 * until the end of its transaction: T2 waits before 2 for the end of T1.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/namespace.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_index.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_largeobject_metadata.h"
#include "catalog/pg_type.h"
#include "nodes/parsenodes.h"
#include "storage/lmgr.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "ddl.h"
#include "internal.h"

/* Whose writers a statement waits for, beside those that its own locks exclude. */
typedef enum Writers
{
	WRITERS_NONE,
	WRITERS_DEPENDING,			/* of values that name objects, of tables whose
								 * indexes or types run users' functions */
	WRITERS_TYPED,				/* of values of users' types, too */
	WRITERS_ALL
} Writers;

static Writers of_alter_table(AlterTableStmt *stmt);
static Writers of_rename(ObjectType kind);
static Writers of_drop(ObjectType kind);

static Writers
overtaken(Node *node)
{
	switch (nodeTag(node))
	{
		case T_RenameStmt:
			return of_rename(((RenameStmt *) node)->renameType);
		case T_AlterObjectSchemaStmt:
			switch (((AlterObjectSchemaStmt *) node)->objectType)
			{
				case OBJECT_TYPE:
				case OBJECT_DOMAIN:
					return WRITERS_TYPED;
				case OBJECT_EXTENSION:
					return WRITERS_ALL;
				default:
					return WRITERS_DEPENDING;
			}
		case T_AlterEnumStmt:
			return ((AlterEnumStmt *) node)->oldVal ? WRITERS_TYPED : WRITERS_NONE;
		case T_AlterTableStmt:
			return of_alter_table((AlterTableStmt *) node);
		case T_AlterTypeStmt:
		case T_AlterDomainStmt:
			return WRITERS_TYPED;
		case T_AlterExtensionStmt:
			return WRITERS_ALL;
		case T_DropStmt:
			return of_drop(((DropStmt *) node)->removeType);
		case T_CreateFunctionStmt:
			return ((CreateFunctionStmt *) node)->replace ?
				WRITERS_DEPENDING : WRITERS_NONE;
		case T_GrantStmt:
			return ((GrantStmt *) node)->is_grant ? WRITERS_NONE : WRITERS_DEPENDING;
		case T_AlterFunctionStmt:
		case T_DropOwnedStmt:
		case T_DropRoleStmt:
			return WRITERS_DEPENDING;
		default:
			return WRITERS_NONE;
	}
}

/* Is it more than the array type that comes with each type? */
static bool
uses_type(Form_pg_depend form)
{
	return form->classid != TypeRelationId ||
		form->objid != get_array_type(form->refobjid);
}

/* Is something made of this type, or of arrays of it? */
static bool
type_is_used(Oid type)
{
	Oid			array = get_array_type(type);

	return barista_has_dependent(TypeRelationId, type, uses_type) ||
		(OidIsValid(array) && type_is_used(array));
}

/* Values of a table's row type, in other tables, hold its columns in order. */
static Writers
of_alter_table(AlterTableStmt *stmt)
{
	bool		columns = false;
	Oid			relid;
	ListCell   *lc;

	if (stmt->objtype == OBJECT_TYPE)
		return WRITERS_TYPED;
	foreach(lc, stmt->cmds)
	{
		AlterTableType kind = lfirst_node(AlterTableCmd, lc)->subtype;

		columns |= kind == AT_AddColumn || kind == AT_DropColumn;
	}
	relid = columns ? RangeVarGetRelid(stmt->relation, NoLock, true) : InvalidOid;
	if (!OidIsValid(relid))
		return WRITERS_NONE;
	foreach(lc, find_all_inheritors(relid, NoLock, NULL))
	{
		Oid			type = get_rel_type_id(lfirst_oid(lc));

		if (OidIsValid(type) && type_is_used(type))
			return WRITERS_DEPENDING;
	}
	return WRITERS_NONE;
}

static Writers
of_rename(ObjectType kind)
{
	switch (kind)
	{
		case OBJECT_SCHEMA:
			return WRITERS_ALL;
		case OBJECT_TYPE:
		case OBJECT_DOMAIN:
		case OBJECT_ATTRIBUTE:
			return WRITERS_TYPED;
		case OBJECT_COLUMN:
		case OBJECT_DOMCONSTRAINT:
		case OBJECT_POLICY:
		case OBJECT_RULE:
		case OBJECT_TABCONSTRAINT:
		case OBJECT_TRIGGER:
			return WRITERS_NONE;
		default:
			return WRITERS_DEPENDING;
	}
}

static Writers
of_drop(ObjectType kind)
{
	switch (kind)
	{
		case OBJECT_POLICY:
		case OBJECT_RULE:
		case OBJECT_TRIGGER:
			return WRITERS_NONE;
		default:
			return WRITERS_DEPENDING;
	}
}

/* Do values of this type travel as the names of objects? */
static bool
names_objects(Oid type)
{
	Oid			element;

	type = getBaseType(type);
	element = get_element_type(type);
	switch (OidIsValid(element) ? element : type)
	{
		case ACLITEMOID:
		case REGCLASSOID:
		case REGCOLLATIONOID:
		case REGCONFIGOID:
		case REGDICTIONARYOID:
		case REGNAMESPACEOID:
		case REGOPERATOROID:
		case REGOPEROID:
		case REGPROCEDUREOID:
		case REGPROCOID:
		case REGROLEOID:
		case REGTYPEOID:
			return true;
		default:
			return false;
	}
}

/* Tables with a column or an index whose replay depends on such objects. */
static List *
depending(Writers writers)
{
	Relation	catalog = table_open(AttributeRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(catalog, InvalidOid, false, NULL, 0, NULL);
	List	   *tables = NIL;
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_attribute form = (Form_pg_attribute) GETSTRUCT(tuple);

		if (form->attrelid >= FirstNormalObjectId && form->attnum > 0 &&
			!form->attisdropped &&
			((writers == WRITERS_TYPED && form->atttypid >= FirstUnpinnedObjectId) ||
			 names_objects(form->atttypid) ||
			 barista_type_runs_user_code(form->atttypid)))
			tables = lappend_oid(tables, form->attrelid);
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);

	catalog = table_open(IndexRelationId, AccessShareLock);
	scan = systable_beginscan(catalog, InvalidOid, false, NULL, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_index form = (Form_pg_index) GETSTRUCT(tuple);

		if (form->indrelid >= FirstNormalObjectId &&
			barista_index_runs_user_code(tuple))
			tables = lappend_oid(tables, form->indrelid);
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return tables;
}

/* Permanent tables and sequences: all, or those tables among some relations. */
static List *
writable(Writers writers)
{
	List	   *wanted = writers == WRITERS_ALL ? NIL : depending(writers);
	Relation	catalog;
	SysScanDesc scan;
	List	   *relations = NIL;
	HeapTuple	tuple;

	if (writers != WRITERS_ALL && wanted == NIL)
		return NIL;
	list_sort(wanted, list_oid_cmp);
	list_deduplicate_oid(wanted);
	catalog = table_open(RelationRelationId, AccessShareLock);
	scan = systable_beginscan(catalog, InvalidOid, false, NULL, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_class form = (Form_pg_class) GETSTRUCT(tuple);

		if (form->oid >= FirstNormalObjectId &&
			form->relpersistence == RELPERSISTENCE_PERMANENT &&
			(form->relkind == RELKIND_RELATION ||
			 (form->relkind == RELKIND_SEQUENCE && writers == WRITERS_ALL)) &&
			(writers == WRITERS_ALL || list_member_oid(wanted, form->oid)))
			relations = lappend_oid(relations, form->oid);
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	list_sort(relations, list_oid_cmp);
	return relations;
}

/* Of large objects, of which others are being made (large_object.c)? */
static bool
concerns_owners(Node *node)
{
	switch (nodeTag(node))
	{
		case T_RenameStmt:
			return ((RenameStmt *) node)->renameType == OBJECT_ROLE;
		case T_DropOwnedStmt:
		case T_ReassignOwnedStmt:
			return true;
		default:
			return false;
	}
}

/*
 * Waits until no transaction that it would overtake is left, and keeps new ones
 * from writing until this one ends.  The DDL lock is held: no table appears
 * meanwhile.  A share lock on a sequence does not count as its use.
 */
void
ddl_order_after_writers(Node *node)
{
	Writers		writers = overtaken(node);
	ListCell   *lc;

	if (concerns_owners(node))
		LockRelationOid(LargeObjectMetadataRelationId, ShareLock);
	if (writers == WRITERS_NONE)
		return;
	foreach(lc, writable(writers))
		LockRelationOid(lfirst_oid(lc), ShareLock);
}
