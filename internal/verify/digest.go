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

// sum sums up all of a source.
func (s source) sum(ctx context.Context, conn *pgx.Conn) (Sum, error) {
	var groups []Group
	err := aside(ctx, conn, func() (err error) {
		groups, err = readGroups(ctx, conn, s.sums(1))
		return err
	})
	if words, ok := problem(conn, err); ok {
		return Sum{Subject: s.Subject, Problem: words}, nil
	}
	sum := Sum{Subject: s.Subject, Checksum: "0"}
	for _, g := range groups { // one, if there are rows
		sum.Rows, sum.Checksum = g.Rows, g.Checksum
	}
	return sum, err
}
