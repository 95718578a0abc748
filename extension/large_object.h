/*-------------------------------------------------------------------------
 *
 * large_object.h
 *	  What the files about large objects know of each other, and what the
 *	  hooks call.
 *
 *-------------------------------------------------------------------------
 */
#ifndef BARISTA_LARGE_OBJECT_H
#define BARISTA_LARGE_OBJECT_H

#include "utils/rel.h"

#include "barista.h"

/* large_object.c: called by the hooks of ddl_result.c */

/* A function that may change large objects is about to be called. */
extern void large_object_function(Oid function);
extern bool large_object_is_writer(Oid function);
extern void large_object_created(Oid object);
extern void large_object_unlinked(Oid object);

/* large_object_visits.c */

/* From here on, until the transaction's end, visited pages are noted. */
extern void large_object_watch(void);
/* NULL if nothing is watched.  It is open until large_object_unwatch(). */
extern Relation large_object_index(void);
/* Nothing is noted any more; what was stays until the transaction's end. */
extern void large_object_pause(void);
extern void large_object_unwatch(void);

/* Pages of one object: those from `first` on whose bits are set. */
#define VISITED_PAGES	1024	/* in one group */

typedef struct VisitedPages
{
	Oid			object;			/* hash key, with first */
	int32		first;			/* a multiple of VISITED_PAGES */
	uint8		bits[VISITED_PAGES / 8];
} VisitedPages;

/* All groups, ordered by object and page; *count receives how many. */
extern VisitedPages **large_object_visited(int *count);

/* apply_large_object.c is declared in apply.h. */

#endif							/* BARISTA_LARGE_OBJECT_H */
