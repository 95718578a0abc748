package verify

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/baristadb/barista/internal/changeset"
)

// Report is the outcome of a verification.
type Report struct {
	// Invariant: Identical if and only if Differences, Stopped and NotCompared are empty.
	Identical   bool               `json:"identical"`
	Position    changeset.Position `json:"position"`
	Nodes       []string           `json:"nodes"` // those that were compared
	NotCompared []Absence          `json:"not_compared,omitempty"`
	Stopped     []Absence          `json:"stopped,omitempty"` // those whose servers are known to hold something else
	Differences []Difference       `json:"differences,omitempty"`
}

// Incomplete reports whether all that were compared are identical, and some were not compared.
func (r Report) Incomplete() bool {
	return len(r.Differences) == 0 && len(r.Stopped) == 0 && len(r.NotCompared) > 0
}

// Absence tells why a node was not compared, or was stopped.
type Absence struct {
	Node   string `json:"node"`
	Reason string `json:"reason"`
}

// Difference is a subject, or a row of one, that nodes do not hold alike.
type Difference struct {
	Subject
	// Key names the row: its primary key's values, or the whole row where
	// there is none. Empty: the rows are not named.
	Key string `json:"key,omitempty"`
	// Nodes are those that do not hold what more than half of the compared
	// ones hold; all of them if there is no such half.
	Nodes  []string `json:"nodes"`
	Detail string   `json:"detail"`
}

// String returns the difference in one line.
func (d Difference) String() string {
	where := d.Subject.String()
	if d.Key != "" {
		where += ", key " + strconv.Quote(d.Key)
	}
	return Printable(fmt.Sprintf("%s: differs on %s (%s)", where, join(d.Nodes), d.Detail))
}

// Printable returns a text in which what a terminal might act upon, line ends
// among it, is escaped as in Go: keys, names and messages are whatever users made
// them.
func Printable(text string) string {
	var b strings.Builder
	for _, r := range text {
		if strconv.IsPrint(r) {
			b.WriteRune(r)
		} else {
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		}
	}
	return b.String()
}

// String returns the report as people read it. Its first word is "identical"
// if and only if all nodes were compared and are.
func (r Report) String() string {
	var b strings.Builder
	switch {
	case r.Identical:
		fmt.Fprintf(&b, "identical at %v: %s\n", r.Position, join(r.Nodes))
	case r.Incomplete():
		fmt.Fprintf(&b, "incomplete at %v: %s do not differ, and others were not compared\n", r.Position, join(r.Nodes))
	default:
		fmt.Fprintf(&b, "different at %v: %s\n", r.Position, join(r.Nodes))
	}
	for _, d := range r.Differences {
		fmt.Fprintf(&b, "%v\n", d)
	}
	for _, a := range r.Stopped {
		fmt.Fprintf(&b, "stopped: %s: %s\n", a.Node, Printable(a.Reason))
	}
	for _, a := range r.NotCompared {
		fmt.Fprintf(&b, "not compared: %s: %s\n", a.Node, Printable(a.Reason))
	}
	return b.String()
}

// subjects returns what differs, each once.
func (r Report) subjects() []Subject {
	var subjects []Subject
	for i, d := range r.Differences {
		if i == 0 || r.Differences[i-1].Subject != d.Subject {
			subjects = append(subjects, d.Subject)
		}
	}
	return subjects
}

func join(names []string) string { return strings.Join(names, ", ") }
