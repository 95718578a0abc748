/*-------------------------------------------------------------------------
 *
 * depend.c
 *	  What depends on an object.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "catalog/pg_depend.h"
#include "utils/fmgroids.h"

#include "internal.h"

bool
barista_has_dependent(Oid class, Oid object, DependentTest test)
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
