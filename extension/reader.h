/*-------------------------------------------------------------------------
 *
 * reader.h
 *	  A cursor over bytes that came from outside.
 *
 * The cursor remembers its first failure.  After one, every read returns zero
 * or an empty string and moves nothing, so a caller may read a whole item and
 * ask once, at its end.  Every length is checked against what is left before
 * anything is done with it.  Nothing is copied: pointers that it returns point
 * into the bytes it reads.
 *
 *-------------------------------------------------------------------------
 */
#ifndef BARISTA_READER_H
#define BARISTA_READER_H

#include "postgres.h"

typedef struct BaristaReader
{
	const char *data;
	Size		length;
	Size		at;				/* Invariant: at <= length */
	const char *failure;		/* the first one, or NULL */
} BaristaReader;

extern void reader_init(BaristaReader *r, const char *data, Size length);
extern void reader_fail(BaristaReader *r, const char *failure);

/* Bytes that are left; 0 after a failure. */
extern Size reader_left(const BaristaReader *r);

extern uint8 reader_u8(BaristaReader *r);
extern uint16 reader_u16(BaristaReader *r);
extern uint32 reader_u32(BaristaReader *r);
extern uint64 reader_u64(BaristaReader *r);

/* A zero-terminated string inside the bytes; "" after a failure. */
extern const char *reader_cstr(BaristaReader *r);

/* The next n bytes; NULL after a failure. */
extern const char *reader_bytes(BaristaReader *r, Size n);

/* u32 length and bytes; NULL and 0 after a failure. */
extern const char *reader_bytes32(BaristaReader *r, uint32 *length);

/*
 * Errors with BA003 if a read failed or something is left.  what names the
 * item in the message.
 */
extern void reader_finish(BaristaReader *r, const char *what);

#endif							/* BARISTA_READER_H */
