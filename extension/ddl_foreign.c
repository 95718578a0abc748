/*-------------------------------------------------------------------------
 *
 * ddl_foreign.c
 *	  Foreign data: the definitions are every node's, the rows the foreign
 *	  server's.
 *
 * Wrappers, servers, user mappings and foreign tables are replicated as other
 * definitions are.  Two things would ask another machine, or this one's files,
 * for something that they may answer otherwise on another node:
 *
 *	- IMPORT FOREIGN SCHEMA.  It runs once, here; the statements that it is made
 *	  of are recorded, one CREATE FOREIGN TABLE each.
 *	- A wrapper's validator, which may load a library, look at the machine, or
 *	  know fewer options.  It has accepted the options where the statement ran
 *	  first, so where it is replayed it is set aside: the wrapper has none while
 *	  the statement runs.  Others do not see that, since it is one transaction,
 *	  and if the server dies in it, it never was.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_foreign_data_wrapper.h"
#include "commands/defrem.h"
#include "foreign/foreign.h"
#include "nodes/makefuncs.h"
#include "parser/parse_node.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "ddl.h"

/* ------------------------------------------------------------------------
 * What IMPORT FOREIGN SCHEMA is made of
 * ------------------------------------------------------------------------
 */

/*
 * A CREATE FOREIGN TABLE that the wrapper wrote, without a schema in its text:
 * the server puts that into the tree.  Here it goes into the text, too.  (If
 * the two then do not read alike, ddl_record.c refuses the statement.)
 */
char *
ddl_foreign_imported(PlannedStmt *pstmt, const char *source)
{
	RangeVar   *table = castNode(CreateForeignTableStmt, pstmt->utilityStmt)->base.relation;
	int			start = Max(pstmt->stmt_location, 0);
	int			end = pstmt->stmt_len > 0 ? start + pstmt->stmt_len : (int) strlen(source);

	if (table->location < start || table->location > end)
		ddl_refuse("IMPORT FOREIGN SCHEMA of this foreign-data wrapper",
				   "Use CREATE FOREIGN TABLE.");
	return psprintf("%.*s%s.%.*s", table->location - start, source + start,
					quote_identifier(table->schemaname),
					end - table->location, source + table->location);
}

/* ------------------------------------------------------------------------
 * Where a statement is replayed
 * ------------------------------------------------------------------------
 */

static Oid
wrapper_of_server(const char *name)
{
	ForeignServer *server = GetForeignServerByName(name, true);

	return server ? server->fdwid : InvalidOid;
}

static Oid
wrapper_of_table(RangeVar *name)
{
	Oid			relid = RangeVarGetRelid(name, NoLock, true);

	if (!OidIsValid(relid) || get_rel_relkind(relid) != RELKIND_FOREIGN_TABLE)
		return InvalidOid;
	return GetForeignServer(GetForeignTable(relid)->serverid)->fdwid;
}

/* The wrapper whose validator looks at the statement's options, or InvalidOid. */
static Oid
wrapper_of(Node *node)
{
	switch (nodeTag(node))
	{
		case T_AlterFdwStmt:
			return get_foreign_data_wrapper_oid(((AlterFdwStmt *) node)->fdwname, true);
		case T_CreateForeignServerStmt:
			return get_foreign_data_wrapper_oid(((CreateForeignServerStmt *) node)->fdwname, true);
		case T_AlterForeignServerStmt:
			return wrapper_of_server(((AlterForeignServerStmt *) node)->servername);
		case T_CreateUserMappingStmt:
			return wrapper_of_server(((CreateUserMappingStmt *) node)->servername);
		case T_AlterUserMappingStmt:
			return wrapper_of_server(((AlterUserMappingStmt *) node)->servername);
		case T_CreateForeignTableStmt:
			return wrapper_of_server(((CreateForeignTableStmt *) node)->servername);
		case T_AlterTableStmt:
			return wrapper_of_table(((AlterTableStmt *) node)->relation);
		default:
			return InvalidOid;
	}
}

/* Gives a wrapper another validator, or none; returns the one that it had. */
static Oid
set_validator(Oid wrapper, Oid validator)
{
	Relation	wrappers = table_open(ForeignDataWrapperRelationId, RowExclusiveLock);
	HeapTuple	tuple = SearchSysCacheCopy1(FOREIGNDATAWRAPPEROID, ObjectIdGetDatum(wrapper));
	Form_pg_foreign_data_wrapper form;
	Oid			before;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for foreign-data wrapper %u", wrapper);
	form = (Form_pg_foreign_data_wrapper) GETSTRUCT(tuple);
	before = form->fdwvalidator;
	if (before != validator)
	{
		form->fdwvalidator = validator;
		CatalogTupleUpdate(wrappers, &tuple->t_self, tuple);
		CommandCounterIncrement();
	}
	table_close(wrappers, RowExclusiveLock);
	return before;
}

/* Takes VALIDATOR out of the options of a wrapper. */
static DefElem *
take_validator(List **options)
{
	ListCell   *lc;

	foreach(lc, *options)
	{
		DefElem    *option = lfirst_node(DefElem, lc);

		if (strcmp(option->defname, "validator") != 0)
			continue;
		*options = foreach_delete_current(*options, lc);
		return option;
	}
	return NULL;
}

/* ALTER FOREIGN DATA WRAPPER ... VALIDATOR, which asks none. */
static void
give_validator(char *wrapper, DefElem *validator)
{
	AlterFdwStmt *stmt = makeNode(AlterFdwStmt);
	ParseState *pstate = make_parsestate(NULL);

	stmt->fdwname = wrapper;
	stmt->func_options = list_make1(validator);
	CommandCounterIncrement();
	AlterForeignDataWrapper(pstate, stmt);
	free_parsestate(pstate);
}

/* Runs a statement without any validator.  The tree is ours. */
void
ddl_foreign_replay(PlannedStmt *pstmt, const char *text)
{
	Node	   *node = pstmt->utilityStmt;
	Oid			wrapper = wrapper_of(node);
	Oid			before = OidIsValid(wrapper) ?
		set_validator(wrapper, InvalidOid) : InvalidOid;
	char	   *name = NULL;
	DefElem    *given = NULL;

	if (IsA(node, CreateFdwStmt))
	{
		name = ((CreateFdwStmt *) node)->fdwname;
		given = take_validator(&((CreateFdwStmt *) node)->func_options);
	}
	else if (IsA(node, AlterFdwStmt))
	{
		name = ((AlterFdwStmt *) node)->fdwname;
		given = take_validator(&((AlterFdwStmt *) node)->func_options);
	}
	ProcessUtility(pstmt, text, false, PROCESS_UTILITY_SUBCOMMAND, NULL, NULL,
				   None_Receiver, NULL);
	if (OidIsValid(before))
	{
		CommandCounterIncrement();
		(void) set_validator(wrapper, before);
	}
	if (given)
		give_validator(name, given);
}

/* Is it one whose options a validator looks at? */
bool
ddl_foreign_has_options(Node *node)
{
	return IsA(node, CreateFdwStmt) || OidIsValid(wrapper_of(node));
}
