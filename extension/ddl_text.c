/*-------------------------------------------------------------------------
 *
 * ddl_text.c
 *	  Changes of a statement's text: words that it leaves out.
 *
 * The text is cut into tokens as the parser cuts it, so that comments are not
 * mistaken for words.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/keywords.h"
#include "parser/parser.h"
#include "parser/scanner.h"

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
