package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/baristadb/barista/internal/config"
	"github.com/baristadb/barista/internal/devcluster"
)

// demoDir is where the demo's cluster lies unless --dir says otherwise: a folder that the user postgres can enter
// wherever barista was built, with a short path (a unix socket's may have 107 bytes), and on a disk.
const demoDir = "/var/tmp/barista-demo"

// readyLimit is how long a cluster may take until it serves; a new one makes a server and copies it to each node.
const readyLimit = 3 * time.Minute

// demoOptions are the demo's flags.
type demoOptions struct {
	cluster devcluster.Options
	command string
}

// runDemo runs a cluster until a signal ends it, or while a command runs.
func runDemo(ctx context.Context, args []string, stdout io.Writer) error {
	o, err := parseDemo(args, stdout)
	if err != nil {
		return unlessHelped(err)
	}
	o.cluster.Binary, err = os.Executable()
	if err != nil {
		return fmt.Errorf("find barista's own program: %w", err)
	}
	cluster, err := devcluster.New(o.cluster)
	if err != nil {
		return err
	}
	if o.command == "" {
		err := demonstrate(ctx, cluster, stdout, watchNodes)
		return errors.Join(err, stopCluster(ctx, cluster))
	}
	// Stdout belongs to the command, and the exit status too: that the cluster's end was not in order is only told.
	err = demonstrate(ctx, cluster, os.Stderr, func(ctx context.Context, cluster *devcluster.Cluster, _ io.Writer) error {
		return runCommand(ctx, cluster, o.command)
	})
	if err := stopCluster(ctx, cluster); err != nil {
		fmt.Fprintf(os.Stderr, "barista: %v\n", err)
	}
	return err
}

func stopCluster(ctx context.Context, cluster *devcluster.Cluster) error {
	return cluster.Stop(context.WithoutCancel(ctx)) // it has a limit of its own
}

func parseDemo(args []string, stdout io.Writer) (demoOptions, error) {
	var o demoOptions
	flags := newFlags("demo")
	flags.IntVar(&o.cluster.Nodes, "nodes", 0, "`number` of nodes (default 3, or as many as the folder holds)")
	flags.StringVar(&o.cluster.Dir, "dir", demoDir, "`folder` of the cluster; one that holds a cluster is resumed")
	flags.IntVar(&o.cluster.PgPort, "pg-port", 6432, "the first node's `port` for PostgreSQL clients")
	flags.IntVar(&o.cluster.ThriftPort, "thrift-port", 9000, "the first node's `port` for Thrift clients")
	flags.IntVar(&o.cluster.HTTPPort, "http-port", 8080, "the first node's `port` for HTTP")
	flags.StringVar(&o.command, "run", "", "a shell `command` to run when the cluster serves, after which it is stopped")
	if err := parseFlags(flags, args, stdout); err != nil {
		return o, err
	}
	flags.Visit(func(f *flag.Flag) {
		if f.Name == "nodes" && o.cluster.Nodes == 0 {
			o.cluster.Nodes = -1 // 0 would mean that the person did not say
		}
	})
	for name, port := range map[string]int{"pg-port": o.cluster.PgPort, "thrift-port": o.cluster.ThriftPort, "http-port": o.cluster.HTTPPort} {
		if port < 1 || port > 65535 {
			return o, config.Mistakef("demo: --%s %d: a port is a number from 1 to 65535", name, port)
		}
	}
	return o, nil
}

// demonstrate starts the cluster and, once it serves, does the rest.
func demonstrate(ctx context.Context, cluster *devcluster.Cluster, news io.Writer,
	rest func(context.Context, *devcluster.Cluster, io.Writer) error) error {
	fmt.Fprintf(news, "starting a cluster in %s; number of nodes: %d\n", cluster.Dir(), len(cluster.Nodes()))
	if err := becomeReady(ctx, cluster); err != nil {
		if ctx.Err() != nil {
			return nil // told to stop before it was ready
		}
		return err
	}
	fmt.Fprint(news, instructions(cluster))
	return rest(ctx, cluster, news)
}

func becomeReady(ctx context.Context, cluster *devcluster.Cluster) error {
	ctx, cancel := context.WithTimeout(ctx, readyLimit)
	defer cancel()
	if err := cluster.Start(ctx); err != nil {
		return err
	}
	if err := cluster.WaitReady(ctx); err != nil {
		return fmt.Errorf("%w (each node's folder in %s has its barista.log and server.log)", err, cluster.Dir())
	}
	return nil
}

// instructions tell how to use the cluster. The line with the word ready is the last.
func instructions(cluster *devcluster.Cluster) string {
	var text strings.Builder
	say := func(what, how string, args ...any) {
		fmt.Fprintf(&text, "  %-10s"+how+"\n", append([]any{what}, args...)...)
	}
	self, err := os.Executable()
	if err != nil {
		self = "barista"
	}
	for _, node := range cluster.Nodes() {
		host, port, _ := net.SplitHostPort(node.Config.PG) // devcluster made it
		say(node.Config.Name, "psql -h %s -p %s -U postgres", host, port)
	}
	first := cluster.Nodes()[0]
	say("status", "%s status --http %s", self, first.Config.HTTP)
	say("compare", "%s verify --http %s", self, first.Config.HTTP)
	say("kill", "kill -9 $(cat %s)", first.Config.PIDFile())
	say("restart", "%s start --config %s", self, first.ConfigFile())
	say("stop", "Ctrl-C")
	fmt.Fprintf(&text, "ready: connect to any node, with any PostgreSQL client\n")
	return text.String()
}

// watchNodes tells when a node ends, until ctx ends. A node that ended stays down.
func watchNodes(ctx context.Context, cluster *devcluster.Cluster, news io.Writer) error {
	ends := make(chan *devcluster.Node)
	for _, node := range cluster.Nodes() {
		go func() { // ends with ctx at the latest
			select {
			case <-node.Ended():
			case <-ctx.Done():
				return
			}
			select {
			case ends <- node:
			case <-ctx.Done():
			}
		}()
	}
	for {
		select {
		case <-ctx.Done():
			fmt.Fprintln(news, "stopping all nodes")
			return nil
		case node := <-ends:
			fmt.Fprintf(news, "%s has ended; its log is %s; it can be started again by hand\n", node.Config.Name, node.Config.LogFile())
		}
	}
}

// runCommand runs the command with the cluster in its environment. Its exit status becomes ours.
func runCommand(ctx context.Context, cluster *devcluster.Cluster, command string) error {
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", command)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), demoEnvironment(cluster)...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
	err := cmd.Run()
	if exit, found := errors.AsType[*exec.ExitError](err); found {
		return ExitError{Code: shellStatus(exit)}
	}
	return err
}

func demoEnvironment(cluster *devcluster.Cluster) []string {
	host, port, _ := net.SplitHostPort(cluster.Nodes()[0].Config.PG) // devcluster made it
	return []string{
		"PGHOST=" + host,
		"PGPORT=" + port,
		"PGUSER=postgres",
		"PGDATABASE=postgres",
		"BARISTA_DIR=" + cluster.Dir(),
		"BARISTA_NODES=" + cluster.Addresses(),
	}
}

// shellStatus is the exit status that a shell would report: 128 and the signal's number for a process that a signal
// killed.
func shellStatus(exit *exec.ExitError) int {
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return exit.ExitCode()
}
