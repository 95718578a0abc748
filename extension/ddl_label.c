/*-------------------------------------------------------------------------
 *
 * ddl_label.c
 *	  SECURITY LABEL.
 *
 * Its provider, a library, judges a label where the statement runs first.  Other
 * nodes store the label, and need not have loaded the library: so the provider is
 * always named, also where the client leaves it to be the only one.  Which one
 * that was, is seen from what has become of the object's labels.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "catalog/catalog.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_seclabel.h"
#include "catalog/pg_shseclabel.h"
#include "commands/seclabel.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"

#include "ddl.h"

/* A provider's label of an object. */
typedef struct Label
{
	const char *provider;
	const char *label;
} Label;

/* Both catalogs tell the object first, pg_seclabel with a part of it. */
static SysScanDesc
begin_scan(Relation catalog, const ObjectAddress *object)
{
	bool		shared = RelationGetRelid(catalog) == SharedSecLabelRelationId;
	ScanKeyData keys[3];

	ScanKeyInit(&keys[0], Anum_pg_seclabel_objoid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(object->objectId));
	ScanKeyInit(&keys[1], Anum_pg_seclabel_classoid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(object->classId));
	ScanKeyInit(&keys[2], Anum_pg_seclabel_objsubid, BTEqualStrategyNumber, F_INT4EQ,
				Int32GetDatum(object->objectSubId));
	return systable_beginscan(catalog,
							  shared ? SharedSecLabelObjectIndexId : SecLabelObjectIndexId,
							  true, NULL, shared ? 2 : 3, keys);
}

static const char *
text_of(Relation catalog, HeapTuple tuple, AttrNumber attribute)
{
	bool		null;
	Datum		value = heap_getattr(tuple, attribute, RelationGetDescr(catalog), &null);

	return null ? "" : TextDatumGetCString(value);
}

static List *
labels_of(const ObjectAddress *object)
{
	bool		shared = IsSharedRelation(object->classId);
	Relation	catalog = table_open(shared ? SharedSecLabelRelationId : SecLabelRelationId,
									 AccessShareLock);
	SysScanDesc scan = begin_scan(catalog, object);
	List	   *labels = NIL;
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Label	   *label = palloc(sizeof(Label));

		label->provider = text_of(catalog, tuple, shared ? Anum_pg_shseclabel_provider :
								  Anum_pg_seclabel_provider);
		label->label = text_of(catalog, tuple, shared ? Anum_pg_shseclabel_label :
							   Anum_pg_seclabel_label);
		labels = lappend(labels, label);
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return labels;
}

/* The object's labels now, if the statement leaves its provider unsaid. */
List *
ddl_label_before(Node *node)
{
	SecLabelStmt *stmt = (SecLabelStmt *) node;
	ObjectAddress object;
	Relation	rel = NULL;

	if (!IsA(node, SecLabelStmt) || stmt->provider != NULL)
		return NIL;
	object = get_object_address(stmt->objtype, stmt->object, &rel,
								ShareUpdateExclusiveLock, true);
	if (rel)
		relation_close(rel, NoLock);
	return OidIsValid(object.objectId) ? labels_of(&object) : NIL;
}

static bool
has(List *labels, Label *wanted)
{
	ListCell   *lc;

	foreach(lc, labels)
	{
		Label	   *label = lfirst(lc);

		if (strcmp(label->provider, wanted->provider) == 0 &&
			strcmp(label->label, wanted->label) == 0)
			return true;
	}
	return false;
}

/* The provider of a label that some have and others do not, or NULL. */
static const char *
difference(List *some, List *others)
{
	ListCell   *lc;

	foreach(lc, some)
		if (!has(others, lfirst(lc)))
			return ((Label *) lfirst(lc))->provider;
	return NULL;
}

/*
 * The provider that a statement has meant, which has just run; NULL: the labels
 * are as they were.
 */
const char *
ddl_label_provider(Node *node, List *before)
{
	SecLabelStmt *stmt = castNode(SecLabelStmt, node);
	Relation	rel = NULL;
	ObjectAddress object;
	List	   *after;
	const char *provider;

	if (stmt->provider)
		return stmt->provider;
	CommandCounterIncrement();
	object = get_object_address(stmt->objtype, stmt->object, &rel,
								ShareUpdateExclusiveLock, false);
	if (rel)
		relation_close(rel, NoLock);
	after = labels_of(&object);
	provider = difference(after, before);
	return provider ? provider : difference(before, after);
}

/* Stores the label.  It has been judged, and the role's right to set it. */
void
ddl_label_replay(Node *node)
{
	SecLabelStmt *stmt = castNode(SecLabelStmt, node);
	Relation	rel = NULL;
	ObjectAddress object;

	if (stmt->provider == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_BARISTA_MALFORMED),
				 errmsg("malformed statement: a label without its provider")));
	object = get_object_address(stmt->objtype, stmt->object, &rel,
								ShareUpdateExclusiveLock, false);
	SetSecurityLabel(&object, stmt->provider, stmt->label);
	if (rel)
		relation_close(rel, NoLock);
}
