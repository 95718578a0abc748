package confluence

import (
	"encoding/json"
	"regexp"
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"
)

// object is a node of what the parser of PL/pgSQL makes: JSON.
type object = map[string]any

// plpgsql analyses the body of a function in PL/pgSQL.
func (w *walker) plpgsql(f *function) {
	if f.body == "" {
		w.unknownf(0, "function %s has no body", f.name)
		return
	}
	if len(f.body) > maxStatement || nesting(f.body) > maxNesting/2 {
		w.unknownf(0, "function %s is too large", f.name)
		return
	}
	parsed, err := pg.ParsePlPgSqlToJSON(f.forParser())
	if err != nil {
		w.unknownf(0, "the body of function %s does not parse: %v", f.name, err)
		return
	}
	var functions []object
	if err := json.Unmarshal([]byte(parsed), &functions); err != nil || len(functions) == 0 {
		w.unknownf(0, "the body of function %s cannot be read", f.name)
		return
	}
	p := &procedure{walker: w, function: f, shadowed: make(map[string]bool)}
	top := sub(functions[0], "PLpgSQL_function")
	seen := make(map[string]bool)
	for _, d := range objects(top["datums"]) {
		_, body := only(d)
		name := str(body, "refname")
		p.shadowed[name] = p.shadowed[name] || seen[name]
		seen[name] = true
	}
	for _, d := range objects(top["datums"]) {
		p.declare(d)
	}
	p.statements([]object{sub(top, "action")})
}

// A procedure is a walk through one body of PL/pgSQL.
type procedure struct {
	*walker
	function *function
	datums   []string // the names of variables, by their number
	line     int
	shadowed map[string]bool // names that several variables share: nothing is known of them
	scouting bool            // the walk only looks for what a loop changes
}

// sub returns the object below a key, or an empty one.
func sub(o object, key string) object {
	inner, _ := o[key].(object)
	return inner
}

// objects returns the objects of a list.
func objects(list any) []object {
	items, _ := list.([]any)
	out := make([]object, 0, len(items))
	for _, item := range items {
		if o, ok := item.(object); ok {
			out = append(out, o)
		}
	}
	return out
}

// only returns the one key of a node and what is below it.
func only(o object) (string, object) {
	for kind, inner := range o {
		body, _ := inner.(object)
		return kind, body
	}
	return "", nil
}

func number(o object, key string) int {
	n, _ := o[key].(float64)
	return int(n)
}

func str(o object, key string) string {
	s, _ := o[key].(string)
	return s
}

// declare takes a variable. Parameters have a value already.
func (p *procedure) declare(d object) {
	_, body := only(d)
	name := str(body, "refname")
	p.datums = append(p.datums, name)
	if p.shadowed[name] && name != "(unnamed row)" {
		p.setVariable(name, value{})
		return
	}
	if _, found := p.vars[name]; found || name == "" || name == "(unnamed row)" {
		return
	}
	p.setVariable(name, value{sign: anySign})
	if init := sub(sub(body, "default_val"), "PLpgSQL_expr"); init != nil {
		p.at(body)
		p.setVariable(name, p.expression(str(init, "query")))
	}
}

// setVariable gives a variable a value, unless its name may mean another variable too.
func (p *procedure) setVariable(name string, v value) {
	if p.shadowed[name] {
		v = value{sign: anySign, reads: v.reads}
	}
	p.walker.setVariable(name, v)
}

// forget drops what is known of the variable of that number, or of all if there is no such number.
func (p *procedure) forget(number int) {
	for i, name := range p.datums {
		if (i == number || number < 0 || number >= len(p.datums)) && name != "" {
			p.setVariable(name, value{sign: anySign})
		}
	}
}

// at moves to the line of a node.
func (p *procedure) at(body object) {
	if n := number(body, "lineno"); n > 0 {
		p.line = n
	}
}

// locate sets where the text of a statement stands.
func (p *procedure) locate(query string) {
	f := p.function
	if f.bodyAt < 0 {
		p.place = func(int) Place { return f.place }
		return
	}
	start := 0
	for line := 1; line < p.line; line++ {
		next := strings.IndexByte(f.body[start:], '\n')
		if next < 0 {
			break
		}
		start += next + 1
	}
	exact := strings.Index(f.body[start:], query)
	if exact < 0 { // INTO was cut out of it
		first, _, _ := strings.Cut(strings.TrimSpace(query), " ")
		exact = max(0, strings.Index(f.body[start:], first))
	}
	at := skipSpace(f.body, start+exact)
	p.place = func(offset int) Place { return f.source.place(f.bodyAt + at + offset) }
}

// expression evaluates an expression.
func (p *procedure) expression(sql string) value {
	p.locate(sql)
	e, ok := p.parseExpression(sql)
	if !ok {
		return value{sign: anySign}
	}
	return p.eval(e, nil)
}

func (p *procedure) parseExpression(sql string) (expr, bool) {
	tree, err := parse("SELECT " + sql)
	if err != nil || len(tree) != 1 || len(tree[0].GetStmt().GetSelectStmt().GetTargetList()) == 0 {
		p.unknownf(0, "an expression does not parse: %s", sql)
		return expr{}, false
	}
	s := tree[0].GetStmt().GetSelectStmt()
	if len(s.GetFromClause()) > 0 { // x := a FROM t is allowed
		return expr{kind: subquery, name: "scalar", query: s}, true
	}
	return newExpr(s.GetTargetList()[0].GetResTarget().GetVal()), true
}

// run notes what one statement of SQL does and returns its columns.
func (p *procedure) run(sql string) []output {
	p.locate(sql)
	tree, err := parse(sql)
	if err != nil || len(tree) != 1 {
		p.unknownf(0, "a statement does not parse: %v", err)
		return nil
	}
	return p.statement(tree[0].GetStmt(), 0)
}

var assignment = regexp.MustCompile(`^\s*([A-Za-z_][\w$]*|"[^"]+")((?:\.[A-Za-z_][\w$]*|\[[^\]]*\])*)\s*(?::=|=)`)

// statements goes through statements in order. It reports whether the end of them is never reached.
func (p *procedure) statements(list []object) bool {
	for _, s := range list {
		kind, body := only(s)
		p.at(body)
		if p.one(kind, body) {
			return true
		}
	}
	return false
}

func query(o object, key string) string { return str(sub(sub(o, key), "PLpgSQL_expr"), "query") }

// one takes one statement, and reports whether it ends the function or leaves the loop.
func (p *procedure) one(kind string, body object) bool {
	switch strings.TrimPrefix(kind, "PLpgSQL_stmt_") {
	case "block":
		return p.body(body)
	case "assign":
		p.assign(query(body, "expr"), body)
	case "if":
		return p.branch(body)
	case "case":
		return p.cases(body)
	case "loop", "while", "fori", "fors", "forc", "foreach_a", "dynfors":
		p.loop(kind, body)
	case "execsql":
		p.into(body, p.run(query(body, "sqlstmt")))
	case "perform":
		p.run(query(body, "expr"))
	case "call":
		p.run(query(body, "expr"))
		p.into(body, nil)
	case "getdiag":
		p.forget(-1)
	case "open":
		if q := query(body, "query"); q != "" {
			p.run(q)
		}
	case "return_next":
		if q := query(body, "expr"); q != "" {
			p.expression(q)
		}
	case "dynexecute":
		p.locate(query(body, "query"))
		p.unknownf(0, "EXECUTE runs SQL that is made at run time")
		p.into(body, nil)
	case "raise":
		return number(body, "elog_level") >= 21 // ERROR
	case "return":
		if q := query(body, "expr"); q != "" {
			p.expression(q)
		}
		return true
	case "exit":
		return query(body, "cond") == ""
	case "return_query":
		if q := query(body, "query"); q != "" {
			p.run(q)
		} else {
			p.unknownf(0, "RETURN QUERY EXECUTE runs SQL that is made at run time")
		}
	case "assert", "close", "commit", "rollback":
	case "fetch":
		p.into(body, nil)
	case "":
	default:
		p.unknownf(0, "a statement %s is not analysed", kind)
	}
	return false
}

// assign takes variable := expression.
func (p *procedure) assign(sql string, body object) {
	found := assignment.FindStringSubmatchIndex(sql)
	if found == nil {
		p.unknownf(0, "an assignment cannot be read: %s", sql)
		return
	}
	name := strings.ToLower(strings.Trim(sql[found[2]:found[3]], `"`))
	part := sql[found[4]:found[5]]
	v := p.expression(strings.TrimSpace(sql[found[1]:]))
	switch {
	case part == "":
		p.setVariable(name, v)
	case strings.HasPrefix(part, ".") && strings.Count(part, ".") == 1 && !strings.Contains(part, "["):
		p.setVariable(name+part, v)
	default:
		p.setVariable(name, p.vars[name].join(v))
	}
}

// into gives the columns of a result to variables.
func (p *procedure) into(body object, columns []output) {
	kind, target := only(sub(body, "target"))
	if kind == "PLpgSQL_rec" || kind == "PLpgSQL_var" {
		name := str(target, "refname")
		p.setVariable(name, value{sign: anySign})
		for _, c := range columns {
			p.setVariable(name+"."+c.name, c.value)
		}
		if kind == "PLpgSQL_var" && len(columns) == 1 {
			p.setVariable(name, columns[0].value)
		}
		return
	}
	for i, field := range objects(target["fields"]) {
		v := value{sign: anySign}
		if i < len(columns) {
			v = columns[i].value
		}
		v.known = false
		p.setVariable(str(field, "name"), v)
	}
}
