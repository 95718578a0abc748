/*-------------------------------------------------------------------------
 *
 * tuple_value.c
 *	  How the values of a row become bytes.
 *
 * This is run for every column of every changed row, and is most of what
 * capture costs.  So the values of the usual types are written straight into
 * the buffer's free room, without a call and without memory of their own.
 *
 *-------------------------------------------------------------------------
 */
#include "barista.h"

#include <limits.h>
#include <locale.h>

#include "access/detoast.h"
#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_namespace.h"
#include "miscadmin.h"
#include "utils/bytea.h"
#include "utils/float.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/pg_locale.h"
#include "utils/xml.h"

#include "internal.h"

/* ------------------------------------------------------------------------
 * The writer
 * ------------------------------------------------------------------------
 */

/*
 * The buffer's free room while one tuple is written.  Bytes up to `at` are
 * written, and counted when the writer is closed.  Nobody else may write to
 * the buffer while it is open.
 */
typedef struct Writer
{
	char	   *start;
	char	   *at;
	char	   *end;
} Writer;

static void
writer_close(Writer *w)
{
	barista_buffer_advance(w->at - w->start);
}

static void
writer_open(Writer *w, Size n)
{
	w->start = w->at = barista_buffer_reserve(n);
	w->end = barista_buffer_end();
}

static pg_noinline void
writer_grow(Writer *w, Size n)
{
	writer_close(w);
	writer_open(w, n);
}

/* Makes room for n bytes. */
static inline void
room(Writer *w, Size n)
{
	if (unlikely((Size) (w->end - w->at) < n))
		writer_grow(w, n);
}

/* Makes room for a value's head and its bytes, and writes the head. */
static inline void
put_head(Writer *w, char format, uint32 length)
{
	uint32		n = pg_hton32(length);

	room(w, 5 + (Size) length);
	w->at[0] = format;
	memcpy(w->at + 1, &n, sizeof(n));
	w->at += 5;
}

static inline void
put_bytes(Writer *w, char format, const void *data, Size length)
{
	if (unlikely(length > PG_UINT32_MAX))
		elog(ERROR, "value of %zu bytes is too long for a change set", length);
	put_head(w, format, (uint32) length);
	memcpy(w->at, data, length);
	w->at += length;
}

static inline void
put_u16(Writer *w, uint16 value)
{
	value = pg_hton16(value);
	memcpy(w->at, &value, sizeof(value));
	w->at += sizeof(value);
}

static inline void
put_u32(Writer *w, uint32 value)
{
	value = pg_hton32(value);
	memcpy(w->at, &value, sizeof(value));
	w->at += sizeof(value);
}

static inline void
put_u64(Writer *w, uint64 value)
{
	value = pg_hton64(value);
	memcpy(w->at, &value, sizeof(value));
	w->at += sizeof(value);
}

/* ------------------------------------------------------------------------
 * Values
 * ------------------------------------------------------------------------
 */

/*
 * Memory of the functions that write a value down; emptied after each tuple.
 * The caller's own may last much longer: COPY empties it after a thousand rows.
 * NULL until a transaction needs it, with which it goes.
 */
static MemoryContext scratch = NULL;

void
barista_tuple_end(void)
{
	scratch = NULL;
}

static MemoryContext
enter_scratch(void)
{
	if (unlikely(scratch == NULL))
		scratch = AllocSetContextCreate(TopTransactionContext, "barista values",
										ALLOCSET_DEFAULT_SIZES);
	return MemoryContextSwitchTo(scratch);
}

/*
 * Is money written as under lc_monetary = 'C'?  So it is in C.UTF-8, which is
 * what every node has unless a session wants something else.  cash_out() looks
 * at nothing but these.  The server keeps them until the setting changes.
 */
static bool
money_is_plain(void)
{
	struct lconv *l = PGLC_localeconv();

	return l->frac_digits == CHAR_MAX && l->mon_grouping[0] == '\0' &&
		l->mon_decimal_point[0] == '\0' && l->mon_thousands_sep[0] == '\0' &&
		l->currency_symbol[0] == '\0' &&
		l->positive_sign[0] == '\0' && l->negative_sign[0] == '\0' &&
		l->p_cs_precedes == CHAR_MAX && l->n_cs_precedes == CHAR_MAX &&
		l->p_sep_by_space == CHAR_MAX && l->n_sep_by_space == CHAR_MAX &&
		l->p_sign_posn == CHAR_MAX && l->n_sign_posn == CHAR_MAX;
}

/*
 * Runs an output function under the settings that barista_apply() reads with.
 * The settings are plain variables: a GUC nest level for each value would
 * cost more than the value.
 */
static char *
output_pinned(FmgrInfo *function, Datum value)
{
	int			date_style = DateStyle;
	int			date_order = DateOrder;
	int			interval_style = IntervalStyle;
	int			float_digits = extra_float_digits;
	int			bytea_style = bytea_output;
	int			xml_style = xmlbinary;
	pg_tz	   *zone = session_timezone;
	volatile int nest = 0;
	char	   *result;

	if (!money_is_plain())
	{
		nest = NewGUCNestLevel();
		(void) set_config_option("lc_monetary", "C", PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
	}
	PushOverrideSearchPath(&(OverrideSearchPath)
						   {
							   .schemas = list_make1_oid(PG_CATALOG_NAMESPACE),
						   });
	PG_TRY();
	{
		DateStyle = USE_ISO_DATES;
		DateOrder = DATEORDER_YMD;
		IntervalStyle = INTSTYLE_POSTGRES;
		extra_float_digits = 3;
		bytea_output = BYTEA_OUTPUT_HEX;
		xmlbinary = XMLBINARY_BASE64;
		session_timezone = pg_tzset("UTC");
		result = OutputFunctionCall(function, value);
	}
	PG_FINALLY();
	{
		DateStyle = date_style;
		DateOrder = date_order;
		IntervalStyle = interval_style;
		extra_float_digits = float_digits;
		bytea_output = bytea_style;
		xmlbinary = xml_style;
		session_timezone = zone;
	}
	PG_END_TRY();
	PopOverrideSearchPath();
	if (nest != 0)
		AtEOXact_GUC(false, nest);
	return result;
}

static void
put_varlena(Writer *w, char format, Datum value)
{
	struct varlena *v = (struct varlena *) DatumGetPointer(value);
	struct varlena *plain = v;

	if (VARATT_IS_EXTERNAL(v) || VARATT_IS_COMPRESSED(v))
	{
		MemoryContext old = enter_scratch();

		plain = detoast_attr(v);
		MemoryContextSwitchTo(old);
	}
	put_bytes(w, format, VARDATA_ANY(plain), VARSIZE_ANY_EXHDR(plain));
	if (plain != v)
		pfree(plain);
}

static void
put_sent(Writer *w, FmgrInfo *function, Datum value)
{
	MemoryContext old = enter_scratch();
	bytea	   *bytes = SendFunctionCall(function, value);

	MemoryContextSwitchTo(old);
	put_bytes(w, 'b', VARDATA(bytes), VARSIZE(bytes) - VARHDRSZ);
	pfree(bytes);
}

static void
put_output(Writer *w, CapturedColumn *column, Datum value)
{
	MemoryContext old = enter_scratch();
	char	   *text;

	writer_close(w);			/* users' code may run, and want to write */
	if (column->names)
		barista_check_names(column->type, value, column->reader);
	text = column->coding == CODING_OUTPUT
		? OutputFunctionCall(&column->function, value)
		: output_pinned(&column->function, value);
	MemoryContextSwitchTo(old);
	writer_open(w, 0);
	put_bytes(w, 't', text, strlen(text));
	pfree(text);
}

/*
 * A stored numeric begins with a 16-bit header.  Its two first bits say which
 * form it has: a short one, with all in the header; a long one (either sign),
 * with the weight in the next 16 bits; or none that has digits.  The digits
 * follow, to the value's end.  (utils/adt/numeric.c; what is on disk is the
 * same in all versions since 9.1, but for infinity.)
 */
#define NUMERIC_FORM		0xC000
#define NUMERIC_SHORT		0x8000
#define NUMERIC_SPECIAL		0xC000
#define NUMERIC_NEGATIVE	0x4000	/* in the long form, and as sent */
#define NUMERIC_DSCALE		0x3FFF	/* in the long form */

/*
 * What numeric_send() would send: number of digits, weight, sign, scale,
 * digits.  That function copies the value twice and takes 1 kB of memory.
 */
static void
put_numeric(Writer *w, CapturedColumn *column, Datum value)
{
	struct varlena *v = (struct varlena *) DatumGetPointer(value);
	const char *data;
	Size		length;
	uint16		header;
	int16		weight;
	uint16		digit;

	if (VARATT_IS_EXTERNAL(v) || VARATT_IS_COMPRESSED(v))
	{
		put_sent(w, &column->function, value);
		return;
	}
	data = VARDATA_ANY(v);
	length = VARSIZE_ANY_EXHDR(v);
	memcpy(&header, data, sizeof(header));
	if ((header & NUMERIC_FORM) == NUMERIC_SPECIAL)
	{
		put_sent(w, &column->function, value);
		return;
	}
	data += sizeof(header);
	length -= sizeof(header);
	if ((header & NUMERIC_FORM) == NUMERIC_SHORT)
	{
		/* From the top: 1 bit sign, 6 bits scale, 7 bits signed weight. */
		weight = (int16) (header & 0x003F) - (int16) (header & 0x0040);
		digit = (header & 0x2000) ? NUMERIC_NEGATIVE : 0;
		header = digit | ((header & 0x1F80) >> 7);
	}
	else
	{
		memcpy(&weight, data, sizeof(weight));
		data += sizeof(weight);
		length -= sizeof(weight);
	}
	put_head(w, 'b', (uint32) (8 + length));
	put_u16(w, (uint16) (length / sizeof(digit)));
	put_u16(w, (uint16) weight);
	put_u16(w, header & NUMERIC_FORM);
	put_u16(w, header & NUMERIC_DSCALE);
	for (; length > 0; data += sizeof(digit), length -= sizeof(digit))
	{
		memcpy(&digit, data, sizeof(digit));
		put_u16(w, digit);
	}
}

/* Format byte, length and bytes of one value that is not null. */
static inline void
put_value(Writer *w, CapturedColumn *column, Datum value)
{
	switch (column->coding)
	{
		case CODING_BYTE:
			put_head(w, 'b', 1);
			*w->at++ = (char) value;
			break;

		case CODING_SHORT:
			put_head(w, 'b', 2);
			put_u16(w, (uint16) value);
			break;

		case CODING_WORD:
			put_head(w, 'b', 4);
			put_u32(w, (uint32) value);
			break;

		case CODING_LONG:
			put_head(w, 'b', 8);
			put_u64(w, (uint64) DatumGetInt64(value));
			break;

		case CODING_FIXED:
			put_bytes(w, 'b', DatumGetPointer(value), column->length);
			break;

		case CODING_VARLENA:
			put_varlena(w, column->format, value);
			break;

		case CODING_NAME:
			put_bytes(w, 't', NameStr(*DatumGetName(value)),
					  strlen(NameStr(*DatumGetName(value))));
			break;

		case CODING_NUMERIC:
			put_numeric(w, column, value);
			break;

		case CODING_SEND:
			put_sent(w, &column->function, value);
			break;

		case CODING_OUTPUT:
		case CODING_OUTPUT_PINNED:
			put_output(w, column, value);
			break;
	}
}

/* ------------------------------------------------------------------------
 * Tuples
 * ------------------------------------------------------------------------
 */

/*
 * Both stored out of line, under the same pointer: the update did not touch
 * the value, and every node still has it.
 */
static bool
same_toast_pointer(Datum a, Datum b)
{
	struct varlena *x = (struct varlena *) DatumGetPointer(a);
	struct varlena *y = (struct varlena *) DatumGetPointer(b);

	return VARATT_IS_EXTERNAL_ONDISK(x) && VARATT_IS_EXTERNAL_ONDISK(y) &&
		memcmp(x, y, VARSIZE_EXTERNAL(x)) == 0;
}

/* The key's columns, and nothing of the others, which lie between them. */
static void
put_key(Writer *w, CapturedRelation *captured, const Datum *values)
{
	int			next = 0;

	for (int i = 0; i <= captured->key_count; i++)
	{
		int			column = i < captured->key_count ?
			captured->keys[i] : captured->column_count;

		room(w, column - next);
		memset(w->at, 'n', column - next);
		w->at += column - next;
		next = column + 1;
		if (i < captured->key_count)
			put_value(w, &captured->columns[column],
					  values[captured->columns[column].attnum - 1]);
	}
}

/* Did an update leave the value alone, which is stored out of line? */
static bool
is_unchanged(CapturedColumn *column, const Datum *values,
			 const Datum *old_values, const bool *old_nulls)
{
	int			a = column->attnum - 1;

	return old_values != NULL && column->length == -1 && !column->key &&
		!old_nulls[a] && same_toast_pointer(old_values[a], values[a]);
}

static void
put_columns(Writer *w, CapturedRelation *captured,
			const Datum *values, const bool *nulls,
			const Datum *old_values, const bool *old_nulls)
{
	for (int i = 0; i < captured->column_count; i++)
	{
		CapturedColumn *column = &captured->columns[i];
		int			a = column->attnum - 1;
		char		absent;

		if (nulls[a])
			absent = 'n';
		else if (is_unchanged(column, values, old_values, old_nulls))
			absent = 'u';
		else
		{
			put_value(w, column, values[a]);
			continue;
		}
		room(w, 1);
		*w->at++ = absent;
	}
}

void
barista_tuple_append(CapturedRelation *captured, char kind,
					 const Datum *values, const bool *nulls,
					 const Datum *old_values, const bool *old_nulls)
{
	Writer		w;

	writer_open(&w, 3);
	*w.at++ = kind;
	put_u16(&w, (uint16) captured->column_count);
	if (kind == 'K')
		put_key(&w, captured, values);
	else
		put_columns(&w, captured, values, nulls, old_values, old_nulls);
	writer_close(&w);
	if (scratch != NULL)
		MemoryContextReset(scratch);
}

/*
 * Here a row's values may be out of line, or compressed, when the row is put
 * together: INSERT ... SELECT hands over no more than pointers to them.  Where
 * it is replayed all of them are in it, and a row in memory has a limit; as text
 * a value may be much shorter than it is there.
 */
void
barista_tuple_check(CapturedRelation *captured,
					const Datum *values, const bool *nulls,
					const Datum *old_values, const bool *old_nulls)
{
	Size		size = HEAPTUPLESIZE +
		MAXALIGN(SizeofHeapTupleHeader + BITMAPLEN(MaxHeapAttributeNumber));

	for (int i = 0; i < captured->column_count; i++)
	{
		CapturedColumn *column = &captured->columns[i];
		Datum		value = values[column->attnum - 1];

		if (nulls[column->attnum - 1])
			continue;
		if (column->length == -1 &&
			!is_unchanged(column, values, old_values, old_nulls))
			size += MAXALIGN(toast_raw_datum_size(value));
		else
			size += MAXALIGN(column->length == -1 ? TOAST_POINTER_SIZE :
							 column->length == -2 ? strlen(DatumGetCString(value)) + 1 :
							 column->length);
	}
	if (size > MaxAllocSize)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a row of %zu bytes is too long to replicate", size),
				 errdetail("With all its values, it may take %zu bytes.",
						   (Size) MaxAllocSize),
				 errhint("Put long values into several rows.")));
}
