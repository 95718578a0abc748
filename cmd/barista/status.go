package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/baristadb/barista/internal/admin"
	"github.com/baristadb/barista/internal/config"
	"github.com/baristadb/barista/internal/verify"
)

const (
	statusTime = 10 * time.Second // for a node to ask all others and answer
	maxStatus  = 4 << 20          // bytes of a node's answer
)

// runStatus asks one node how all are, and writes a table, or with --json the answer as it came.
func runStatus(ctx context.Context, args []string, stdout io.Writer) error {
	flags := newFlags("status")
	node := newNodeFlags(flags)
	asJSON := flags.Bool("json", false, "write JSON for programs instead of a table")
	if err := parseFlags(flags, args, stdout); err != nil {
		return unlessHelped(err)
	}
	if err := node.check("status"); err != nil {
		return err
	}
	cluster, err := requestCluster(ctx, node)
	if err != nil {
		return config.Mistakef("status: ask %s: %w", *node.address, err)
	}
	if *asJSON {
		return writeStatusJSON(stdout, cluster)
	}
	return writeStatusTable(stdout, cluster)
}

// requestCluster asks the node about all nodes.
func requestCluster(ctx context.Context, node nodeFlags) (admin.Cluster, error) {
	ctx, stop := context.WithTimeout(ctx, statusTime)
	defer stop()
	c, err := node.visit(ctx)
	if err != nil {
		return admin.Cluster{}, err
	}
	defer c.Close()
	said, err := c.ask(ctx, http.MethodGet, "/cluster", nil, maxStatus)
	if err != nil {
		return admin.Cluster{}, err
	}
	if err := said.refusal(); err != nil {
		return admin.Cluster{}, err
	}
	if said.code != http.StatusOK {
		return admin.Cluster{}, fmt.Errorf("%s: %s", said.status, said.text())
	}
	var cluster admin.Cluster
	if err := json.Unmarshal(said.body, &cluster); err != nil || len(cluster.Nodes) == 0 {
		return admin.Cluster{}, fmt.Errorf("its answer tells of no nodes: %.100q", said.body)
	}
	return cluster, nil
}

func writeStatusJSON(w io.Writer, cluster admin.Cluster) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(cluster)
}

// writeStatusTable writes a line for each node.
func writeStatusTable(w io.Writer, cluster admin.Cluster) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "NODE\tROLE\tMEMBER\tBALLOT\tCHOSEN\tAPPLIED\tLAG\tSERVER\tDETAIL")
	for _, n := range cluster.Nodes {
		lag := "-"
		if n.Role != admin.Unreachable {
			lag = strconv.FormatUint(n.Lag, 10)
		}
		row := []string{n.Name, string(n.Role), n.Member, n.Ballot, n.Chosen, n.Applied, lag, string(n.Server)}
		for i := range row {
			if row[i] == "" {
				row[i] = "-"
			}
		}
		fmt.Fprintf(table, "%s\t%s\n", strings.Join(row, "\t"), oneLine(n.Detail))
	}
	return table.Flush()
}

// oneLine makes a text from elsewhere fit for one line, and harmless for a terminal.
func oneLine(text string) string { return verify.Printable(strings.Join(strings.Fields(text), " ")) }
