/*-------------------------------------------------------------------------
 *
 * gate.c
 *	  The gate: no commit record before the change set is agreed on.
 *
 * In its pre-commit callback a backend first does all that can fail, then
 * sends its change set to barista and waits for the outcome.  From before the
 * first byte of the (last) frame until then the transaction's row locks must
 * stay: were they released early, the next writer would read the old version
 * and be chosen as well, and an update would be lost.  So the wait is inside
 * a critical section, where cancel, terminate and time-outs stay pending, and
 * any error takes the server down: then the log decides.
 *
 * The section is left deliberately only when the outcome is known (refused:
 * ERROR), or when the epoch has been closed, so that no one after us can be
 * chosen (FATAL, the flag first).  When the change set was chosen it lasts
 * until the commit record is written and the transaction is visible.
 *
 * A transaction that wrote nothing but used a sequence waits here too, until
 * the sequence's state is agreed on; that wait can be interrupted.
 *
 *-------------------------------------------------------------------------
 */
#include "barista.h"

#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "access/xact.h"
#include "access/xlog.h"
#include "commands/dbcommands.h"
#include "commands/tablecmds.h"
#include "miscadmin.h"
#include "port/pg_bswap.h"
#include "replication/origin.h"
#include "storage/fd.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/predicate.h"
#include "storage/procsignal.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "internal.h"

/* Longest frame that barista may send: an 'N' with its message. */
#define ANSWER_MAX		8192
/* Bytes of payload in one chunk. */
#define CHUNK_SIZE		(1024 * 1024)
/* How long barista may take to answer after the epoch was closed, in ms. */
#define CLOSING_GRACE	2000
/* How long a server that is being stopped waits for the outcome, in ms. */
#define STOPPING_GRACE	5000
/* How long a busy barista may take to accept a connection, in ms. */
#define CONNECT_GRACE	5000
/* Of the frames; in the hello. */
#define GATE_VERSION	2

typedef enum Outcome
{
	OUTCOME_CHOSEN,				/* 'C' */
	OUTCOME_AGREED,				/* 'Q' */
	OUTCOME_REFUSED,			/* 'N': never proposed */
	OUTCOME_LOST				/* 'U', or no answer will come */
} Outcome;

typedef struct Answer
{
	uint64		position;
	uint64		predecessor;
	TimestampTz committed;		/* as everybody knows it */
	int			sqlstate;
	char		message[ANSWER_MAX];
} Answer;

/* How far the running transaction is; back to idle when it ends. */
GateState	barista_gate_state = GATE_IDLE;

/*
 * This backend's connection to barista; kept from its first use until it
 * fails or the backend ends.
 */
static bool connected = false;	/* and has said hello */
static pgsocket connection = PGINVALID_SOCKET;
static WaitEventSet *wait_set = NULL;
static int	socket_event;
static uint64 last_request;		/* requests count from 1 in each connection */
static char received[ANSWER_MAX + 4];
static Size received_length = 0;

/* Chunks of this request were sent and its last frame was not; 0 = none. */
static uint64 unfinished_request = 0;

/*
 * Between the first and the last byte of a frame: if an error comes out of
 * that, the connection is of no more use.
 */
static bool in_frame = false;

/* The frame being built, kept from one transaction to the next. */
static StringInfoData frame = {0};

/*
 * The transaction has written rows of foreign tables.  A wrapper's callback runs
 * before ours, which was registered first of all, so the foreign server has
 * committed them when the gate is asked, as it has when a commit fails without
 * Barista.  The other way round would be worse: what is agreed on must commit,
 * and a foreign server may fail, or take its time while the turn waits.  So what
 * the gate refuses is not told as safe to run again.
 */
static bool wrote_foreign = false;

/* Whether this backend counts in the mapped file's `waiting`. */
static bool counted = false;

/* ------------------------------------------------------------------------
 * The connection
 * ------------------------------------------------------------------------
 */

static void
disconnect(void)
{
	if (wait_set != NULL)
	{
		FreeWaitEventSet(wait_set);
		wait_set = NULL;
	}
	if (connection != PGINVALID_SOCKET)
	{
		closesocket(connection);
		ReleaseExternalFD();
		connection = PGINVALID_SOCKET;
	}
	connected = false;
	received_length = 0;
	unfinished_request = 0;
	in_frame = false;
}

void
barista_note_foreign_write(void)
{
	barista_note_known_write();
	wrote_foreign = true;
}

bool
barista_wrote_foreign(void)
{
	return wrote_foreign;
}

/* Refuses, for a reason that says whether it may be run again. */
static void
refuse(int sqlstate, const char *message, const char *hint)
{
	if (wrote_foreign)
		ereport(ERROR,
				(errcode(ERRCODE_TRANSACTION_RESOLUTION_UNKNOWN),
				 errmsg("%s", message),
				 errdetail("The transaction was not committed here. What it wrote to foreign tables may be there."),
				 errhint("Look at the foreign tables before you run it again.")));
	ereport(ERROR,
			(errcode(sqlstate),
			 errmsg("%s", message),
			 errdetail("The transaction was not committed."),
			 hint ? errhint("%s", hint) : 0));
}

void
barista_refuse_closed(void)
{
	refuse(ERRCODE_T_R_SERIALIZATION_FAILURE, "this node stopped leading",
		   "Run the transaction again on the node that leads now.");
}

/* The connection failed before anything could be proposed. */
static void
refuse_unreachable(void)
{
	int			saved_errno = errno;

	disconnect();
	if (pg_atomic_read_u64(&barista_shared->closed) != 0)
		barista_refuse_closed();
	refuse(ERRCODE_T_R_SERIALIZATION_FAILURE,
		   psprintf("could not reach barista: %s", strerror(saved_errno)),
		   "Run the transaction again.");
}

/*
 * Writes all of the vectors.  False: the connection failed; sent tells whether
 * any byte had left.  With interrupts allowed it may raise an error.
 */
static bool
send_all(struct iovec *vectors, int count, bool interruptible, bool *sent)
{
	*sent = false;
	while (count > 0)
	{
		struct msghdr message = {.msg_iov = vectors, .msg_iovlen = count};
		ssize_t		n = sendmsg(connection, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
		WaitEvent	event;

		if (n > 0)
			*sent = true;
		while (n > 0 && count > 0)
		{
			Size		step = Min((Size) n, vectors->iov_len);

			vectors->iov_base = (char *) vectors->iov_base + step;
			vectors->iov_len -= step;
			n -= step;
			if (vectors->iov_len > 0)
				break;
			vectors++;
			count--;
		}
		if (n >= 0 || errno == EINTR)
			continue;
		if (errno != EAGAIN && errno != EWOULDBLOCK)
			return false;
		if (pg_atomic_read_u64(&barista_shared->closed) != 0)
			return false;

		ModifyWaitEvent(wait_set, socket_event, WL_SOCKET_WRITEABLE, NULL);
		if (WaitEventSetWait(wait_set, 1000, &event, 1, PG_WAIT_EXTENSION) > 0)
		{
			if (event.events & WL_POSTMASTER_DEATH)
				_exit(2);
			if (event.events & WL_LATCH_SET)
				ResetLatch(MyLatch);
		}
		ModifyWaitEvent(wait_set, socket_event, WL_SOCKET_READABLE, NULL);
		if (interruptible)
			CHECK_FOR_INTERRUPTS();
		if (ProcSignalBarrierPending)
			ProcessProcSignalBarrier();
	}
	return true;
}

/* A whole frame of one type with a body in two pieces. */
static bool
send_frame(char type, const void *head, Size head_length,
		   const void *rest, Size rest_length, bool interruptible, bool *sent)
{
	char		start[5];
	uint32		length = pg_hton32((uint32) (1 + head_length + rest_length));
	struct iovec vectors[3] = {
		{.iov_base = start, .iov_len = sizeof(start)},
		{.iov_base = unconstify(void *, head), .iov_len = head_length},
		{.iov_base = unconstify(void *, rest), .iov_len = rest_length},
	};

	memcpy(start, &length, sizeof(length));
	start[4] = type;
	in_frame = true;
	if (!send_all(vectors, rest_length > 0 ? 3 : 2, interruptible, sent))
		return false;
	in_frame = false;
	return true;
}

static void
connect_to_barista(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char		hello[13];
	uint64		start_id = pg_hton64(pg_atomic_read_u64(&barista_shared->start_id));
	uint32		pid = pg_hton32((uint32) MyProcPid);
	TimestampTz begin = GetCurrentTimestamp();
	bool		sent;

	if (connected)
		return;
	disconnect();				/* what a failed attempt left */
	if (barista_gate_socket == NULL || barista_gate_socket[0] == '\0' ||
		strlen(barista_gate_socket) >= sizeof(address.sun_path))
		ereport(ERROR,
				(errcode(ERRCODE_CONFIG_FILE_ERROR),
				 errmsg("barista.gate_socket is not a usable path")));
	strlcpy(address.sun_path, barista_gate_socket, sizeof(address.sun_path));

	if (!AcquireExternalFD())
		ereport(ERROR,
				(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				 errmsg("too many open files to connect to barista")));
	connection = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (connection == PGINVALID_SOCKET)
	{
		ReleaseExternalFD();
		ereport(ERROR,
				(errcode(ERRCODE_CONNECTION_FAILURE),
				 errmsg("could not make a socket: %m")));
	}
	while (connect(connection, (struct sockaddr *) &address, sizeof(address)) != 0)
	{
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN ||
			TimestampDifferenceExceeds(begin, GetCurrentTimestamp(), CONNECT_GRACE))
			refuse_unreachable();
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 1, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}

	wait_set = CreateWaitEventSet(TopMemoryContext, 3);
	AddWaitEventToSet(wait_set, WL_LATCH_SET, PGINVALID_SOCKET, MyLatch, NULL);
	AddWaitEventToSet(wait_set, WL_POSTMASTER_DEATH, PGINVALID_SOCKET, NULL, NULL);
	socket_event = AddWaitEventToSet(wait_set, WL_SOCKET_READABLE, connection,
									 NULL, NULL);
	last_request = 0;
	memcpy(hello, &start_id, sizeof(start_id));
	memcpy(hello + sizeof(start_id), &pid, sizeof(pid));
	hello[12] = GATE_VERSION;
	if (!send_frame('H', hello, sizeof(hello), NULL, 0, true, &sent))
		refuse_unreachable();
	connected = true;
}

/* ------------------------------------------------------------------------
 * Answers
 * ------------------------------------------------------------------------
 */

static uint64
read_u64(const char *p)
{
	uint64		value;

	memcpy(&value, p, sizeof(value));
	return pg_ntoh64(value);
}

static uint32
read_u32(const char *p)
{
	uint32		value;

	memcpy(&value, p, sizeof(value));
	return pg_ntoh32(value);
}

/* Reads 'N' after its request: [5] SQLSTATE, str16 message. */
static bool
parse_refusal(const char *body, Size length, Answer *answer)
{
	Size		message_length;

	if (length < 7)
		return false;
	for (int i = 0; i < 5; i++)
		if (!((body[i] >= '0' && body[i] <= '9') || (body[i] >= 'A' && body[i] <= 'Z')))
			return false;
	answer->sqlstate = MAKE_SQLSTATE(body[0], body[1], body[2], body[3], body[4]);
	message_length = ((uint8) body[5] << 8) | (uint8) body[6];
	if (length != 7 + message_length || message_length >= sizeof(answer->message))
		return false;
	memcpy(answer->message, body + 7, message_length);
	answer->message[message_length] = '\0';
	return true;
}

/*
 * Takes the first whole frame from what was received.  False: none is whole
 * yet.  An answer to an earlier request (a wait that was interrupted) is
 * passed over.
 */
static bool
take_answer(uint64 request, Answer *answer, Outcome *outcome)
{
	for (;;)
	{
		uint32		length;
		char		type;
		const char *body = received + 13;
		Size		rest;
		bool		known = false;
		uint64		answered;

		if (received_length < 4)
			return false;
		length = read_u32(received);
		if (length < 9 || length > ANSWER_MAX)
			break;
		if (received_length < 4 + (Size) length)
			return false;
		type = received[4];
		answered = read_u64(received + 5);
		rest = length - 9;

		switch (type)
		{
			case 'C':
				if (rest != 24)
					break;
				answer->position = read_u64(body);
				answer->predecessor = read_u64(body + 8);
				answer->committed = (TimestampTz) read_u64(body + 16);
				known = answer->predecessor < answer->position &&
					answer->committed != 0;
				*outcome = OUTCOME_CHOSEN;
				break;
			case 'Q':
				known = rest == 0;
				*outcome = OUTCOME_AGREED;
				break;
			case 'N':
				known = parse_refusal(body, rest, answer);
				*outcome = OUTCOME_REFUSED;
				break;
			case 'U':
				known = rest == 0;
				*outcome = OUTCOME_LOST;
				break;
		}
		if (!known || answered > request)
			break;
		received_length -= 4 + (Size) length;
		memmove(received, received + 4 + (Size) length, received_length);
		if (answered == request)
			return true;
	}

	/* Whatever this is, it is not barista as we know it. */
	received_length = 0;
	*outcome = OUTCOME_LOST;
	return true;
}

/* Has the postmaster been told to stop?  Only it knows; its lock file says. */
static bool
server_is_stopping(void)
{
	char		contents[1024];
	int			fd = open("postmaster.pid", O_RDONLY | O_CLOEXEC);
	ssize_t		n;

	/* Too many open files, say, mean nothing: it will be asked again. */
	if (fd < 0)
		return errno == ENOENT;
	n = read(fd, contents, sizeof(contents) - 1);
	close(fd);
	if (n < 0)
		return false;
	contents[n] = '\0';
	return strstr(contents, "\nstopping") != NULL;
}

/*
 * Waits for the answer to a request.  Allocates nothing and, unless it may be
 * interrupted, raises no error.
 */
static Outcome
wait_for_answer(uint64 request, bool interruptible, Answer *answer)
{
	TimestampTz closed_since = 0;
	TimestampTz stopping_since = 0;

	for (;;)
	{
		Outcome		outcome;
		WaitEvent	events[3];
		int			count;
		bool		readable = false;
		long		timeout = -1;

		/*
		 * A closed epoch: barista says for each change set that it holds
		 * whether it had been proposed, if it can.
		 */
		if (pg_atomic_read_u64(&barista_shared->closed) != 0)
		{
			if (closed_since == 0)
				closed_since = GetCurrentTimestamp();
			else if (TimestampDifferenceExceeds(closed_since, GetCurrentTimestamp(),
												CLOSING_GRACE))
				return OUTCOME_LOST;
			timeout = 100;
		}
		else if (!interruptible && ProcDiePending)
		{
			if (stopping_since == 0)
			{
				if (server_is_stopping())
					stopping_since = GetCurrentTimestamp();
			}
			else if (TimestampDifferenceExceeds(stopping_since, GetCurrentTimestamp(),
												STOPPING_GRACE))
				return OUTCOME_LOST;
			timeout = 500;
		}

		count = WaitEventSetWait(wait_set, timeout, events, lengthof(events),
								 PG_WAIT_EXTENSION);
		for (int i = 0; i < count; i++)
		{
			if (events[i].events & WL_POSTMASTER_DEATH)
				_exit(2);
			if (events[i].events & WL_LATCH_SET)
				ResetLatch(MyLatch);
			if (events[i].events & WL_SOCKET_READABLE)
				readable = true;
		}
		if (readable)
		{
			ssize_t		n = recv(connection, received + received_length,
								 sizeof(received) - received_length, MSG_DONTWAIT);

			if (n > 0)
			{
				received_length += n;
				if (take_answer(request, answer, &outcome))
					return outcome;
			}
			else if (n == 0 ||
					 (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR))
				return OUTCOME_LOST;
		}
		if (interruptible)
			CHECK_FOR_INTERRUPTS();
		if (ProcSignalBarrierPending)
			ProcessProcSignalBarrier();
	}
}

/* ------------------------------------------------------------------------
 * The frame
 * ------------------------------------------------------------------------
 */

static void
append_u16(uint16 value)
{
	value = pg_hton16(value);
	appendBinaryStringInfo(&frame, (char *) &value, sizeof(value));
}

static void
append_u32(uint32 value)
{
	value = pg_hton32(value);
	appendBinaryStringInfo(&frame, (char *) &value, sizeof(value));
}

static void
append_u64(uint64 value)
{
	value = pg_hton64(value);
	appendBinaryStringInfo(&frame, (char *) &value, sizeof(value));
}

/* Request and epoch: 'P' and 'S' both begin with them. */
static void
begin_frame(uint64 epoch)
{
	if (frame.data == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

		initStringInfo(&frame);
		MemoryContextSwitchTo(old);
	}
	resetStringInfo(&frame);
	append_u64(0);				/* the request, when it is known */
	append_u64(epoch);
}

static void
number_frame(uint64 request)
{
	request = pg_hton64(request);
	memcpy(frame.data, &request, sizeof(request));
}

/* The change set, but for the payload's bytes. */
static void
append_change_set(const BaristaChangeSet *view, uint32 chunks)
{
	static char *database = NULL;	/* ours, for the backend's life */

	if (database == NULL)
		database = MemoryContextStrdup(TopMemoryContext,
									   get_database_name(MyDatabaseId));
	append_u64(pg_atomic_read_u64(&barista_shared->start_id));
	append_u64(pg_atomic_add_fetch_u64(&barista_control->last_change_set, 1));
	append_u16((uint16) pg_atomic_read_u64(&barista_shared->node));
	appendStringInfoChar(&frame, view->flags | (chunks > 0 ? CHANGE_SET_LAST : 0));
	append_u32(chunks);
	append_u64((uint64) GetCurrentTransactionStartTimestamp());
	append_u16((uint16) strlen(database));
	appendBinaryStringInfo(&frame, database, (int) strlen(database));
	append_u16(0);				/* no request id */
	append_u32((uint32) view->tail_length);
}

/* ------------------------------------------------------------------------
 * The gate
 * ------------------------------------------------------------------------
 */

/* Errors unless the epoch that the transaction began in is still open. */
static void
check_epoch(void)
{
	uint64		epoch;

	if (!barista_gate_is_open(&epoch) || epoch != barista_transaction_epoch)
		barista_refuse_closed();
}

/*
 * A transaction that wrote, although nothing was captured and nothing told us
 * that what it writes is local: some code went past every hook.
 *
 * In a session that exits the core drops the temporary objects; it does not
 * say so where there is no table among them.
 */
static void
check_nothing_escaped(void)
{
	if (!TransactionIdIsValid(GetTopTransactionIdIfAny()) || XactLastRecEnd == 0 ||
		barista_capture_known() || barista_in_maintenance || proc_exit_inprogress ||
		(MyXactFlags & XACT_FLAGS_ACCESSEDTEMPNAMESPACE) != 0)
		return;
	if (barista_transaction_epoch == 0 && !barista_gate_is_open(NULL))
		ereport(ERROR,
				(errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
				 errmsg("cannot write on a node that does not lead")));
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("the transaction made a change that cannot be replicated"),
			 errdetail("It wrote data in a way that no statement hook and no trigger sees."),
			 errhint("Use plain SQL statements on tables instead.")));
}

/* Everything that may fail, before anyone else can hear of the change set. */
static void
do_what_can_fail(void)
{
	/* When the epoch is closed, barista waits for neither of them to end. */
	if (MyBackendType == B_WAL_SENDER || barista_own_session())
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("this session cannot change what is replicated"),
				 errdetail("It is a replication connection, or barista's own."),
				 errhint("Use an ordinary session of another role.")));
	if (replorigin_session_origin != InvalidRepOriginId)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot commit under a replication origin of one's own"),
				 errhint("Call pg_replication_origin_session_reset() first.")));
	if (barista_capture_notified() &&
		DatumGetFloat8(DirectFunctionCall1(pg_notification_queue_usage, (Datum) 0)) > 0.5)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the NOTIFY queue is more than half full"),
				 errhint("Some session listens and does not end its transaction.")));

	(void) GetTopTransactionId();

	/* The core's own call comes later and must find nothing to do. */
	PreCommit_on_commit_actions();
	MyXactFlags &= ~XACT_FLAGS_ACCESSEDTEMPNAMESPACE;

	barista_turn_prepare();
	(void) barista_my_slot();
}

/* Sends what was spilled; returns the number of chunks. */
static uint32
send_chunks(const BaristaChangeSet *view, uint64 request)
{
	uint32		ordinal = 0;
	uint64		done = 0;
	char	   *piece;

	if (view->spilled == 0)
		return 0;
	piece = palloc(CHUNK_SIZE);
	while (done < view->spilled)
	{
		int			n = (int) Min(view->spilled - done, CHUNK_SIZE);
		char		head[12];
		uint64		wire_request = pg_hton64(request);
		uint32		wire_ordinal = pg_hton32(ordinal);
		bool		sent;

		if (FileRead(view->file, piece, n, (off_t) done, WAIT_EVENT_BUFFILE_READ) != n)
			ereport(ERROR,
					(errcode_for_file_access(),
					 errmsg("could not read a change set from a temporary file: %m")));
		memcpy(head, &wire_request, sizeof(wire_request));
		memcpy(head + sizeof(wire_request), &wire_ordinal, sizeof(wire_ordinal));

		unfinished_request = request;
		if (!send_frame('K', head, sizeof(head), piece, n, true, &sent))
			refuse_unreachable();
		check_epoch();
		done += n;
		ordinal++;
	}
	pfree(piece);
	return ordinal;
}

static void
enter_gate(void)
{
	pg_atomic_fetch_add_u64(&barista_shared->waiting, 1);
	counted = true;
	pg_atomic_write_u32(&barista_my_slot()->at_gate, 1);
	pg_memory_barrier();
}

static void
leave_gate(void)
{
	if (!counted)
		return;
	counted = false;
	pg_atomic_write_u32(&barista_my_slot()->at_gate, 0);
	pg_atomic_fetch_sub_u64(&barista_shared->waiting, 1);
}

/* In the critical section: the flag first, then out of it, then the end. */
static void
end_unknown(void)
{
	barista_close_epoch();
	END_CRIT_SECTION();
	ereport(FATAL,
			(errcode(ERRCODE_TRANSACTION_RESOLUTION_UNKNOWN),
			 errmsg("the outcome of the transaction is unknown"),
			 errdetail("This node stopped leading while the transaction was being agreed on. It may appear once, or never."),
			 errhint("Connect again and look for its effect before you run it again.")));
}

/* Sends the change set and returns when it may commit, or not at all. */
static void
propose(const BaristaChangeSet *view, uint64 request)
{
	Answer		answer;
	Outcome		outcome = OUTCOME_LOST;
	bool		sent;

	enter_gate();
	START_CRIT_SECTION();
	barista_gate_state = GATE_PROPOSED;
	unfinished_request = 0;

	/* Read after the flag in our slot: whoever closes sees one or the other. */
	if (pg_atomic_read_u64(&barista_shared->closed) != 0 ||
		pg_atomic_read_u64(&barista_shared->epoch) != barista_transaction_epoch)
	{
		barista_gate_state = GATE_IDLE;
		END_CRIT_SECTION();
		barista_refuse_closed();
	}
	if (!send_frame('P', frame.data, frame.len, view->tail, view->tail_length,
					false, &sent) && !sent)
	{
		barista_gate_state = GATE_IDLE;
		END_CRIT_SECTION();
		refuse_unreachable();
	}
	outcome = wait_for_answer(request, false, &answer);

	if (outcome == OUTCOME_REFUSED)
	{
		barista_gate_state = GATE_IDLE;
		END_CRIT_SECTION();
		refuse(answer.sqlstate, answer.message, NULL);
	}
	if (outcome != OUTCOME_CHOSEN ||
		!barista_turn_wait(answer.predecessor, answer.position))
		end_unknown();

	barista_turn_store(answer.position, answer.committed);
	barista_gate_state = GATE_CHOSEN;
}

/* Has the sequence states in the frame agreed on, and nothing else. */
static void
agree_on_sequences(uint64 request)
{
	Answer		answer;
	Outcome		outcome;
	bool		sent;

	if (!send_frame('S', frame.data, frame.len, NULL, 0, true, &sent))
		refuse_unreachable();

	outcome = wait_for_answer(request, true, &answer);
	if (outcome == OUTCOME_REFUSED)
		refuse(answer.sqlstate, answer.message, NULL);
	if (outcome != OUTCOME_AGREED)
	{
		/* Nothing of this transaction can have been chosen: others go on. */
		disconnect();
		if (pg_atomic_read_u64(&barista_shared->closed) != 0)
			barista_refuse_closed();
		refuse(ERRCODE_T_R_SERIALIZATION_FAILURE,
			   "the state of a sequence could not be agreed on",
			   "Run the transaction again.");
	}
}

void
barista_gate_pre_commit(void)
{
	BaristaChangeSet view;
	uint32		chunks;
	int			sequences;
	bool		captured;

	barista_ids_end();
	barista_large_objects_collect();
	captured = barista_has_captured();

	/*
	 * The gate was closed at every statement of this transaction; or it is
	 * barista's own, which locks sequences to read them and hands their states
	 * over by itself.
	 */
	if (barista_transaction_epoch == 0 || (barista_own_session() && !captured))
	{
		check_nothing_escaped();
		return;
	}

	if (captured)
		do_what_can_fail();
	begin_frame(barista_transaction_epoch);
	sequences = barista_sequences_collect(barista_transaction_epoch, &frame);
	if (!captured && barista_has_captured())
	{
		captured = true;
		do_what_can_fail();
	}
	if (!captured && sequences == 0)
	{
		check_nothing_escaped();
		return;
	}

	check_epoch();
	connect_to_barista();
	number_frame(++last_request);
	if (!captured)
		agree_on_sequences(last_request);
	else
	{
		PreCommit_CheckForSerializationFailure();
		barista_capture_view(&view);
		chunks = send_chunks(&view, last_request);
		append_change_set(&view, chunks);
		propose(&view, last_request);
	}
	barista_sequences_agreed(barista_transaction_epoch);
}

void
barista_gate_end(bool committed)
{
	GateState	state = barista_gate_state;

	barista_gate_state = GATE_IDLE;
	wrote_foreign = false;
	leave_gate();
	if (state == GATE_CHOSEN && committed)
		END_CRIT_SECTION();

	if (unlikely(in_frame))
		disconnect();
	if (unlikely(unfinished_request != 0))
	{
		uint64		request = pg_hton64(unfinished_request);
		uint32		length = pg_hton32(1 + sizeof(request));
		char		discard[4 + 1 + sizeof(request)];

		memcpy(discard, &length, sizeof(length));
		discard[4] = 'X';
		memcpy(discard + 5, &request, sizeof(request));
		unfinished_request = 0;
		if (connected &&
			send(connection, discard, sizeof(discard),
				 MSG_NOSIGNAL | MSG_DONTWAIT) != sizeof(discard))
			disconnect();
	}
	if (frame.data != NULL && frame.maxlen > 64 * 1024)
	{
		pfree(frame.data);
		frame.data = NULL;
	}
}
