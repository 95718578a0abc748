package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"syscall"
	"time"

	"github.com/baristadb/barista/e2e/bench/contender"
	"github.com/baristadb/barista/e2e/bench/measure"
	"github.com/baristadb/barista/internal/devcluster"
)

// failoverOptions are the flags of the measurement of failovers.
type failoverOptions struct {
	place
	times, writers int
}

func parseFailover(args []string, stdout io.Writer) (failoverOptions, error) {
	var o failoverOptions
	flags := newFlags("failover", &o.place)
	flags.IntVar(&o.times, "times", 5, "`number` of leaders to kill")
	flags.IntVar(&o.writers, "writers", 4, "`number` of writers at each of the survivors' ports")
	if err := parseFlags(flags, args, stdout); err != nil {
		return o, err
	}
	return o, checkPositive(map[string]int{"times": o.times, "writers": o.writers})
}

const (
	flowLimit     = 30 * time.Second // until the writers write
	failoverLimit = time.Minute      // until they do so again
)

// runFailover kills leaders under writers and prints how long no write was acknowledged.
func runFailover(ctx context.Context, args []string, stdout io.Writer) (err error) {
	o, err := parseFailover(args, stdout)
	if err != nil {
		return err
	}
	s, err := newStage(ctx, o.place, []string{"barista"}, stdout)
	defer func() { err = errors.Join(err, s.close(ctx)) }()
	if err != nil {
		return err
	}
	b := s.contenders[0].(*contender.Barista) // the only kind that was asked for
	l := newLedger()
	if err := l.create(ctx, b); err != nil {
		return err
	}
	var took []time.Duration
	for i := range o.times {
		one, err := failover(ctx, b, l, o.writers)
		if err != nil {
			return fmt.Errorf("failover %d of %d: %w", i+1, o.times, err)
		}
		fmt.Fprintf(stdout, "failover %d of %d: %s, first acknowledged write after %.3f s\n", i+1, o.times, one.killed, one.took.Seconds())
		took = append(took, one.took)
		if err := restart(ctx, b); err != nil {
			return fmt.Errorf("after failover %d of %d: %w", i+1, o.times, err)
		}
	}
	fmt.Fprintf(stdout, "from the kill to the first acknowledged write: min %.3f s, median %.3f s, max %.3f s\n",
		slices.Min(took).Seconds(), measure.Median(took).Seconds(), slices.Max(took).Seconds())
	return l.check(ctx, b, stdout)
}

// A death is one killed leader, and how long it took until a write was acknowledged again.
type death struct {
	killed string
	took   time.Duration
}

// failover lets writers write at the ports of those that do not lead, kills the leader's barista and server, and
// waits until a write that began after the kill has been acknowledged.
func failover(ctx context.Context, b *contender.Barista, l *ledger, writers int) (death, error) {
	leader, err := b.Leader(ctx)
	if err != nil {
		return death{}, err
	}
	var survivors []string
	for k, node := range b.Cluster().Nodes() {
		if k+1 != leader {
			survivors = append(survivors, node.Config.PG)
		}
	}
	writing, stop := context.WithCancel(ctx)
	crew := l.start(writing, survivors, writers)
	defer crew.wait()
	defer stop()
	if err := crew.awaitFlow(ctx, 10*writers); err != nil {
		return death{}, err
	}
	victim := b.Cluster().Node(leader)
	barista, err := victim.PID()
	if err != nil {
		return death{}, err
	}
	server, err := victim.PostmasterPID()
	if err != nil {
		return death{}, err
	}
	killed := time.Now()
	if err := errors.Join(kill(barista), kill(server)); err != nil {
		return death{}, fmt.Errorf("kill %s: %w", victim.Config.Name, err)
	}
	dead := time.Now()
	first, err := crew.awaitFirst(ctx, dead)
	if err == nil {
		err = awaitDeath(ctx, victim)
	}
	return death{victim.Config.Name, first.Sub(killed)}, err
}

// awaitDeath waits until the kernel has told that the process is gone: only then can the node be started again.
func awaitDeath(ctx context.Context, victim *devcluster.Node) error {
	select {
	case <-victim.Ended():
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// kill sends SIGKILL. The server may have died before, of barista's death.
func kill(pid int) error {
	if pid == 0 {
		return errors.New("it does not run")
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		return err
	}
	return nil
}

// restart starts the node that was killed and waits until all nodes serve and are level.
func restart(ctx context.Context, b *contender.Barista) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startLimit, errors.New("the node does not come back"))
	defer cancel()
	if err := b.Cluster().Start(ctx); err != nil {
		return err
	}
	if err := b.Cluster().WaitReady(ctx); err != nil {
		return err
	}
	return b.Settle(ctx)
}
