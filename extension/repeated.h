/*-------------------------------------------------------------------------
 *
 * repeated.h
 *	  What the files about functions that every node runs by itself know of
 *	  each other.
 *
 *-------------------------------------------------------------------------
 */
#ifndef BARISTA_REPEATED_H
#define BARISTA_REPEATED_H

/* What is known of a users' function. */
typedef struct RepeatedFunction
{
	Oid			function;		/* hash key */
	bool		repeated;		/* every node may run it by itself */
	bool		temporary;		/* it is in pg_temp: no other node has it */
	bool		session;		/* it needs what only this session has */
	bool		hooked;			/* the function manager shall tell of its calls */
	bool		interpreted;	/* it is not in C */
	Oid			owner;
	Oid			called;			/* itself, or which of the server's own it is another name of */
} RepeatedFunction;

/* repeated_known.c */
extern void repeated_known_init(void);
/* Of a function that is not the server's own; until the next look at a catalog. */
extern RepeatedFunction *repeated_known(Oid function);

#endif							/* BARISTA_REPEATED_H */
