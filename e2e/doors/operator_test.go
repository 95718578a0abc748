package doors

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/baristadb/barista/e2e/harness"
	"github.com/baristadb/barista/internal/devcluster"
)

func TestOperatorAlone(t *testing.T) {
	// What a user's function says when it fails on a follower is told to the operator, through the socket or with a token, and in no answer to anybody
	// else; nor does anybody else give an order.
	const told = "hello from a function of users"
	c := harness.StartCluster(t, devcluster.Options{})
	follower := c.Follower(t)
	name := c.Node(follower).Config.Name
	harness.Run(t, c.Connect(t, 1), fmt.Sprintf(`CREATE FUNCTION elsewhere(k int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN
		IF current_setting('cluster_name') = 'barista-%s' THEN RAISE EXCEPTION '%s'; END IF; RETURN k; END $$`, name, told),
		"CREATE TABLE stopping (k int); CREATE INDEX ON stopping (elsewhere(k))", "INSERT INTO stopping VALUES (1)")
	harness.Await(t, harness.ServeLimit, "the follower to set the index aside", func(context.Context) error {
		if status, table, errs := c.Barista(t, "status", "--http", c.Node(follower).Config.HTTP); status != 0 || !strings.Contains(table, told) {
			return fmt.Errorf("barista status: status %d\n%s%s", status, table, errs)
		}
		return nil
	})

	for _, k := range c.All() {
		for _, path := range []string{"/health", "/primary", "/replica", "/status", "/cluster", "/members", "/operator"} {
			if code, text := strangers(t, c, http.MethodGet, k, path); strings.Contains(text, told) || code == http.StatusUnauthorized {
				t.Errorf("n%d%s answers %d: %s", k, path, code, text)
			}
		}
		for _, path := range []string{"/verify", "/transfer", "/members/add", "/members/add-spare", "/members/remove", "/members/pardon"} {
			if code, text := strangers(t, c, http.MethodPost, k, path); code != http.StatusUnauthorized {
				t.Errorf("n%d%s answers %d: %s", k, path, code, text)
			}
		}
		if status, table, errs := c.Barista(t, "status", "--http", c.Node(k).Config.HTTP); status != 0 || !strings.Contains(table, told) {
			t.Errorf("barista status through n%d does not tell the operator: status %d\n%s%s", k, status, table, errs)
		}
	}

	status, token, errs := c.Barista(t, "token", "--config", c.Node(follower).ConfigFile())
	if status != 0 {
		t.Fatalf("barista token: status %d: %s", status, errs)
	}
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(token), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, k := range c.All() {
		if err := os.Remove(c.Node(k).Config.AdminSocket()); err != nil {
			t.Fatal(err)
		}
		if status, table, _ := c.Barista(t, "status", "--http", c.Node(k).Config.HTTP); status != 0 || strings.Contains(table, told) {
			t.Errorf("barista status without proof through n%d: status %d\n%s", k, status, table)
		}
		if status, _, errs := c.Barista(t, "transfer", "--http", c.Node(k).Config.HTTP); status != 2 || !strings.Contains(errs, "--token-file") {
			t.Errorf("barista transfer without proof through n%d: status %d: %s", k, status, errs)
		}
		if status, table, errs := c.Barista(t, "status", "--http", c.Node(k).Config.HTTP, "--token-file", file); status != 0 || !strings.Contains(table, told) {
			t.Errorf("barista status with a token through n%d: status %d\n%s%s", k, status, table, errs)
		}
	}
	if status, report, errs := c.Barista(t, "verify", "--http", c.Node(1).Config.HTTP, "--token-file", file); status != 0 || !strings.HasPrefix(report, "identical") {
		t.Errorf("barista verify with a token: status %d\n%s%s", status, report, errs)
	}
}

// strangers asks node k as somebody does who has no proof.
func strangers(t testing.TB, c *harness.Cluster, method string, k int, path string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(harness.Limited(t, harness.QueryLimit), method, "http://"+c.Node(k).Config.HTTP+path, strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}
