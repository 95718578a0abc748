package recovery

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/baristadb/barista/e2e/harness"
	"github.com/baristadb/barista/internal/devcluster"
)

var largeMegabytes = flag.Int("largemegabytes", 64, "about so many `MB` in one large transaction")

const (
	storyChunks = 3                // of 1 MiB, agreed on before something happens
	bulkLimit   = 10 * time.Minute // for one step of a large transaction
)

// storyRows is how many rows of 1 kB a story's transaction has.
func storyRows() int { return *largeMegabytes * 1000 }

// largeFiles is what journals may hold when all is purged, in bytes: their segments are made at full length, one of them in advance.
const largeFiles = 64 << 20

func TestLargeTransactionsWhileNodesDie(t *testing.T) {
	// A transaction that travels in chunks is on every node as a whole or not at all, and its client knows which, whoever dies while it is on its way; nodes that were
	// down or fetch their data meanwhile get it; and all that it had taken of disk is given back.
	c := harness.StartCluster(t, devcluster.Options{Settings: map[string]string{"barista.spill_limit": "64kB"}})
	harness.Run(t, c.Connect(t, 1), "CREATE TABLE large (story int, k int, v text, PRIMARY KEY (story, k))")
	for number, story := range []struct {
		name string
		tell func(*bulkStory, *testing.T)
	}{
		{"the leader's barista is killed", func(s *bulkStory, t *testing.T) { s.cutOff(t, s.c.Node(s.leader).Kill9) }},
		{"the leader's postgres is killed", func(s *bulkStory, t *testing.T) { s.cutOff(t, s.c.Node(s.leader).Kill9Postgres) }},
		{"a follower is killed and comes back later", (*bulkStory).followerDies},
		{"a node fetches its data meanwhile", (*bulkStory).nodeJoins},
	} {
		passed := t.Run(story.name, func(t *testing.T) {
			leader := c.AwaitLeader(t)
			s := &bulkStory{c: c, number: number, leader: leader, follower: c.Others(leader)[0], other: c.Others(leader)[1]}
			story.tell(s, t)
			bulkLevel(t, c)
			checkNoSpill(t, c)
			harness.Run(t, c.Connect(t, 1), "TRUNCATE large")
		})
		if !passed {
			return
		}
	}
	writer := c.Connect(t, 1)
	harness.Await(t, harness.ServeLimit, "small journals", func(ctx context.Context) error {
		// The floor follows what is committed and flushed after the large transaction.
		if _, err := writer.Exec(ctx, "INSERT INTO large SELECT -1, count(*) FROM large"); err != nil {
			return err
		}
		for _, k := range c.All() {
			if bytes, err := bytesIn(c.Node(k).Config.JournalDir()); err != nil || bytes > largeFiles {
				return fmt.Errorf("the journal of n%d has %d bytes: %w", k, bytes, err)
			}
		}
		return nil
	})
}

// bulkStory is one large transaction, and whom something happens to.
type bulkStory struct {
	c                       *harness.Cluster
	number                  int
	leader, follower, other int
}

// begin makes the transaction's changes through a follower's node, so that its client outlives the leader.
func (s *bulkStory) begin(t *testing.T) *pgx.Conn {
	conn := s.c.Connect(t, s.follower)
	harness.Run(t, conn, "BEGIN")
	_, err := conn.Exec(harness.Limited(t, bulkLimit), fmt.Sprintf("INSERT INTO large SELECT %d, i, repeat('x', 1000) FROM generate_series(1, %d) i", s.number, storyRows()))
	if err != nil {
		t.Fatal(err)
	}
	if bytes, err := bytesIn(spills(s.c.Node(s.leader))); err != nil || bytes == 0 {
		t.Errorf("n%d has %d bytes of temporary files (%v): what is left of them is looked for in the wrong place", s.leader, bytes, err)
	}
	return conn
}

// commit begins to commit, and returns when some chunks are agreed on. What becomes of it comes through the channel.
func (s *bulkStory) commit(t *testing.T, conn *pgx.Conn) (outcome <-chan error) {
	t.Helper()
	before := s.index(t)
	ended := make(chan error, 1)
	ctx := harness.Limited(t, bulkLimit)
	go func() { // ends with ctx; its outcome is awaited
		_, err := conn.Exec(ctx, "COMMIT")
		ended <- err
	}()
	harness.Await(t, harness.ServeLimit, "chunks on their way", func(context.Context) error {
		if now := s.index(t); now < before+storyChunks {
			return fmt.Errorf("index %v, and it was %v before", now, before)
		}
		return nil
	})
	return ended
}

// index is the last one of which the follower knows that it is chosen.
func (s *bulkStory) index(t *testing.T) float64 {
	t.Helper()
	for _, node := range s.c.StatusJSON(t, s.follower) {
		if node["name"] == s.c.Node(s.follower).Config.Name {
			return node["index"].(float64)
		}
	}
	t.Fatal("the follower does not tell of itself")
	return 0
}

// cutOff kills something of the leader while the others stand still, so that no more than what is in flight can follow.
func (s *bulkStory) cutOff(t *testing.T, kill func() error) {
	outcome := s.commit(t, s.begin(t))
	others := []*devcluster.Node{s.c.Node(s.follower), s.c.Node(s.other)}
	if err := errors.Join(others[0].Pause(), others[1].Pause()); err != nil {
		t.Fatal(err)
	}
	early := len(outcome) > 0
	if err := errors.Join(kill(), others[0].Continue(), others[1].Continue()); err != nil {
		t.Fatal(err)
	}
	err := <-outcome
	if early {
		t.Fatalf("the commit ended before anything happened to it: %v", err)
	}
	if err := s.c.Node(s.leader).Start(); err != nil { // a postgres is started again by its barista
		t.Fatal(err)
	}
	s.check(t, err)
}

// followerDies kills a follower's barista and server, lets the transaction commit without it, and starts it again.
func (s *bulkStory) followerDies(t *testing.T) {
	outcome := s.commit(t, s.begin(t))
	if err := s.c.Node(s.other).Kill9(); err != nil {
		t.Fatal(err)
	}
	if err := <-outcome; err != nil {
		t.Fatalf("without one of three nodes: %v", err)
	}
	if err := s.c.Node(s.other).Start(); err != nil {
		t.Fatal(err)
	}
	s.check(t, nil)
}

// nodeJoins starts a node that has lost its disk while the transaction is open, and commits while the node fetches its data.
func (s *bulkStory) nodeJoins(t *testing.T) {
	if err := s.c.Node(s.other).Kill9(); err != nil {
		t.Fatal(err)
	}
	harness.Wipe(t, s.c.Node(s.other).Config.Dir)
	conn := s.begin(t)
	if err := s.c.Node(s.other).Start(); err != nil {
		t.Fatal(err)
	}
	data := s.c.Node(s.other).Config.DataDir()
	harness.Await(t, harness.StartLimit, "a base backup", func(context.Context) error {
		found, err := filepath.Glob(data + "*")
		if err == nil && len(found) == 0 {
			err = errors.New("nothing of it is there")
		}
		return err
	})
	if err := <-s.commit(t, conn); err != nil {
		t.Fatalf("while a node joins: %v", err)
	}
	s.check(t, nil)
}

// check fails the test unless the transaction is there as its client was told.
func (s *bulkStory) check(t *testing.T, outcome error) {
	t.Helper()
	rows := harness.One[int](t, s.c.Connect(t, s.follower), "SELECT count(*) FROM large WHERE story = $1", s.number)
	t.Logf("the client was told %q, and %d of %d rows are there", harness.Code(outcome), rows, storyRows())
	if rows != 0 && rows != storyRows() || outcome == nil && rows == 0 {
		t.Errorf("%d of %d rows are there, and the client was told %q", rows, storyRows(), harness.Code(outcome))
	}
}

// bulkLevel waits until all nodes serve, and fails the test unless they are identical.
func bulkLevel(t *testing.T, c *harness.Cluster) {
	t.Helper()
	if err := c.WaitReady(harness.Limited(t, bulkLimit)); err != nil {
		t.Fatal(err)
	}
	status, report, errs := harness.RunProgram(t, bulkLimit, c.Binary, "verify", "--http", c.Node(1).Config.HTTP)
	if status != 0 || !strings.HasPrefix(report, "identical") || strings.Contains(report, "not compared") {
		t.Fatalf("barista verify: status %d\n%s%s", status, report, errs)
	}
}

// spills is where a node's server keeps what large transactions write to files.
func spills(n *devcluster.Node) string { return filepath.Join(n.Config.DataDir(), "base", "pgsql_tmp") }

// checkNoSpill fails the test if a node's server keeps what large transactions wrote to files.
func checkNoSpill(t *testing.T, c *harness.Cluster) {
	t.Helper()
	for _, k := range c.All() {
		if bytes, err := bytesIn(spills(c.Node(k))); err != nil || bytes > 0 {
			t.Errorf("n%d keeps %d bytes of temporary files (%v)", k, bytes, err)
		}
	}
}

// bytesIn returns how much the files in a folder hold; nothing if it is not there.
func bytesIn(dir string) (bytes int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			var info fs.FileInfo
			if info, err = entry.Info(); err == nil {
				bytes += info.Size()
			}
		}
		if os.IsNotExist(err) {
			return nil // removed meanwhile
		}
		return err
	})
	return bytes, err
}
