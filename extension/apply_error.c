/*-------------------------------------------------------------------------
 *
 * apply_error.c
 *	  Which errors of apply are divergence.
 *
 * What would fail again, however often it is tried, is divergence and ends as
 * BA001.  What depends on this moment (a lock, a full disk, a cancelled
 * statement) keeps PostgreSQL's SQLSTATE and may be tried again.
 *
 * PostgreSQL gives errors of files the SQLSTATEs of other things: a file that may not
 * be opened, or that is on a disk which is mounted read-only, is 42501, as a user's
 * lack of rights is, and a folder in its place is 42809.  They say nothing of the rows,
 * and become errors of the system.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <errno.h>

#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "apply.h"

/* Bytes of a value that an error's detail may show. */
#define DETAIL_SHOWN	300

/*
 * May this succeed if it is tried again, with the same bytes on the same data?
 */
static bool
depends_on_the_moment(int sqlstate)
{
	switch (sqlstate)
	{
			/* What receive functions say of bytes that are too few. */
		case ERRCODE_PROTOCOL_VIOLATION:
			/* A function of an index or a domain wants to write. */
		case ERRCODE_READ_ONLY_SQL_TRANSACTION:
			return false;
	}
	switch (ERRCODE_TO_CATEGORY(sqlstate))
	{
		case ERRCODE_CONNECTION_EXCEPTION:
		case ERRCODE_INVALID_TRANSACTION_STATE:
		case ERRCODE_TRANSACTION_ROLLBACK:
		case ERRCODE_INSUFFICIENT_RESOURCES:
		case ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE:
		case ERRCODE_OPERATOR_INTERVENTION:
		case ERRCODE_SYSTEM_ERROR:
		case ERRCODE_INTERNAL_ERROR:
			return true;
		default:
			return false;
	}
}

/*
 * Is it an error of a file?  Its message ends with what the system says, and no
 * other's does: what a user's function raises is shown as it is.
 */
static bool
is_of_a_file(const ErrorData *error)
{
	return error->message_id != NULL && strstr(error->message_id, "%m") != NULL;
}

/* The class of its SQLSTATE says who is to mend it. */
static int
code_of_a_file(const ErrorData *error)
{
	switch (error->saved_errno)
	{
		case EPERM:
		case EACCES:
		case EROFS:
		case ENOTDIR:
		case EISDIR:
		case ENOTEMPTY:
			return ERRCODE_IO_ERROR;
		case EDQUOT:
			return ERRCODE_DISK_FULL;
		default:
			return error->sqlerrcode;
	}
}

/* Says which table or statement it was, and makes it BA001 if it must be. */
void
apply_translate_error(ErrorData *error, const char *doing, const char *what)
{
	const char *index;

	if (is_of_a_file(error))
		error->sqlerrcode = code_of_a_file(error);
	index = apply_index_failed(error->sqlerrcode);
	if (ERRCODE_TO_CATEGORY(error->sqlerrcode) ==
		ERRCODE_TO_CATEGORY(ERRCODE_BARISTA_DIVERGENCE) ||
		depends_on_the_moment(error->sqlerrcode))
		return;
	error->message = psprintf("%s%s%s%s%s: %s (SQLSTATE %s)",
							  doing ? doing : "apply",
							  what ? " " : "",
							  what ? what : "",
							  index ? ", index " : "",
							  index ? quote_identifier(index) : "",
							  error->message,
							  unpack_sql_state(error->sqlerrcode));
	if (error->sqlerrcode == ERRCODE_READ_ONLY_SQL_TRANSACTION)
		error->hint = pstrdup("A function writes, though it must not.");
	else if (index && error->sqlerrcode != ERRCODE_UNIQUE_VIOLATION)
		error->hint = pstrdup("A function of the index is not immutable: it gave no error where the row was written.");
	error->sqlerrcode = ERRCODE_BARISTA_DIVERGENCE;
	if (error->detail && strlen(error->detail) > DETAIL_SHOWN)
		error->detail[pg_mbcliplen(error->detail, strlen(error->detail),
								   DETAIL_SHOWN)] = '\0';
}
