/*-------------------------------------------------------------------------
 *
 * apply_settings.c
 *	  The settings under which values are read and written as text.
 *
 * Capture writes under the same ones (tuple.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "miscadmin.h"
#include "pgtime.h"
#include "tcop/tcopprot.h"
#include "utils/array.h"
#include "utils/float.h"
#include "utils/guc.h"
#include "utils/pg_locale.h"
#include "utils/xml.h"

#include "apply.h"

/*
 * Settings under which text values are read, and written.  A session that has
 * them already saves the cost of setting them at each call.
 */
bool
apply_settings_are_pinned(void)
{
	return DateStyle == USE_ISO_DATES && DateOrder == DATEORDER_MDY &&
		IntervalStyle == INTSTYLE_POSTGRES &&
		extra_float_digits == 3 && Array_nulls &&
		xmloption == XMLOPTION_CONTENT &&
		client_min_messages == ERROR &&
		strcmp(locale_monetary, "C") == 0 &&
		strcmp(namespace_search_path, "pg_catalog") == 0 &&
		strcmp(pg_get_timezone_name(session_timezone), "UTC") == 0;
}

void
apply_pin_settings(void)
{
	static const char *const settings[][2] = {
		{"DateStyle", "ISO, MDY"},
		{"IntervalStyle", "postgres"},
		{"TimeZone", "UTC"},
		{"extra_float_digits", "3"},
		{"array_nulls", "on"},
		{"xmloption", "content"},
		{"lc_monetary", "C"},
		{"search_path", "pg_catalog"},
		{"client_min_messages", "error"},
	};

	for (int i = 0; i < lengthof(settings); i++)
		(void) set_config_option(settings[i][0], settings[i][1], PGC_USERSET,
								 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
}

/* More than PostgreSQL would use, where the system sets no limit. */
#define DEEPEST		(1024 * 1024)	/* kB */

/*
 * Lets this session use all of its stack: the one that wrote the rows may have
 * been allowed more than others are.
 */
void
apply_raise_stack(void)
{
	long		limit = get_stack_depth_rlimit();
	int			most;

	if (limit <= STACK_DEPTH_SLOP)
		return;
	most = (int) Min((limit - STACK_DEPTH_SLOP) / 1024, DEEPEST);
	if (max_stack_depth >= most)
		return;
	(void) set_config_option("max_stack_depth", psprintf("%dkB", most), PGC_SUSET,
							 PGC_S_SESSION, GUC_ACTION_SET, true, 0, false);
}
