package confluence

import (
	"fmt"
	"sort"
	"strings"
)

// Source is one text of SQL with the name that places in it are given.
type Source struct {
	Name string
	Text string
}

// Place is where something stands in a source. Line and Col count from 1, Col in bytes.
type Place struct {
	File string `json:"file"`
	Line int    `json:"line"`
	Col  int    `json:"col"`
}

// String is the place as compilers write it.
func (p Place) String() string { return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Col) }

// before orders places within a report.
func (p Place) before(q Place) bool {
	if p.File != q.File {
		return p.File < q.File
	}
	if p.Line != q.Line {
		return p.Line < q.Line
	}
	return p.Col < q.Col
}

// text is a source whose lines are known.
type text struct {
	Source
	starts []int // the offset of each line
}

func newText(s Source) *text {
	t := &text{Source: s, starts: []int{0}}
	for i := 0; i < len(s.Text); i++ {
		if s.Text[i] == '\n' {
			t.starts = append(t.starts, i+1)
		}
	}
	return t
}

// place returns where a byte offset is. An offset outside of the text is taken as its nearest end.
func (t *text) place(offset int) Place {
	offset = max(0, min(offset, len(t.Text)))
	line := sort.SearchInts(t.starts, offset+1) - 1
	return Place{File: t.Name, Line: line + 1, Col: offset - t.starts[line] + 1}
}

// skipSpace returns the first offset from from on that is neither space nor comment.
func skipSpace(s string, from int) int {
	for from < len(s) {
		switch {
		case strings.IndexByte(" \t\r\n\f\v", s[from]) >= 0:
			from++
		case strings.HasPrefix(s[from:], "--"):
			end := strings.IndexByte(s[from:], '\n')
			if end < 0 {
				return len(s)
			}
			from += end
		case strings.HasPrefix(s[from:], "/*"):
			from = skipBlockComment(s, from)
		default:
			return from
		}
	}
	return from
}

// skipBlockComment returns the offset behind the comment that starts at from. Comments nest, as in PostgreSQL.
func skipBlockComment(s string, from int) int {
	depth := 0
	for from < len(s) {
		switch {
		case strings.HasPrefix(s[from:], "/*"):
			depth++
			from += 2
		case strings.HasPrefix(s[from:], "*/"):
			depth--
			from += 2
			if depth == 0 {
				return from
			}
		default:
			from++
		}
	}
	return from
}
