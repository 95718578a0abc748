package verify

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// digest reads the selected subjects of a snapshot. A subject that the server
// refuses to read has a problem and stops nothing; any other error does.
func (s *Snapshot) digest(ctx context.Context, only selection) (Digest, error) {
	var d Digest
	for i, site := range s.Sites {
		sources, err := s.sources(ctx, i, only)
		if err != nil {
			return Digest{}, err
		}
		for _, source := range sources {
			sum, err := source.sum(ctx, site.Conn)
			if err != nil {
				return Digest{}, fmt.Errorf("read %s: %w", source.Subject, err)
			}
			d.Sums = append(d.Sums, sum)
		}
		for _, h := range site.Horizons {
			if only.has(h.Subject) {
				d.Horizons = append(d.Horizons, h)
			}
		}
	}
	return d, nil
}

// hash is the 64-bit hash of an image or key. A sum of such hashes does not
// depend on the order of rows, and chance alone makes two of them equal.
func hash(column string) string { return `hashtextextended(` + column + ` COLLATE "C", 0)` }

// sums are the columns that sum up a set of rows.
var sums = `count(*), coalesce(sum(` + hash("coalesce(image, '')") + `), 0)::text`

func (s source) sum(ctx context.Context, conn *pgx.Conn) (Sum, error) {
	sum := Sum{Subject: s.Subject}
	err := aside(ctx, conn, func() error {
		row := conn.QueryRow(ctx, "SELECT "+sums+" FROM ("+s.sql+") AS rows", pgx.QueryExecModeSimpleProtocol)
		return row.Scan(&sum.Rows, &sum.Checksum)
	})
	if words, ok := problem(conn, err); ok {
		return Sum{Subject: s.Subject, Problem: words}, nil
	}
	return sum, err
}
