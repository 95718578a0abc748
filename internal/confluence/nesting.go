package confluence

import "strings"

// maxNesting limits how deep a statement may be nested: PostgreSQL's parser and what walks its trees recurse, and the
// parser has no limit of its own that would hold here. People's SQL stays far below.
const maxNesting = 1000

// lasting are the words that nest queries and tables, across commas and conditions.
var lasting = map[string]bool{"union": true, "except": true, "intersect": true, "join": true, "select": true, "with": true, "explain": true, "schema": true}

// deepening are the words that nest an expression.
var deepening = map[string]bool{
	"not": true, "is": true, "in": true, "like": true, "ilike": true,
	"between": true, "collate": true, "isnull": true, "notnull": true, "similar": true, "at": true, "overlaps": true,
}

// blocks are the words that open a block of PL/pgSQL.
var blocks = map[string]bool{"begin": true, "loop": true, "if": true, "case": true, "declare": true, "elsif": true, "elseif": true}

// A level is what nests within one pair of parentheses: chain until the next comma, AND or OR, and stays until its end.
// before is what encloses it.
type level struct{ before, chain, stays int }

func (l level) depth() int { return l.before + l.chain + l.stays }

// nesting bounds from above how deep the tree of a statement is. Blocks and CASE count until their END.
func nesting(sql string) int {
	levels := []level{{}}
	deepest, block, last := 0, 0, ""
	for i := 0; i < len(sql); {
		c, now := sql[i], &levels[len(levels)-1]
		size := 1
		switch {
		case strings.HasPrefix(sql[i:], "--"), strings.HasPrefix(sql[i:], "/*"):
			size = skipSpace(sql, i) - i
		case c == '\'' || c == '"':
			size = quoted(sql[i:], c, strings.EqualFold(last, "e"))
		case c == '$':
			size = dollarQuoted(sql[i:])
		case c == '(' || c == '[':
			now.chain++
			levels = append(levels, level{before: now.depth()})
		case (c == ')' || c == ']') && len(levels) > 1:
			levels = levels[:len(levels)-1]
		case c == ',':
			now.chain = 0
		case c == ';':
			now.chain, now.stays = 0, 0
		case strings.IndexByte("+-*/<>=~!@#%^&|`?:", c) >= 0:
			now.chain++
		case isWord(c):
			for i+size < len(sql) && isWord(sql[i+size]) {
				size++
			}
			word := strings.ToLower(sql[i : i+size])
			block = max(0, block+now.read(word, last))
			last = word
		}
		deepest = max(deepest, levels[len(levels)-1].depth()+block)
		i += size
	}
	return deepest
}

// read takes a word into account, and returns by how much it opens or closes blocks.
func (l *level) read(word, last string) int {
	switch {
	case word == "end":
		return -1
	case blocks[word] && last != "end":
		return 1
	case word == "and" || word == "or":
		l.chain = 0
	case lasting[word]:
		l.stays++
	case deepening[word]:
		l.chain++
	}
	return 0
}

// dollarQuoted returns the length of the $tag$ text $tag$ that s starts with, or of $1, or 1.
func dollarQuoted(s string) int {
	end := 1
	for end < len(s) && isWord(s[end]) {
		end++
	}
	if end < len(s) && s[end] == '$' && (end == 1 || s[1] < '0' || s[1] > '9') {
		if close := strings.Index(s[end+1:], s[:end+1]); close >= 0 {
			return end + 1 + close + end + 1
		}
		return len(s)
	}
	return end
}
