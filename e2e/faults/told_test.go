package faults

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/baristadb/barista/e2e/harness"
	"github.com/baristadb/barista/internal/config"
	"github.com/baristadb/barista/internal/devcluster"
	"github.com/baristadb/barista/internal/session"
)

func TestWhatAChangeOfLeaderTells(t *testing.T) {
	// README's table of SQLSTATEs has what a session is told when its leader goes, whatever it does, through the leader's node or another and in
	// both protocols, and nothing else; and what the table says became of the transaction is so, on every node. A leader without a majority refuses what
	// it did not propose, does not know what it did, and takes no new connection.
	c := harness.StartCluster(t, devcluster.Options{Change: func(cfg *config.Config) {
		cfg.Hold = 2 * time.Second
		cfg.Lease, cfg.ElectionMin, cfg.ElectionMax = 2*time.Second, 2*time.Second, 3*time.Second // time enough to send commits
	}})
	harness.Run(t, c.Connect(t, 1), "CREATE TABLE told (id int PRIMARY KEY)")
	table := toldTable(t)
	seen := map[string]bool{}
	for number, event := range []struct {
		name   string
		happen func(leader int, m *toldSessions) error
		away   bool                // the followers are, from before commits are sent until the event is over
		ends   bool                // the node has to be started again
		tells  map[string][]string // what it tells sessions through its own node, by what they do: the first to some, and nothing else
	}{
		{"hand-over", func(leader int, _ *toldSessions) error {
			if status, _, errs := c.Barista(t, "transfer", "--http", c.Node(leader).Config.HTTP); status != 0 {
				return errors.New(errs)
			}
			return nil
		}, false, false, nil},
		{"stop of the node", func(leader int, _ *toldSessions) error {
			return c.Node(leader).Stop(harness.Limited(t, harness.ServeLimit))
		}, false, true, nil},
		{"death of the node", func(leader int, _ *toldSessions) error { return c.Node(leader).Kill9() }, false, true, nil},
		{"death of the server amid commits", func(leader int, _ *toldSessions) error { return c.Node(leader).Kill9Postgres() }, true, false, nil},
		{"death of a backend", func(_ int, m *toldSessions) error {
			return syscall.Kill(int(m.all[0].conn.PgConn().PID()), syscall.SIGKILL)
		}, false, false, nil},
		{"loss of the majority", func(leader int, m *toldSessions) error {
			harness.Await(t, harness.ServeLimit, "the leader to be suspended", func(ctx context.Context) error {
				own, err := harness.OwnStatus(ctx, "http://"+c.Node(leader).Config.HTTP+"/status")
				if err == nil && own.Reason != "suspended" {
					err = fmt.Errorf("it is %s %s", own.Role, own.Reason)
				}
				return err
			})
			m.send("COMMIT that comes late")
			m.connects(c, leader)
			return nil
		}, true, false, map[string][]string{
			"COMMIT":                            {"08007", "40001"}, // the latter where the first one was in flight, and this one waited for that
			"COMMIT that comes late":            {"40001"},
			"connecting":                        {"57P03"},
			"in a transaction that has written": {"40001"},
		}},
	} {
		c.Ready(t)
		leader := c.AwaitLeader(t)
		m := &toldSessions{t: t, base: 1000 * (number + 1)}
		m.open(c, leader)
		if event.away {
			for _, k := range c.Others(leader) {
				if err := c.Node(k).Pause(); err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = c.Node(k).Continue() }) // should the test end early
			}
			m.send("COMMIT")
			m.await(c, leader, len(toldDoors(c, leader))/2, "wait_event_type = 'Extension' AND query = 'COMMIT'") // the other node stands still
		}
		if err := event.happen(leader, m); err != nil {
			t.Fatal(err)
		}
		m.hear(seen, leader)
		for _, k := range c.Others(leader) {
			if err := c.Node(k).Continue(); err != nil {
				t.Fatal(err)
			}
		}
		m.hear(seen, c.Others(leader)...)
		m.compare(leader, event.name, event.tells)
		if event.ends {
			c.Restart(t, leader)
		}
		c.Ready(t)
		m.check(table, event.name, c.Connect(t, c.AwaitLeader(t)))
	}
	c.VerifyAll(t)
	delete(seen, "success")
	if got, want := slices.Sorted(maps.Keys(seen)), slices.Sorted(maps.Keys(table)); !slices.Equal(got, want) {
		t.Errorf("sessions were told %q, and the table has %q", got, want)
	}
}

// noCode stands in the table for a connection that ends without a word.
const noCode = "none"

// toldTable reads README's table: for each SQLSTATE, what became of the transaction.
func toldTable(t *testing.T) map[string]string {
	t.Helper()
	page, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	table := map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([0-9A-Z]{5}|none)` \\| .* \\| (refused|unknown) \\| .* \\|$").FindAllStringSubmatch(string(page), -1) {
		table[row[1]] = row[2]
		if safe := session.OutcomeOf(row[1]).SafeToRetry(); row[1] != noCode && safe != (row[2] == "refused") {
			t.Errorf("README says of %s that it is %s, and the program that it is safe to run again: %v", row[1], row[2], safe)
		}
	}
	return table
}

// toldStates are what a session may be doing when its leader goes: the statements before, the request that is under way then, and what an idle
// one asks afterwards. ID stands for a number of its own.
var toldStates = []struct {
	name    string
	before  []string
	request string
	after   string
}{
	{name: "idle", after: "SELECT 1"},
	{name: "in a transaction that has read", before: []string{"BEGIN", "SELECT count(*) FROM told"}, after: "COMMIT"},
	{name: "in a transaction that has written", before: []string{"BEGIN", "INSERT INTO told VALUES (ID)"}, after: "COMMIT"},
	{name: "in a statement that reads", request: "SELECT pg_sleep(1000)"},
	{name: "in a statement that reads, after writing", before: []string{"BEGIN", "INSERT INTO told VALUES (ID)"}, request: "SELECT pg_sleep(1000)"},
	{name: "in a statement that will write", request: "INSERT INTO told SELECT ID FROM (SELECT pg_sleep(1000)) s"},
	{name: "in a statement that has written", request: "WITH w AS (INSERT INTO told VALUES (ID) RETURNING id) SELECT id, pg_sleep(1000) FROM w"},
}

// toldCommits are sessions with a transaction that has written, whose COMMIT is sent later, or was and lacks its Sync.
var toldCommits = []string{"COMMIT", "COMMIT that comes late", "COMMIT without its Sync"}

// toldSessions are the sessions of one event.
type toldSessions struct {
	t    *testing.T
	all  []*toldSession
	base int // of their numbers
}

// toldSession is one of them.
type toldSession struct {
	name   string
	node   int // through which
	id     int
	conn   *pgx.Conn
	after  string
	answer <-chan error         // of its request; nil: it is idle
	raw    *pgconn.HijackedConn // of one that lacks its Sync
	code   string
}

type toldDoor struct {
	name string
	node int
	mode pgx.QueryExecMode
}

func toldDoors(c *harness.Cluster, leader int) []toldDoor {
	other := c.Others(leader)[0]
	return []toldDoor{
		{"leader's node, simple", leader, pgx.QueryExecModeSimpleProtocol}, {"leader's node, extended", leader, pgx.QueryExecModeExec},
		{"other node, simple", other, pgx.QueryExecModeSimpleProtocol}, {"other node, extended", other, pgx.QueryExecModeExec},
	}
}

// open opens the sessions, and waits until their requests are under way.
func (m *toldSessions) open(c *harness.Cluster, leader int) {
	m.t.Helper()
	asleep := 0
	for _, door := range toldDoors(c, leader) {
		for _, state := range toldStates {
			s := m.add(c, door, state.name, state.before)
			s.after = state.after
			if state.request != "" {
				s.answer = harness.ExecLater(m.t, s.conn, strings.ReplaceAll(state.request, "ID", fmt.Sprint(s.id)))
				asleep++
			}
		}
		for _, name := range toldCommits {
			s := m.add(c, door, name, []string{"BEGIN", "INSERT INTO told VALUES (ID)"})
			s.after = "COMMIT"
			if name == "COMMIT without its Sync" {
				s.executeCommit(m.t)
			}
		}
	}
	m.await(c, leader, asleep, "wait_event = 'PgSleep'")
}

func (m *toldSessions) add(c *harness.Cluster, door toldDoor, name string, before []string) *toldSession {
	m.t.Helper()
	cfg, err := pgx.ParseConfig(c.URL(door.node))
	if err != nil {
		m.t.Fatal(err)
	}
	cfg.DefaultQueryExecMode = door.mode
	conn, err := pgx.ConnectConfig(harness.Limited(m.t, harness.QueryLimit), cfg)
	if err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { conn.PgConn().Conn().Close() })
	s := &toldSession{name: door.name + ": " + name, node: door.node, id: m.base + len(m.all), conn: conn}
	for _, sql := range before {
		harness.Run(m.t, conn, strings.ReplaceAll(sql, "ID", fmt.Sprint(s.id)))
	}
	m.all = append(m.all, s)
	return s
}

func (m *toldSessions) await(c *harness.Cluster, leader, count int, condition string) {
	m.t.Helper()
	own := c.Local(m.t, leader)
	defer own.Close(m.t.Context())
	harness.Await(m.t, harness.ServeLimit, "requests to be under way", func(context.Context) error {
		if n := harness.One[int](m.t, own, "SELECT count(*) FROM pg_stat_activity WHERE "+condition); n != count {
			return fmt.Errorf("%d of %d are", n, count)
		}
		return nil
	})
}

// send sends the COMMITs of that name.
func (m *toldSessions) send(name string) {
	for _, s := range m.all {
		if strings.HasSuffix(s.name, ": "+name) {
			s.answer = harness.ExecLater(m.t, s.conn, "COMMIT")
		}
	}
}

// connects opens one more session through each door, which is told something at last.
func (m *toldSessions) connects(c *harness.Cluster, leader int) {
	for _, door := range toldDoors(c, leader) {
		if door.node != leader {
			continue // it stands still
		}
		answer := make(chan error, 1)
		ctx := harness.Limited(m.t, harness.QueryLimit)
		go func() { // bounded by ctx
			conn, err := pgx.Connect(ctx, c.URL(door.node))
			if err == nil {
				conn.Close(ctx)
			}
			answer <- err
		}()
		m.all = append(m.all, &toldSession{name: door.name + ": connecting", node: door.node, id: -1, answer: answer})
	}
}

// executeCommit has COMMIT run without Sync, after which nothing says that the request is answered.
func (s *toldSession) executeCommit(t *testing.T) {
	t.Helper()
	raw, err := s.conn.PgConn().Hijack()
	if err != nil {
		t.Fatal(err)
	}
	s.raw = raw
	t.Cleanup(func() { raw.Conn.Close() })
	raw.Conn.SetDeadline(time.Now().Add(harness.ServeLimit))
	for _, message := range []pgproto3.FrontendMessage{&pgproto3.Parse{Query: "COMMIT"}, &pgproto3.Bind{}, &pgproto3.Execute{}, &pgproto3.Flush{}} {
		raw.Frontend.Send(message)
	}
	if err := raw.Frontend.Flush(); err != nil {
		t.Fatal(err)
	}
	for {
		message, err := raw.Frontend.Receive()
		if err != nil {
			t.Fatal(err)
		}
		if _, done := message.(*pgproto3.CommandComplete); done {
			return
		}
	}
}

// hear notes what the sessions through some nodes are told.
func (m *toldSessions) hear(seen map[string]bool, nodes ...int) {
	for _, s := range m.all {
		if slices.Contains(nodes, s.node) {
			s.hear(m.t)
			seen[s.code] = true
		}
	}
}

// hear notes what the session is told.
func (s *toldSession) hear(t *testing.T) {
	var err error
	switch {
	case s.answer != nil:
		err = <-s.answer
	case s.raw != nil:
		err = s.lastWord()
	default:
		_, err = s.conn.Exec(harness.Limited(t, harness.QueryLimit), s.after)
	}
	if s.code = harness.Code(err); strings.HasPrefix(s.code, "not told") {
		s.code = noCode
	}
}

func (s *toldSession) lastWord() error {
	for {
		message, err := s.raw.Frontend.Receive()
		if err != nil {
			return err
		}
		if told, ok := message.(*pgproto3.ErrorResponse); ok {
			return pgconn.ErrorResponseToPgError(told)
		}
	}
}

// compare compares what sessions through one node were told with what they are to be told.
func (m *toldSessions) compare(node int, event string, tells map[string][]string) {
	for does, codes := range tells {
		heard := map[string]bool{}
		for _, s := range m.all {
			if s.node != node || !strings.HasSuffix(s.name, ": "+does) {
				continue
			}
			heard[s.code] = true
			if !slices.Contains(codes, s.code) {
				m.t.Errorf("%s, %s: it was told %s, want %q", event, s.name, s.code, codes)
			}
		}
		if !heard[codes[0]] {
			m.t.Errorf("%s: no session in the state %q was told %s", event, does, codes[0])
		}
	}
}

// check compares what the sessions were told with the table, and with what is there.
func (m *toldSessions) check(table map[string]string, event string, conn *pgx.Conn) {
	for _, s := range m.all {
		there := harness.One[bool](m.t, conn, "SELECT EXISTS (SELECT FROM told WHERE id = $1)", s.id)
		switch fate := table[s.code]; {
		case s.code == "success": // it asked before its server was gone
			if !there && (strings.HasSuffix(s.name, "has written") || strings.Contains(s.name, "COMMIT")) {
				m.t.Errorf("%s, %s: the COMMIT succeeded, and the row is not there", event, s.name)
			}
		case fate == "":
			m.t.Errorf("%s, %s: it was told %s, which the table does not have", event, s.name, s.code)
		case fate == "refused" && there:
			m.t.Errorf("%s, %s: it was told %s, and the row is there", event, s.name, s.code)
		}
	}
}
