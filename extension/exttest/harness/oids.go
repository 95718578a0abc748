package harness

import (
	"fmt"
	"strings"
	"testing"
)

// catalogsWithOIDs lists the catalogs whose rows have OIDs, but those whose rows are a node's own.
const catalogsWithOIDs = `select string_agg(c.relname, ' ' order by c.relname) from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'oid'
	where c.relnamespace = 'pg_catalog'::regnamespace and c.relkind = 'r' and c.relname not in ('pg_largeobject_metadata', 'pg_tablespace', 'pg_subscription')`

// objectsOf returns a query for the objects of a catalog, with their OIDs and names, but for those that are a node's own: what is temporary, the tables
// of values out of line, which VACUUM FULL makes anew, and databases that are only waiting for their end.
func objectsOf(catalog string) string {
	name := fmt.Sprintf("(select concat_ws(' ', o.type, o.identity) from pg_identify_object('%s'::regclass, c.oid, 0) o)", catalog)
	if catalog == "pg_enum" {
		name = "format('%s of %s', enumlabel, enumtypid::regtype)"
	}
	return fmt.Sprintf("select format('%[1]s %%s: %%s', c.oid, %[2]s) from %[1]s c where c.oid >= 16384 and %[2]s !~ ' pg_toast| pg_temp|barista_dropped_'", catalog, name)
}

// OIDs returns the objects of a server's database, each with its OID and its name.
func OIDs(t testing.TB, s *Server, database string) string {
	t.Helper()
	conn := s.ConnectAs(t, "postgres", database)
	defer conn.Close(Context(t))
	var parts []string
	for _, catalog := range strings.Fields(Value(t, conn, catalogsWithOIDs)) {
		parts = append(parts, objectsOf(catalog))
	}
	return Answer(t, conn, strings.Join(parts, " union all "))
}

// SameOIDs checks that each object of a database has the same OID on both.
func (p *Pair) SameOIDs(t testing.TB, database string) {
	t.Helper()
	p.Sync(t)
	leader, follower := OIDs(t, p.Leader, database), OIDs(t, p.Follower, database)
	if leader == follower {
		return
	}
	t.Errorf("OIDs differ in database %s", database)
	report := func(whose, a, b string) {
		has := map[string]bool{}
		for line := range strings.Lines(b + "\n") {
			has[line] = true
		}
		for line := range strings.Lines(a + "\n") {
			if !has[line] {
				t.Errorf("only the %s: %s", whose, line)
			}
		}
	}
	report("leader", leader, follower)
	report("follower", follower, leader)
}
