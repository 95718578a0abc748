/*-------------------------------------------------------------------------
 *
 * ddl_record.c
 *	  A statement becomes a message in the change set.
 *
 * What it depends on beside its text travels with it: the role, the
 * search_path, the transaction's time, and the settings that change the meaning
 * of a text or are stored in a catalog.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "parser/parser.h"
#include "storage/lock.h"
#include "tcop/cmdtag.h"
#include "tcop/utility.h"
#include "utils/guc.h"
#include "utils/timestamp.h"

#include "ddl.h"

/*
 * The lock that a transaction's first statement takes until its end, in all
 * databases: names that the server chooses, IF NOT EXISTS, CASCADE and GRANT ON
 * ALL depend on the order of statements.  Its class is one that advisory locks
 * do not use.
 */
#define DDL_LOCK_KEY	0xBA157A
#define DDL_LOCK_CLASS	0xBA

const char *const ddl_settings[] = {
	"DateStyle",
	"IntervalStyle",
	"TimeZone",
	"array_nulls",
	"backslash_quote",
	"default_table_access_method",
	"default_tablespace",
	"default_text_search_config",
	"default_toast_compression",
	"extra_float_digits",
	"lc_monetary",
	"password_encryption",
	"standard_conforming_strings",
	"timezone_abbreviations",
	"transform_null_equals",
	"xmloption",
};
const int	ddl_settings_count = lengthof(ddl_settings);

struct DdlRecord
{
	const char *role;
	const char *search_path;
	const char *tag;
	const char *text;
	Size		length;
	const char *bound;			/* or NULL */
	const char *default_path;	/* of an extension's script; or NULL */
	bool		stores;			/* settings, these: */
	List	   *stored;
	DdlOids    *oids;			/* of what it has made; or NULL */
	const char *settings[lengthof(ddl_settings)];
};

static bool reads_as(DdlRecord *record, Node *node);
static void read_otherwise(DdlRecord *record, Node *node);

/* The statement's own part of a text that may hold several. */
static void
cut(DdlRecord *record, PlannedStmt *pstmt, const char *source)
{
	Size		length = strlen(source);
	Size		start = pstmt->stmt_location > 0 ? pstmt->stmt_location : 0;

	start = Min(start, length);
	record->text = source + start;
	record->length = length - start;
	if (pstmt->stmt_len > 0)
		record->length = Min(record->length, (Size) pstmt->stmt_len);
}

static const char *
current(int setting)
{
	return pstrdup(GetConfigOption(ddl_settings[setting], false, false));
}

/* An empty one is told in its other form, of one schema without a name. */
static const char *
default_path(void)
{
	const char *path = GetConfigOptionResetString("search_path");

	return path && *path ? pstrdup(path) : "\"\"";
}

DdlRecord *
ddl_record_new(const char *tag)
{
	DdlRecord  *record = palloc0(sizeof(DdlRecord));

	record->role = GetUserNameFromId(GetUserId(), false);
	record->search_path = pstrdup(namespace_search_path);
	record->tag = tag;
	for (int i = 0; i < ddl_settings_count; i++)
		record->settings[i] = current(i);
	return record;
}

DdlRecord *
ddl_record_prepare(PlannedStmt *pstmt, const char *source)
{
	DdlRecord  *record = ddl_record_new(GetCommandTagName(CreateCommandTag(pstmt->utilityStmt)));

	if (IsA(pstmt->utilityStmt, CreateExtensionStmt) ||
		IsA(pstmt->utilityStmt, AlterExtensionStmt))
		record->default_path = default_path();
	cut(record, pstmt, source);
	/* The text of CREATE TABLE AS will be replaced. */
	if (!IsA(pstmt->utilityStmt, CreateTableAsStmt) &&
		!reads_as(record, pstmt->utilityStmt))
		read_otherwise(record, pstmt->utilityStmt);
	return record;
}

/*
 * Does the text read as this statement, under the settings of this moment?  Its
 * reading has given the warnings that there are.
 */
static bool
reads_as(DdlRecord *record, Node *node)
{
	bool		warns = escape_string_warning;
	List	   *raw;

	escape_string_warning = false;
	PG_TRY();
	{
		raw = raw_parser(pnstrdup(record->text, record->length), RAW_PARSE_DEFAULT);
	}
	PG_FINALLY();
	{
		escape_string_warning = warns;
	}
	PG_END_TRY();
	return list_length(raw) == 1 && equal(linitial_node(RawStmt, raw)->stmt, node);
}

/*
 * A text of several statements is read as a whole before the first of them
 * runs, and that one may have changed how texts are read.
 */
static void
read_otherwise(DdlRecord *record, Node *node)
{
	static const char *const name = "standard_conforming_strings";
	const char *other = standard_conforming_strings ? "off" : "on";
	int			settings = NewGUCNestLevel();
	bool		same;

	(void) set_config_option(name, other, PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	same = reads_as(record, node);
	AtEOXact_GUC(false, settings);
	if (!same)
		ddl_refuse("A statement whose text reads as another one",
				   "Send the statement by itself.");
	for (int i = 0; i < ddl_settings_count; i++)
		if (strcmp(ddl_settings[i], name) == 0)
			record->settings[i] = other;
}

void
ddl_record_refresh(DdlRecord *record)
{
	MemoryContext caller = MemoryContextSwitchTo(GetMemoryChunkContext(record));

	record->role = GetUserNameFromId(GetUserId(), false);
	record->search_path = pstrdup(namespace_search_path);
	for (int i = 0; i < ddl_settings_count; i++)
		/* These two were of meaning when the text was read. */
		if (strcmp(ddl_settings[i], "backslash_quote") != 0 &&
			strcmp(ddl_settings[i], "standard_conforming_strings") != 0)
			record->settings[i] = current(i);
	MemoryContextSwitchTo(caller);
}

char *
ddl_record_text(DdlRecord *record)
{
	return pnstrdup(record->text, record->length);
}

void
ddl_record_replace(DdlRecord *record, char *text)
{
	record->text = text;
	record->length = strlen(text);
}

void
ddl_record_search_path(DdlRecord *record, const char *path)
{
	record->search_path = path;
}

void
ddl_record_bound(DdlRecord *record, char *bound)
{
	record->bound = bound;
}

void
ddl_record_stored(DdlRecord *record, List *settings)
{
	if (list_length(settings) > PG_UINT16_MAX)
		ddl_refuse("An object with more than 65535 settings", "Store fewer.");
	record->stores = true;
	record->stored = settings;
}

void
ddl_record_oids(DdlRecord *record, DdlOids *oids)
{
	record->oids = oids;
}

static void
write_stored(List *settings)
{
	ListCell   *lc;

	barista_buffer_append_u16((uint16) list_length(settings));
	foreach(lc, settings)
		barista_buffer_append_cstr(lfirst(lc));
}

void
ddl_record_write(DdlRecord *record)
{
	barista_note_ddl();
	barista_buffer_message_begin('Q');
	barista_buffer_append_u8((record->bound ? STATEMENT_HAS_BOUND : 0) |
							 (record->default_path ? STATEMENT_HAS_DEFAULT_PATH : 0) |
							 (record->stores ? STATEMENT_HAS_STORED : 0) |
							 (record->oids ? STATEMENT_HAS_OIDS : 0));
	barista_buffer_append_cstr(record->role);
	barista_buffer_append_cstr(record->search_path);
	barista_buffer_append_u64((uint64) GetCurrentTransactionStartTimestamp());
	barista_buffer_append_u16((uint16) ddl_settings_count);
	for (int i = 0; i < ddl_settings_count; i++)
	{
		barista_buffer_append_cstr(ddl_settings[i]);
		barista_buffer_append_cstr(record->settings[i]);
	}
	barista_buffer_append_cstr(record->tag);
	barista_buffer_append_bytes32(record->text, record->length);
	if (record->bound)
		barista_buffer_append_cstr(record->bound);
	if (record->default_path)
		barista_buffer_append_cstr(record->default_path);
	if (record->stores)
		write_stored(record->stored);
	if (record->oids)
		ddl_oids_write(record->oids);
	barista_buffer_message_end();
}

void
ddl_record_lock(void)
{
	LOCKTAG		tag;

	SET_LOCKTAG_ADVISORY(tag, InvalidOid, 0, DDL_LOCK_KEY, DDL_LOCK_CLASS);
	(void) LockAcquire(&tag, ExclusiveLock, false, false);
}
