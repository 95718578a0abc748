package harness

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/baristadb/barista/internal/admin"
)

// StatusJSON asks node k by barista status --json and returns what it says of each node.
func (c *Cluster) StatusJSON(t testing.TB, k int) []map[string]any {
	t.Helper()
	status, out, errs := c.Barista(t, "status", "--http", c.Node(k).Config.HTTP, "--json")
	if status != 0 {
		t.Fatalf("barista status: status %d: %s", status, errs)
	}
	var answer struct {
		Nodes []map[string]any `json:"nodes"`
	}
	if err := json.Unmarshal([]byte(out), &answer); err != nil {
		t.Fatalf("barista status --json: %v:\n%s", err, out)
	}
	return answer.Nodes
}

// OwnStatus asks one node how it is.
func OwnStatus(ctx context.Context, url string) (own admin.Status, err error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return own, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return own, err
	}
	return own, errors.Join(json.NewDecoder(response.Body).Decode(&own), response.Body.Close())
}
