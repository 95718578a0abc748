/*-------------------------------------------------------------------------
 *
 * client.c
 *	  The client's own socket in the place of barista's.
 *
 * A session that came through a front door begins on a unix socket between
 * barista and this backend.  When the client is authenticated, the backend
 * asks barista for the client's socket and goes on with that, so that no byte
 * of the session passes through another process.  barista keeps a duplicate
 * of it, and the two share a page in which this backend says what the client
 * is waiting for: if the backend dies, barista can still tell the client the
 * truth.
 *
 * If anything fails before the sockets are exchanged, the session goes on
 * through barista.  So does one whose start-up packet is so long that it has
 * no room for the token.
 *
 *-------------------------------------------------------------------------
 */
#include "barista.h"

/*
 * What these stand for lies at the end of a Port, or is a pointer there in
 * any case; without them its header needs no library's headers.
 */
#undef ENABLE_GSS
#undef USE_OPENSSL
#undef USE_SSL

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "libpq/auth.h"
#include "libpq/libpq.h"
#include "libpq/libpq-be.h"
#include "miscadmin.h"
#include "port/pg_bswap.h"
#include "postgres_ext.h"
#include "storage/fd.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "internal.h"

/* A name by which barista knows its client: 16 bytes, written in hex. */
#define TOKEN_SIZE		16
/* How long barista may take to hand the socket over, in ms. */
#define CLAIM_GRACE		5000
/*
 * Bytes that libpq gathers before it sends by itself.  More than that since
 * the last flush, and a client may have got a part of a message.
 */
#define SEND_BUFFER		8192
#define PAGE_SIZE		4096

/* What the client can be told if this backend dies.  Shared with barista. */
typedef enum ClientState
{
	CLIENT_OFFERED,				/* this backend does not have it yet */
	CLIENT_STARTING,			/* the session is not ready for a request */
	CLIENT_IDLE,				/* every request has been answered */
	CLIENT_BUSY,				/* a request was begun and not answered */
	CLIENT_INSIDE,				/* it may have got a part of a message */
	CLIENT_ENDED				/* it knows all that there is to know */
} ClientState;

char	   *barista_client_socket = NULL;

/* All below: set once when the socket was taken, for the life of the backend. */
static pg_atomic_uint32 *state = NULL;	/* in the page */
static const PQcommMethods *socket_methods = NULL;

static Size unsent = 0;			/* bytes put since the last flush, at most */
static bool begun = false;		/* a ReadyForQuery was put */
static bool answered = false;	/* all requests, with what has been put */
static bool last_words = false; /* a FATAL was put */

static ClientAuthentication_hook_type next_client_authentication = NULL;

/* ------------------------------------------------------------------------
 * What the client is waiting for
 * ------------------------------------------------------------------------
 */

static void
set_state(ClientState new_state)
{
	if (pg_atomic_read_u32(state) != new_state)
		pg_atomic_write_u32(state, new_state);
}

/* What holds while the client has got whole messages only. */
static ClientState
settled(void)
{
	if (last_words)
		return CLIENT_ENDED;
	if (answered)
		return CLIENT_IDLE;
	return begun ? CLIENT_BUSY : CLIENT_STARTING;
}

void
barista_client_request(void)
{
	if (state == NULL || !answered)
		return;
	answered = false;
	set_state(unsent > 0 ? CLIENT_INSIDE : CLIENT_BUSY);
}

/*
 * Does an ErrorResponse end the session?  Its first two fields are the
 * severity, as the client reads it and untranslated, each ended by a zero.
 * The server's log cannot tell: it may be set to leave a FATAL out.
 */
static bool
ends_session(const char *body, Size length)
{
	const char *first_end = memchr(body, '\0', length);
	const char *severity;

	if (first_end == NULL || first_end + 2 >= body + length ||
		first_end[1] != PG_DIAG_SEVERITY_NONLOCALIZED)
		return false;
	severity = first_end + 2;
	return strcmp(severity, "FATAL") == 0 || strcmp(severity, "PANIC") == 0;
}

static void
note_message(char type, const char *body, Size length)
{
	switch (type)
	{
		case 'Z':				/* ready for query */
			begun = answered = true;
			barista_note_answered();
			break;
		case 'A':				/* these may come at any time */
		case 'N':
		case 'S':
			break;
		case 'E':
			if (ends_session(body, length))
				last_words = true;
			answered = false;
			break;
		default:
			answered = false;
			break;
	}
	unsent += 1 + 4 + length;
	if (unsent > SEND_BUFFER)
		set_state(CLIENT_INSIDE);
	else if (!answered)
		set_state(settled());
}

static int
put_message(char type, const char *s, size_t length)
{
	note_message(type, s, length);
	return socket_methods->putmessage(type, s, length);
}

static void
put_message_noblock(char type, const char *s, size_t length)
{
	note_message(type, s, length);
	socket_methods->putmessage_noblock(type, s, length);
}

static void
note_sent(void)
{
	if (socket_methods->is_send_pending())
		return;
	unsent = 0;
	set_state(settled());
}

static int
flush_messages(void)
{
	int			result;

	if (unsent > 0)
		set_state(CLIENT_INSIDE);
	result = socket_methods->flush();
	if (result == 0)
		note_sent();
	return result;
}

static int
flush_if_writable(void)
{
	int			result;

	if (unsent > 0)
		set_state(CLIENT_INSIDE);
	result = socket_methods->flush_if_writable();
	if (result == 0)
		note_sent();
	return result;
}

static void
comm_reset(void)
{
	socket_methods->comm_reset();
}

static bool
is_send_pending(void)
{
	return socket_methods->is_send_pending();
}

static const PQcommMethods client_methods = {
	.comm_reset = comm_reset,
	.flush = flush_messages,
	.flush_if_writable = flush_if_writable,
	.is_send_pending = is_send_pending,
	.putmessage = put_message,
	.putmessage_noblock = put_message_noblock,
};

/* What a session without its client's socket uses; NULL: it is not watched. */
static const PQcommMethods *watched_methods = NULL;

static int
put_watched(char type, const char *s, size_t length)
{
	if (type == 'Z')
		barista_note_answered();
	return watched_methods->putmessage(type, s, length);
}

void
barista_client_watch(void)
{
	static PQcommMethods methods;	/* for the life of the backend */

	if (state != NULL || watched_methods != NULL || MyBackendType != B_BACKEND)
		return;
	watched_methods = PqCommMethods;
	methods = *watched_methods;
	methods.putmessage = put_watched;
	PqCommMethods = &methods;
}

/*
 * The client has left by itself.  Else its last words have been noted, or
 * there were none: a backend also exits in silence when its postmaster died.
 */
static void
client_ends(int code, Datum arg)
{
	if (code == 0)
		set_state(CLIENT_ENDED);
}

/* ------------------------------------------------------------------------
 * The exchange
 * ------------------------------------------------------------------------
 */

/* The token in the start-up packet; false if there is none. */
static bool
find_token(Port *port, char *token)
{
	ListCell   *cell = list_head(port->guc_options);

	while (cell != NULL)
	{
		const char *name = lfirst(cell);
		ListCell   *value = lnext(port->guc_options, cell);

		if (value == NULL)
			break;
		if (strcmp(name, "barista.client") == 0)
		{
			const char *hex = lfirst(value);

			return strlen(hex) == 2 * TOKEN_SIZE &&
				hex_decode(hex, 2 * TOKEN_SIZE, token) == TOKEN_SIZE;
		}
		cell = lnext(port->guc_options, value);
	}
	return false;
}

/* A connection to barista, with the claim under way; -1 if that failed. */
static int
send_claim(const char *token)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char		claim[TOKEN_SIZE + 8];
	uint32		pid = pg_hton32((uint32) MyProcPid);
	uint32		key = pg_hton32((uint32) MyCancelKey);
	int			line;

	if (strlen(barista_client_socket) >= sizeof(address.sun_path))
		return -1;
	strlcpy(address.sun_path, barista_client_socket, sizeof(address.sun_path));
	memcpy(claim, token, TOKEN_SIZE);
	memcpy(claim + TOKEN_SIZE, &pid, sizeof(pid));
	memcpy(claim + TOKEN_SIZE + sizeof(pid), &key, sizeof(key));

	line = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (line < 0)
		return -1;
	if (connect(line, (struct sockaddr *) &address, sizeof(address)) != 0 ||
		send(line, claim, sizeof(claim), MSG_NOSIGNAL) != sizeof(claim))
	{
		close(line);
		return -1;
	}
	return line;
}

/*
 * Waits for barista's answer to a claim.  True: fds are the client's socket
 * and the page.
 */
static bool
receive_client(int line, int fds[2])
{
	char		byte = 0;
	struct iovec vector = {.iov_base = &byte, .iov_len = 1};
	union
	{
		struct cmsghdr header;
		char		bytes[CMSG_SPACE(2 * sizeof(int))];
	}			control;
	struct msghdr message = {
		.msg_iov = &vector,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	struct cmsghdr *header;
	TimestampTz begin = GetCurrentTimestamp();
	ssize_t		n;

	while ((n = recvmsg(line, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC)) < 0)
	{
		if (errno != EINTR && errno != EAGAIN && errno != EWOULDBLOCK)
			return false;
		if (TimestampDifferenceExceeds(begin, GetCurrentTimestamp(), CLAIM_GRACE))
			return false;
		(void) WaitLatchOrSocket(MyLatch, WL_LATCH_SET | WL_SOCKET_READABLE |
								 WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
								 line, CLAIM_GRACE, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		message.msg_controllen = sizeof(control.bytes);
	}
	header = CMSG_FIRSTHDR(&message);
	if (n != 1 || byte != 1 || header == NULL ||
		header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS ||
		header->cmsg_len != CMSG_LEN(2 * sizeof(int)))
		return false;
	memcpy(fds, CMSG_DATA(header), 2 * sizeof(int));
	return true;
}

/*
 * From here on barista no longer relays, so there is no way back: an error
 * ends the session, and barista tells the client.
 */
static void
take_client(Port *port, int fds[2])
{
	void	   *page = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fds[1], 0);
	WaitEventSet *events;

	close(fds[1]);
	if (page == MAP_FAILED || dup3(fds[0], port->sock, O_CLOEXEC) < 0)
		ereport(FATAL,
				(errcode_for_socket_access(),
				 errmsg("could not take over the client's socket: %m")));
	close(fds[0]);

	events = CreateWaitEventSet(TopMemoryContext, FeBeWaitSetNEvents);
	AddWaitEventToSet(events, WL_SOCKET_WRITEABLE, port->sock, NULL, NULL);
	AddWaitEventToSet(events, WL_LATCH_SET, PGINVALID_SOCKET, MyLatch, NULL);
	AddWaitEventToSet(events, WL_POSTMASTER_DEATH, PGINVALID_SOCKET, NULL, NULL);
	FreeWaitEventSet(FeBeWaitSet);
	FeBeWaitSet = events;

	state = page;
	socket_methods = PqCommMethods;
	PqCommMethods = &client_methods;
	if (socket_methods->is_send_pending())
		unsent = SEND_BUFFER;	/* nobody counted what was put before */
	set_state(CLIENT_STARTING);
	on_proc_exit(client_ends, (Datum) 0);
}

/*
 * Did barista connect for a front door?  It says so in the start-up packet.
 * That may be as long as PostgreSQL allows without it, so barista also
 * connects from a socket with a name of its own.
 */
static bool
is_from_door(Port *port)
{
	static const char door[] = "\0barista.";
	const struct sockaddr_un *peer = (const struct sockaddr_un *) &port->raddr.addr;

	return peer->sun_family == AF_UNIX &&
		port->raddr.salen > offsetof(struct sockaddr_un, sun_path) + sizeof(door) - 1 &&
		memcmp(peer->sun_path, door, sizeof(door) - 1) == 0;
}

/*
 * The door lets nobody in as Barista's own role, whom the server would take for
 * Barista.  What a client calls itself need not be the role's name: with
 * db_user_namespace a trailing @ is taken off.
 */
static void
refuse_own_role(Port *port)
{
	if (strcmp(port->user_name, BARISTA_ROLE) == 0)
		ereport(FATAL,
				(errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
				 errmsg("role \"%s\" is reserved for Barista itself", BARISTA_ROLE),
				 errhint("Connect as another role.")));
}

/* As if the start-up packet said it. */
static void
note_door(Port *port)
{
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

	port->guc_options = lappend(port->guc_options, pstrdup("barista.session"));
	port->guc_options = lappend(port->guc_options, pstrdup("leader"));
	MemoryContextSwitchTo(old);
}

/*
 * The client is authenticated and has not been told so.  The connection over
 * which the socket comes stays open: its end tells barista that this backend
 * has ended.
 */
static void
client_authentication(Port *port, int status)
{
	char		token[TOKEN_SIZE];
	int			fds[2];
	int			line;

	if (next_client_authentication)
		next_client_authentication(port, status);
	if (status != STATUS_OK)
		return;
	barista_session_begins(port->user_name);
	if (is_from_door(port))
	{
		refuse_own_role(port);
		note_door(port);
	}
	if (barista_client_socket[0] == '\0' ||
		MyBackendType != B_BACKEND || !find_token(port, token) ||
		!AcquireExternalFD())
		return;
	line = send_claim(token);
	if (line >= 0 && receive_client(line, fds))
	{
		take_client(port, fds);
		return;
	}
	if (line >= 0)
		close(line);
	ReleaseExternalFD();
}

void
barista_client_init(void)
{
	next_client_authentication = ClientAuthentication_hook;
	ClientAuthentication_hook = client_authentication;
}
