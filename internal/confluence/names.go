package confluence

import (
	"strconv"
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"
)

func itoa(n int) string { return strconv.Itoa(n) }

// strs returns the texts of a list of name parts.
func strs(nodes []*pg.Node) []string {
	out := make([]string, len(nodes))
	for i, n := range nodes {
		out[i] = n.GetString_().GetSval()
	}
	return out
}

// lastName is a name without its schema.
func lastName(parts []*pg.Node) string {
	if len(parts) == 0 {
		return ""
	}
	return parts[len(parts)-1].GetString_().GetSval()
}

// qualified is a name with its schema, unless that is public or pg_catalog.
func qualified(parts []*pg.Node) string {
	names := strs(parts)
	if len(names) > 1 && (names[len(names)-2] == "public" || names[len(names)-2] == "pg_catalog") {
		names = names[len(names)-1:]
	}
	if len(names) > 2 {
		names = names[len(names)-2:]
	}
	return strings.Join(names, ".")
}

// relation is the name of a table or view, without the schema public.
func relation(r *pg.RangeVar) string {
	if r.GetSchemaname() == "" || r.GetSchemaname() == "public" {
		return r.GetRelname()
	}
	return r.GetSchemaname() + "." + r.GetRelname()
}

// typeName is the name of a type, without pg_catalog, with [] for an array.
func typeName(t *pg.TypeName) string {
	name := qualified(t.GetNames())
	if t.GetPctType() {
		return name + "%TYPE"
	}
	if len(t.GetArrayBounds()) > 0 {
		name += "[]"
	}
	return name
}

// unqualified is a name without its schema.
func unqualified(name string) string { return name[strings.LastIndexByte(name, '.')+1:] }

// ident is a name as SQL.
func ident(name string) string {
	parts := strings.Split(name, ".")
	for i, part := range parts {
		if !isPlain(part) {
			parts[i] = `"` + strings.ReplaceAll(part, `"`, `""`) + `"`
		}
	}
	return strings.Join(parts, ".")
}

// keywords are the reserved words of PostgreSQL that people name columns or tables with.
var keywords = map[string]bool{"user": true, "order": true, "group": true, "table": true, "end": true, "default": true, "primary": true,
	"references": true, "desc": true, "asc": true, "limit": true, "offset": true, "check": true, "column": true, "when": true, "to": true, "from": true, "select": true}

func isPlain(name string) bool {
	if name == "" || keywords[name] || name[0] >= '0' && name[0] <= '9' {
		return false
	}
	return strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == ""
}
