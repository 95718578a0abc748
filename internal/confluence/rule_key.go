package confluence

import (
	"fmt"
	"strings"
)

// keyRule: "values of these columns are unique". A generated value is; one that a client chooses, two clients may
// choose at once.
type keyRule struct {
	table *table
	key   *key
}

func (r keyRule) judge(j *judge, op *Operation) *Finding {
	if op.table != r.table || op.Kind != Insert && op.Kind != Update {
		return nil
	}
	if op.Kind == Update && r.table.primary == nil {
		return unclear("the table has no primary key to merge rows by: two updates of one row make two")
	}
	if !r.key.primary && op.rekeys() {
		return unclear("it changes the primary key, by which rows merge: two copies may make two rows out of one")
	}
	if op.Kind == Update && !op.writes(r.key.all()) {
		return nil
	}
	if r.outside(op) {
		return none(PlainMerge, "the row is not one that the index is about")
	}
	if f := r.fresh(j, op); f != nil {
		return f
	}
	if op.Kind == Insert && op.Upsert != "" && r.key.primary && (len(op.arbiter) == 0 || subset(op.arbiter, r.key.columns) && subset(r.key.columns, op.arbiter)) {
		return none(PlainMerge, "two upserts with one key mean the same row, and rows merge by their primary key")
	}
	names := r.compared()
	f := needed(fmt.Sprintf("two copies may each accept the same %s", strings.Join(names, ", ")))
	f.Subject = r.table.name + "." + strings.Join(names, ",")
	if len(names) == 0 {
		f.Subject, f.Why = r.key.name, "two copies may each accept such a row"
	}
	f.Example = r.example(j, op)
	return f.suggest(r.suggestion(op))
}

// compared returns the columns whose values must differ.
func (r keyRule) compared() []string {
	out := append([]string(nil), r.key.columns...)
	for _, e := range r.key.parts {
		out = append(out, columnsOf(e)...)
	}
	return unique(out)
}

// suggestion is what the owner could do about a key that clients choose.
func (r keyRule) suggestion(op *Operation) string {
	if op.Kind != Insert || len(r.key.parts) > 0 || r.key.where != nil {
		return ""
	}
	refers := false
	for _, f := range r.table.foreign {
		refers = refers || overlap(f.columns, r.key.columns)
	}
	switch {
	case len(r.key.columns) == 1 && !refers:
		return fmt.Sprintf("let the database make %s.%s (DEFAULT gen_random_uuid()), or put the node's name in front of it", r.table.name, r.key.columns[0])
	case len(r.key.columns) > 1:
		return fmt.Sprintf("if (%s) is what a row of %s is, make it the primary key and INSERT ... ON CONFLICT DO NOTHING: two copies then mean one row", strings.Join(r.key.columns, ", "), r.table.name)
	}
	return ""
}

// fresh returns a finding if no other copy can write the same values.
func (r keyRule) fresh(j *judge, op *Operation) *Finding {
	for _, name := range r.key.columns {
		s, found := op.set(name)
		if !found {
			continue
		}
		switch s.value.origin {
		case generated:
			return none(PlainMerge, fmt.Sprintf("%s is generated: no other copy can make the same", name))
		case sequential:
			if op.Kind == Insert && op.Upsert == "" {
				return none(DeferredID, fmt.Sprintf("%s is unique because its number is assigned at commit", name))
			}
		case absent:
			if !r.key.sameNulls && !r.key.primary && r.setsOnly(op, name) {
				return none(PlainMerge, fmt.Sprintf("%s is NULL, which equals nothing", name))
			}
		}
	}
	if op.Kind == Insert && op.Upsert == "" {
		if c := j.txn.numberOf(op, r.key.columns); c != nil {
			return none(DeferredID, fmt.Sprintf("it is unique because the number from %s is assigned at commit", c.name))
		}
	}
	return nil
}

// outside reports whether what is written keeps the row out of a partial index.
func (r keyRule) outside(op *Operation) bool {
	if r.key.where == nil {
		return false
	}
	for _, e := range r.key.where.conjuncts() {
		columns := columnsOf(e)
		if len(columns) != 1 {
			continue
		}
		if s, found := op.set(columns[0]); found && !s.delta && satisfies(e, s.value) == Negative {
			return true
		}
	}
	return false
}

// setsOnly reports whether nothing else that the key looks at is written by an update.
func (r keyRule) setsOnly(op *Operation, name string) bool {
	if op.Kind == Insert {
		return true
	}
	for _, s := range op.Sets {
		if s.Column != name && overlap([]string{s.Column}, r.key.all()) {
			return false
		}
	}
	return true
}

// sequentialRule: "this column holds the numbers of a sequence". Drawing the next one needs agreement, and nothing else
// of the transaction does.
type sequentialRule struct {
	table  *table
	column *tableColumn
}

func (r sequentialRule) judge(j *judge, op *Operation) *Finding {
	if op.table != r.table {
		return nil
	}
	s, found := op.set(r.column.name)
	if !found || s.value.origin != sequential {
		return nil
	}
	f := needed("two copies would draw the same next number; only the id has to wait, until the transaction commits")
	f.Mechanism, f.Subject = DeferredID, r.table.name+"."+r.column.name
	f.suggest(fmt.Sprintf("if %s.%s need not be consecutive, make it a UUID (DEFAULT gen_random_uuid()) or put the node's name in front of it", r.table.name, r.column.name))
	f.Example = r.example(j, op)
	return f
}

// handOutRule is sequentialRule for a column of a row from which the application takes its numbers.
type handOutRule struct {
	table  *table
	column *tableColumn
}

func (r handOutRule) judge(j *judge, op *Operation) *Finding {
	if op.table != r.table || op.Kind != Update {
		return nil
	}
	s, found := op.set(r.column.name)
	if !found {
		return nil
	}
	uses := false
	for _, o := range j.txn.Operations {
		for _, k := range o.table.keys {
			uses = uses || o.Kind == Insert && j.txn.numberOf(o, k.columns) == r.column
		}
	}
	if !s.delta || !uses {
		return unclear(fmt.Sprintf("%s.%s hands out numbers, and this changes it in another way", r.table.name, r.column.name))
	}
	f := needed("two copies would take the same next number; only the id has to wait, until the transaction commits")
	f.Mechanism, f.Subject = DeferredID, r.table.name+"."+r.column.name
	f.suggest(fmt.Sprintf("take the number from %s.%s last, when the transaction commits, and let rows refer to each other by a UUID until then", r.table.name, r.column.name))
	f.Example = r.example(j, op)
	return f
}
