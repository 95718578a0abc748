/*-------------------------------------------------------------------------
 *
 * tuple_names.c
 *	  Values that name an object: regclass and its like.
 *
 * They are stored as OIDs, which differ between nodes, and travel as names.  A
 * temporary object exists on one node only, a TOAST table is named by an OID,
 * and what no longer exists has no name at all: such a value would mean
 * something else elsewhere, or nothing, and is refused.
 *
 *-------------------------------------------------------------------------
 */
#include "barista.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

#include "internal.h"

static bool
is_name_type(Oid type)
{
	switch (type)
	{
		case REGPROCOID:
		case REGPROCEDUREOID:
		case REGOPEROID:
		case REGOPERATOROID:
		case REGCLASSOID:
		case REGCOLLATIONOID:
		case REGTYPEOID:
		case REGROLEOID:
		case REGNAMESPACEOID:
		case REGCONFIGOID:
		case REGDICTIONARYOID:
			return true;
		default:
			return false;
	}
}

/* Do values of the type name objects, or hold values that do? */
bool
barista_type_holds_names(Oid type)
{
	Oid			base = getBaseType(type);
	Oid			element = get_element_type(base);
	bool		holds = false;

	if (OidIsValid(element))
		return barista_type_holds_names(element);
	if (type_is_rowtype(base) && base != RECORDOID)
	{
		TupleDesc	desc = lookup_rowtype_tupdesc(base, -1);

		for (int i = 0; i < desc->natts && !holds; i++)
			holds = !TupleDescAttr(desc, i)->attisdropped &&
				barista_type_holds_names(TupleDescAttr(desc, i)->atttypid);
		ReleaseTupleDesc(desc);
		return holds;
	}
	return is_name_type(base);
}

/* Does a schema that is this node's own stand before a name in the text? */
static bool
names_local_schema(const char *text)
{
	static const char *const schemas[] = {
		"pg_temp.", "pg_temp_", "pg_toast.", "pg_toast_temp_"
	};

	for (const char *p = text; *p; p++)
	{
		/* Names of arguments' types follow a parenthesis or a comma. */
		if (p > text && p[-1] != '(' && p[-1] != ',')
			continue;
		for (int i = 0; i < lengthof(schemas); i++)
			if (strncmp(p, schemas[i], strlen(schemas[i])) == 0)
				return true;
	}
	return false;
}

/* Reads it as other nodes will: a name that several share is an error there. */
static void
read_name(Oid type, char *text, Oid reader)
{
	Oid			function;
	Oid			parameter;
	BaristaRights before;

	getTypeInputInfo(type, &function, &parameter);
	if (OidIsValid(reader))
		barista_rights_take(reader, &before);
	(void) OidInputFunctionCall(function, text, parameter, -1);
	if (OidIsValid(reader))
		barista_rights_give_back(&before);
}

static void
check_name(Oid type, Datum value, Oid reader)
{
	char	   *text;
	Oid			function;
	bool		is_varlena;

	if (!OidIsValid(DatumGetObjectId(value)))
		return;
	PushOverrideSearchPath(&(OverrideSearchPath)
						   {
							   .schemas = list_make1_oid(PG_CATALOG_NAMESPACE),
						   });
	getTypeOutputInfo(type, &function, &is_varlena);
	text = OidOutputFunctionCall(function, value);
	if (strspn(text, "0123456789") == strlen(text) || names_local_schema(text))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("a value of type %s names what other nodes do not have",
						format_type_be(type)),
				 errdetail("%s is temporary, internal, or does not exist.", text),
				 errhint("Store its name as text instead.")));
	if (type == REGPROCOID || type == REGOPEROID || OidIsValid(reader))
		read_name(type, text, reader);
	PopOverrideSearchPath();
	pfree(text);
}

static void
check_array(Oid element, Datum value, Oid reader)
{
	int16		length;
	bool		byval;
	char		align;
	Datum	   *values;
	bool	   *nulls;
	int			count;

	get_typlenbyvalalign(element, &length, &byval, &align);
	deconstruct_array(DatumGetArrayTypeP(value), element, length, byval, align,
					  &values, &nulls, &count);
	for (int i = 0; i < count; i++)
		if (!nulls[i])
			barista_check_names(element, values[i], reader);
	pfree(values);
	pfree(nulls);
}

static void
check_row(Datum value, Oid reader)
{
	HeapTupleHeader header = DatumGetHeapTupleHeader(value);
	TupleDesc	desc = lookup_rowtype_tupdesc_copy(HeapTupleHeaderGetTypeId(header),
												   HeapTupleHeaderGetTypMod(header));
	HeapTupleData tuple = {.t_len = HeapTupleHeaderGetDatumLength(header), .t_data = header};
	Datum	   *values = palloc(Max(desc->natts, 1) * sizeof(Datum));
	bool	   *nulls = palloc(Max(desc->natts, 1) * sizeof(bool));

	heap_deform_tuple(&tuple, desc, values, nulls);
	for (int i = 0; i < desc->natts; i++)
		if (!nulls[i] && !TupleDescAttr(desc, i)->attisdropped)
			barista_check_names(TupleDescAttr(desc, i)->atttypid, values[i], reader);
	pfree(values);
	pfree(nulls);
	FreeTupleDesc(desc);
}

void
barista_check_names(Oid type, Datum value, Oid reader)
{
	Oid			base = getBaseType(type);
	Oid			element = get_element_type(base);

	if (!barista_type_holds_names(type))
		return;
	if (is_name_type(base))
		check_name(base, value, reader);
	else if (OidIsValid(element))
		check_array(element, value, reader);
	else
		check_row(value, reader);
}
