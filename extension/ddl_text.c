/*-------------------------------------------------------------------------
 *
 * ddl_text.c
 *	  Changes of a statement's text: words that stand for what only this node
 *	  knows give way to what they stand for.
 *
 * The text is cut into tokens as the parser cuts it, so that neither comments nor
 * what stands in a string is mistaken for a word.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/keywords.h"
#include "lib/stringinfo.h"
#include "parser/parser.h"
#include "parser/scanner.h"
#include "parser/scansup.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/varlena.h"

#include "ddl.h"

/* Where the tokens of a text begin; the text's end is the last of them. */
typedef struct Tokens
{
	const char *text;
	List	   *starts;			/* of int */
} Tokens;

static void
cut(Tokens *tokens, const char *text)
{
	core_yy_extra_type extra;
	core_yyscan_t scanner;
	core_YYSTYPE value;
	YYLTYPE		start;

	tokens->text = text;
	tokens->starts = NIL;
	scanner = scanner_init(text, &extra, &ScanKeywords, ScanKeywordTokens);
	while (core_yylex(&value, &start, scanner) != 0)
		tokens->starts = lappend_int(tokens->starts, start);
	scanner_finish(scanner);
	tokens->starts = lappend_int(tokens->starts, strlen(text));
}

static bool
is_name_byte(char c)
{
	return isalnum((unsigned char) c) || IS_HIGHBIT_SET(c) || c == '_' || c == '$';
}

/* The bytes of token i, without what separates it from the next. */
static char *
token(Tokens *tokens, int i)
{
	const char *from = tokens->text + list_nth_int(tokens->starts, i);
	const char *to = from;

	if (*from == '"')
	{
		for (to++; *to != '\0' && (*to != '"' || to[1] == '"'); to++)
			to += *to == '"';
		to += *to == '"';
	}
	else if (is_name_byte(*from))
		while (is_name_byte(*to))
			to++;
	else if (*from != '\0')
		to++;
	return pnstrdup(from, to - from);
}

static bool
is_word(Tokens *tokens, int i, const char *word)
{
	return i < list_length(tokens->starts) && pg_strcasecmp(token(tokens, i), word) == 0;
}

/* Puts text in front of a statement's token i, counted from 0. */
char *
ddl_text_insert(const char *text, int i, const char *inserted)
{
	Tokens		tokens;
	int			at;

	cut(&tokens, text);
	at = list_nth_int(tokens.starts, Min(i, list_length(tokens.starts) - 1));
	return psprintf("%.*s%s%s", at, text, inserted, text + at);
}

static char *
setting_value(const char *name)
{
	char	   *value = GetConfigOptionByName(name, NULL, false);
	const char *before = "";
	StringInfoData text;
	List	   *elements;
	ListCell   *lc;

	if ((GetConfigOptionFlags(name, true) & GUC_LIST_QUOTE) == 0)
		return quote_literal_cstr(value);
	initStringInfo(&text);
	if (!SplitGUCList(value, ',', &elements))
		elog(ERROR, "setting \"%s\" is no list", name);
	foreach(lc, elements)
	{
		appendStringInfo(&text, "%s%s", before, quote_literal_cstr(lfirst(lc)));
		before = ", ";
	}
	return text.data;
}

/* Does it mean the same where the statement is replayed? */
static bool
travels(const char *name)
{
	if (pg_strcasecmp(name, "search_path") == 0)
		return true;
	for (int i = 0; i < ddl_settings_count; i++)
		if (pg_strcasecmp(name, ddl_settings[i]) == 0)
			return true;
	return false;
}

/* After SET: where does FROM CURRENT stand, behind the setting's name?  -1: nowhere. */
static int
from_current(Tokens *tokens, int set)
{
	int			i = set + 2;

	while (is_word(tokens, i, "."))
		i += 2;
	return is_word(tokens, i, "from") && is_word(tokens, i + 1, "current") ? i : -1;
}

/*
 * The text with the values of this session in the place of FROM CURRENT, or NULL
 * if there is nothing to replace.  names are those of all settings of which the
 * statement says it, in order.
 */
char *
ddl_text_settings(const char *text, List *names)
{
	Tokens		tokens;
	StringInfoData result;
	int			done = 0;
	ListCell   *next = list_head(names);

	cut(&tokens, text);
	initStringInfo(&result);
	for (int i = 0; i < list_length(tokens.starts) && next; i++)
	{
		int			from = is_word(&tokens, i, "set") ? from_current(&tokens, i) : -1;
		const char *name = lfirst(next);
		int			start;

		if (from < 0)
			continue;
		next = lnext(names, next);
		if (travels(name))
			continue;
		start = list_nth_int(tokens.starts, from);
		appendStringInfo(&result, "%.*sTO %s", start - done, text + done, setting_value(name));
		done = list_nth_int(tokens.starts, from + 1) + strlen("current");
	}
	if (next)
		elog(ERROR, "FROM CURRENT of setting \"%s\" is not in the statement's text",
			 (char *) lfirst(next));
	if (done == 0)
		return NULL;
	appendStringInfoString(&result, text + done);
	return result.data;
}
