package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A sighting is one run of the spy, as it wrote it into a server's log.
type sighting struct {
	Place       string
	Owner       string // of the function that ran
	User        string // current_user
	Session     string // session_user
	IsSuperuser string `json:"is_superuser"`
	Restricted  *bool  // in a security-restricted operation: a change of role is refused there; nil: it was not tried
	Became      []string
	Wrote       []string
	Path        string
	OpenPath    []string `json:"others_may_create_in"` // schemas of the path in which somebody else may put what is found there

	node   string
	client string // as whom and where the client of this server process logged in; empty: it has none
	during string // what the server says around it
}

// ours reports whether it was in a session of Barista's own.
func (s sighting) ours() bool { return strings.HasPrefix(s.client, "barista@") }

var (
	logLine = regexp.MustCompile(`^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ \w+ \[\d+\] (?:(\S+@\S*) )?([A-Z]+):  (.*)$`)
	doing   = regexp.MustCompile(`barista_apply: .*`)
)

// sightings reads what the spies wrote into the logs of all nodes.
func (c *cluster) sightings(t testing.TB) (all []sighting) {
	t.Helper()
	for _, node := range c.Nodes() {
		text, err := os.ReadFile(node.Config.ServerLogFile())
		if err != nil {
			t.Fatal(err)
		}
		var last *sighting // whose context is read
		for line := range strings.Lines(string(text)) {
			parts := logLine.FindStringSubmatch(strings.TrimSuffix(line, "\n"))
			spied := ""
			if parts != nil {
				spied, _ = strings.CutPrefix(parts[3], "spy ")
			}
			switch {
			case parts != nil && spied != parts[3]:
				s := sighting{node: node.Config.Name, client: parts[1]}
				if err := json.NewDecoder(strings.NewReader(spied)).Decode(&s); err != nil { // a place in the statement may follow
					t.Fatalf("%s: %v", line, err)
				}
				all = append(all, s)
				last = &all[len(all)-1]
			case last == nil:
			case parts != nil && parts[2] == "STATEMENT" && last.during == "":
				last.during = parts[3]
			case parts != nil && parts[2] != "CONTEXT" && parts[2] != "STATEMENT":
				last = nil
			default:
				if found := doing.FindString(line); found != "" {
					last.during = found
				}
			}
		}
	}
	return all
}

// wrongs says what is wrong with the rights that a function of an ordinary role had. powerful are the roles with more than an ordinary role's rights.
func (s sighting) wrongs(powerful []string) (wrongs []string) {
	if s.client != "" && !s.ours() {
		return nil // a client who runs somebody's functions does so by himself
	}
	if s.User != s.Owner && (s.User != "barista" || slices.Contains(powerful, s.User)) {
		wrongs = append(wrongs, "it runs as "+s.User)
	}
	if !s.ours() {
		return wrongs // the server's own workers
	}
	if s.Restricted != nil && !*s.Restricted {
		wrongs = append(wrongs, "it is in no security-restricted operation")
	}
	for _, became := range s.Became {
		wrongs = append(wrongs, "it gets another role by "+became)
	}
	for _, wrote := range s.Wrote {
		wrongs = append(wrongs, "it writes by "+wrote)
	}
	for _, schema := range s.OpenPath {
		wrongs = append(wrongs, "its path holds "+schema+", where others may create")
	}
	return wrongs
}

// checkSightings fails the test for each place where users' code had too many rights, and once for all that ran in sessions of a role that has them.
func checkSightings(t testing.TB, all []sighting, powerful []string) {
	t.Helper()
	seen := make(map[string][]string) // the nodes, by what was wrong
	var order []string
	note := func(what, node string) {
		if seen[what] == nil {
			order = append(order, what)
		}
		if !slices.Contains(seen[what], node) {
			seen[what] = append(seen[what], node)
		}
	}
	for _, s := range all {
		if wrongs := s.wrongs(powerful); len(wrongs) > 0 {
			note(fmt.Sprintf("%s: %s, in %s", s.Place, strings.Join(wrongs, "; "), s.during), s.node)
		}
		if s.ours() && slices.Contains(powerful, s.Session) {
			note("users' code runs in sessions of role "+s.Session+", who may do more than ordinary roles", s.node)
		}
	}
	for _, what := range order {
		t.Errorf("%s, on %s", what, strings.Join(seen[what], " and "))
	}
}

// checkReach fails the test for a plant that did not run where it is meant to: it would show nothing.
func checkReach(t testing.TB, all []sighting, plants []plant) {
	t.Helper()
	for _, p := range plants {
		for _, where := range p.runs {
			reached := slices.ContainsFunc(all, func(s sighting) bool {
				place, _, _ := strings.Cut(s.Place, "/")
				return place == p.places[0] && (where == "follower" && s.ours() || where == "client" && s.client != "" && !s.ours())
			})
			if !reached && where != "never" {
				t.Errorf("%s: the plant ran in no session of a %s", p.places[0], where)
			}
		}
	}
}

// powerful are the roles that may do more than an ordinary role, or take another one that may.
func (c *cluster) powerful(t testing.TB) []string {
	t.Helper()
	conn := c.connect(t, 1)
	return one[[]string](t, conn, `SELECT array_agg(r.rolname::text) FROM pg_roles r
		WHERE r.rolsuper OR r.rolcreaterole OR r.rolcreatedb OR r.rolbypassrls
			OR EXISTS (SELECT FROM pg_roles o WHERE o.oid <> r.oid AND pg_has_role(r.oid, o.oid, 'MEMBER'))`)
}

func (s sighting) String() string {
	return fmt.Sprintf("%s on %s for %q: user %s, session %s (is_superuser %s), restricted %v, became %q, wrote %q, path %q, open %q, during %s",
		s.Place, s.node, s.client, s.User, s.Session, s.IsSuperuser, s.Restricted, s.Became, s.Wrote, s.Path, s.OpenPath, s.during)
}
