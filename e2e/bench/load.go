package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/baristadb/barista/e2e/bench/contender"
	"github.com/baristadb/barista/e2e/bench/measure"
)

// A load is what pgbench does in one run.
type load struct {
	workload workload
	clients  int
	seconds  int
}

func (l load) String() string {
	if l.clients == 1 {
		return fmt.Sprintf("%v, 1 client", l.workload)
	}
	return fmt.Sprintf("%v, %d clients", l.workload, l.clients)
}

// A workload is one of pgbench's built-in scripts.
type workload string

const (
	tpcb   workload = "tpcb-like"     // five statements, with rows that all clients update
	simple workload = "simple-update" // pgbench -N: without those
)

func (w workload) String() string {
	if w == tpcb {
		return "TPC-B-like"
	}
	return "-N"
}

func pgbench(ctx context.Context, programs, address string, args ...string) (string, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "", err
	}
	args = append([]string{"--host=" + host, "--port=" + port, "--username=" + contender.User}, args...)
	output, err := contender.Run(contender.Programs(programs).Command(ctx, "pgbench", append(args, contender.Database)...))
	if ctx.Err() != nil {
		return output, context.Cause(ctx)
	}
	return output, err
}

// fill makes pgbench's tables; scale 1 is 100,000 accounts.
func fill(ctx context.Context, programs, address string, scale int) error {
	_, err := pgbench(ctx, programs, address, "--initialize", "--quiet", "--scale="+strconv.Itoa(scale))
	return err
}

// run puts the load on what listens at address and returns pgbench's own words.
func (l load) run(ctx context.Context, programs, address string, more ...string) (string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, time.Duration(l.seconds)*time.Second+time.Minute, errors.New("pgbench hangs"))
	defer cancel()
	return pgbench(ctx, programs, address, append([]string{
		"--no-vacuum", "--protocol=prepared",
		"--builtin=" + string(l.workload),
		"--client=" + strconv.Itoa(l.clients),
		"--jobs=" + strconv.Itoa(min(l.clients, runtime.NumCPU())),
		"--time=" + strconv.Itoa(l.seconds),
	}, more...)...)
}

// result reads pgbench's words. A failed transaction is an error: these workloads have none.
func result(text string) (measure.Result, error) {
	r, err := measure.ParseResult(text)
	if err == nil && (r.Failed > 0 || r.Transactions == 0) {
		err = fmt.Errorf("%d transactions failed and %d did not: %s", r.Failed, r.Transactions, strings.TrimSpace(text))
	}
	return r, err
}

// checkSums is pgbench's own invariant: what was added to accounts, tellers and branches is what the history tells.
func checkSums(ctx context.Context, address string) (err error) {
	conn, err := contender.Connect(ctx, address)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	var accounts, history, tellers, branches int64
	if err := conn.QueryRow(ctx, `SELECT (SELECT sum(abalance) FROM pgbench_accounts),
		(SELECT coalesce(sum(delta), 0) FROM pgbench_history),
		(SELECT sum(tbalance) FROM pgbench_tellers),
		(SELECT sum(bbalance) FROM pgbench_branches)`).Scan(&accounts, &history, &tellers, &branches); err != nil {
		return err
	}
	if accounts != history || tellers != branches {
		return fmt.Errorf("the sums do not agree: accounts %d, history %d; tellers %d, branches %d", accounts, history, tellers, branches)
	}
	return nil
}
