package changeset

// check sees that a message fits the relations described before it.
func (r *Reader) check(c *cursor, m Message) {
	switch m := m.(type) {
	case Relation:
		r.describe(c, m)
	case Insert:
		r.find(c, m.Relation).checkRow(c, m.New)
	case Update:
		r.find(c, m.Relation).checkUpdate(c, m)
	case Delete:
		r.find(c, m.Relation).checkOld(c, m.OldKind, m.Old)
	case Truncate:
		for _, number := range m.Relations {
			r.find(c, number)
		}
	}
}

func (r *Reader) describe(c *cursor, relation Relation) {
	if relation.Number <= r.last {
		c.fail("relation %d described after relation %d", relation.Number, r.last)
		return
	}
	r.last = relation.Number
	r.relations[relation.Number] = &relation
}

// find returns a relation that was described, or fails and returns nil, on
// which the checks do nothing.
func (r *Reader) find(c *cursor, number uint32) *Relation {
	relation := r.relations[number]
	if relation == nil {
		c.fail("relation %d was not described", number)
	}
	return relation
}

func (r *Relation) checkUpdate(c *cursor, m Update) {
	if r == nil {
		return
	}
	if m.OldKind != OldNone {
		r.checkOld(c, m.OldKind, m.Old)
	} else if r.Identity != ByKey {
		c.fail("update of %s.%s, which has no key, without the old row", r.Schema, r.Name)
	}
	r.checkForms(c, m.New)
}

// checkOld checks an old tuple, which tells how the row is found.
func (r *Relation) checkOld(c *cursor, kind OldKind, tuple Tuple) {
	if r == nil {
		return
	}
	r.checkRow(c, tuple)
	if kind != OldKey || c.err != nil {
		return
	}
	if r.Identity != ByKey {
		c.fail("key of %s.%s, which has none", r.Schema, r.Name)
		return
	}
	for i, column := range r.Columns {
		if column.Key == (tuple[i].Form == Null) {
			c.fail("column %s of a key of %s.%s has the form %q", column.Name, r.Schema, r.Name, tuple[i].Form)
		}
	}
}

// checkRow checks a tuple that holds every value itself.
func (r *Relation) checkRow(c *cursor, tuple Tuple) {
	if r == nil {
		return
	}
	r.checkForms(c, tuple)
	for _, value := range tuple {
		if value.Form == Unchanged {
			c.fail("unchanged value where there is no older one")
		}
	}
}

// checkForms checks that a tuple has the columns of its relation.
func (r *Relation) checkForms(c *cursor, tuple Tuple) {
	if len(tuple) != len(r.Columns) {
		c.fail("%d values for the %d columns of %s.%s", len(tuple), len(r.Columns), r.Schema, r.Name)
		return
	}
	for i, value := range tuple {
		if value.Form != Null && value.Form != Unchanged && Form(r.Columns[i].Format) != value.Form {
			c.fail("value of form %q in column %s of format %q", value.Form, r.Columns[i].Name, r.Columns[i].Format)
		}
	}
}
