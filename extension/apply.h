/*-------------------------------------------------------------------------
 *
 * apply.h
 *	  What the files of apply know of each other.
 *
 *-------------------------------------------------------------------------
 */
#ifndef BARISTA_APPLY_H
#define BARISTA_APPLY_H

#include "access/genam.h"
#include "access/skey.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "nodes/execnodes.h"
#include "utils/rel.h"

#include "barista.h"
#include "reader.h"

/* How a column's value becomes a datum. */
typedef enum ApplyDecoding
{
	APPLY_INPUT,				/* text, through the type's input function */
	APPLY_RECEIVE,				/* binary, through its receive function */
	APPLY_BOOL,
	APPLY_INT16,
	APPLY_INT32,
	APPLY_INT64,				/* also floats and times: 8 bytes as they are */
	APPLY_FIXED,				/* att length bytes as they are, by reference */
	APPLY_VARLENA				/* bytes as they are, with a header in front */
} ApplyDecoding;

/* One column of the wire, as it is in the local table. */
typedef struct ApplyColumn
{
	int			attribute;		/* index into the local tuple, from 0 */
	bool		key;
	char		format;			/* 't' or 'b' */
	ApplyDecoding decoding;
	int			fixed_length;	/* of APPLY_FIXED */
	bool		names;			/* its values name objects */
	bool		restricted;		/* its function may run users' code */
	List	   *domains;		/* OIDs of those in it, if it is restricted */
	Oid			type;			/* a domain's base type */
	Oid			io_parameter;
	FmgrInfo	function;		/* input or receive */
	FmgrInfo	output;			/* output or send; fn_oid 0 until it is used */
} ApplyColumn;

/* An index of a local table. */
typedef struct ApplyIndex
{
	Oid			oid;
	IndexInfo  *info;			/* of a simple one, kept with the relation */
	bool		simple;			/* b-tree over plain columns, no predicate */
	bool		restricted;		/* expression or predicate runs users' code */
	bool		aside;			/* set aside: it gets no entries (index_aside.c) */

	/* While the relation is open: */
	Relation	rel;
	IndexInfo  *open_info;		/* info, or one made for this call */
} ApplyIndex;

struct ApplyImages;

/*
 * A relation of the wire and the local table that it is.  Entries are kept
 * from call to call, by the bytes of the description, until something
 * invalidates them; what is open is so for one call at most.
 */
typedef struct ApplyRelation
{
	struct ApplyRelation *next; /* in its list of the cache */
	struct ApplyRelation *next_opened;
	uint64		hash;
	char	   *description;
	Size		description_length;
	bool		valid;			/* cleared by invalidation callbacks */
	bool		used;			/* the running change set may refer to it */
	MemoryContext context;		/* holds this entry and all below */

	Oid			relid;
	Oid			owner;
	char	   *name;			/* qualified and quoted, for messages */
	char	   *search_path;	/* of users' code; empty: pg_catalog alone */
	List	   *settings;		/* of the last description's writer, where they are not this session's */
	MemoryContext settings_context;	/* holds them, and... */
	char	   *settings_bytes; /* ...what they were read from; NULL: they were not */
	Size		settings_length;
	bool		restricted;		/* an index of it is */
	char		identity;		/* 'k' or 'f' */
	int			ncolumns;
	ApplyColumn *columns;
	TupleDesc	desc;			/* a copy that outlives the relcache entry's */
	int			nindexes;
	ApplyIndex *indexes;
	bool		runs;			/* its inserts may be stored together */

	/* Lookup by key, if identity is 'k'. */
	ApplyIndex *key;
	int			nkeys;
	ScanKeyData *scankeys;
	int		   *key_columns;	/* wire column of each scan key */

	/* While the relation is open: */
	Relation	rel;
	TupleTableSlot *found;		/* the row that a lookup found */
	TupleTableSlot *fresh;		/* the row to be stored */
	TupleTableSlot **run;		/* rows to be stored together; or NULL */
	IndexScanDesc scan;
	EState	   *estate;			/* for expressions of indexes; or NULL */

	/* Lookup by image, within one change set. */
	struct ApplyImages *images;
} ApplyRelation;

/* A tuple of the wire, decoded. */
typedef struct ApplyTuple
{
	Datum	   *values;			/* by local attribute */
	bool	   *nulls;
	bool	   *unchanged;
	bool		any_unchanged;
} ApplyTuple;

/* apply.c */

/* Until the end of the call of barista_apply(). */
extern MemoryContext apply_call_context;
/* Values of a row: reset after each change. */
extern MemoryContext apply_row_context;
/* Is the batch applied without users' functions, because one of a statement in it failed? */
extern bool apply_without_functions(void);

/* apply_error.c */

/* doing and what name the change, or are NULL. */
extern void apply_translate_error(ErrorData *error, const char *doing,
								  const char *what);

/* apply_settings.c */
extern bool apply_settings_are_pinned(void);
extern void apply_pin_settings(void);
extern void apply_raise_stack(void);

/* apply_relation.c */
extern void apply_relation_init(void);
extern ApplyRelation *apply_relation_find(const char *description, Size length);
extern ApplyRelation *apply_relation_use(ApplyRelation *ar, bool for_rows);
extern void apply_relations_close(void);
extern void apply_relation_unused(ApplyRelation *ar);
extern void apply_relations_forget(void);

/* apply_tuple.c */
extern void apply_tuple_read(BaristaReader *r, ApplyRelation *ar,
							 bool key_only, bool unchanged_allowed,
							 ApplyTuple *tuple);
extern void apply_tuple_encode(StringInfo buf, ApplyRelation *ar,
							   TupleTableSlot *slot);
extern bool apply_tuple_matches(ApplyRelation *ar, TupleTableSlot *slot,
								const char *image, Size length);
extern void apply_tuple_prepare_column(ApplyColumn *column, Oid type,
									   MemoryContext context);
extern char *apply_key_text(ApplyRelation *ar, ApplyTuple *tuple);

/* apply_row.c */
extern void apply_insert(ApplyRelation *ar, BaristaReader *r);
extern void apply_update(ApplyRelation *ar, BaristaReader *r);
extern void apply_delete(ApplyRelation *ar, BaristaReader *r);

/* apply_suspect.c */
extern void apply_suspect_begin(Oid index);
extern void apply_suspect_end(void);
extern void apply_suspect_name(Oid index);
extern void apply_suspect_statement(void);
extern void apply_suspect_forget(void);
extern void apply_suspect_set(int64 took);
extern void apply_limit_function(bool begins);
extern void apply_limits_begin(int longest);
extern void apply_limits_give_way(void);
extern void apply_limits_end(void);
extern void apply_limits_stop(void);

/* index_aside.c: in the running transaction. */
extern bool apply_set_index_aside(Oid index);
extern void apply_take_index_back(Oid index);
extern bool apply_rebuild_index(Oid index, int longest);
extern List *apply_show_aside(void);
extern void apply_hide_aside(List *all);

/* apply_run.c */
extern bool apply_run_allowed(ApplyRelation *ar);
extern ApplyRelation *apply_run_relation(void);
extern void apply_run_add(ApplyRelation *ar, BaristaReader *r);
extern void apply_run_store(void);
extern void apply_run_forget(void);

/* apply_index.c */
extern bool apply_find_by_key(ApplyRelation *ar, ApplyTuple *key);
extern const char *apply_index_failed(int sqlstate);
extern void apply_index_forget(void);
extern void apply_index_open(ApplyRelation *ar, ApplyIndex *index);
extern void apply_index_insert(ApplyRelation *ar, TupleTableSlot *slot,
							   TupleTableSlot *old);

/* apply_shorten.c */
extern void apply_row_shorten(ApplyRelation *ar, ApplyTuple *tuple);
extern List *apply_index_shorten(Relation index, Datum *values, const bool *nulls);

/* apply_image.c */
extern bool apply_find_by_image(ApplyRelation *ar, const char *image, Size length);
extern void apply_image_stored(ApplyRelation *ar, TupleTableSlot *slot);
extern void apply_images_forget(ApplyRelation *ar);

/* apply_truncate.c */
extern void apply_truncate(List *relations, bool restart);
extern void apply_truncate_one(Relation rel);

/* A table that a statement needs empty. */
typedef struct ApplyName
{
	const char *schema;
	const char *name;
} ApplyName;

extern void apply_empty(List *names);

/* ddl_database_drop.c */
extern void apply_drop_database(const char *name);

/* ddl_database_rename.c */
extern void apply_rename_database(const char *from, const char *to);

/* apply_sequence.c */
extern void apply_sequence(const char *schema, const char *name,
						   int64 horizon, bool is_called, bool missing_ok);

/* apply_large_object.c */
extern void apply_large_object_created(BaristaReader *r);
extern void apply_large_object_unlinked(BaristaReader *r);
extern void apply_large_object_pages(BaristaReader *r);
extern void apply_large_object_removed(BaristaReader *r);

/* apply_domain.c */

/* A domain whose constraints are hidden. */
typedef struct ApplyDomain
{
	struct TypeCacheEntry *entry;
	struct DomainConstraintCache *constraints;
	bool		loaded;			/* constraints says all that there is */
} ApplyDomain;

extern List *apply_domains_of(Oid type);
extern void apply_domains_hide(List *domains);
extern void apply_domains_show(void);

/* apply_user.c */

/* Who ran before users' code did. */
typedef struct ApplyUser
{
	BaristaRights rights;
	int			settings;
} ApplyUser;

extern int	apply_user_path(ApplyRelation *ar);
extern int	apply_user_settings(ApplyRelation *ar);
extern void apply_user_begin(ApplyRelation *ar, ApplyUser *before);
extern void apply_user_end(ApplyUser *before);

/* writer_settings.c */
extern List *barista_writer_settings_read(BaristaReader *r);
extern void barista_writer_settings_set(List *some);
extern void barista_writer_settings_reset(void);
/* Errors (53000) if this session had better not go on. */
extern void barista_writer_settings_check(void);

/* ddl_replay.c */
/* *doing receives the command tag, for messages. */
extern void ddl_replay(BaristaReader *r, List *emptied, const char **doing);

#endif							/* BARISTA_APPLY_H */
