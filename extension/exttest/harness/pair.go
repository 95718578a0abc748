package harness

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/baristadb/barista/internal/changeset"
)

// Pair is a leader and a follower that applies what the leader's gate chose.
type Pair struct {
	Leader, Follower *Server

	mu      sync.Mutex
	Applied int // proposals of the leader's log; guarded by mu
}

var (
	pairOnce   sync.Once
	pairShared *Pair
	pairError  error

	// moreShared are stopped at the end of the test run.
	moreShared []*Server
)

// SharedPair is a pair for tests that leave its gates as they are. Each of
// them uses objects of its own.
func SharedPair(t testing.TB) *Pair {
	t.Helper()
	if env.skip != "" {
		t.Skip(env.skip)
	}
	pairOnce.Do(func() {
		pairShared = &Pair{}
		if pairShared.Leader, pairError = newSharedServer(Options{}); pairError != nil {
			return
		}
		pairShared.Leader.Open(FirstEpoch)
		// Little memory, so that what may spill does.
		pairShared.Follower, pairError = newSharedServer(Options{Settings: []string{"maintenance_work_mem=1MB"}})
	})
	if pairError != nil {
		t.Fatalf("start a pair: %v", pairError)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("leader's log:\n%s", tail(pairShared.Leader.Logged()))
			t.Logf("follower's log:\n%s", tail(pairShared.Follower.Logged()))
		}
	})
	return pairShared
}

// newSharedServer starts a server that lives until the end of the test run.
func newSharedServer(o Options) (*Server, error) {
	s, err := newServer(o)
	if err != nil {
		return s, err
	}
	moreShared = append(moreShared, s)
	if err := s.start(o); err != nil {
		return s, fmt.Errorf("%w\n%s", err, s.Logged())
	}
	return s, s.introduce()
}

func tail(log string) string {
	const shown = 4000
	return log[max(0, len(log)-shown):]
}

// StartPair starts a pair that ends with the test.
func StartPair(t testing.TB) *Pair {
	t.Helper()
	p := &Pair{Leader: StartServer(t, Options{}), Follower: StartServer(t, Options{})}
	p.Leader.Open(FirstEpoch)
	return p
}

// Run runs statements on the leader, and what was captured on the follower.
func (p *Pair) Run(t testing.TB, statements ...string) {
	t.Helper()
	Execute(t, p.Leader.Connect(t), statements...)
	p.Sync(t)
}

// Sync applies to the follower what it has not seen, one transaction each.
func (p *Pair) Sync(t testing.TB) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	log := p.Leader.Gate.Chosen()
	for ; p.Applied < len(log); p.Applied++ {
		p.Follower.Apply(t, log[p.Applied])
	}
}

// Same checks that both have the same schema, with the same OIDs, and the same rows.
func (p *Pair) Same(t testing.TB) {
	t.Helper()
	p.Sync(t)
	CompareDumps(t, p.Leader, p.Follower, "pg_dumpall", "--roles-only")
	CompareDumps(t, p.Leader, p.Follower, "pg_dump", "--schema-only", "-d", "postgres")
	CompareDumps(t, p.Leader, p.Follower, "pg_dump", "--data-only", "--inserts", "-d", "postgres")
	p.SameOIDs(t, "postgres")
}

// CompareDumps checks that a program dumps the same of two servers.
func CompareDumps(t testing.TB, a, b *Server, program string, args ...string) {
	t.Helper()
	x, y := a.Dump(t, program, args...), b.Dump(t, program, args...)
	if slices.Equal(x, y) {
		return
	}
	t.Errorf("%s %s differs", program, strings.Join(args, " "))
	for _, line := range x {
		if !slices.Contains(y, line) {
			t.Errorf("only the leader: %s", line)
		}
	}
	for _, line := range y {
		if !slices.Contains(x, line) {
			t.Errorf("only the follower: %s", line)
		}
	}
}

// Dump returns a dump's lines. Those of rows are sorted, since their order has
// no meaning; sequences are left out, since they compare by horizon, and so are
// psql's commands with their random keys.
func (s *Server) Dump(t testing.TB, program string, args ...string) []string {
	t.Helper()
	cmd := env.command(program, append([]string{"-h", s.Dir, "-U", "postgres"}, args...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", program, err, out)
	}
	var lines []string
	for line := range strings.Lines(string(out)) {
		if !strings.HasPrefix(line, "SELECT pg_catalog.setval(") && !strings.HasPrefix(line, `\`) {
			lines = append(lines, line)
		}
	}
	if slices.Contains(args, "--data-only") {
		slices.Sort(lines)
	}
	return lines
}

// Refused runs a statement and checks that it fails with this SQLSTATE.
func Refused(t testing.TB, conn *pgx.Conn, sqlstate, sql string) *pgconn.PgError {
	t.Helper()
	_, err := conn.Exec(Context(t), sql)
	var failure *pgconn.PgError
	if !errors.As(err, &failure) || failure.Code != sqlstate {
		t.Errorf("%s: %v, not SQLSTATE %s", sql, err, sqlstate)
		return &pgconn.PgError{}
	}
	return failure
}

// largeObjects is all that the catalogs hold of large objects, in text.
const largeObjects = `select coalesce(string_agg(line, E'\n' order by line), '') from (
	select format('%s: %s %s %s', oid, pg_get_userbyid(lomowner), lomacl, obj_description(oid, 'pg_largeobject')) from pg_largeobject_metadata
	union all select format('%s/%s: %s %s', loid, to_char(pageno, 'FM0000000000'), length(data), md5(data)) from pg_largeobject
	union all select format('depends: %s %s', objid, refobjid::regrole) from pg_shdepend
		where classid = 'pg_largeobject'::regclass and dbid = (select oid from pg_database where datname = current_database())
) as l(line)`

// SameLargeObjects checks that both servers hold the same large objects, page
// by page.
func (p *Pair) SameLargeObjects(t testing.TB) {
	t.Helper()
	p.Sync(t)
	leader, follower := Value(t, p.Leader.Connect(t), largeObjects), Value(t, p.Follower.Connect(t), largeObjects)
	if leader != follower {
		t.Errorf("large objects differ\nleader:\n%s\nfollower:\n%s", leader, follower)
	}
}

// SameAnswer checks that both answer alike.
func SameAnswer(t testing.TB, p *Pair, query string) {
	t.Helper()
	p.Sync(t)
	leader, follower := Answer(t, p.Leader.Connect(t), query), Answer(t, p.Follower.Connect(t), query)
	if leader != follower || leader == "" {
		t.Errorf("%s:\nleader   %s\nfollower %s", query, leader, follower)
	}
}

// Answer returns the rows of a query as text, in the order of their text.
func Answer(t testing.TB, conn *pgx.Conn, query string) string {
	t.Helper()
	rows, err := conn.Query(Context(t), query)
	if err != nil {
		t.Fatal(err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (string, error) {
		values, err := row.Values()
		return fmt.Sprint(values...), err
	})
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	slices.Sort(all)
	return strings.Join(all, "\n")
}

// MessagesOf returns the messages of a proposal's payload.
func MessagesOf(t testing.TB, from *Proposal) (all []changeset.Message) {
	t.Helper()
	r := changeset.NewReader(from.Set.Payload)
	for {
		m, err := r.Next()
		if err != nil {
			return all
		}
		all = append(all, m)
	}
}

// CountStatements counts the recorded statements from one proposal on.
func CountStatements(t testing.TB, p *Pair, from int) int {
	t.Helper()
	n := 0
	for _, statement := range Recorded(t, p, from) {
		n++
		t.Logf("%s: %s", statement.Tag, statement.Text)
	}
	return n
}

// Recorded returns the recorded statements from one proposal on.
func Recorded(t testing.TB, p *Pair, from int) (statements []changeset.Statement) {
	t.Helper()
	for _, proposal := range p.Leader.Gate.Chosen()[from:] {
		r := changeset.NewReader(proposal.Set.Payload)
		for {
			m, err := r.Next()
			if err != nil {
				break
			}
			if s, ok := m.(changeset.Statement); ok {
				statements = append(statements, s)
			}
		}
	}
	return statements
}
