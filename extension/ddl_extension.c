/*-------------------------------------------------------------------------
 *
 * ddl_extension.c
 *	  CREATE EXTENSION and ALTER EXTENSION UPDATE with the version that they took.
 *
 * Every node runs the extension's script by itself, from its own files; nothing
 * inside the script is recorded.  Naming the version makes sure that it is the
 * same script.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "catalog/pg_extension.h"
#include "commands/defrem.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"

#include "ddl.h"

static char *
installed_version(const char *name)
{
	Relation	extensions = table_open(ExtensionRelationId, AccessShareLock);
	char	   *version = NULL;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_extension_extname, BTEqualStrategyNumber, F_NAMEEQ,
				CStringGetDatum(name));
	scan = systable_beginscan(extensions, ExtensionNameIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
	{
		bool		null;
		Datum		value = heap_getattr(tuple, Anum_pg_extension_extversion,
										 RelationGetDescr(extensions), &null);

		if (!null)
			version = TextDatumGetCString(value);
	}
	systable_endscan(scan);
	table_close(extensions, AccessShareLock);
	return version;
}

/* The statement that has just run, with its version; NULL: it did nothing. */
char *
ddl_pinned_extension(CreateExtensionStmt *stmt)
{
	char	   *version = installed_version(stmt->extname);
	StringInfoData text;
	ListCell   *lc;

	if (version == NULL)
		return NULL;
	initStringInfo(&text);
	appendStringInfo(&text, "CREATE EXTENSION %s%s",
					 stmt->if_not_exists ? "IF NOT EXISTS " : "",
					 quote_identifier(stmt->extname));
	foreach(lc, stmt->options)
	{
		DefElem    *def = lfirst_node(DefElem, lc);

		if (strcmp(def->defname, "schema") == 0)
			appendStringInfo(&text, " SCHEMA %s", quote_identifier(defGetString(def)));
		else if (strcmp(def->defname, "cascade") == 0 && defGetBoolean(def))
			appendStringInfoString(&text, " CASCADE");
	}
	appendStringInfo(&text, " VERSION %s", quote_identifier(version));
	return text.data;
}

/* ALTER EXTENSION ... UPDATE, which has just run. */
char *
ddl_pinned_update(AlterExtensionStmt *stmt)
{
	return psprintf("ALTER EXTENSION %s UPDATE TO %s", quote_identifier(stmt->extname),
					quote_identifier(installed_version(stmt->extname)));
}
