package verify

import (
	"cmp"
	"fmt"
	"slices"
)

// Kind says what kind of thing is compared.
type Kind string

// The kinds of subjects.
const (
	Table    Kind = "table"
	Catalog  Kind = "catalog" // definitions of one sort, such as columns or roles
	Sequence Kind = "sequence"
	Log      Kind = "log" // the one order of change sets
)

// Subject is one thing that all nodes should hold alike.
type Subject struct {
	Database string `json:"database"` // empty: belongs to the whole server
	Kind     Kind   `json:"kind"`
	Name     string `json:"name"` // of a table or sequence: schema and name, quoted as in SQL
}

// String returns the subject as people read it.
func (s Subject) String() string {
	if s.Database == "" {
		return fmt.Sprintf("%s %s", s.Kind, s.Name)
	}
	return fmt.Sprintf("database %s: %s %s", s.Database, s.Kind, s.Name)
}

func compareSubjects(a, b Subject) int {
	return cmp.Or(cmp.Compare(a.Database, b.Database), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name))
}

// Sum is what a node knows of a table or a part of the catalog.
type Sum struct {
	Subject
	Rows     int64  `json:"rows"`
	Checksum string `json:"checksum"` // a decimal number; the sum of a hash of each row
	// Problem says why the subject could not be read; then Rows and Checksum
	// mean nothing.
	Problem string `json:"problem,omitempty"`
}

// Horizon is the state of a sequence that PostgreSQL itself makes durable.
type Horizon struct {
	Subject
	Value     int64 `json:"value"` // last_value + log_cnt x increment
	Called    bool  `json:"called"`
	Increment int64 `json:"increment"`
	Cycles    bool  `json:"cycles"`
}

// Digest is what a node knows of its databases at a mark.
type Digest struct {
	Sums     []Sum     `json:"sums"`
	Horizons []Horizon `json:"horizons"`
}

// selection says which subjects to look at. Nil: all.
type selection []Subject

func (s selection) has(subject Subject) bool {
	return s == nil || slices.Contains(s, subject)
}
