/*-------------------------------------------------------------------------
 *
 * writer_settings.c
 *	  Settings that what an index's function gives may depend on.
 *
 * Such a function is declared immutable, and may yet show a time as text, which
 * follows DateStyle and TimeZone.  Other nodes make the entries of the index by
 * themselves: so the writer's settings travel with the description of a table that
 * has such indexes, as the search_path does (tuple.c, apply_index.c), and every node
 * makes the entries that the leader has made.  Else whoever may insert rows could
 * have an index set aside on all followers by his DateStyle.
 *
 * They are those that say how values are shown and texts are read.  What a session
 * has made up for itself ("app.tenant") is not among them, nor is what only
 * superusers set.
 *
 *-------------------------------------------------------------------------
 */
#include "barista.h"

#include "miscadmin.h"
#include "parser/parse_expr.h"
#include "parser/parser.h"
#include "pgtime.h"
#include "tsearch/ts_cache.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/bytea.h"
#include "utils/float.h"
#include "utils/guc.h"
#include "utils/guc_tables.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/pg_locale.h"
#include "utils/xml.h"

#include "apply.h"
#include "internal.h"

/* Only what differs from these travels. */
static const struct
{
	const char *name;
	const char *base;
}			settings[] =
{
	{"DateStyle", "ISO, MDY"},
	{"IntervalStyle", "postgres"},
	{"TimeZone", "UTC"},
	{"array_nulls", "on"},
	{"backslash_quote", "safe_encoding"},
	{"bytea_output", "hex"},
	{"default_text_search_config", "pg_catalog.english"},
	{"extra_float_digits", "3"},
	{"lc_monetary", "C"},
	{"lc_numeric", "C"},
	{"lc_time", "C"},
	{"quote_all_identifiers", "off"},
	{"standard_conforming_strings", "on"},
	{"timezone_abbreviations", "Default"},
	{"transform_null_equals", "off"},
	{"xmlbinary", "base64"},
	{"xmloption", "content"},
};

/* The variables of all these. */
static const int *const numbers[] = {
	&DateStyle, &DateOrder, &IntervalStyle, &backslash_quote, &bytea_output,
	&extra_float_digits, &xmlbinary, &xmloption,
};
static const bool *const switches[] = {
	&Array_nulls, &quote_all_identifiers, &standard_conforming_strings,
	&Transform_null_equals,
};
static char *const *const texts[] = {
	&TSCurrentConfig, &locale_monetary, &locale_numeric, &locale_time,
};

/* timezone_abbreviations, whose variable has no name outside its file. */
static const char *
abbreviations(void)
{
	static char **variable = NULL;
	struct config_generic **all = get_guc_variables();

	for (int i = 0; variable == NULL && i < GetNumConfigOptions(); i++)
		if (strcmp(all[i]->name, "timezone_abbreviations") == 0)
			variable = ((struct config_string *) all[i])->variable;
	return *variable;
}

struct BaristaWriterSettings
{
	int			numbers[lengthof(numbers)];
	bool		switches[lengthof(switches)];
	char	   *texts[lengthof(texts)];
	char	   *abbreviations;
	pg_tz	   *zone;
};

/* As they are now; in the current context. */
BaristaWriterSettings *
barista_writer_settings(void)
{
	BaristaWriterSettings *now = palloc(sizeof(BaristaWriterSettings));

	for (int i = 0; i < lengthof(numbers); i++)
		now->numbers[i] = *numbers[i];
	for (int i = 0; i < lengthof(switches); i++)
		now->switches[i] = *switches[i];
	for (int i = 0; i < lengthof(texts); i++)
		now->texts[i] = pstrdup(*texts[i]);
	now->abbreviations = pstrdup(abbreviations());
	now->zone = session_timezone;
	return now;
}

/* Are they still as they were then?  Asked for each row. */
bool
barista_writer_settings_hold(const BaristaWriterSettings *then)
{
	for (int i = 0; i < lengthof(numbers); i++)
		if (then->numbers[i] != *numbers[i])
			return false;
	for (int i = 0; i < lengthof(switches); i++)
		if (then->switches[i] != *switches[i])
			return false;
	for (int i = 0; i < lengthof(texts); i++)
		if (strcmp(then->texts[i], *texts[i]) != 0)
			return false;
	return then->zone == session_timezone &&
		strcmp(then->abbreviations, abbreviations()) == 0;
}

/*
 * One word for what means the same.  The text search configurations of users are
 * looked up with somebody's rights, and do not travel.
 */
static const char *
plain(int setting, const char *value)
{
	const char *name = settings[setting].name;

	if (strncmp(name, "lc_", strlen("lc_")) == 0 && strcmp(value, "C.UTF-8") == 0)
		return settings[setting].base;
	if (strcmp(name, "extra_float_digits") == 0 && atoi(value) > 0)
		return settings[setting].base;
	if (strcmp(name, "default_text_search_config") == 0 &&
		strncmp(value, "pg_catalog.", strlen("pg_catalog.")) != 0 &&
		strncmp(value, "\"pg_catalog\".", strlen("\"pg_catalog\".")) != 0)	/* by quote_all_identifiers */
		return settings[setting].base;
	return value;
}

/* This session's. */
static const char *
own(int setting)
{
	return plain(setting, GetConfigOption(settings[setting].name, false, false));
}

/* Those of this moment, behind the description of a relation.  Nothing, if all are as they mostly are. */
void
barista_writer_settings_append(StringInfo description)
{
	StringInfoData some;
	uint16		count = 0;

	initStringInfo(&some);
	for (int i = 0; i < lengthof(settings); i++)
	{
		const char *value = own(i);

		if (strcmp(value, settings[i].base) == 0)
			continue;
		appendBinaryStringInfoNT(&some, settings[i].name, (int) strlen(settings[i].name) + 1);
		appendBinaryStringInfoNT(&some, value, (int) strlen(value) + 1);
		count++;
	}
	if (count > 0)
	{
		uint16		length = pg_hton16(count);

		appendBinaryStringInfoNT(description, (char *) &length, sizeof(length));
		appendBinaryStringInfoNT(description, some.data, some.len);
	}
	pfree(some.data);
}

/* Which of them it is, or -1. */
static int
setting_of(const char *name)
{
	for (int i = 0; i < lengthof(settings); i++)
		if (strcmp(name, settings[i].name) == 0)
			return i;
	return -1;
}

/*
 * Reads them, to the end of a description.  Names and values, one after the other, of
 * those that this session has otherwise; in the current context.
 */
List *
barista_writer_settings_read(BaristaReader *r)
{
	const char *wanted[lengthof(settings)];
	List	   *others = NIL;
	bool		some = reader_left(r) > 0;
	uint16		count = some ? reader_u16(r) : 0;

	if (r->failure == NULL && some && count == 0)
		reader_fail(r, "it has an empty list of settings");
	for (int i = 0; i < lengthof(settings); i++)
		wanted[i] = settings[i].base;
	for (int i = 0; i < count && r->failure == NULL; i++)
	{
		int			setting = setting_of(reader_cstr(r));
		const char *value = reader_cstr(r);

		if (setting < 0)
			reader_fail(r, "it has an unknown setting");
		else
			wanted[setting] = plain(setting, value);
	}
	for (int i = 0; i < lengthof(settings) && r->failure == NULL; i++)
		if (strcmp(own(i), wanted[i]) != 0)
		{
			others = lappend(others, pstrdup(settings[i].name));
			others = lappend(others, pstrdup(wanted[i]));
		}
	return others;
}

/*
 * PostgreSQL keeps what it has read of a time zone, 24 kB, for the session's life, and
 * there is no end of names ("<any>-3:33").
 */
#define MOST_ZONES	4000
#define ZONE_LENGTH	256

/* Their names, as writers had them; lives as long as the backend. */
static HTAB *zones = NULL;

static void
note_zone(const char *zone)
{
	if (zones == NULL)
	{
		HASHCTL		control = {
			.keysize = ZONE_LENGTH,
			.entrysize = ZONE_LENGTH,
			.hcxt = TopMemoryContext,
		};

		zones = hash_create("barista time zones of writers", 64, &control,
							HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
	}
	(void) hash_search(zones, zone, HASH_ENTER, NULL);
}

/* Is it time for another session?  Asked before a batch, so each gets on. */
void
barista_writer_settings_check(void)
{
	if (zones != NULL && hash_get_num_entries(zones) > MOST_ZONES)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_RESOURCES),
				 errmsg("writers have had too many time zones for one session"),
				 errhint("Another session applies what follows.")));
}

/*
 * Sets them, for the level of settings that the caller has begun.  One that this
 * machine does not know, a time zone or a locale, stays as it is.
 */
void
barista_writer_settings_set(List *some)
{
	for (int i = 0; i + 1 < list_length(some); i += 2)
	{
		const char *setting = list_nth(some, i);
		const char *value = list_nth(some, i + 1);

		if (strcmp(setting, "TimeZone") == 0)
			note_zone(value);
		(void) set_config_option(setting, value, PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, DEBUG1, false);
	}
}

/* Sets them to what sessions of this database begin with; likewise. */
void
barista_writer_settings_reset(void)
{
	for (int i = 0; i < lengthof(settings); i++)
	{
		const char *value = GetConfigOptionResetString(settings[i].name);

		if (value)
			(void) set_config_option(settings[i].name, value, PGC_USERSET, PGC_S_SESSION,
									 GUC_ACTION_SAVE, true, DEBUG1, false);
	}
}
