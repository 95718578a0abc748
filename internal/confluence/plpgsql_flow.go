package confluence

import "strings"

// body takes a block with its exception handlers: each may run after any part of the block.
func (p *procedure) body(body object) bool {
	before := p.vars.copy()
	ends := p.statements(objects(body["body"]))
	for _, e := range objects(sub(sub(body, "exceptions"), "PLpgSQL_exception_block")["exc_list"]) {
		after := p.vars
		p.vars = before.merge(after)
		p.havoc(before, after)
		if !p.statements(objects(sub(e, "PLpgSQL_exception")["action"])) {
			p.vars = after.merge(p.vars)
			ends = false
		} else {
			p.vars = after
		}
	}
	return ends
}

// havoc forgets the values of the variables that differ between two points.
func (p *procedure) havoc(a, b env) {
	for name, v := range b {
		if a[name].text != v.text {
			joined := a[name].join(v)
			joined.text = ""
			p.setVariable(name, joined)
		}
	}
}

// branch takes IF with its ELSIFs: what is known after it is what all ways share that reach its end.
func (p *procedure) branch(body object) bool {
	type way struct {
		cond string
		body []object
	}
	ways := []way{{query(body, "cond"), objects(body["then_body"])}}
	for _, e := range objects(body["elsif_list"]) {
		inner := sub(e, "PLpgSQL_if_elsif")
		ways = append(ways, way{query(inner, "cond"), objects(inner["stmts"])})
	}
	var after env
	ends := true
	arrive := func() {
		ends = false
		if after == nil {
			after = p.vars
		} else {
			after = after.merge(p.vars)
		}
	}
	for _, way := range ways {
		p.locate(way.cond)
		cond, ok := p.parseExpression(way.cond)
		if ok {
			p.decide(cond)
		}
		otherwise := p.vars.copy()
		if ok {
			p.narrow(cond, true)
		}
		if !p.statements(way.body) {
			arrive()
		}
		p.vars = otherwise
		if ok {
			p.narrow(cond, false)
		}
	}
	if !p.statements(objects(body["else_body"])) {
		arrive()
	}
	if !ends {
		p.vars = after
	}
	return ends
}

// decide evaluates a condition, for what it reads and calls.
func (p *procedure) decide(cond expr) { p.eval(cond, nil) }

func (p *procedure) cases(body object) bool {
	if q := query(body, "t_expr"); q != "" {
		p.expression(q)
	}
	before, after, ends := p.vars, env(nil), true
	ways := make([][]object, 0, 4)
	for _, w := range objects(body["case_when_list"]) {
		ways = append(ways, objects(sub(w, "PLpgSQL_case_when")["stmts"]))
	}
	ways = append(ways, objects(body["else_stmts"]))
	for _, way := range ways {
		p.vars = before.copy()
		if p.statements(way) {
			continue
		}
		ends = false
		if after == nil {
			after = p.vars
		} else {
			after = after.merge(p.vars)
		}
	}
	if !ends {
		p.vars = after
	}
	return ends
}

// loop takes any loop. Its body is walked with nothing known of the variables that it changes.
func (p *procedure) loop(kind string, body object) {
	var columns []output
	switch strings.TrimPrefix(kind, "PLpgSQL_stmt_") {
	case "fors":
		columns = p.run(query(body, "query"))
	case "dynfors":
		p.unknownf(0, "FOR ... IN EXECUTE runs SQL that is made at run time")
	case "while":
		p.expression(query(body, "cond"))
	case "foreach_a":
		p.expression(query(body, "expr"))
	}
	start := func() {
		if strings.HasSuffix(kind, "foreach_a") {
			p.forget(number(body, "varno"))
		}
		if _, v := only(sub(body, "var")); v != nil {
			name := str(v, "refname")
			p.setVariable(name, value{sign: anySign, known: kind == "PLpgSQL_stmt_fori"})
			for _, c := range columns {
				p.setVariable(name+"."+c.name, c.value)
			}
			for i, field := range objects(v["fields"]) {
				if i < len(columns) {
					p.setVariable(str(field, "name"), columns[i].value)
				}
			}
		}
	}
	before, operations, unknown := p.vars.copy(), len(p.txn.Operations), len(p.txn.unknown)
	outer := p.scouting
	p.scouting = true
	start()
	p.statements(objects(body["body"]))
	p.scouting = outer
	if outer {
		return // a loop around this one is being looked through: what is noted now is dropped
	}
	p.txn.Operations, p.txn.unknown = p.txn.Operations[:operations], p.txn.unknown[:unknown]
	changed := p.vars
	p.vars = before.copy()
	p.havoc(before, changed)
	start()
	p.statements(objects(body["body"]))
	p.havoc(before, p.vars)
}
