/*-------------------------------------------------------------------------
 *
 * labels.c
 *	  Two providers of security labels, for tests.
 *
 * "tame" takes any label but "bad"; "wild" is registered only if the setting
 * labels.wild is on when the library is loaded.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/objectaddress.h"
#include "commands/seclabel.h"
#include "fmgr.h"
#include "utils/guc.h"

PG_MODULE_MAGIC;

void		_PG_init(void);

static void
judge(const ObjectAddress *object, const char *label)
{
	if (label && strcmp(label, "bad") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME), errmsg("a bad label")));
}

void
_PG_init(void)
{
	const char *wild = GetConfigOption("labels.wild", true, false);

	register_label_provider("tame", judge);
	if (wild && strcmp(wild, "on") == 0)
		register_label_provider("wild", judge);
}
