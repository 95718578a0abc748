package confluence

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	pg "github.com/pganalyze/pg_query_go/v6"
	"github.com/pganalyze/pg_query_go/v6/parser"
)

// Severity says how bad a diagnostic is.
type Severity string

// The severities, as reports name them.
const (
	Error   Severity = "error" // the input is not usable here
	Warning Severity = "warning"
	Note    Severity = "note"
)

// A Diagnostic is something to say about a place in the input.
type Diagnostic struct {
	Place    Place    `json:"place"`
	Severity Severity `json:"severity"`
	Text     string   `json:"text"`
}

// maxStatement limits what is given to the parser at once, in bytes.
const maxStatement = 4 << 20

// A reader goes through the sources: it builds the catalog and collects the statements of transactions, which can be
// analysed only when the whole schema is known.
type reader struct {
	catalog      *catalog
	diagnostics  []Diagnostic
	transactions []*script

	text      *text
	base      int    // the offset of the statement under way
	statement string // its text

	open      *script // the annotated transaction under way
	block     bool    // it was opened by BEGIN alone
	claim     string  // the name that an invariant annotation gave to the next statement
	claimAt   int
	notes     annotationOf
	loose     int // statements outside of any transaction
	looseFrom int
	found     int // statements and annotations
}

// A script is a transaction as it stands in a source.
type script struct {
	name       string
	place      Place
	statements []scripted
	broken     []unknown
	notes      annotationOf
}

// scripted is one statement of a script.
type scripted struct {
	node  *pg.Node
	at    int // of the statement, in its source
	text  *text
	names map[int]string
	gset  bool
}

func (r *reader) place(at int) Place { return r.text.place(r.base + at) }

func (r *reader) errorf(at int, severity Severity, format string, args ...any) {
	r.diagnostics = append(r.diagnostics, Diagnostic{r.place(at), severity, fmt.Sprintf(format, args...)})
}

// read takes one source.
func (r *reader) read(s Source) {
	r.text, r.base, r.found, r.loose = newText(s), 0, 0, 0
	if at := invalidUTF8(s.Text); at >= 0 {
		r.errorf(at, Error, "this is not UTF-8: write the file in UTF-8")
		return
	}
	if at := strings.IndexByte(s.Text, 0); at >= 0 {
		r.errorf(at, Error, "a zero byte: this is not a text of SQL")
		return
	}
	for _, it := range split(s.Text) {
		r.base = it.offset
		r.found++
		if it.key != "" {
			r.annotate(it)
			continue
		}
		r.take(it)
	}
	r.close()
	if r.claim != "" {
		r.base = r.claimAt
		r.errorf(0, Error, "invariant %s: a SELECT must follow", r.claim)
		r.claim = ""
	}
	if r.found == 0 {
		r.base = 0
		r.errorf(0, Warning, "the file is empty: it has no statement")
	}
	if r.loose > 0 {
		r.base = r.looseFrom
		r.errorf(0, Note, "statements outside of a transaction are passed over: %d, the first one here; write -- transaction: NAME before them", r.loose)
	}
	r.notes = annotationOf{}
}

// invalidUTF8 returns the offset of the first byte that is not UTF-8, or -1.
func invalidUTF8(s string) int {
	if utf8.ValidString(s) {
		return -1
	}
	for i := 0; i < len(s); {
		c, size := utf8.DecodeRuneInString(s[i:])
		if c == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return -1
}

// annotate takes an annotation.
func (r *reader) annotate(it item) {
	switch it.key {
	case "transaction":
		r.close()
		name, _, _ := strings.Cut(it.value, " ")
		if name == "" {
			r.errorf(0, Error, "this transaction has no name")
			name = r.place(0).String()
		}
		r.open = &script{name: name, place: r.place(0), notes: r.takeNotes()}
	case "invariant":
		r.close()
		r.claim, r.claimAt = it.value, it.offset
		if r.claim == "" {
			r.errorf(0, Error, "this invariant has no name")
			r.claim = r.place(0).String()
		}
	case "safe":
		for _, name := range strings.FieldsFunc(it.value, func(c rune) bool { return c == ',' || c == ' ' }) {
			r.catalog.safe[name] = true
		}
	case "weight":
		weight, err := strconv.ParseFloat(it.value, 64)
		if err != nil || !(weight >= 0 && weight <= 1e15) {
			r.errorf(0, Error, "weight %s: want a number that is not negative", it.value)
			return
		}
		r.target().weight = weight
	case "assume":
		tree, err := parse("SELECT " + strings.ReplaceAll(" "+it.value, " :", "  "))
		if err != nil || len(tree) != 1 || len(tree[0].GetStmt().GetSelectStmt().GetTargetList()) != 1 {
			r.errorf(0, Error, "assume %s: want a condition such as amount > 0", it.value)
			return
		}
		target := r.target()
		target.assumes = append(target.assumes, newExpr(tree[0].GetStmt().GetSelectStmt().GetTargetList()[0].GetResTarget().GetVal()).conjuncts()...)
	}
}

// target is what an annotation is about: the transaction under way, or the next one.
func (r *reader) target() *annotationOf {
	if r.open != nil {
		return &r.open.notes
	}
	return &r.notes
}

// takeNotes returns the annotations that stand before a transaction, once.
func (r *reader) takeNotes() annotationOf {
	notes := r.notes
	r.notes = annotationOf{}
	return notes
}

// close ends the transaction under way.
func (r *reader) close() {
	if r.open != nil {
		r.transactions = append(r.transactions, r.open)
	}
	r.open, r.block = nil, false
}

// take takes a statement.
func (r *reader) take(it item) {
	r.statement = it.statement
	claim := r.claim
	r.claim = ""
	tree, err := parse(it.statement)
	if err != nil {
		r.syntax(err)
		return
	}
	for _, raw := range tree {
		n := raw.GetStmt()
		if claim != "" {
			r.addClaim(claim, n)
			continue
		}
		if t := n.GetTransactionStmt(); t != nil {
			r.boundary(t)
			continue
		}
		if r.open == nil && r.define(n, 0) {
			continue
		}
		if r.open == nil {
			if r.loose == 0 {
				r.looseFrom = it.offset
			}
			r.loose++
			continue
		}
		r.open.statements = append(r.open.statements, scripted{node: n, at: it.offset, text: r.text, names: it.names, gset: it.gset})
	}
}

// boundary takes BEGIN, COMMIT and ROLLBACK.
func (r *reader) boundary(t *pg.TransactionStmt) {
	switch t.GetKind() {
	case pg.TransactionStmtKind_TRANS_STMT_BEGIN, pg.TransactionStmtKind_TRANS_STMT_START:
		if r.open == nil {
			r.open, r.block = &script{name: r.place(0).String(), place: r.place(0), notes: r.takeNotes()}, true
		}
	case pg.TransactionStmtKind_TRANS_STMT_COMMIT:
		r.close()
	case pg.TransactionStmtKind_TRANS_STMT_ROLLBACK:
		if r.open != nil {
			r.errorf(0, Note, "transaction %s ends with ROLLBACK: it is analysed as if it committed", r.open.name)
		}
		r.close()
	}
}

// syntax reports a statement that does not parse. The rest is still read.
func (r *reader) syntax(err error) {
	at := 0
	if e, ok := errors.AsType[*parser.Error](err); ok && e.Cursorpos > 0 {
		at = byteOffset(r.statement, e.Cursorpos-1)
	}
	message := err.Error()
	r.errorf(at, Error, "%s", message)
	if r.open != nil {
		r.open.broken = append(r.open.broken, unknown{r.place(at), "this statement does not parse: " + message})
	}
}

// byteOffset turns a count of characters into one of bytes.
func byteOffset(s string, characters int) int {
	for i := range s {
		if characters == 0 {
			return i
		}
		characters--
	}
	return len(s)
}

// parse runs PostgreSQL's parser over one statement.
func parse(sql string) ([]*pg.RawStmt, error) {
	if len(sql) > maxStatement {
		return nil, fmt.Errorf("this statement has %d bytes; at most %d are read", len(sql), maxStatement)
	}
	if nesting(sql) > maxNesting {
		return nil, fmt.Errorf("this statement is nested too deeply")
	}
	tree, err := pg.Parse(sql)
	if err != nil {
		return nil, err
	}
	return tree.GetStmts(), nil
}

// errEmpty says that there is nothing to analyse.
var errEmpty = errors.New("no table and no transaction in the input")
