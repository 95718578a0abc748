package doors

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/baristadb/barista/e2e/harness"
)

var pairPattern = regexp.MustCompile(`^\d+\.\d+$`)

func TestStatus(t *testing.T) {
	// barista status names every node once, with the fields that scripts rely on, whichever node is asked.
	c := harness.SharedCluster(t)
	harness.Run(t, c.Connect(t, 1), "CREATE TABLE status_shown (k int)")
	c.VerifyAll(t) // all have applied it
	for _, k := range c.All() {
		nodes := c.StatusJSON(t, k)
		if len(nodes) != len(c.Nodes()) {
			t.Fatalf("n%d tells of %d nodes", k, len(nodes))
		}
		leaders := 0
		for i, n := range nodes {
			if n["name"] != c.Node(i+1).Config.Name {
				t.Errorf("node %d is called %v", i+1, n["name"])
			}
			for _, field := range []string{"ballot", "chosen", "applied"} {
				if text, ok := n[field].(string); !ok || !pairPattern.MatchString(text) {
					t.Errorf("%v: %s is %v", n["name"], field, n[field])
				}
			}
			if n["chosen"] != n["applied"] {
				t.Errorf("%v: nothing is under way, and chosen is %v and applied %v", n["name"], n["chosen"], n["applied"])
			}
			if n["server"] != "running" {
				t.Errorf("%v: the server is %v", n["name"], n["server"])
			}
			switch n["role"] {
			case "leader":
				leaders++
			case "follower":
			default:
				t.Errorf("%v: the role is %v", n["name"], n["role"])
			}
		}
		if leaders != 1 {
			t.Errorf("n%d tells of %d leaders", k, leaders)
		}
	}
	status, table, _ := c.Barista(t, "status", "--http", c.Node(2).Config.HTTP)
	if status != 0 || strings.Count(table, "\n") != 1+len(c.Nodes()) {
		t.Errorf("barista status: status %d:\n%s", status, table)
	}
}

func TestMistakes(t *testing.T) {
	// Whoever types something wrong is told so in one line, with exit status 2.
	c := harness.SharedCluster(t)
	broken := filepath.Join(t.TempDir(), "node.yaml")
	if err := os.WriteFile(broken, []byte("name: n1\nbeans: 3\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, port, _ := strings.Cut(c.Node(1).Config.PG, ":")
	for _, args := range [][]string{
		{},
		{"brew"},
		{"status", "--http", "nowhere"},
		{"status", "--cold"},
		{"status", "milk"},
		{"verify", "--http", ":"},
		{"start"},
		{"start", "--config", filepath.Join(t.TempDir(), "none.yaml")},
		{"start", "--config", broken},
		{"start", "--config", c.Node(1).ConfigFile()}, // it runs already
		{"init", "--config", c.Node(1).ConfigFile()},
		{"demo", "--nodes", "many"},
		{"demo", "--dir", t.TempDir(), "--pg-port", port},
	} {
		status, out, errs := c.Barista(t, args...)
		if status != 2 || strings.Count(strings.TrimSpace(errs), "\n") != 0 || strings.TrimSpace(errs) == "" {
			t.Errorf("barista %s: status %d, want 2 and one line:\n%s%s", strings.Join(args, " "), status, out, errs)
		}
	}
}
