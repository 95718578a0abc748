/*-------------------------------------------------------------------------
 *
 * apply_image.c
 *	  Rows of a table without a key are found by their image.
 *
 * An image is the whole row as the wire has it.  Images are compared and not
 * values, since some types have no equality (json, xml, point) and some have
 * one that says too little (1.0 = 1.00).
 *
 * The first lookup in a change set reads the table until it finds the row.  The
 * second reads the whole table once and notes the place (ctid) of each row
 * under a hash of its image, so that a large update is not quadratic.  Notes
 * past maintenance_work_mem go to a file, in sorted runs:
 *
 *		run 0: (hash, ctid), (hash, ctid), ...		sorted by hash, in the file
 *		run 1: ...
 *		last:  ...									sorted by hash, in memory
 *
 * Rows that are stored later are noted beside the runs.  Among rows with equal
 * images, those already found are passed over by a cursor, so that deleting
 * many equal rows is not quadratic either.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/tableam.h"
#include "common/hashfn.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "storage/buffile.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "apply.h"

/* One hash of a run in so many is kept in memory. */
#define NOTES_PER_MARK	512

typedef struct Note
{
	uint64		hash;
	ItemPointerData ctid;
} Note;

typedef struct Run
{
	struct Run *next;
	uint64		count;
	Note	   *notes;			/* in memory, or NULL: in the file */
	int			fileno;			/* where it starts in the file */
	off_t		offset;
	uint64	   *marks;			/* hash of each NOTES_PER_MARK-th note */
} Run;

/* A row stored after the table was read. */
typedef struct Stored
{
	struct Stored *next;
	ItemPointerData ctid;
} Stored;

/* What is known of one hash, beside the runs; made when it is needed. */
typedef struct Known
{
	uint64		hash;			/* key of the hash table */
	Run		   *run;			/* cursor into the runs: notes before it... */
	uint64		index;			/* ...are of rows that are gone */
	Stored	   *stored;
} Known;

/* Of one table, within one change set and one call. */
typedef struct ApplyImages
{
	MemoryContext context;
	int			lookups;
	bool		noted;			/* has the table been read? */
	Run		   *runs;
	BufFile    *file;
	HTAB	   *known;
} ApplyImages;

static ApplyImages *images_of(ApplyRelation *ar);
static bool find_by_reading(ApplyRelation *ar, const char *image, Size length);
static void note_table(ApplyRelation *ar, ApplyImages *images);
static void add_run(ApplyImages *images, Note *notes, uint64 count, bool spill);
static uint64 hash_of_row(ApplyRelation *ar, TupleTableSlot *slot);
static Known *known(ApplyImages *images, uint64 hash);
static bool find_stored(ApplyRelation *ar, Known *k, const char *image, Size length);
static bool find_noted(ApplyRelation *ar, ApplyImages *images, Known *k,
					   const char *image, Size length);
static uint64 first_note(ApplyImages *images, Run *run, uint64 hash);
static Note read_note(ApplyImages *images, Run *run, uint64 index);
static bool is_row(ApplyRelation *ar, ItemPointer ctid, const char *image,
				   Size length, bool *gone);

static uint64
hash_of_image(const char *image, Size length)
{
	return hash_bytes_extended((const unsigned char *) image, length, 0);
}

/* Finds a row with this image, into ar->found. */
bool
apply_find_by_image(ApplyRelation *ar, const char *image, Size length)
{
	ApplyImages *images = images_of(ar);
	Known	   *k;

	if (images->lookups++ == 0)
		return find_by_reading(ar, image, length);
	if (!images->noted)
		note_table(ar, images);
	k = known(images, hash_of_image(image, length));
	return find_stored(ar, k, image, length) ||
		find_noted(ar, images, k, image, length);
}

/* Notes a row just stored, if rows of its table are noted. */
void
apply_image_stored(ApplyRelation *ar, TupleTableSlot *slot)
{
	ApplyImages *images = ar->images;
	Known	   *k;
	Stored	   *stored;

	if (images == NULL || !images->noted)
		return;
	k = known(images, hash_of_row(ar, slot));
	stored = MemoryContextAlloc(images->context, sizeof(Stored));
	stored->ctid = slot->tts_tid;
	stored->next = k->stored;
	k->stored = stored;
}

/* At the end of the change set or of the call. */
void
apply_images_forget(ApplyRelation *ar)
{
	ApplyImages *images = ar->images;

	ar->images = NULL;
	if (images == NULL)
		return;
	if (images->file)
		BufFileClose(images->file);
	MemoryContextDelete(images->context);
}

static ApplyImages *
images_of(ApplyRelation *ar)
{
	MemoryContext context;
	HASHCTL		control;

	if (ar->images)
		return ar->images;
	context = AllocSetContextCreate(apply_call_context, "barista apply images",
									ALLOCSET_DEFAULT_SIZES);
	ar->images = MemoryContextAllocZero(context, sizeof(ApplyImages));
	ar->images->context = context;
	control.keysize = sizeof(uint64);
	control.entrysize = sizeof(Known);
	control.hcxt = context;
	ar->images->known = hash_create("barista apply images", 64, &control,
									HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	return ar->images;
}

static bool
find_by_reading(ApplyRelation *ar, const char *image, Size length)
{
	TableScanDesc scan = table_beginscan(ar->rel, SnapshotSelf, 0, NULL);
	MemoryContext row = AllocSetContextCreate(apply_row_context, "row",
											  ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(row);
	bool		found = false;

	while (!found && table_scan_getnextslot(scan, ForwardScanDirection, ar->found))
	{
		CHECK_FOR_INTERRUPTS();
		MemoryContextReset(row);
		found = apply_tuple_matches(ar, ar->found, image, length);
	}
	MemoryContextSwitchTo(caller);
	table_endscan(scan);
	return found;
}

static void
note_table(ApplyRelation *ar, ApplyImages *images)
{
	uint64		limit = (uint64) maintenance_work_mem * 1024 / sizeof(Note);
	uint64		allocated = 1024;
	uint64		count = 0;
	Note	   *notes = MemoryContextAlloc(images->context, allocated * sizeof(Note));
	TableScanDesc scan = table_beginscan(ar->rel, SnapshotSelf, 0, NULL);
	MemoryContext row = AllocSetContextCreate(apply_row_context, "row",
											  ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(row);

	while (table_scan_getnextslot(scan, ForwardScanDirection, ar->found))
	{
		CHECK_FOR_INTERRUPTS();
		MemoryContextReset(row);
		if (count == limit)
		{
			add_run(images, notes, count, true);
			count = 0;
		}
		if (count == allocated)
		{
			allocated = Min(allocated * 2, limit);
			notes = repalloc_huge(notes, allocated * sizeof(Note));
		}
		notes[count].hash = hash_of_row(ar, ar->found);
		notes[count].ctid = ar->found->tts_tid;
		count++;
	}
	MemoryContextSwitchTo(caller);
	table_endscan(scan);
	ExecClearTuple(ar->found);
	add_run(images, notes, count, false);
	images->noted = true;
}

static int
compare_notes(const void *a, const void *b)
{
	uint64		x = ((const Note *) a)->hash;
	uint64		y = ((const Note *) b)->hash;

	return x < y ? -1 : x > y ? 1 : 0;
}

/* Sorts notes into a new run; with spill, writes them to the file. */
static void
add_run(ApplyImages *images, Note *notes, uint64 count, bool spill)
{
	MemoryContext caller = MemoryContextSwitchTo(images->context);
	Run		   *run = palloc0(sizeof(Run));
	uint64		marks = (count + NOTES_PER_MARK - 1) / NOTES_PER_MARK;

	qsort(notes, count, sizeof(Note), compare_notes);
	run->count = count;
	run->marks = palloc_extended((marks + 1) * sizeof(uint64), MCXT_ALLOC_HUGE);
	for (uint64 i = 0; i < marks; i++)
		run->marks[i] = notes[i * NOTES_PER_MARK].hash;
	if (spill)
	{
		if (images->file == NULL)
			images->file = BufFileCreateTemp(false);
		BufFileTell(images->file, &run->fileno, &run->offset);
		BufFileWrite(images->file, notes, count * sizeof(Note));
	}
	else
		run->notes = notes;
	run->next = images->runs;
	images->runs = run;
	MemoryContextSwitchTo(caller);
}

static uint64
hash_of_row(ApplyRelation *ar, TupleTableSlot *slot)
{
	StringInfoData buf;
	uint64		hash;

	initStringInfo(&buf);
	apply_tuple_encode(&buf, ar, slot);
	hash = hash_of_image(buf.data, buf.len);
	pfree(buf.data);
	return hash;
}

static Known *
known(ApplyImages *images, uint64 hash)
{
	bool		found;
	Known	   *k = hash_search(images->known, &hash, HASH_ENTER, &found);

	if (!found)
	{
		k->run = images->runs;
		k->index = k->run ? first_note(images, k->run, hash) : 0;
		k->stored = NULL;
	}
	return k;
}

static bool
find_stored(ApplyRelation *ar, Known *k, const char *image, Size length)
{
	for (Stored **link = &k->stored; *link;)
	{
		bool		gone;

		if (is_row(ar, &(*link)->ctid, image, length, &gone))
		{
			*link = (*link)->next;
			return true;
		}
		if (gone)
			*link = (*link)->next;
		else
			link = &(*link)->next;
	}
	return false;
}

/*
 * Looks at the notes of this hash from the cursor on.  The cursor stays before
 * the first row that is there and has another image.
 */
static bool
find_noted(ApplyRelation *ar, ApplyImages *images, Known *k,
		   const char *image, Size length)
{
	Run		   *run = k->run;
	uint64		index = k->index;
	bool		advance = true;

	while (run)
	{
		bool		gone;
		bool		found = false;
		Note		note;

		if (index < run->count)
			note = read_note(images, run, index);
		if (index >= run->count || note.hash != k->hash)
		{
			run = run->next;
			index = run ? first_note(images, run, k->hash) : 0;
		}
		else
		{
			index++;
			found = is_row(ar, &note.ctid, image, length, &gone);
			if (!found && !gone)
				advance = false;
		}
		if (advance)
		{
			k->run = run;
			k->index = index;
		}
		if (found)
			return true;
	}
	return false;
}

/* Index of the first note of a run whose hash is not below this one. */
static uint64
first_note(ApplyImages *images, Run *run, uint64 hash)
{
	uint64		marks = (run->count + NOTES_PER_MARK - 1) / NOTES_PER_MARK;
	uint64		low = 0;
	uint64		high = marks;

	/* The first mark that is not below it; the note may be before that. */
	while (low < high)
	{
		uint64		middle = low + (high - low) / 2;

		if (run->marks[middle] < hash)
			low = middle + 1;
		else
			high = middle;
	}
	high = low < marks ? low * NOTES_PER_MARK : run->count;
	low = low > 0 ? (low - 1) * NOTES_PER_MARK : 0;
	while (low < high)
	{
		uint64		middle = low + (high - low) / 2;

		if (read_note(images, run, middle).hash < hash)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static Note
read_note(ApplyImages *images, Run *run, uint64 index)
{
	Note		note;

	if (run->notes)
		return run->notes[index];
	if (BufFileSeek(images->file, run->fileno,
					run->offset + (off_t) (index * sizeof(Note)), SEEK_SET) != 0 ||
		BufFileRead(images->file, &note, sizeof(note)) != sizeof(note))
		elog(ERROR, "could not read the file of row images");
	return note;
}

/*
 * Is the row at this place still there, and is this its image?  If so, it is in
 * ar->found.
 */
static bool
is_row(ApplyRelation *ar, ItemPointer ctid, const char *image, Size length,
	   bool *gone)
{
	MemoryContext row;
	MemoryContext caller;
	bool		found;

	*gone = !table_tuple_fetch_row_version(ar->rel, ctid, SnapshotSelf, ar->found);
	if (*gone)
		return false;
	row = AllocSetContextCreate(apply_row_context, "row", ALLOCSET_DEFAULT_SIZES);
	caller = MemoryContextSwitchTo(row);
	found = apply_tuple_matches(ar, ar->found, image, length);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(row);
	if (!found)
		ExecClearTuple(ar->found);
	return found;
}
