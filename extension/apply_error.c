/*-------------------------------------------------------------------------
 *
 * apply_error.c
 *	  Which errors of apply are divergence.
 *
 * What would fail again, however often it is tried, is divergence and ends as
 * BA001.  What depends on this moment (a lock, a full disk, a cancelled
 * statement) keeps PostgreSQL's SQLSTATE and may be tried again.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

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

/* Says which table or statement it was, and makes it BA001 if it must be. */
void
apply_translate_error(ErrorData *error, const char *doing, const char *what)
{
	const char *index = apply_index_failed(error->sqlerrcode);

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
