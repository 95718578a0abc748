package doors

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/baristadb/barista/e2e/harness"
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
	logLine = regexp.MustCompile(`^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ \w+ \[(\d+)\] (?:(\S+@\S*) )?([A-Z]+):  (.*)$`)
	doing   = regexp.MustCompile(`barista_apply: .*`)
	// Rows that are stored and statements that run again need users' code, and indexes that are emptied. Comparing, for instance, does not.
	needed = regexp.MustCompile(`barista_apply|barista_empty_unlogged`)
)

// sightings reads what the spies wrote into the logs of all nodes.
func sightings(t testing.TB, c *harness.Cluster) (all []sighting) {
	t.Helper()
	for _, node := range c.Nodes() {
		text, err := os.ReadFile(node.Config.ServerLogFile())
		if err != nil {
			t.Fatal(err)
		}
		last := make(map[string]int) // by process, the sighting whose context is read
		process := ""
		for line := range strings.Lines(string(text)) {
			line = strings.TrimSuffix(line, "\n")
			parts := logLine.FindStringSubmatch(line)
			if parts != nil {
				process = parts[1]
				if spied, found := strings.CutPrefix(parts[4], "spy "); found {
					s := sighting{node: node.Config.Name, client: parts[2]}
					if err := json.NewDecoder(strings.NewReader(spied)).Decode(&s); err != nil { // a place in the statement may follow
						t.Fatalf("%s: %v", line, err)
					}
					all = append(all, s)
					last[process] = len(all) - 1
					continue
				}
				if parts[3] != "CONTEXT" && parts[3] != "STATEMENT" {
					delete(last, process)
				}
			}
			at, found := last[process]
			if !found {
				continue
			}
			if applied := doing.FindString(line); applied != "" {
				all[at].during = applied
			} else if parts != nil && parts[3] == "STATEMENT" && all[at].during == "" {
				all[at].during = parts[4]
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
	if s.User != s.Owner && (s.User != s.Session || slices.Contains(powerful, s.User)) {
		wrongs = append(wrongs, "it runs as "+s.User)
	}
	if !s.ours() {
		return wrongs // the server's own workers
	}
	if !needed.MatchString(s.during) {
		wrongs = append(wrongs, "nothing there needs it")
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
	where := make(map[string][]string) // on which nodes, in what, by what was wrong
	var order []string
	note := func(what string, s sighting) {
		if where[what] == nil {
			order = append(order, what)
		}
		if at := s.node + " in " + s.during; !slices.Contains(where[what], at) {
			where[what] = append(where[what], at)
		}
	}
	for _, s := range all {
		if wrongs := s.wrongs(powerful); len(wrongs) > 0 {
			note(s.Place+": "+strings.Join(wrongs, "; "), s)
		}
		if s.ours() && slices.Contains(powerful, s.Session) {
			note("users' code runs in sessions of role "+s.Session+", who may do more than ordinary roles", s)
		}
	}
	const shown = 4
	for _, what := range order {
		t.Errorf("%s, %d times, such as on\n\t%s", what, len(where[what]), strings.Join(where[what][:min(shown, len(where[what]))], "\n\t"))
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
func powerful(t testing.TB, c *harness.Cluster) []string {
	t.Helper()
	conn := c.Connect(t, 1)
	return harness.One[[]string](t, conn, `SELECT array_agg(r.rolname::text) FROM pg_roles r
		WHERE r.rolsuper OR r.rolcreaterole OR r.rolcreatedb OR r.rolbypassrls
			OR EXISTS (SELECT FROM pg_roles o WHERE o.oid <> r.oid AND pg_has_role(r.oid, o.oid, 'MEMBER'))`)
}
