package exttest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// pair is a leader and a follower that applies what the leader's gate chose.
type pair struct {
	leader, follower *server

	mu      sync.Mutex
	applied int // proposals of the leader's log; guarded by mu
}

var (
	pairOnce   sync.Once
	pairShared *pair
	pairError  error

	// moreShared are stopped at the end of the test run.
	moreShared []*server
)

// sharedPair is a pair for tests that leave its gates as they are. Each of
// them uses objects of its own.
func sharedPair(t testing.TB) *pair {
	t.Helper()
	if env.skip != "" {
		t.Skip(env.skip)
	}
	pairOnce.Do(func() {
		pairShared = &pair{}
		if pairShared.leader, pairError = newSharedServer(options{}); pairError != nil {
			return
		}
		pairShared.leader.open(firstEpoch)
		// Little memory, so that what may spill does.
		pairShared.follower, pairError = newSharedServer(options{settings: []string{"maintenance_work_mem=1MB"}})
	})
	if pairError != nil {
		t.Fatalf("start a pair: %v", pairError)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("leader's log:\n%s", tail(pairShared.leader.logged()))
			t.Logf("follower's log:\n%s", tail(pairShared.follower.logged()))
		}
	})
	return pairShared
}

// newSharedServer starts a server that lives until the end of the test run.
func newSharedServer(o options) (*server, error) {
	s, err := newServer(o)
	if err != nil {
		return s, err
	}
	moreShared = append(moreShared, s)
	if err := s.start(o); err != nil {
		return s, fmt.Errorf("%w\n%s", err, s.logged())
	}
	return s, s.introduce()
}

func tail(log string) string {
	const shown = 4000
	return log[max(0, len(log)-shown):]
}

// startPair starts a pair that ends with the test.
func startPair(t testing.TB) *pair {
	t.Helper()
	p := &pair{leader: startServer(t, options{}), follower: startServer(t, options{})}
	p.leader.open(firstEpoch)
	return p
}

// run runs statements on the leader, and what was captured on the follower.
func (p *pair) run(t testing.TB, statements ...string) {
	t.Helper()
	execute(t, p.leader.connect(t), statements...)
	p.sync(t)
}

// sync applies to the follower what it has not seen, one transaction each.
func (p *pair) sync(t testing.TB) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	log := p.leader.gate.chosen()
	for ; p.applied < len(log); p.applied++ {
		p.follower.apply(t, log[p.applied])
	}
}

// same checks that both have the same schema and the same rows.
func (p *pair) same(t testing.TB) {
	t.Helper()
	p.sync(t)
	compareDumps(t, p.leader, p.follower, "pg_dumpall", "--roles-only")
	compareDumps(t, p.leader, p.follower, "pg_dump", "--schema-only", "-d", "postgres")
	compareDumps(t, p.leader, p.follower, "pg_dump", "--data-only", "--inserts", "-d", "postgres")
}

func compareDumps(t testing.TB, a, b *server, program string, args ...string) {
	t.Helper()
	x, y := a.dump(t, program, args...), b.dump(t, program, args...)
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

// dump returns a dump's lines. Those of rows are sorted, since their order has
// no meaning; sequences are left out, since they compare by horizon, and so are
// psql's commands with their random keys.
func (s *server) dump(t testing.TB, program string, args ...string) []string {
	t.Helper()
	cmd := env.command(program, append([]string{"-h", s.dir, "-U", "postgres"}, args...)...)
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

// refused runs a statement and checks that it fails with this SQLSTATE.
func refused(t testing.TB, conn *pgx.Conn, sqlstate, sql string) *pgconn.PgError {
	t.Helper()
	_, err := conn.Exec(testContext(t), sql)
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

// sameLargeObjects checks that both servers hold the same large objects, page
// by page.
func (p *pair) sameLargeObjects(t testing.TB) {
	t.Helper()
	p.sync(t)
	leader, follower := value(t, p.leader.connect(t), largeObjects), value(t, p.follower.connect(t), largeObjects)
	if leader != follower {
		t.Errorf("large objects differ\nleader:\n%s\nfollower:\n%s", leader, follower)
	}
}
