package confluence

import (
	"fmt"
	"strings"
)

// notNullRule: a merge takes a column's value from one side, and no side has NULL.
type notNullRule struct {
	table  *table
	column string
}

func (r notNullRule) judge(j *judge, op *Operation) *Finding {
	if op.table != r.table || op.Kind != Insert && op.Kind != Update || !op.writes([]string{r.column}) {
		return nil
	}
	return none(PlainMerge, "a merge takes the value from one side, and neither has NULL")
}

// derivedRule: what is derived from rows follows them, and becomes visible with them.
type derivedRule struct {
	tables []*table
	why    string
}

func (r derivedRule) judge(j *judge, op *Operation) *Finding {
	if op.Kind == Read || op.Kind == Lock {
		return nil
	}
	return none(AtomicVisibility, r.why)
}

// exclusionRule: "no two rows conflict".
type exclusionRule struct {
	table     *table
	exclusion *exclusion
}

func (r exclusionRule) judge(j *judge, op *Operation) *Finding {
	if op.table != r.table || op.Kind != Insert && !(op.Kind == Update && (op.writes(r.exclusion.all()) || op.rekeys())) {
		return nil
	}
	if op.rekeys() {
		return unclear("it changes the primary key, by which rows merge: two copies may make two rows out of one")
	}
	f := needed("two copies may each accept a row that conflicts with the other's")
	f.Subject = r.table.name + "." + strings.Join(r.exclusion.all(), ",")
	f.Example = r.example(j, op)
	return f
}

// triggerRule: a trigger or rule runs code that the analysis does not look into.
type triggerRule struct {
	table   *table
	trigger *trigger
	safe    bool
}

func (r triggerRule) judge(j *judge, op *Operation) *Finding {
	if op.table != r.table || !r.fires(op) {
		return nil
	}
	if r.safe {
		return none(PlainMerge, "it is declared safe")
	}
	f := unclear(fmt.Sprintf("%s %s runs code that is not analysed", r.trigger.kind, r.trigger.name))
	return f.suggest(fmt.Sprintf("if %s keeps every invariant whatever other copies do, declare it: -- safe: %s", r.trigger.name, r.trigger.name))
}

func (r triggerRule) fires(op *Operation) bool {
	for _, event := range r.trigger.events {
		if event == op.Kind && (event != Update || len(r.trigger.columns) == 0 || op.writes(r.trigger.columns)) {
			return true
		}
	}
	return false
}
