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
 * these domains are set aside while a value is read.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/tupdesc.h"
#include "catalog/pg_type.h"
#include "utils/lsyscache.h"
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

/*
 * Sets the constraints of these domains aside.  What it returns is to be given to
 * apply_domains_restore(), after an error too.  They are planned when they are
 * loaded, which may run functions in them: it is called as the table's owner.
 */
ApplyDomain *
apply_domains_suspend(List *domains)
{
	ApplyDomain *suspended = palloc(Max(list_length(domains), 1) * sizeof(ApplyDomain));
	ListCell   *lc;

	/* All are loaded before any is set aside: loading one may load others. */
	foreach(lc, domains)
		suspended[foreach_current_index(lc)].entry =
			lookup_type_cache(lfirst_oid(lc), TYPECACHE_DOMAIN_CONSTR_INFO);
	for (int i = 0; i < list_length(domains); i++)
	{
		suspended[i].constraints = suspended[i].entry->domainData;
		suspended[i].entry->domainData = NULL;
	}
	return suspended;
}

void
apply_domains_restore(ApplyDomain *suspended, int count)
{
	/* One that was loaded anew meanwhile stays. */
	for (int i = 0; i < count; i++)
		if (suspended[i].entry->domainData == NULL)
			suspended[i].entry->domainData = suspended[i].constraints;
}
