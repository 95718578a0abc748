package confluence

import "strings"

// catalog is the schema: what the statements of DDL say, after all of them.
type catalog struct {
	tables    map[string]*table
	views     map[string]*view
	functions map[string]*function // by name; of several with one name, the last
	domains   map[string]*domain
	enums     map[string][]string
	triggers  []*trigger
	sequences map[string]Place
	claims    []*claim // invariants that queries declare
	safe      map[string]bool

	order []*table // as declared
	defs  []*function
	byEnd map[string][]*table // tables by their name without the schema
}

func newCatalog() *catalog {
	return &catalog{
		tables: make(map[string]*table), views: make(map[string]*view), functions: make(map[string]*function),
		domains: make(map[string]*domain), enums: make(map[string][]string), sequences: make(map[string]Place), safe: make(map[string]bool), byEnd: make(map[string][]*table),
	}
}

// A table is one table and everything that is declared of it.
type table struct {
	name    string
	place   Place
	columns []*tableColumn
	index   map[string]*tableColumn
	primary *key // nil: none
	keys    []*key
	foreign []*foreignKey
	checks  []*check
	indexes []*index
	exclude []*exclusion
	whole   *table // the partitioned table that this one is a part of

	referenced []*foreignKey // foreign keys of others, or of itself, that point here
}

// A tableColumn is one column of a table.
type tableColumn struct {
	name     string
	typ      string
	place    Place
	notNull  bool
	nullAt   Place // where NOT NULL stands
	def      *expr // default
	sequence string
	identity bool
	computed *expr // GENERATED ALWAYS AS
}

// A key is a primary key, a unique constraint or a unique index.
type key struct {
	name      string
	place     Place
	columns   []string // of the plain ones
	parts     []expr   // expressions
	where     *expr    // of a partial index
	primary   bool
	sameNulls bool // NULLS NOT DISTINCT
}

// A foreignKey is a reference from columns of one table to a key of another.
type foreignKey struct {
	name               string
	place              Place
	child, parent      *table
	parentName         string
	columns, to        []string
	onDelete, onUpdate string // as the parser writes them: a no action, r restrict, c cascade, n set null, d set default
}

// A check is a CHECK constraint.
type check struct {
	name    string
	place   Place
	columns []string
	cond    expr
	calls   []string // functions of the schema's own
}

// An index is one that is not unique.
type index struct {
	name  string
	place Place
}

// An exclusion is an exclusion constraint.
type exclusion struct {
	name    string
	place   Place
	columns []string
	parts   []expr
	where   *expr
}

// A view is a view or materialized view.
type view struct {
	name         string
	place        Place
	materialized bool
	tables       []string // that its query reads, as written
}

// A trigger is a trigger or a rule.
type trigger struct {
	name, kind string // kind is trigger or rule
	table      string
	function   string
	events     []OperationKind
	columns    []string // of UPDATE OF
	place      Place
	instead    bool
}

// A domain is a type with constraints.
type domain struct {
	name    string
	typ     string
	notNull bool
	checks  []expr
	place   Place
}

func (c *catalog) addTable(t *table) {
	if t.index == nil {
		t.index = make(map[string]*tableColumn)
	}
	c.tables[t.name] = t
	c.order = append(c.order, t)
	end := unqualified(t.name)
	c.byEnd[end] = append(c.byEnd[end], t)
}

func (c *catalog) dropTable(name string) {
	t := c.tables[name]
	if t == nil {
		return
	}
	delete(c.tables, name)
	c.order = without(c.order, t)
	end := unqualified(name)
	c.byEnd[end] = without(c.byEnd[end], t)
}

func without[T comparable](all []T, gone T) []T {
	var rest []T
	for _, x := range all {
		if x != gone {
			rest = append(rest, x)
		}
	}
	return rest
}

// table finds a table by its name, also one in another schema if only one has it. A partition is found as its whole.
func (c *catalog) table(name string) *table {
	t := c.tables[name]
	if t == nil && !strings.Contains(name, ".") && len(c.byEnd[name]) == 1 {
		t = c.byEnd[name][0]
	}
	for t != nil && t.whole != nil {
		t = t.whole
	}
	return t
}

// join makes the table a part of another one, unless that would make a circle.
func (t *table) join(whole *table) {
	for up := whole; up != nil; up = up.whole {
		if up == t {
			return
		}
	}
	t.whole = whole
}

func (t *table) add(c *tableColumn) {
	if t.index[c.name] == nil {
		t.columns = append(t.columns, c)
	}
	t.index[c.name] = c
}

func (t *table) names() []string {
	out := make([]string, len(t.columns))
	for i, c := range t.columns {
		out[i] = c.name
	}
	return out
}

// all returns every column that a key looks at.
func (k *key) all() []string {
	out := append([]string(nil), k.columns...)
	for _, e := range k.parts {
		out = append(out, columnsOf(e)...)
	}
	if k.where != nil {
		out = append(out, columnsOf(*k.where)...)
	}
	return unique(out)
}

// all returns every column that an exclusion constraint looks at.
func (x *exclusion) all() []string {
	out := append([]string(nil), x.columns...)
	for _, e := range x.parts {
		out = append(out, columnsOf(e)...)
	}
	if x.where != nil {
		out = append(out, columnsOf(*x.where)...)
	}
	return unique(out)
}

// columnsOf returns the names of the columns in an expression, each once.
func columnsOf(e expr) []string {
	var out []string
	e.walk(func(e expr) {
		if e.kind == column {
			out = append(out, e.name)
		}
	})
	return unique(out)
}

// unique returns names without what comes again.
func unique(names []string) []string {
	seen := make(map[string]bool)
	var out []string
	for _, name := range names {
		if !seen[name] {
			out = append(out, name)
		}
		seen[name] = true
	}
	return out
}

// overlap reports whether two lists have a name in common.
func overlap(a, b []string) bool {
	for _, x := range a {
		for _, y := range b {
			if x == y {
				return true
			}
		}
	}
	return false
}

// subset reports whether every name of a is in b.
func subset(a, b []string) bool {
	for _, x := range a {
		if !overlap([]string{x}, b) {
			return false
		}
	}
	return true
}
