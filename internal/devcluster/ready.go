package devcluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// maxStatusBytes is more than the status of any cluster on one machine.
const maxStatusBytes = 1 << 20

// NodeStatus is what the cluster says of one of its nodes, as far as this package needs it.
type NodeStatus struct {
	Name   string `json:"name"`
	Role   string `json:"role"`
	Server string `json:"server"`
}

// Status asks node k (from 1) about the whole cluster.
func (c *Cluster) Status(ctx context.Context, k int) ([]NodeStatus, error) {
	var answer struct {
		Nodes []NodeStatus `json:"nodes"`
	}
	node := c.Node(k)
	if err := getJSON(ctx, "http://"+node.Config.HTTP+"/cluster", &answer); err != nil {
		return nil, fmt.Errorf("ask %s: %w", node.Config.Name, err)
	}
	return answer.Nodes, nil
}

// Leader returns the number (from 1) of the node that leads with an open gate, as that node itself says, or 0.
func (c *Cluster) Leader(ctx context.Context) int {
	for k, node := range c.nodes {
		if status, err := getStatus(ctx, "http://"+node.Config.HTTP+"/primary"); err == nil && status == http.StatusOK {
			return k + 1
		}
	}
	return 0
}

// WaitReady waits until every node is a member and serves: one leads, the others follow it and are caught up. It
// fails early when a node's process ends.
func (c *Cluster) WaitReady(ctx context.Context) error {
	all := make([]int, len(c.nodes))
	for i := range all {
		all[i] = i + 1
	}
	return c.WaitServing(ctx, all...)
}

// WaitServing is WaitReady for some of the nodes (numbers from 1), while others may be down.
func (c *Cluster) WaitServing(ctx context.Context, nodes ...int) error {
	poll := time.NewTicker(50 * time.Millisecond)
	defer poll.Stop()
	for {
		err := c.serving(ctx, nodes)
		if err == nil {
			return nil
		}
		for _, k := range nodes {
			if fate := c.Node(k).Fate(); fate != nil {
				return fmt.Errorf("a node ended: %w", fate)
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w; the cluster is not ready: %w", context.Cause(ctx), err)
		case <-poll.C:
		}
	}
}

// serving returns nil if exactly one of the nodes leads, the others follow, and each says so itself.
func (c *Cluster) serving(ctx context.Context, nodes []int) error {
	leaders := 0
	for _, k := range nodes {
		address := "http://" + c.Node(k).Config.HTTP
		primary, err := getStatus(ctx, address+"/primary")
		if err != nil {
			return err
		}
		if primary == http.StatusOK {
			leaders++
			continue
		}
		replica, err := getStatus(ctx, address+"/replica")
		if err != nil {
			return err
		}
		if replica != http.StatusOK {
			return fmt.Errorf("%s neither leads nor is caught up", c.Node(k).Config.Name)
		}
	}
	if leaders != 1 {
		return fmt.Errorf("%d nodes lead", leaders)
	}
	return c.agreed(ctx, nodes)
}

// agreed returns nil if the cluster as a whole counts each of the nodes as the leader or a follower.
func (c *Cluster) agreed(ctx context.Context, nodes []int) error {
	said, err := c.Status(ctx, nodes[0])
	if err != nil {
		return err
	}
	roles := map[string]string{}
	for _, node := range said {
		roles[node.Name] = node.Role
	}
	for _, k := range nodes {
		name := c.Node(k).Config.Name
		if role := roles[name]; role != "leader" && role != "follower" {
			return fmt.Errorf("%s is %s", name, strings.TrimSpace("not a member "+role))
		}
	}
	return nil
}

// answerLimit is how long a node may take to answer one question.
const answerLimit = 5 * time.Second

func get(ctx context.Context, url string, use func(*http.Response) error) error {
	ctx, cancel := context.WithTimeout(ctx, answerLimit)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	return errors.Join(use(response), response.Body.Close())
}

func getStatus(ctx context.Context, url string) (int, error) {
	status := 0
	err := get(ctx, url, func(response *http.Response) error {
		status = response.StatusCode
		return nil
	})
	return status, err
}

func getJSON(ctx context.Context, url string, into any) error {
	return get(ctx, url, func(response *http.Response) error {
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("%s: %s", url, response.Status)
		}
		return json.NewDecoder(io.LimitReader(response.Body, maxStatusBytes)).Decode(into)
	})
}
