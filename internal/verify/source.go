package verify

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
)

// source is how a subject is read: a table by what the extension makes of its
// rows, since SQL upon it would run its owner's code; a part of the catalog by a
// query.
type source struct {
	Subject
	table uint32 // OID
	// sql is the query of a part of the catalog. Its rows have a text "key", which
	// names a row to people and need not be unique, and a text "image", which holds
	// everything that must be alike.
	sql string
}

// sums returns the query for the source's groups by bucket.
func (s source) sums(n Buckets) string {
	if s.table != 0 {
		return fmt.Sprintf("SELECT bucket, '', row_count, format('%%s', checksum) FROM barista_sum_rows(oid '%d', %d)", s.table, n)
	}
	return fmt.Sprintf("SELECT %s, '', %s FROM (%s) AS rows GROUP BY 1", bucketOf(n), sumsOf(hash("coalesce(image, '')")), s.sql)
}

// keys returns the query for the groups by key of one bucket.
func (s source) keys(n Buckets, bucket int64) string {
	if s.table != 0 {
		return fmt.Sprintf("SELECT 0, key, %s FROM barista_row_keys(oid '%d', %d, %d, %d) GROUP BY key",
			sumsOf("checksum"), s.table, n, bucket, keyLength)
	}
	return fmt.Sprintf("SELECT 0, left(coalesce(key, ''), %d), %s FROM (%s) AS rows WHERE %s = int8 '%d' GROUP BY 2",
		keyLength, sumsOf(hash("coalesce(image, '')")), s.sql, bucketOf(n), bucket)
}

// hash is the 64-bit hash of a text. A sum of such hashes does not depend on the
// order of rows, and chance alone makes two of them equal.
func hash(text string) string { return `hashtextextended(` + text + ` COLLATE "C", int8 '0')` }

func bucketOf(n Buckets) string { return fmt.Sprintf("%s & int8 '%d'", hash("coalesce(key, '')"), n-1) }

// sumsOf are the columns that sum up a group of rows, given the hash of each.
func sumsOf(hash string) string { return fmt.Sprintf("count(*), format('%%s', sum(%s))", hash) }

// ofUsers is true of a schema n whose relations users make.
const ofUsers = `n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND n.nspname !~ '^pg_(toast_)?temp_'`

// tables returns the sources of a database's permanent tables: also partitions
// (their parents hold nothing) and materialized views that hold something. A
// row's key is its primary key if there is one, else the whole row.
func tables(ctx context.Context, site Site) ([]source, error) {
	return query(ctx, site.Conn, `
		SELECT format('%I.%I', n.nspname, c.relname), c.oid
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relpersistence = 'p' AND (c.relkind = 'r' OR c.relkind = 'm' AND c.relispopulated) AND `+ofUsers+`
		ORDER BY 1`,
		func(row pgx.CollectableRow) (source, error) {
			s := source{Subject: Subject{Database: site.Database, Kind: Table}}
			return s, row.Scan(&s.Name, &s.table)
		})
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
