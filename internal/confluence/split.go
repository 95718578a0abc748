package confluence

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// An item is one thing that a source says: an annotation in a comment, or a statement.
type item struct {
	offset int

	// Of an annotation such as "-- transaction: CreateOrder".
	key, value string

	// Of a statement: its text, in which every :name has become a parameter of the same length, and the names.
	statement string
	names     map[int]string
	gset      bool // ended by \gset: its columns become variables
}

// annotations are the keys that have a meaning.
var annotations = []string{"transaction", "invariant", "safe", "assume", "weight"}

var annotation = regexp.MustCompile(`^--[ \t]*([a-z]+):[ \t]*(.*?)[ \t\r]*$`)

// A splitter cuts a source into items without understanding more of SQL than its quotes, so that an error in one
// statement does not spoil the next one.
type splitter struct {
	s     string
	at    int
	items []item

	start    int // of the statement under way, or -1
	depth    int // of parentheses and brackets
	atomic   int // of BEGIN ATOMIC bodies and what ends with END within
	lastWord string
	holes    []hole
	highest  int // the highest $n of the statement
}

// A hole is a :name in a statement.
type hole struct {
	offset int // in the source, of the colon
	name   string
}

// split cuts a source into items. It never fails: what is not SQL comes out as a statement that will not parse.
func split(s string) []item {
	p := &splitter{s: s, start: -1}
	for p.at < len(s) {
		p.step()
	}
	p.end(len(s), false)
	return p.items
}

// step reads one token.
func (p *splitter) step() {
	rest := p.s[p.at:]
	c := rest[0]
	switch {
	case strings.HasPrefix(rest, "--"):
		p.comment()
	case strings.HasPrefix(rest, "/*"):
		p.at = skipBlockComment(p.s, p.at)
	case c == '\\' && p.atLineStart() && p.start < 0:
		p.at += lineEnd(rest)
	case strings.HasPrefix(rest, `\gset`):
		p.end(p.at, true)
		p.at += lineEnd(rest)
	case c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f' || c == '\v':
		p.at++
	case c == ';' && p.depth <= 0 && p.atomic <= 0:
		p.end(p.at, false)
		p.at++
	default:
		if p.start < 0 {
			p.start = p.at
		}
		p.token(rest, c)
	}
}

// token reads what belongs to a statement.
func (p *splitter) token(rest string, c byte) {
	switch {
	case c == '\'' || c == '"':
		escapes := c == '\'' && strings.EqualFold(p.lastWord, "e") && p.at > 0 && (p.s[p.at-1] == 'e' || p.s[p.at-1] == 'E')
		p.at += quoted(rest, c, escapes)
	case c == '$':
		p.dollar(rest)
	case c == ':' && p.depth < 1<<20 && isName(rest, 1) && (p.at == 0 || p.s[p.at-1] != ':') && !p.inBrackets():
		end := 1
		for end < len(rest) && isWord(rest[end]) {
			end++
		}
		p.holes = append(p.holes, hole{p.at, rest[1:end]})
		p.at += end
	case isWord(c):
		end := 1
		for end < len(rest) && (isWord(rest[end]) || rest[end] == '$') {
			end++
		}
		p.word(rest[:end])
		p.at += end
	default:
		p.depth += strings.Count("([", string(c)) - strings.Count(")]", string(c))
		p.at++
	}
	if c == ':' && strings.HasPrefix(rest, "::") {
		p.at++
	}
}

// inBrackets reports whether the text before is the lower bound of a slice, in which a colon is no placeholder.
func (p *splitter) inBrackets() bool {
	before := p.s[max(p.start, 0):p.at]
	return strings.LastIndexByte(before, '[') > strings.LastIndexByte(before, ']')
}

// word follows BEGIN ATOMIC ... END, within which semicolons do not end the statement.
func (p *splitter) word(w string) {
	upper := strings.ToUpper(w)
	switch {
	case upper == "ATOMIC" && strings.EqualFold(p.lastWord, "begin"):
		p.atomic++
	case p.atomic > 0 && (upper == "CASE" || upper == "BEGIN"):
		p.atomic++
	case p.atomic > 0 && upper == "END":
		p.atomic--
	}
	p.lastWord = w
}

// dollar reads $1, or $tag$ ... $tag$.
func (p *splitter) dollar(rest string) {
	end := 1
	for end < len(rest) && isWord(rest[end]) {
		end++
	}
	if end < len(rest) && rest[end] == '$' && !(end > 1 && rest[1] >= '0' && rest[1] <= '9') {
		tag := rest[:end+1]
		close := strings.Index(rest[end+1:], tag)
		if close < 0 {
			p.at = len(p.s)
			return
		}
		p.at += end + 1 + close + len(tag)
		return
	}
	var n int
	if _, err := fmt.Sscanf(rest[1:end], "%d", &n); err == nil && n < 1<<16 {
		p.highest = max(p.highest, n)
	}
	p.at += end
}

// comment reads to the end of the line, and notes an annotation.
func (p *splitter) comment() {
	end := lineEnd(p.s[p.at:])
	line := strings.TrimRight(p.s[p.at:p.at+end], "\r\n")
	if found := annotation.FindStringSubmatch(line); found != nil && slices.Contains(annotations, found[1]) {
		p.end(p.at, false) // a forgotten semicolon
		p.items = append(p.items, item{offset: p.at, key: found[1], value: found[2]})
	}
	p.at += end
}

var copyFromStdin = regexp.MustCompile(`(?is)^copy\b.*\bfrom\s+stdin\b`)

// end closes the statement under way, if there is one.
func (p *splitter) end(at int, gset bool) {
	if p.start < 0 {
		return
	}
	text := strings.TrimRight(p.s[p.start:at], " \t\r\n")
	it := item{offset: p.start, statement: text, gset: gset}
	it.statement, it.names = p.fill(text)
	p.items = append(p.items, it)
	if copyFromStdin.MatchString(text) {
		if data := strings.Index(p.s[at:], "\n\\."); data >= 0 {
			p.at = at + data + 2 // the rest of the line is skipped by the caller's next step
		}
	}
	p.start, p.depth, p.atomic, p.lastWord, p.holes, p.highest = -1, 0, 0, "", nil, 0
}

// fill puts a numbered parameter into the place of each :name, padded to the same length so that offsets stay.
func (p *splitter) fill(text string) (string, map[int]string) {
	if len(p.holes) == 0 {
		return text, nil
	}
	var distinct []string
	for _, h := range p.holes {
		if !slices.Contains(distinct, h.name) {
			distinct = append(distinct, h.name)
		}
	}
	slices.SortStableFunc(distinct, func(a, b string) int { return len(a) - len(b) }) // short names get short numbers
	numbers, names := make(map[string]string), make(map[int]string)
	for i, name := range distinct {
		n := p.highest + 1 + i
		numbers[name], names[n] = fmt.Sprintf("$%d", n), name
	}
	var out strings.Builder
	from := p.start
	for _, h := range p.holes {
		if h.offset+1+len(h.name) > p.start+len(text) {
			break
		}
		out.WriteString(p.s[from:h.offset])
		fmt.Fprintf(&out, "%-*s", len(h.name)+1, numbers[h.name])
		from = h.offset + 1 + len(h.name)
	}
	out.WriteString(p.s[from : p.start+len(text)])
	return out.String(), names
}

func (p *splitter) atLineStart() bool { return p.at == 0 || p.s[p.at-1] == '\n' }

// lineEnd returns the length of the first line of s, with its newline.
func lineEnd(s string) int {
	if i := strings.IndexByte(s, '\n'); i >= 0 {
		return i + 1
	}
	return len(s)
}

// quoted returns the length of the quoted text that s starts with, or all of s if it does not end.
func quoted(s string, quote byte, escapes bool) int {
	for i := 1; i < len(s); i++ {
		switch {
		case escapes && s[i] == '\\':
			i++
		case s[i] == quote && i+1 < len(s) && s[i+1] == quote:
			i++
		case s[i] == quote:
			return i + 1
		}
	}
	return len(s)
}

func isWord(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

// isName reports whether a name starts at s[i].
func isName(s string, i int) bool {
	return i < len(s) && isWord(s[i]) && (s[i] < '0' || s[i] > '9')
}
