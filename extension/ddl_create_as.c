/*-------------------------------------------------------------------------
 *
 * ddl_create_as.c
 *	  CREATE TABLE AS, SELECT INTO and CREATE MATERIALIZED VIEW, as other nodes
 *	  run them.
 *
 * The query may depend on parameters, on temporary tables, on prepared
 * statements: what it made is told instead.  A table becomes a CREATE TABLE with
 * its columns; a materialized view keeps its query, as pg_dump would write it.
 * The rows follow the statement (ddl_rows.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_collation.h"
#include "commands/defrem.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "ddl.h"

static char *
collation_name(Oid collation)
{
	HeapTuple	tuple = SearchSysCache1(COLLOID, ObjectIdGetDatum(collation));
	Form_pg_collation form;
	char	   *name;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for collation %u", collation);
	form = (Form_pg_collation) GETSTRUCT(tuple);
	name = quote_qualified_identifier(get_namespace_name(form->collnamespace),
									  NameStr(form->collname));
	ReleaseSysCache(tuple);
	return name;
}

static void
write_columns(StringInfo text, TupleDesc desc)
{
	appendStringInfoString(text, " (");
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute column = TupleDescAttr(desc, i);

		appendStringInfo(text, "%s%s %s", i > 0 ? ", " : "",
						 quote_identifier(NameStr(column->attname)),
						 format_type_extended(column->atttypid, column->atttypmod,
											  FORMAT_TYPE_TYPEMOD_GIVEN |
											  FORMAT_TYPE_FORCE_QUALIFY));
		if (OidIsValid(column->attcollation) &&
			column->attcollation != get_typcollation(column->atttypid))
			appendStringInfo(text, " COLLATE %s", collation_name(column->attcollation));
	}
	appendStringInfoChar(text, ')');
}

static void
write_options(StringInfo text, List *options)
{
	const char *before = " WITH (";
	ListCell   *lc;

	foreach(lc, options)
	{
		DefElem    *def = lfirst_node(DefElem, lc);

		appendStringInfoString(text, before);
		if (def->defnamespace)
			appendStringInfo(text, "%s.", quote_identifier(def->defnamespace));
		appendStringInfoString(text, quote_identifier(def->defname));
		if (def->arg)
			appendStringInfo(text, " = %s", quote_literal_cstr(defGetString(def)));
		before = ", ";
	}
	if (options != NIL)
		appendStringInfoChar(text, ')');
}

/* A view's query, without the semicolon behind it. */
static char *
query_of(Oid relid)
{
	char	   *query = TextDatumGetCString(OidFunctionCall1(F_PG_GET_VIEWDEF_OID,
															 ObjectIdGetDatum(relid)));
	Size		length = strlen(query);

	if (length > 0 && query[length - 1] == ';')
		query[length - 1] = '\0';
	return query;
}

static char *
write_statement(CreateTableAsStmt *stmt, Relation rel)
{
	bool		view = rel->rd_rel->relkind == RELKIND_MATVIEW;
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfo(&text, "CREATE %s%s %s",
					 rel->rd_rel->relpersistence == RELPERSISTENCE_UNLOGGED ?
					 "UNLOGGED " : "",
					 view ? "MATERIALIZED VIEW" : "TABLE",
					 quote_qualified_identifier(get_namespace_name(RelationGetNamespace(rel)),
												RelationGetRelationName(rel)));
	if (!view)
		write_columns(&text, RelationGetDescr(rel));
	if (stmt->into->accessMethod)
		appendStringInfo(&text, " USING %s", quote_identifier(stmt->into->accessMethod));
	write_options(&text, stmt->into->options);
	if (stmt->into->tableSpaceName)
		appendStringInfo(&text, " TABLESPACE %s",
						 quote_identifier(stmt->into->tableSpaceName));
	if (view)
	{
		appendStringInfo(&text, " AS %s", query_of(RelationGetRelid(rel)));
		if (stmt->into->skipData)
			appendStringInfoString(&text, " WITH NO DATA");
	}
	return text.data;
}

/* What makes the relation that the statement has made; to be read along DDL_NO_PATH. */
char *
ddl_create_as_text(CreateTableAsStmt *stmt, Oid relid)
{
	int			settings = NewGUCNestLevel();
	Relation	rel = table_open(relid, AccessShareLock);
	char	   *text;

	(void) set_config_option("search_path", DDL_NO_PATH, PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	/* The view's rule is read by a query. */
	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	text = write_statement(stmt, rel);
	PopActiveSnapshot();
	AtEOXact_GUC(false, settings);
	table_close(rel, NoLock);
	return text;
}
