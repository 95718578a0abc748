package main

import (
	"context"
	"errors"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/baristadb/barista/e2e/bench/contender"
	"github.com/baristadb/barista/e2e/bench/measure"
	"github.com/baristadb/barista/internal/config"
)

// frequency is how often perf looks at each processor, in Hz: no divisor or multiple of the kernel's ticks.
const frequency = 997

// tracedCalls are the system calls whose number and time tell where a commit waits: for the disk, to send, to wake
// someone. Each more that is traced slows everything down.
const tracedCalls = "fdatasync,fsync,pwrite64,write,writev,sendto,futex"

// checkPerf reports a config.Mistake if the machine cannot be profiled.
func checkPerf() error {
	if _, err := exec.LookPath("perf"); err != nil {
		return config.Mistakef("perf is missing: install linux-perf: %w", err)
	}
	return nil
}

func perf(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "perf", args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGINT) } // it then writes what it has
	cmd.WaitDelay = 10 * time.Second
	return cmd
}

// sampleStacks looks at what all processors do for some seconds.
func sampleStacks(ctx context.Context, folder string, seconds int) ([]measure.Stack, error) {
	file := filepath.Join(folder, "perf.data")
	if _, err := contender.Run(perf(ctx, "record", "--all-cpus", "-g", "--freq="+strconv.Itoa(frequency), "--output="+file,
		"--", "sleep", strconv.Itoa(seconds))); err != nil {
		return nil, err
	}
	output, err := perf(ctx, "script", "--input="+file, "--fields=comm,pid,ip,sym,dso").Output()
	if err != nil {
		return nil, errors.Join(errors.New("perf script failed"), err)
	}
	return measure.ParseStacks(string(output)), nil
}

// traceCalls counts the system calls of all processes for some seconds.
func traceCalls(ctx context.Context, seconds int) ([]measure.Calls, error) {
	output, err := contender.Run(perf(ctx, "trace", "--all-cpus", "--summary", "--event="+tracedCalls, "--", "sleep", strconv.Itoa(seconds)))
	return measure.ParseCalls(output), err
}
