package confluence

import (
	"fmt"
	"strings"
)

// foreignRule: "the row that is referred to exists". Adding rows cannot break it. Taking one away can, unless its
// referring rows go with it, also those that another copy has added meanwhile.
type foreignRule struct{ f *foreignKey }

func (r foreignRule) judge(j *judge, op *Operation) *Finding {
	if r.f.parent == nil {
		if op.table == r.f.child && (op.Kind == Insert || op.writes(r.f.columns)) {
			return unclear(fmt.Sprintf("%s refers to table %s, which is not declared", r.f.name, r.f.parentName))
		}
		return nil
	}
	var child, parent *Finding
	if op.table == r.f.child {
		child = r.ofChild(j, op)
	}
	if op.table == r.f.parent {
		parent = r.ofParent(j, op)
	}
	if child == nil || parent != nil && parent.Verdict.worse(child.Verdict) {
		return parent
	}
	return child
}

func (r foreignRule) ofChild(j *judge, op *Operation) *Finding {
	if op.Kind != Insert && !(op.Kind == Update && op.writes(r.f.columns)) {
		return nil
	}
	if op.Kind == Insert {
		for _, name := range r.f.columns {
			if s, found := op.set(name); found && s.value.origin == absent {
				return nil
			}
		}
		return none(AtomicVisibility, "adding rows cannot break it; a transaction's rows become visible together")
	}
	if !subset(j.assignedBy(r.f.child, r.f.columns), r.written(op)) {
		return unclear(fmt.Sprintf("it sets only some of %s: with another such update the rest may refer to nothing", strings.Join(r.f.columns, ", ")))
	}
	for _, s := range op.Sets {
		if overlap([]string{s.Column}, r.f.columns) && j.adds(op.table, s) {
			return unclear(fmt.Sprintf("it adds to %s: after a merge that may refer to nothing", s.Column))
		}
	}
	return none(AtomicVisibility, "the row that it now refers to was there, and nobody takes it away without coordination")
}

func (r foreignRule) written(op *Operation) []string {
	var out []string
	for _, s := range op.Sets {
		if overlap([]string{s.Column}, r.f.columns) {
			out = append(out, s.Column)
		}
	}
	return out
}

func (r foreignRule) ofParent(j *judge, op *Operation) *Finding {
	switch {
	case op.Kind == Delete && r.f.onDelete == "c":
		return none(AtomicVisibility, "the delete cascades, and cascades again to rows that a merge brings")
	case op.Kind == Delete:
		f := needed(fmt.Sprintf("another copy may add a row to %s that refers to the deleted one", r.f.child.name))
		f.suggest(fmt.Sprintf("let %s cascade (ON DELETE CASCADE), or mark rows of %s as gone instead of deleting them", r.f.name, r.f.parent.name))
		f.Example = r.example(j, op)
		return f
	case op.Kind == Update && op.writes(r.f.to) && r.f.onDelete == "c":
		return unclear(fmt.Sprintf("a merge takes the old %s for deleted, and rows that another copy adds to it would be deleted too", strings.Join(r.f.to, ", ")))
	case op.Kind == Update && op.writes(r.f.to):
		f := needed(fmt.Sprintf("another copy may add a row to %s that refers to the old %s", r.f.child.name, strings.Join(r.f.to, ", ")))
		f.suggest(fmt.Sprintf("do not change %s of %s: refer to a key that never changes", strings.Join(r.f.to, ", "), r.f.parent.name))
		f.Example = r.example(j, op)
		return f
	}
	return nil
}
