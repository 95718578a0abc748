package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/baristadb/barista/internal/config"
	"github.com/baristadb/barista/internal/verify"
)

// maxReport limits what is read of a node's answer, in bytes.
const maxReport = 64 << 20

// errNotCompared says that a comparison was asked for rightly and could not be made.
var errNotCompared = errors.New("the nodes were not compared")

// runVerify has one node compare all nodes and writes its report. It ends with status 1 if they differ, or one was stopped because
// it did; with 3 if no difference was found and a node was not compared.
func runVerify(ctx context.Context, args []string, stdout io.Writer) error {
	flags := newFlags("verify")
	node := newNodeFlags(flags)
	if err := parseFlags(flags, args, stdout); err != nil {
		return unlessHelped(err)
	}
	if err := node.check("verify"); err != nil {
		return err
	}
	report, err := requestVerification(ctx, node)
	if err != nil {
		if config.IsMistake(err) {
			return fmt.Errorf("verify: ask %s: %w", *node.address, err)
		}
		return fmt.Errorf("verify: %w: ask %s: %w", errNotCompared, *node.address, err)
	}
	if _, err := io.WriteString(stdout, report.String()); err != nil {
		return err
	}
	switch {
	case report.Identical:
		return nil
	case report.Incomplete():
		return ExitError{Code: statusPartly}
	}
	return ExitError{Code: statusFailed}
}

// requestVerification waits until the node has compared all nodes.
func requestVerification(ctx context.Context, node nodeFlags) (verify.Report, error) {
	c, err := node.command(ctx)
	if err != nil {
		return verify.Report{}, err
	}
	defer c.Close()
	said, err := c.ask(ctx, http.MethodPost, "/verify", struct{}{}, maxReport)
	if err != nil {
		return verify.Report{}, err
	}
	if err := said.refusal(); err != nil {
		return verify.Report{}, err
	}
	if said.code != http.StatusOK {
		return verify.Report{}, fmt.Errorf("%s: %s", said.status, said.text())
	}
	var report verify.Report
	if err := json.Unmarshal(said.body, &report); err != nil {
		return verify.Report{}, fmt.Errorf("read its answer: %w", err)
	}
	if !report.Identical && !report.Incomplete() && len(report.Differences) == 0 && len(report.Stopped) == 0 {
		return verify.Report{}, fmt.Errorf("its answer is no report: %.100q", said.body)
	}
	return report, nil
}
