package confluence

// A Transaction is one unit that commits as a whole: an annotated piece of SQL, or a function.
type Transaction struct {
	Name       string       `json:"name"`
	Place      Place        `json:"place"`
	Weight     float64      `json:"weight"` // its share of the mix, relative to the others
	Operations []*Operation `json:"operations"`

	unknown []unknown
	calls   []string // functions of the schema that it calls
}

// unknown is code that the analysis could not look into.
type unknown struct {
	place Place
	why   string
}

// WritesNothing reports whether the transaction only reads, as far as is known.
func (t *Transaction) WritesNothing() bool {
	for _, op := range t.Operations {
		if op.Kind != Read && op.Kind != Lock {
			return false
		}
	}
	return len(t.unknown) == 0
}

// increments reports whether the transaction adds to a column, by delta, in the rows that the binds say.
func (t *Transaction) increments(of *table, column string) *Operation {
	for _, op := range t.Operations {
		if op.Kind != Update || op.table != of {
			continue
		}
		if s, found := op.set(column); found && s.delta {
			return op
		}
	}
	return nil
}
