/*-------------------------------------------------------------------------
 *
 * apply_domain.c
 *	  Values are read without the checks of the domains in them.
 *
 * A column's own domain was checked where its row was written.  So were the
 * domains inside a row type, an array or a range, but reading such a value goes
 * through their input functions, which would check again: run users' functions,
 * which may answer otherwise here, and refuse a null that ALTER TYPE ... ADD
 * ATTRIBUTE put into rows that were there.  So the type cache's constraints of
 * these domains are hidden while a value is read.  They are not loaded for that:
 * they would be planned, which runs functions in them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/tupdesc.h"
#include "catalog/pg_type.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "apply.h"

static void collect(Oid type, List **seen, List **domains);

/*
 * The domains in a type, itself included; in the current context.  An attribute
 * or a constraint that is added makes the relation's entry invalid.
 */
List *
apply_domains_of(Oid type)
{
	List	   *seen = NIL;
	List	   *domains = NIL;

	collect(type, &seen, &domains);
	list_free(seen);
	return domains;
}

List *
barista_types_in(Oid type)
{
	List	   *seen = NIL;
	List	   *domains = NIL;

	collect(type, &seen, &domains);
	list_free(domains);
	return seen;
}

static void
collect_attributes(Oid type, List **seen, List **domains)
{
	TupleDesc	desc = lookup_rowtype_tupdesc_copy(type, -1);

	for (int i = 0; i < desc->natts; i++)
		if (!TupleDescAttr(desc, i)->attisdropped)
			collect(TupleDescAttr(desc, i)->atttypid, seen, domains);
	FreeTupleDesc(desc);
}

static void
collect(Oid type, List **seen, List **domains)
{
	Oid			element;

	if (!OidIsValid(type) || list_member_oid(*seen, type))
		return;
	*seen = lappend_oid(*seen, type);
	switch (get_typtype(type))
	{
		case TYPTYPE_DOMAIN:
			*domains = lappend_oid(*domains, type);
			collect(getBaseType(type), seen, domains);
			break;
		case TYPTYPE_COMPOSITE:
			collect_attributes(type, seen, domains);
			break;
		case TYPTYPE_RANGE:
			collect(get_range_subtype(type), seen, domains);
			break;
		case TYPTYPE_MULTIRANGE:
			collect(get_multirange_range(type), seen, domains);
			break;
		default:
			element = get_element_type(type);
			collect(element, seen, domains);
			break;
	}
}

/* Those that are hidden now, or NULL. */
static ApplyDomain *hidden = NULL;
static int	hidden_count = 0;

static void
hide(ApplyDomain *domain)
{
	domain->entry->domainData = NULL;
	domain->entry->flags |= BARISTA_DOMAIN_CONSTRAINTS_LOADED;
}

/* The type cache has noted that constraints changed: it would load them again. */
static void
constraints_changed(Datum arg, int cacheid, uint32 hashvalue)
{
	for (int i = 0; i < hidden_count; i++)
	{
		hidden[i].loaded = false;
		hide(&hidden[i]);
	}
}

/* Once in each backend.  The type cache's own callback has to come first. */
static void
init(void)
{
	static bool registered = false;

	if (registered)
		return;
	(void) lookup_type_cache(INT4OID, 0);
	CacheRegisterSyscacheCallback(CONSTROID, constraints_changed, (Datum) 0);
	registered = true;
}

/* Hides the constraints of these domains until apply_domains_show(), which a call after an error begins with. */
void
apply_domains_hide(List *domains)
{
	ApplyDomain *entries;
	ListCell   *lc;

	init();
	entries = MemoryContextAlloc(TopMemoryContext,
								 Max(list_length(domains), 1) * sizeof(ApplyDomain));
	/* All are there before any is changed: an error leaves them as they are. */
	foreach(lc, domains)
		entries[foreach_current_index(lc)].entry = lookup_type_cache(lfirst_oid(lc), 0);
	hidden = entries;
	hidden_count = list_length(domains);
	for (int i = 0; i < hidden_count; i++)
	{
		hidden[i].constraints = hidden[i].entry->domainData;
		hidden[i].loaded = (hidden[i].entry->flags & BARISTA_DOMAIN_CONSTRAINTS_LOADED) != 0;
		hide(&hidden[i]);
	}
}

void
apply_domains_show(void)
{
	for (int i = 0; i < hidden_count; i++)
	{
		TypeCacheEntry *entry = hidden[i].entry;

		entry->domainData = hidden[i].constraints;
		if (!hidden[i].loaded)
			entry->flags &= ~BARISTA_DOMAIN_CONSTRAINTS_LOADED;
	}
	hidden_count = 0;
	if (hidden)
		pfree(hidden);
	hidden = NULL;
}
