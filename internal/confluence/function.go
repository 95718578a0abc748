package confluence

import (
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"
)

// A function is a function or procedure of the schema.
type function struct {
	name     string
	place    Place
	params   []parameter
	language string
	body     string       // of a string; empty if it is of statements
	stmts    []*pg.Node   // of BEGIN ATOMIC or RETURN
	strict   bool         // not called with NULL
	trigger  bool         // returns trigger
	source   *text        // that it stands in
	at       int          // the offset of its statement
	bodyAt   int          // the offset of its body, or -1
	notes    annotationOf // that stand before it
	setof    bool
	declared []string // its parameters, for the parser of PL/pgSQL
}

// A parameter is a function's.
type parameter struct{ name, typ string }

// annotationOf is what annotations say of one transaction.
type annotationOf struct {
	weight  float64
	assumes []expr
}

func (r *reader) createFunction(s *pg.CreateFunctionStmt, at int) {
	f := &function{
		name: qualified(s.GetFuncname()), place: r.place(at), trigger: lastName(s.GetReturnType().GetNames()) == "trigger",
		source: r.text, at: r.base, bodyAt: -1, setof: s.GetReturnType().GetSetof(), notes: r.takeNotes(),
	}
	for _, n := range s.GetParameters() {
		p := n.GetFunctionParameter()
		f.declared = append(f.declared, parameterText(p))
		if m := p.GetMode(); m == pg.FunctionParameterMode_FUNC_PARAM_OUT || m == pg.FunctionParameterMode_FUNC_PARAM_TABLE {
			continue
		}
		f.params = append(f.params, parameter{p.GetName(), typeName(p.GetArgType())})
	}
	for _, n := range s.GetOptions() {
		d := n.GetDefElem()
		switch d.GetDefname() {
		case "language":
			f.language = strings.ToLower(d.GetArg().GetString_().GetSval())
		case "strict":
			f.strict = d.GetArg().GetBoolean().GetBoolval()
		case "as":
			if items := d.GetArg().GetList().GetItems(); len(items) > 0 {
				f.body = items[0].GetString_().GetSval()
			}
			from := min(max(0, int(d.GetLocation())), len(r.statement))
			if i := strings.Index(r.statement[from:], f.body); i >= 0 && f.body != "" {
				f.bodyAt = r.base + from + i
			}
		}
	}
	switch body := s.GetSqlBody(); {
	case body.GetList() != nil: // BEGIN ATOMIC: a list of a list
		for _, inner := range body.GetList().GetItems() {
			f.stmts = append(f.stmts, inner.GetList().GetItems()...)
		}
	case body.GetReturnStmt() != nil:
		target := pg.MakeResTargetNodeWithVal(body.GetReturnStmt().GetReturnval(), 0)
		f.stmts = []*pg.Node{{Node: &pg.Node_SelectStmt{SelectStmt: &pg.SelectStmt{TargetList: []*pg.Node{target}}}}}
	}
	if f.language == "" {
		f.language = "sql"
	}
	if old := r.catalog.functions[f.name]; old != nil && s.GetReplace() && len(old.params) == len(f.params) {
		r.catalog.defs = without(r.catalog.defs, old)
	}
	r.catalog.functions[f.name] = f
	r.catalog.defs = append(r.catalog.defs, f)
}

// parameterText declares a parameter with a type that needs no look-up.
func parameterText(p *pg.FunctionParameter) string {
	mode := map[pg.FunctionParameterMode]string{
		pg.FunctionParameterMode_FUNC_PARAM_OUT: "OUT ", pg.FunctionParameterMode_FUNC_PARAM_TABLE: "OUT ", pg.FunctionParameterMode_FUNC_PARAM_INOUT: "INOUT ",
	}[p.GetMode()]
	name := ""
	if p.GetName() != "" {
		name = `"` + strings.ReplaceAll(p.GetName(), `"`, `""`) + `" `
	}
	return mode + name + "text"
}

// forParser writes the function such that the parser of PL/pgSQL, which aborts the process on statements that it does
// not expect, gets one that it does.
func (f *function) forParser() string {
	tag := "$body$"
	for n := 0; strings.Contains(f.body, tag); n++ {
		tag = "$body" + itoa(n) + "$"
	}
	returns := "void"
	if f.setof {
		returns = "SETOF text"
	}
	return "CREATE FUNCTION f(" + strings.Join(f.declared, ", ") + ") RETURNS " + returns + " LANGUAGE plpgsql AS " + tag + f.body + tag
}
