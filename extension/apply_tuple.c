/*-------------------------------------------------------------------------
 *
 * apply_tuple.c
 *	  Values of the wire become datums, and back.
 *
 * Values of the common types are taken as they are; the others go through the
 * type's receive function (binary) or input function (text), under the settings
 * that apply.c pins.  A domain's values are read as its base type's: the domain
 * was checked where the row was written.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/transam.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "port/pg_bswap.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "apply.h"
#include "internal.h"

/* Bytes of one value, and of one key, that a message may show. */
#define KEY_VALUE_SHOWN	64
#define KEY_SHOWN		256

static void read_value(BaristaReader *r, ApplyRelation *ar,
					   ApplyColumn *column, char kind, ApplyTuple *tuple);
static Datum decode(ApplyRelation *ar, ApplyColumn *column,
					const char *bytes, uint32 length, BaristaReader *r);
static Datum decode_restricted(ApplyRelation *ar, ApplyColumn *column,
							   const char *bytes, uint32 length, BaristaReader *r);
static Datum decode_name(ApplyColumn *column, const char *bytes,
						 uint32 length, BaristaReader *r);
static Datum decode_by_function(ApplyColumn *column, const char *bytes,
								uint32 length, BaristaReader *r);

/*
 * Reads a tuple into arrays indexed by local attribute, in the row context.
 * Attributes that the wire does not name are null.  With key_only, the columns
 * outside the key are skipped.
 */
void
apply_tuple_read(BaristaReader *r, ApplyRelation *ar, bool key_only,
				 bool unchanged_allowed, ApplyTuple *tuple)
{
	int			natts = ar->desc->natts;
	int			ncolumns = reader_u16(r);

	tuple->values = MemoryContextAlloc(apply_row_context,
									   natts * (sizeof(Datum) + 2 * sizeof(bool)));
	tuple->nulls = (bool *) (tuple->values + natts);
	tuple->unchanged = tuple->nulls + natts;
	tuple->any_unchanged = false;
	memset(tuple->values, 0, natts * sizeof(Datum));
	memset(tuple->nulls, true, natts);
	memset(tuple->unchanged, false, natts);

	if (ncolumns != ar->ncolumns)
		reader_fail(r, "a tuple has another number of columns than its relation");

	for (int i = 0; i < ncolumns && r->failure == NULL; i++)
	{
		ApplyColumn *column = &ar->columns[i];
		char		kind = (char) reader_u8(r);

		if (kind == 'u' && !unchanged_allowed)
			reader_fail(r, "an unchanged value where there is no older one");
		else if (key_only && (kind != 'n') != column->key)
			reader_fail(r, "a key's tuple holds other columns than the key's");
		else
			read_value(r, ar, column, kind, tuple);
	}
}

static void
read_value(BaristaReader *r, ApplyRelation *ar, ApplyColumn *column,
		   char kind, ApplyTuple *tuple)
{
	const char *bytes;
	uint32		length;

	switch (kind)
	{
		case 'n':
			break;
		case 'u':
			tuple->unchanged[column->attribute] = true;
			tuple->any_unchanged = true;
			break;
		case 't':
		case 'b':
			bytes = reader_bytes32(r, &length);
			if (kind != column->format)
				reader_fail(r, "a value has another format than its column");
			if (r->failure)
				break;
			tuple->values[column->attribute] = decode(ar, column, bytes, length, r);
			tuple->nulls[column->attribute] = false;
			break;
		default:
			reader_fail(r, "a value of unknown kind");
	}
}

static Datum
decode(ApplyRelation *ar, ApplyColumn *column, const char *bytes,
	   uint32 length, BaristaReader *r)
{
	switch (column->decoding)
	{
		case APPLY_BOOL:
			if (length != 1)
				break;
			return BoolGetDatum(*bytes != 0);
		case APPLY_INT16:
			{
				uint16		n;

				if (length != sizeof(n))
					break;
				memcpy(&n, bytes, sizeof(n));
				return Int16GetDatum((int16) pg_ntoh16(n));
			}
		case APPLY_INT32:
			{
				uint32		n;

				if (length != sizeof(n))
					break;
				memcpy(&n, bytes, sizeof(n));
				return Int32GetDatum((int32) pg_ntoh32(n));
			}
		case APPLY_INT64:
			{
				uint64		n;

				if (length != sizeof(n))
					break;
				memcpy(&n, bytes, sizeof(n));
				return Int64GetDatum((int64) pg_ntoh64(n));
			}
		case APPLY_FIXED:
			{
				char	   *p;

				if (length != column->fixed_length)
					break;
				p = MemoryContextAlloc(apply_row_context, length);
				memcpy(p, bytes, length);
				return PointerGetDatum(p);
			}
		case APPLY_VARLENA:
			{
				struct varlena *p;

				if (length > MaxAllocSize - VARHDRSZ)
					break;
				p = MemoryContextAlloc(apply_row_context, length + VARHDRSZ);
				SET_VARSIZE(p, length + VARHDRSZ);
				memcpy(VARDATA(p), bytes, length);
				return PointerGetDatum(p);
			}
		case APPLY_INPUT:
		case APPLY_RECEIVE:
			if (column->restricted)
				return decode_restricted(ar, column, bytes, length, r);
			if (column->names)
				return decode_name(column, bytes, length, r);
			return decode_by_function(column, bytes, length, r);
	}
	reader_fail(r, "a binary value has a length that its type does not have");
	return (Datum) 0;
}

static Datum
decode_restricted(ApplyRelation *ar, ApplyColumn *column, const char *bytes,
				  uint32 length, BaristaReader *r)
{
	ApplyUser	before;
	Datum		value;

	apply_user_begin(ar, &before);
	apply_domains_hide(column->domains);
	value = decode_by_function(column, bytes, length, r);
	apply_domains_show();
	apply_user_end(&before);
	return value;
}

/*
 * A name of an object, which its reader finds only where it may look.  The
 * functions are the server's own.
 */
static Datum
decode_name(ApplyColumn *column, const char *bytes, uint32 length, BaristaReader *r)
{
	BaristaRights before;
	Datum		value;

	barista_rights_take(BOOTSTRAP_SUPERUSERID, &before);
	value = decode_by_function(column, bytes, length, r);
	barista_rights_give_back(&before);
	return value;
}

/*
 * The functions want a zero byte behind the value, and some of them write
 * there.
 */
static Datum
decode_by_function(ApplyColumn *column, const char *bytes, uint32 length,
				   BaristaReader *r)
{
	MemoryContext caller = MemoryContextSwitchTo(apply_row_context);
	char	   *copy;
	Datum		value;

	copy = palloc((Size) length + 1);
	memcpy(copy, bytes, length);
	copy[length] = '\0';
	if (column->decoding == APPLY_INPUT)
	{
		if (strlen(copy) != length)
			reader_fail(r, "a text value holds a zero byte");
		value = InputFunctionCall(&column->function, copy,
								  column->io_parameter, -1);
	}
	else
	{
		StringInfoData buf;

		buf.data = copy;
		buf.len = length;
		buf.maxlen = length + 1;
		buf.cursor = 0;
		value = ReceiveFunctionCall(&column->function, &buf,
									column->io_parameter, -1);
		if (buf.cursor != buf.len)
			reader_fail(r, "a binary value is longer than its type says");
	}
	MemoryContextSwitchTo(caller);
	return value;
}

/* Chooses how values of this type are read in column->format. */
void
apply_tuple_prepare_column(ApplyColumn *column, Oid type, MemoryContext context)
{
	Oid			function;

	type = getBaseType(type);
	column->type = type;
	column->output.fn_oid = InvalidOid;

	switch (type)
	{
		case TEXTOID:
		case VARCHAROID:
		case BPCHAROID:
		case JSONOID:
		case XMLOID:
			column->decoding = APPLY_VARLENA;
			return;
	}
	if (column->format == 'b')
	{
		switch (type)
		{
			case BYTEAOID:
			case PG_NODE_TREEOID:
			case PG_NDISTINCTOID:
			case PG_DEPENDENCIESOID:
			case PG_MCV_LISTOID:
			case PG_BRIN_BLOOM_SUMMARYOID:
			case PG_BRIN_MINMAX_MULTI_SUMMARYOID:
				column->decoding = APPLY_VARLENA;
				return;
			case BOOLOID:
				column->decoding = APPLY_BOOL;
				return;
			case INT2OID:
				column->decoding = APPLY_INT16;
				return;
			case INT4OID:
			case FLOAT4OID:
			case DATEOID:
				column->decoding = APPLY_INT32;
				return;
			case INT8OID:
			case FLOAT8OID:
			case CASHOID:
			case TIMEOID:
			case TIMESTAMPOID:
			case TIMESTAMPTZOID:
				column->decoding = APPLY_INT64;
				return;
			case UUIDOID:
				column->decoding = APPLY_FIXED;
				column->fixed_length = 16;
				return;
		}
		getTypeBinaryInputInfo(type, &function, &column->io_parameter);
		column->decoding = APPLY_RECEIVE;
	}
	else
	{
		getTypeInputInfo(type, &function, &column->io_parameter);
		column->decoding = APPLY_INPUT;
	}
	fmgr_info_cxt(function, &column->function, context);

	column->names = barista_type_holds_names(type);
	column->restricted = barista_type_runs_user_code(type);
	if (column->restricted)
		column->domains = apply_domains_of(type);
}

static void
append_encoded(StringInfo buf, char format, const char *bytes, uint32 length)
{
	uint32		sent = pg_hton32(length);

	appendStringInfoChar(buf, format);
	appendBinaryStringInfo(buf, (char *) &sent, sizeof(sent));
	appendBinaryStringInfo(buf, bytes, length);
}

/* Appends one stored value as the wire has it. */
static void
encode(StringInfo buf, ApplyRelation *ar, ApplyColumn *column, TupleTableSlot *slot)
{
	bool		null;
	Datum		value = slot_getattr(slot, column->attribute + 1, &null);

	if (null)
	{
		appendStringInfoChar(buf, 'n');
		return;
	}
	if (column->decoding == APPLY_VARLENA)
	{
		/* As it is stored: xml's output function drops the encoding. */
		struct varlena *plain = PG_DETOAST_DATUM_PACKED(value);

		append_encoded(buf, column->format, VARDATA_ANY(plain),
					   VARSIZE_ANY_EXHDR(plain));
		return;
	}
	if (!OidIsValid(column->output.fn_oid))
	{
		Oid			function;
		bool		varlena;

		if (column->format == 'b')
			getTypeBinaryOutputInfo(column->type, &function, &varlena);
		else
			getTypeOutputInfo(column->type, &function, &varlena);
		fmgr_info_cxt(function, &column->output, ar->context);
	}
	if (column->format == 'b')
	{
		bytea	   *sent = SendFunctionCall(&column->output, value);

		append_encoded(buf, 'b', VARDATA(sent), VARSIZE(sent) - VARHDRSZ);
	}
	else
	{
		char	   *text = OutputFunctionCall(&column->output, value);

		append_encoded(buf, 't', text, strlen(text));
	}
}

/*
 * Appends a stored row as the wire has it in an old tuple: its image.  Memory
 * is taken from the current context, which the caller resets.
 */
void
apply_tuple_encode(StringInfo buf, ApplyRelation *ar, TupleTableSlot *slot)
{
	uint16		count = pg_hton16((uint16) ar->ncolumns);

	appendBinaryStringInfo(buf, (char *) &count, sizeof(count));
	for (int i = 0; i < ar->ncolumns; i++)
		encode(buf, ar, &ar->columns[i], slot);
}

/*
 * Is this the image of a stored row?  Ends at the first column that differs.
 * Memory as above.
 */
bool
apply_tuple_matches(ApplyRelation *ar, TupleTableSlot *slot,
					const char *image, Size length)
{
	Size		at = sizeof(uint16);
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = 0; i < ar->ncolumns; i++)
	{
		resetStringInfo(&buf);
		encode(&buf, ar, &ar->columns[i], slot);
		if (buf.len > length - at || memcmp(buf.data, image + at, buf.len) != 0)
			return false;
		at += buf.len;
	}
	return at == length;
}

/* "(a, b)=(1, x)", cut to a length that a log can bear. */
char *
apply_key_text(ApplyRelation *ar, ApplyTuple *tuple)
{
	StringInfoData names;
	StringInfoData values;

	initStringInfo(&names);
	initStringInfo(&values);
	for (int i = 0; i < ar->ncolumns && values.len < KEY_SHOWN; i++)
	{
		ApplyColumn *column = &ar->columns[i];
		int			attribute = column->attribute;
		const char *separator = names.len > 0 ? ", " : "";
		Oid			function;
		bool		varlena;
		char	   *text;

		if (ar->identity == 'k' && !column->key)
			continue;
		if (tuple->nulls[attribute])
			text = "null";
		else
		{
			getTypeOutputInfo(column->type, &function, &varlena);
			text = OidOutputFunctionCall(function, tuple->values[attribute]);
			if (strlen(text) > KEY_VALUE_SHOWN)
				text = psprintf("%.*s...",
								pg_mbcliplen(text, strlen(text), KEY_VALUE_SHOWN),
								text);
		}
		appendStringInfo(&names, "%s%s", separator,
						 NameStr(TupleDescAttr(ar->desc, attribute)->attname));
		appendStringInfo(&values, "%s%s", separator, text);
	}
	return psprintf("(%s)=(%s)", names.data, values.data);
}
