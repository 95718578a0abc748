/*-------------------------------------------------------------------------
 *
 * reader.c
 *	  A cursor over bytes that came from outside.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "port/pg_bswap.h"

#include "barista.h"
#include "reader.h"

void
reader_init(BaristaReader *r, const char *data, Size length)
{
	r->data = data;
	r->length = length;
	r->at = 0;
	r->failure = NULL;
}

void
reader_fail(BaristaReader *r, const char *failure)
{
	if (r->failure == NULL)
		r->failure = failure;
}

Size
reader_left(const BaristaReader *r)
{
	return r->failure ? 0 : r->length - r->at;
}

const char *
reader_bytes(BaristaReader *r, Size n)
{
	const char *p = r->data + r->at;

	if (unlikely(r->failure != NULL))
		return NULL;
	if (unlikely(n > r->length - r->at))
	{
		reader_fail(r, "it is cut short");
		return NULL;
	}
	r->at += n;
	return p;
}

uint8
reader_u8(BaristaReader *r)
{
	const char *p = reader_bytes(r, 1);

	return p ? (uint8) *p : 0;
}

uint16
reader_u16(BaristaReader *r)
{
	const char *p = reader_bytes(r, 2);
	uint16		n = 0;

	if (p)
		memcpy(&n, p, sizeof(n));
	return pg_ntoh16(n);
}

uint32
reader_u32(BaristaReader *r)
{
	const char *p = reader_bytes(r, 4);
	uint32		n = 0;

	if (p)
		memcpy(&n, p, sizeof(n));
	return pg_ntoh32(n);
}

uint64
reader_u64(BaristaReader *r)
{
	const char *p = reader_bytes(r, 8);
	uint64		n = 0;

	if (p)
		memcpy(&n, p, sizeof(n));
	return pg_ntoh64(n);
}

const char *
reader_cstr(BaristaReader *r)
{
	const char *p = r->data + r->at;
	const char *end;

	if (r->failure)
		return "";
	end = memchr(p, '\0', r->length - r->at);
	if (end == NULL)
	{
		reader_fail(r, "a string in it has no end");
		return "";
	}
	r->at += end - p + 1;
	return p;
}

const char *
reader_bytes32(BaristaReader *r, uint32 *length)
{
	uint32		n = reader_u32(r);
	const char *p = reader_bytes(r, n);

	*length = p ? n : 0;
	return p;
}

void
reader_finish(BaristaReader *r, const char *what)
{
	if (likely(r->failure == NULL && r->at == r->length))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_BARISTA_MALFORMED),
			 errmsg("malformed %s: %s", what,
					r->failure ? r->failure : "bytes are left over at its end")));
}
