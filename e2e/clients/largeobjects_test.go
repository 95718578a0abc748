package clients

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/baristadb/barista/e2e/harness"
)

func TestLargeObjects(t *testing.T) {
	// pgx's large objects work through a follower: written in pieces, sought, cut and read; vacuumlo removes those that no row refers to.
	c := harness.SharedCluster(t)
	k := c.Follower(t)
	conn := c.Connect(t, k)
	ctx := harness.Limited(t, harness.ServeLimit)
	data := randomBytes(3 << 20)
	harness.Run(t, conn, "CREATE TABLE files (k int PRIMARY KEY, o oid)")
	tx, err := conn.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	objects := tx.LargeObjects()
	kept, err := objects.Create(ctx, 0)
	if err != nil {
		t.Fatal(err)
	}
	forgotten, err := objects.Create(ctx, 0)
	if err != nil {
		t.Fatal(err)
	}
	file, err := objects.Open(ctx, kept, 0x60000)
	if err != nil {
		t.Fatal(err)
	}
	for piece := range slices.Chunk(data, 100_000) {
		if _, err := file.Write(piece); err != nil {
			t.Fatal(err)
		}
	}
	const length = 2_000_001
	if err := file.Truncate(length); err != nil {
		t.Fatal(err)
	}
	if _, err := file.Seek(1_000_000, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	if _, err := file.Write([]byte("sought")); err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(ctx, "INSERT INTO files VALUES (1, $1)", kept); err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	want := append(bytes.Clone(data[:1_000_000]), "sought"...)
	want = append(want, data[len(want):length]...)
	host, port, _ := net.SplitHostPort(c.Node(k).Config.PG)
	status, out, errs := harness.RunProgram(t, harness.QueryLimit, harness.NeedTool(t, "vacuumlo"), "-v", "-h", host, "-p", port, "-U", "postgres", "postgres")
	if status != 0 || !strings.Contains(out, "uccessfully removed") {
		t.Errorf("vacuumlo: status %d\n%s%s", status, out, errs)
	}
	c.VerifyAll(t)
	for _, k := range c.All() {
		own := c.Local(t, k)
		if got := harness.One[[]byte](t, own, "SELECT lo_get(o) FROM files WHERE k = 1"); !bytes.Equal(got, want) {
			t.Errorf("n%d holds other bytes (%d of them)", k, len(got))
		}
		if n := harness.One[int](t, own, "SELECT count(*) FROM pg_largeobject_metadata WHERE oid = $1", forgotten); n != 0 {
			t.Errorf("n%d has kept what vacuumlo removed", k)
		}
	}
}

// largeObjects shows that a large object whose transaction was not committed when the leader died is nowhere, and that the next leader writes on in one that
// was, and gives out numbers that nobody has seen.
func largeObjects(t *testing.T, c *harness.Cluster) {
	harness.Run(t, c.Connect(t, 1), "CREATE TABLE seen (o oid PRIMARY KEY)", "INSERT INTO seen SELECT lo_creat(-1) FROM generate_series(1, 200)",
		"SELECT lo_unlink(o) FROM seen", "SELECT lo_from_bytea(4711, 'first')")
	c.VerifyAll(t)
	leader := c.AwaitLeader(t)
	open := c.Connect(t, leader)
	harness.Run(t, open, "BEGIN", "SELECT lo_put(4711, 0, 'LOST')", "SELECT lo_from_bytea(4712, 'lost')")
	if err := errors.Join(c.Node(leader).Kill9(), c.Node(leader).Kill9Postgres()); err != nil {
		t.Fatal(err)
	}
	c.Restart(t, leader)
	harness.Run(t, c.Connect(t, 1), "INSERT INTO seen SELECT lo_creat(-1) FROM generate_series(1, 50)", "SELECT lo_put(4711, 5, ', then')")
	c.VerifyAll(t)
	for _, k := range c.All() {
		if got := harness.One[string](t, c.Local(t, k), "SELECT convert_from(lo_get(4711), 'UTF8') || (SELECT count(*) FROM pg_largeobject_metadata)"); got != "first, then51" {
			t.Errorf("n%d holds %q", k, got)
		}
	}
}

// randomBytes returns n bytes that do not compress.
func randomBytes(n int) []byte {
	random := rand.NewChaCha8([32]byte{1})
	data := make([]byte, n)
	random.Read(data)
	return data
}
