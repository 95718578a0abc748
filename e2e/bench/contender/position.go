package contender

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// A position is how far one node is, as its status says.
type position struct {
	Name    string `json:"name"`
	Role    string `json:"role"`
	Chosen  string `json:"chosen"`
	Applied string `json:"applied"`
}

// maxStatusBytes is more than the status of any cluster on one machine.
const maxStatusBytes = 1 << 20

// positions asks the node at address how far all nodes are.
func positions(ctx context.Context, address string) (all []position, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/cluster", nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, fmt.Errorf("ask for the cluster's status: %w", err)
	}
	defer func() { err = errors.Join(err, response.Body.Close()) }()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("ask for the cluster's status: %s", response.Status)
	}
	var answer struct {
		Nodes []position `json:"nodes"`
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, maxStatusBytes)).Decode(&answer); err != nil {
		return nil, fmt.Errorf("ask for the cluster's status: %w", err)
	}
	return answer.Nodes, nil
}

// level reports whether every node has applied what the leader knows to be chosen.
func level(all []position) bool {
	if len(all) < nodes {
		return false
	}
	target := ""
	for _, p := range all {
		if p.Role == "leader" {
			target = p.Chosen
		}
	}
	for _, p := range all {
		if p.Applied == "" || p.Applied != target {
			return false
		}
	}
	return true
}
