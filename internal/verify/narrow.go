package verify

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Group is the sum of the rows of a subject that share a bucket or a key.
type Group struct {
	Bucket   int64  `json:"bucket,omitempty"`
	Key      string `json:"key,omitempty"`
	Rows     int64  `json:"rows"`
	Checksum string `json:"checksum"`
}

// Buckets says how a subject's rows are divided: by the hash of their keys,
// which is the same on all nodes.
type Buckets int64

// Limits of dividing: as few buckets as leave rowsInBucket rows in each.
const (
	maxBuckets   Buckets = 1 << 16
	rowsInBucket         = 64
)

// bucketsFor returns how many buckets to use for so many rows: a power of two.
func bucketsFor(rows int64) Buckets {
	n := Buckets(1)
	for int64(n)*rowsInBucket < rows && n < maxBuckets {
		n *= 2
	}
	return n
}

// keyLength limits how many characters of a key travel: a table without a
// primary key has whole rows for keys.
const keyLength = 300

// buckets sums up a subject by bucket.
func (s *Snapshot) buckets(ctx context.Context, subject Subject, n Buckets) ([]Group, error) {
	return s.groups(ctx, subject, func(of source) string { return of.sums(n) })
}

// keys sums up one bucket of a subject by key.
func (s *Snapshot) keys(ctx context.Context, subject Subject, n Buckets, bucket int64) ([]Group, error) {
	return s.groups(ctx, subject, func(of source) string { return of.keys(n, bucket) })
}

func (s *Snapshot) groups(ctx context.Context, subject Subject, sql func(source) string) (groups []Group, err error) {
	source, conn, err := s.find(ctx, subject)
	if err != nil {
		return nil, err
	}
	err = aside(ctx, conn, func() (err error) {
		groups, err = readGroups(ctx, conn, sql(source))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("narrow %s: %w", subject, err)
	}
	return groups, nil
}

func readGroups(ctx context.Context, conn *pgx.Conn, sql string) ([]Group, error) {
	return query(ctx, conn, sql, func(row pgx.CollectableRow) (g Group, err error) {
		return g, row.Scan(&g.Bucket, &g.Key, &g.Rows, &g.Checksum)
	})
}
