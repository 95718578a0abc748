package confluence

import "fmt"

// OperationKind is what an operation does to rows of a table.
type OperationKind string

// The kinds of operations, as reports name them.
const (
	Insert OperationKind = "INSERT"
	Update OperationKind = "UPDATE"
	Delete OperationKind = "DELETE"
	Lock   OperationKind = "SELECT FOR UPDATE"
	Read   OperationKind = "SELECT"
)

// Effect is what an operation does to one column.
type Effect string

// The effects, as reports name them.
const (
	Assigned  Effect = "assigned"  // a value that does not rest on the old one
	Computed  Effect = "computed"  // from what was read
	Increased Effect = "increment" // by something that is not negative
	Decreased Effect = "decrement" // by something that is not positive
	Changed   Effect = "change"    // by something whose sign is not known
	Generated Effect = "generated" // a value that nobody else gets
	Numbered  Effect = "numbered"  // the next value of a sequence
	SetNull   Effect = "null"
)

// A Set is one column that an operation writes.
type Set struct {
	Column string `json:"column"`
	Effect Effect `json:"effect"`

	value value
	delta bool // the old value plus something: Increased, Decreased or Changed
}

// A bind is a column that an operation looks for by an exact value.
type bind struct {
	column string
	value  value
}

// An Operation is what one statement of a transaction does to one table.
type Operation struct {
	Kind    OperationKind `json:"kind"`
	Table   string        `json:"table"`
	Sets    []Set         `json:"sets,omitempty"`
	Upsert  string        `json:"upsert,omitempty"` // nothing or update, of ON CONFLICT
	Range   bool          `json:"range,omitempty"`  // it looks for rows by more than exact values
	Cascade string        `json:"cascade,omitempty"`
	Place   Place         `json:"place"`

	table   *table
	arbiter []string // the columns of ON CONFLICT; empty: any
	binds   []bind
	onRow   *Operation // of the UPDATE of an upsert: its INSERT
}

// set finds what the operation writes into a column.
func (o *Operation) set(column string) (Set, bool) {
	for _, s := range o.Sets {
		if s.Column == column {
			return s, true
		}
	}
	return Set{}, false
}

// writes reports whether the operation sets one of the columns.
func (o *Operation) writes(columns []string) bool {
	for _, s := range o.Sets {
		for _, c := range columns {
			if s.Column == c {
				return true
			}
		}
	}
	return false
}

// bindsKey reports whether the operation looks for at most one row, by the table's primary key.
func (o *Operation) bindsKey() bool {
	if o.table.primary == nil {
		return false
	}
	for _, name := range o.table.primary.columns {
		if _, found := o.bound(name); !found {
			return false
		}
	}
	return true
}

// rekeys reports whether the operation changes the primary key of rows.
func (o *Operation) rekeys() bool {
	return o.Kind == Update && o.table.primary != nil && o.writes(o.table.primary.columns)
}

// bound returns the value that a column is looked for by.
func (o *Operation) bound(column string) (value, bool) {
	for _, b := range o.binds {
		if b.column == column {
			return b.value, true
		}
	}
	return value{}, false
}

// what says the operation as a reader would.
func (o *Operation) what() string {
	if o.Cascade != "" {
		return fmt.Sprintf("%s by cascade (%s)", o.Kind, o.Cascade)
	}
	if o.Upsert != "" {
		return "INSERT ON CONFLICT"
	}
	return string(o.Kind)
}

// newSet says what writing v into a column of a row does. row says which row it is, if that is known: what was read
// from the same row is the old value.
func newSet(t *table, column string, v value, row string) Set {
	s := Set{Column: column, value: v, Effect: Assigned}
	old := v.origin == read && v.table == t && v.column == column && (v.row == self || row != "" && v.row == row)
	switch {
	case old:
		s.delta = true
		switch {
		case v.shift.within(nonNegative):
			s.Effect = Increased
		case v.shift.within(nonPositive):
			s.Effect = Decreased
		default:
			s.Effect = Changed
		}
	case v.origin == generated:
		s.Effect = Generated
	case v.origin == sequential:
		s.Effect = Numbered
	case v.origin == absent:
		s.Effect = SetNull
	case len(v.reads) > 0:
		s.Effect = Computed
	}
	return s
}
