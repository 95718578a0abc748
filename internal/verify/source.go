package verify

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
)

// source is how a subject is read: a query whose rows have a text "key", which
// names a row to people and need not be unique, and a text "image", which holds
// everything that must be alike.
type source struct {
	Subject
	sql string
}

// ofUsers is true of a schema n whose relations users make.
const ofUsers = `n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND n.nspname !~ '^pg_(toast_)?temp_'`

// tables returns the sources of a database's permanent tables: also partitions
// (their parents hold nothing) and materialized views that hold something. A
// row's key is its primary key if there is one, else the whole row.
func tables(ctx context.Context, site Site) ([]source, error) {
	return query(ctx, site.Conn, `
		SELECT format('%I.%I', n.nspname, c.relname),
			(SELECT string_agg(format('r.%I', a.attname), ', ' ORDER BY k.place)
				FROM pg_index i, unnest(i.indkey) WITH ORDINALITY k(attnum, place), pg_attribute a
				WHERE i.indrelid = c.oid AND i.indisprimary
					AND a.attrelid = c.oid AND a.attnum = k.attnum AND k.place <= i.indnkeyatts)
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relpersistence = 'p' AND (c.relkind = 'r' OR c.relkind = 'm' AND c.relispopulated) AND `+ofUsers+`
		ORDER BY 1`,
		func(row pgx.CollectableRow) (source, error) {
			s := source{Subject: Subject{Database: site.Database, Kind: Table}}
			var key *string
			if err := row.Scan(&s.Name, &key); err != nil {
				return s, err
			}
			s.sql = fmt.Sprintf("SELECT %s AS key, (r.*)::text AS image FROM ONLY %s AS r", keyText(key), s.Name)
			return s, nil
		})
}

// keyText returns an expression for the text of a row's key, given the key's
// columns.
func keyText(columns *string) string {
	if columns == nil {
		return "(r.*)::text"
	}
	return fmt.Sprintf("trim(both '()' from ROW(%s)::text)", *columns)
}

// sources returns how to read the selected subjects of the i-th site; those of
// the whole server are read at the first.
func (s *Snapshot) sources(ctx context.Context, i int, only selection) ([]source, error) {
	site := s.Sites[i]
	sources, err := tables(ctx, site)
	if err != nil {
		return nil, fmt.Errorf("list tables of %s: %w", site.Database, err)
	}
	sources = append(sources, catalogOf(site.Database)...)
	if i == 0 {
		sources = append(sources, sharedCatalog()...)
	}
	return slices.DeleteFunc(sources, func(s source) bool { return !only.has(s.Subject) }), nil
}

// find returns how and where to read one subject.
func (s *Snapshot) find(ctx context.Context, subject Subject) (source, *pgx.Conn, error) {
	for i, site := range s.Sites {
		if subject.Database != site.Database && (subject.Database != "" || i > 0) {
			continue
		}
		sources, err := s.sources(ctx, i, selection{subject})
		if err != nil {
			return source{}, nil, err
		}
		if len(sources) > 0 {
			return sources[0], site.Conn, nil
		}
	}
	return source{}, nil, fmt.Errorf("no %s here", subject)
}
