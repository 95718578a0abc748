/*-------------------------------------------------------------------------
 *
 * apply.c
 *	  barista_apply(part): chosen change sets become a local transaction.
 *
 * docs/internals/formats.md ("Batch for barista_apply") draws the bytes.  A
 * batch is one local transaction and may come in several parts, cut anywhere;
 * what must last from part to part is in state below.
 *
 * The guard is asked three times: at the batch's beginning, so that no work is
 * done in vain, at its commit, and once more when the turn is its own: then
 * nobody can commit in between.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "port/pg_bswap.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#include "apply.h"

/* Type and length in front of each item. */
#define ITEM_HEADER		5

/* A relation number of the running change set. */
typedef struct NumberedRelation
{
	uint32		number;
	ApplyRelation *relation;
} NumberedRelation;

/*
 * The batch that this transaction applies.  Its memory belongs to the top
 * transaction's context; barista_apply_end() forgets it.
 */
typedef struct ApplyState
{
	bool		active;			/* barista_apply() ran in this transaction */
	bool		begun;			/* 'B' was read */
	bool		swept;			/* changes have begun, and before them a sweep */
	bool		in_set;			/* inside a change set */
	bool		ended;			/* 'E' was read */
	bool		without_functions;	/* 'v' was read */
	bool		upkeep;			/* no batch: an index is set aside or built again */
	uint64		predecessor;
	uint64		position;
	TimestampTz timestamp;		/* at which the last change set was committed */
	MemoryContext context;
	StringInfoData tail;		/* of a part: the beginning of an item */
	List	   *emptied;		/* of ApplyName: before the next statement */
	NumberedRelation *relations;	/* numbers increase */
	int			nrelations;
	int			allocated;
} ApplyState;

static ApplyState state;

/* What is being done now, for messages.  Valid within one call. */
static const char *current_doing = NULL;
static const char *current_what = NULL;

MemoryContext apply_call_context = NULL;
MemoryContext apply_row_context = NULL;

static void start(void);
static int64 apply_pinned(const char *part, Size length);
static int64 apply_part(const char *part, Size length);
static bool take_tail(const char *part, Size length, Size *at, int64 *changes);
static Size item_length(const char *header);
static void end_run(void);
static bool apply_item(char type, const char *body, Size length);
static void require_closed_gate(void);
static bool upkeep(char type, BaristaReader *r);
static void begin(BaristaReader *r);
static void sweep(void);
static void change_set(BaristaReader *r);
static void end_change_set(void);
static void describe(BaristaReader *r);
static NumberedRelation *look_up(uint32 number);
static void use(NumberedRelation *entry, bool for_rows);
static ApplyRelation *numbered(uint32 number);
static void truncate_tables(BaristaReader *r);
static void statement(BaristaReader *r);
static void emptied(BaristaReader *r);
static void drop_database(BaristaReader *r);
static void rename_database(BaristaReader *r);
static void sequence(BaristaReader *r);
static void sequence_dropped(BaristaReader *r);
static void sequences(BaristaReader *r);
static void id_limit(BaristaReader *r);
static void large_object(char type, BaristaReader *r);
static void end(BaristaReader *r);
static void malformed(const char *why) pg_attribute_noreturn();
static void error_context(void *arg);

void
barista_apply_init(void)
{
	apply_relation_init();
}

bool
apply_without_functions(void)
{
	return state.active && state.without_functions;
}

bool
barista_apply_in_transaction(void)
{
	return state.active;
}

/* barista_apply(part bytea) returns bigint: the number of row changes. */
PG_FUNCTION_INFO_V1(barista_apply);
Datum
barista_apply(PG_FUNCTION_ARGS)
{
	bytea	   *part;
	int64		changes = 0;
	MemoryContext caller = CurrentMemoryContext;
	ErrorContextCallback callback;

	barista_require_own_session("barista_apply");
	barista_oids_keep_apart();
	part = PG_GETARG_BYTEA_PP(0);
	start();

	callback.callback = error_context;
	callback.arg = NULL;
	callback.previous = error_context_stack;
	error_context_stack = &callback;
	barista_in_apply = true;
	PG_TRY();
	{
		changes = apply_pinned(VARDATA_ANY(part), VARSIZE_ANY_EXHDR(part));
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(caller);
		error = CopyErrorData();
		FlushErrorState();
		barista_in_apply = false;
		apply_limits_stop();
		apply_translate_error(error, current_doing, current_what);
		ReThrowError(error);
	}
	PG_END_TRY();
	apply_limits_stop();
	barista_in_apply = false;
	error_context_stack = callback.previous;
	current_doing = current_what = NULL;
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(apply_call_context);
	apply_call_context = apply_row_context = NULL;
	PG_RETURN_INT64(changes);
}

static void
start(void)
{
	if (GetCurrentTransactionNestLevel() != 1 || IsolationUsesXactSnapshot())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("barista_apply() needs a read-committed transaction without savepoints")));
	if (pg_get_client_encoding() != GetDatabaseEncoding())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("barista_apply() needs the server's encoding, %s, as client_encoding",
						GetDatabaseEncodingName())));
	if (!state.active)
	{
		memset(&state, 0, sizeof(state));
		state.context = AllocSetContextCreate(TopTransactionContext,
											  "barista apply batch",
											  ALLOCSET_SMALL_SIZES);
		state.active = true;
	}
	apply_call_context = AllocSetContextCreate(state.context, "barista apply call",
											   ALLOCSET_DEFAULT_SIZES);
	apply_run_forget();
	apply_index_forget();
	apply_suspect_forget();
	max_parallel_maintenance_workers = 0;	/* a worker would know no limit */
	apply_domains_show();
	apply_row_context = AllocSetContextCreate(apply_call_context,
											  "barista apply row",
											  ALLOCSET_DEFAULT_SIZES);
}

/* Applies a part under pinned settings. */
static int64
apply_pinned(const char *part, Size length)
{
	BaristaRights before;
	int			settings;
	int64		changes;

	barista_rights_take(GetUserId(), &before);
	apply_raise_stack();
	settings = NewGUCNestLevel();	/* what users' code sets ends with the call */
	if (!apply_settings_are_pinned())
		apply_pin_settings();
	changes = apply_part(part, length);
	end_run();
	apply_relations_close();
	AtEOXact_GUC(false, settings);
	barista_rights_give_back(&before);
	return changes;
}

/* XACT_EVENT_PRE_COMMIT of a transaction in which barista_apply() ran. */
void
barista_apply_pre_commit(void)
{
	if (state.upkeep)
		return;
	require_closed_gate();
	if (!state.ended)
		malformed("it has no end");
	barista_guard(state.predecessor);
	if (state.position == state.predecessor)
		return;
	barista_turn_store(state.position,
					   state.timestamp != 0 ? state.timestamp : 1);
	barista_guard_turn(state.predecessor);
	barista_ids_forget();		/* those of subtransactions too */
}

/* End of any transaction.  Memory goes with the transaction's. */
void
barista_apply_end(bool committed)
{
	if (!state.active)
		return;
	apply_relations_forget();
	apply_run_forget();
	memset(&state, 0, sizeof(state));
	apply_call_context = apply_row_context = NULL;
	current_doing = current_what = NULL;
}

static int64
apply_part(const char *part, Size length)
{
	int64		changes = 0;
	Size		at = 0;

	if (!take_tail(part, length, &at, &changes))
		return changes;
	while (length - at >= ITEM_HEADER)
	{
		Size		body = item_length(part + at);

		if (body > length - at - ITEM_HEADER)
			break;
		changes += apply_item(part[at], part + at + ITEM_HEADER, body);
		at += ITEM_HEADER + body;
	}
	if (at < length)
	{
		MemoryContext caller = MemoryContextSwitchTo(state.context);

		if (state.tail.data == NULL)
			initStringInfo(&state.tail);
		appendBinaryStringInfo(&state.tail, part + at, length - at);
		MemoryContextSwitchTo(caller);
	}
	return changes;
}

/*
 * Completes and applies the item whose beginning the last part left behind.
 * False if this part does not complete it either.
 */
static bool
take_tail(const char *part, Size length, Size *at, int64 *changes)
{
	StringInfo	tail = &state.tail;

	while (tail->len > 0)
	{
		Size		want = ITEM_HEADER;
		Size		take;

		if (tail->len >= ITEM_HEADER)
			want += item_length(tail->data);
		take = Min(want - tail->len, length - *at);
		appendBinaryStringInfo(tail, part + *at, take);
		*at += take;
		if (tail->len < want)
			return false;
		if (tail->len >= ITEM_HEADER &&
			tail->len == ITEM_HEADER + item_length(tail->data))
		{
			*changes += apply_item(tail->data[0], tail->data + ITEM_HEADER,
								   tail->len - ITEM_HEADER);
			resetStringInfo(tail);
		}
	}
	return true;
}

static Size
item_length(const char *header)
{
	uint32		length;

	memcpy(&length, header + 1, sizeof(length));
	length = pg_ntoh32(length);
	if (length > BARISTA_MESSAGE_MAX)
		malformed("an item in it is too long");
	return length;
}

/* Nothing may look at a table while rows of it wait to be stored. */
static void
end_run(void)
{
	ApplyRelation *ar = apply_run_relation();

	if (ar == NULL)
		return;
	current_doing = "insert into table";
	current_what = ar->name;
	apply_run_store();
	current_doing = current_what = NULL;
}

/* Returns whether it was a row change. */
static bool
apply_item(char type, const char *body, Size length)
{
	BaristaReader reader;
	BaristaReader *r = &reader;
	ApplyRelation *ar;
	uint32		number;

	CHECK_FOR_INTERRUPTS();
	if (state.ended || state.upkeep)
		malformed("it goes on after its end");
	if (!state.begun && (type == 'a' || type == 'b'))
	{
		reader_init(r, body, length);
		return upkeep(type, r);
	}
	if (state.begun == (type == 'B'))
		malformed(state.begun ? "it begins twice" : "it has no beginning");

	reader_init(r, body, length);
	if (type != 'I')
		end_run();
	switch (type)
	{
		case 'B':
			begin(r);
			return false;
		case 'v':
			reader_finish(r, "leave to call no function");
			state.without_functions = true;
			return false;
		case 'X':
			change_set(r);
			return false;
		case 'Z':
			sequences(r);
			return false;
		case 'C':
			id_limit(r);
			return false;
		case 'E':
			end(r);
			return false;
	}
	if (!state.in_set)
		malformed("a message in it is outside any change set");
	switch (type)
	{
		case 'R':
			describe(r);
			return false;
		case 'T':
			truncate_tables(r);
			return false;
		case 'Q':
			statement(r);
			return false;
		case 'e':
			emptied(r);
			return false;
		case 'd':
			drop_database(r);
			return false;
		case 'n':
			rename_database(r);
			return false;
		case 'S':
			sequence(r);
			return false;
		case 's':
			sequence_dropped(r);
			return false;
		case 'l':
		case 'u':
		case 'p':
		case 'r':
			large_object(type, r);
			return false;
		case 'I':
			number = reader_u32(r);
			if (apply_run_relation() != look_up(number)->relation)
				end_run();
			current_doing = "insert into table";
			apply_insert(numbered(number), r);
			break;
		case 'U':
			current_doing = "update of table";
			ar = numbered(reader_u32(r));
			apply_update(ar, r);
			break;
		case 'D':
			current_doing = "delete from table";
			ar = numbered(reader_u32(r));
			apply_delete(ar, r);
			break;
		default:
			malformed("an item in it has an unknown type");
	}
	MemoryContextReset(apply_row_context);
	CommandCounterIncrement();
	current_doing = current_what = NULL;
	return true;
}

static void
require_closed_gate(void)
{
	if (barista_gate_is_open(NULL))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("barista_apply() needs a closed gate")));
}

/*
 * In the place of a batch: an index is set aside, or built again.  That is a matter
 * of this server alone, and changes no position.
 */
static bool
upkeep(char type, BaristaReader *r)
{
	Oid			index = reader_u32(r);
	uint32		longest = type == 'b' ? reader_u32(r) : 0;

	if (longest > INT_MAX)
		reader_fail(r, "it takes too long");
	reader_finish(r, "index");
	state.upkeep = true;
	if (type == 'b')
	{
		current_doing = "build index";
		return apply_rebuild_index(index, (int) longest);
	}
	require_closed_gate();
	current_doing = "set index aside";
	return apply_set_index_aside(index);
}

static void
begin(BaristaReader *r)
{
	require_closed_gate();
	state.predecessor = reader_u64(r);
	reader_finish(r, "beginning of a batch");
	barista_writer_settings_check();
	barista_guard(state.predecessor);
	state.begun = true;
}

/*
 * Before the first change of a batch, and behind its limit of transaction ids,
 * what is left of dropped databases is destroyed: that takes an id.
 */
static void
sweep(void)
{
	if (state.swept)
		return;
	state.swept = true;
	barista_sweep_databases();
}

static void
change_set(BaristaReader *r)
{
	TimestampTz began = (TimestampTz) reader_u64(r);

	state.timestamp = (TimestampTz) reader_u64(r);
	reader_finish(r, "change set");
	apply_suspect_set(state.timestamp > began ? state.timestamp - began : 0);
	end_change_set();
	barista_ids_take();
	sweep();
	state.in_set = true;
}

static void
end_change_set(void)
{
	for (int i = 0; i < state.nrelations; i++)
		apply_relation_unused(state.relations[i].relation);
	state.nrelations = 0;
	state.in_set = false;
}

static void
describe(BaristaReader *r)
{
	uint32		number = reader_u32(r);
	uint32		last = state.nrelations > 0 ?
		state.relations[state.nrelations - 1].number : 0;
	const char *description = r->data + r->at;
	ApplyRelation *ar;

	if (r->failure == NULL && number <= last)
		reader_fail(r, "its number is not above the last one");
	if (r->failure)
		reader_finish(r, "relation");
	ar = apply_relation_find(description, reader_left(r));
	if (state.nrelations == state.allocated)
	{
		state.allocated = Max(8, state.allocated * 2);
		state.relations = state.relations == NULL ?
			MemoryContextAlloc(state.context,
							   state.allocated * sizeof(NumberedRelation)) :
			repalloc(state.relations,
					 state.allocated * sizeof(NumberedRelation));
	}
	state.relations[state.nrelations].number = number;
	state.relations[state.nrelations].relation = ar;
	state.nrelations++;
}

/* The relation of this number, without opening it; NULL if there is none. */
static NumberedRelation *
look_up(uint32 number)
{
	int			low = 0;
	int			high = state.nrelations - 1;

	/* Numbers mostly count from 1 without gaps. */
	if (number - 1 < (uint32) state.nrelations &&
		state.relations[number - 1].number == number)
		return &state.relations[number - 1];
	while (low <= high)
	{
		int			middle = (low + high) / 2;

		if (state.relations[middle].number == number)
			return &state.relations[middle];
		if (state.relations[middle].number < number)
			low = middle + 1;
		else
			high = middle - 1;
	}
	malformed("a relation in it was not described");
}

/* Opens the relation.  A description that came twice has two numbers. */
static void
use(NumberedRelation *entry, bool for_rows)
{
	ApplyRelation *before = entry->relation;
	ApplyRelation *after = apply_relation_use(before, for_rows);

	if (likely(after == before))
		return;
	for (int i = 0; i < state.nrelations; i++)
		if (state.relations[i].relation == before)
			state.relations[i].relation = after;
}

static ApplyRelation *
numbered(uint32 number)
{
	NumberedRelation *entry = look_up(number);

	use(entry, true);
	current_what = entry->relation->name;
	return entry->relation;
}

static void
truncate_tables(BaristaReader *r)
{
	uint32		count = reader_u32(r);
	uint8		options = reader_u8(r);
	List	   *relations = NIL;

	if (options > 3)
		reader_fail(r, "it has unknown options");
	if ((uint64) count * sizeof(uint32) != reader_left(r))
		reader_fail(r, "it has another length than its relations");
	if (r->failure)
		reader_finish(r, "truncate");
	current_doing = "truncate";
	for (uint32 i = 0; i < count; i++)
	{
		NumberedRelation *entry = look_up(reader_u32(r));

		/* Using it makes it valid.  It is closed before any row. */
		use(entry, false);
		relations = lappend(relations, entry->relation);
	}
	apply_relations_close();
	apply_truncate(relations, (options & 2) != 0);
	list_free(relations);
	CommandCounterIncrement();
	current_doing = NULL;
}

static void
statement(BaristaReader *r)
{
	apply_relations_close();
	ddl_replay(r, state.emptied, &current_doing);
	list_free_deep(state.emptied);
	state.emptied = NIL;
	MemoryContextReset(apply_row_context);
	CommandCounterIncrement();
	current_doing = NULL;
}

static void
drop_database(BaristaReader *r)
{
	const char *name = reader_cstr(r);

	reader_finish(r, "dropped database");
	current_doing = "drop database";
	current_what = name;
	apply_relations_close();
	apply_drop_database(name);
	CommandCounterIncrement();
	current_doing = current_what = NULL;
}

static void
rename_database(BaristaReader *r)
{
	const char *from = reader_cstr(r);
	const char *to = reader_cstr(r);

	reader_finish(r, "renamed database");
	current_doing = "rename database";
	current_what = from;
	apply_relations_close();
	apply_rename_database(from, to);
	CommandCounterIncrement();
	current_doing = current_what = NULL;
}

/* It is done when the statement's settings are known. */
static void
emptied(BaristaReader *r)
{
	const char *schema = reader_cstr(r);
	const char *name = reader_cstr(r);
	MemoryContext caller = MemoryContextSwitchTo(state.context);
	ApplyName  *table = palloc(sizeof(ApplyName));

	reader_finish(r, "emptied table");
	table->schema = pstrdup(schema);
	table->name = pstrdup(name);
	state.emptied = lappend(state.emptied, table);
	MemoryContextSwitchTo(caller);
}

static void
sequence(BaristaReader *r)
{
	const char *schema = reader_cstr(r);
	const char *name = reader_cstr(r);
	int64		horizon = (int64) reader_u64(r);
	uint8		is_called = reader_u8(r);

	if (is_called > 1)
		reader_fail(r, "it is neither called nor not called");
	reader_finish(r, "sequence state");
	current_doing = "state of sequence";
	current_what = name;
	apply_sequence(schema, name, horizon, is_called == 1, false);
	current_doing = current_what = NULL;
}

/* It is the statement beside it that drops the sequence. */
static void
sequence_dropped(BaristaReader *r)
{
	(void) reader_cstr(r);
	(void) reader_cstr(r);
	reader_finish(r, "dropped sequence");
}

static void
sequences(BaristaReader *r)
{
	uint8		flags = reader_u8(r);
	uint16		count = reader_u16(r);

	end_change_set();
	sweep();
	if (flags > 1)
		reader_fail(r, "it has unknown flags");
	current_doing = "state of sequence";
	for (int i = 0; i < count && r->failure == NULL; i++)
	{
		const char *schema = reader_cstr(r);
		const char *name = reader_cstr(r);
		int64		horizon = (int64) reader_u64(r);
		uint8		is_called = reader_u8(r);

		if (is_called > 1)
			reader_fail(r, "it is neither called nor not called");
		if (r->failure)
			break;
		current_what = name;
		apply_sequence(schema, name, horizon, is_called == 1, flags == 1);
	}
	reader_finish(r, "sequence states");
	current_doing = current_what = NULL;
}

static void
id_limit(BaristaReader *r)
{
	uint64		limit = reader_u64(r);

	reader_finish(r, "limit of transaction ids");
	end_change_set();
	current_doing = "limit of transaction ids";
	barista_ids_limit(limit);
	current_doing = NULL;
}

static void
large_object(char type, BaristaReader *r)
{
	current_doing = "change of a large object";
	switch (type)
	{
		case 'l':
			apply_large_object_created(r);
			break;
		case 'u':
			apply_large_object_unlinked(r);
			break;
		case 'p':
			apply_large_object_pages(r);
			break;
		case 'r':
			apply_large_object_removed(r);
			break;
	}
	MemoryContextReset(apply_row_context);
	CommandCounterIncrement();
	current_doing = NULL;
}

static void
end(BaristaReader *r)
{
	state.position = reader_u64(r);
	reader_finish(r, "end of a batch");
	if (state.position < state.predecessor)
		malformed("its position is before its predecessor");
	end_change_set();
	state.ended = true;
}

static void
malformed(const char *why)
{
	ereport(ERROR,
			(errcode(ERRCODE_BARISTA_MALFORMED),
			 errmsg("malformed batch: %s", why)));
}

static void
error_context(void *arg)
{
	if (current_doing)
		errcontext("barista_apply: %s%s%s", current_doing,
				   current_what ? " " : "", current_what ? current_what : "");
}
