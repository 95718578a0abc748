package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/baristadb/barista/internal/verify"
)

// maxReport limits what is read of a node's answer, in bytes.
const maxReport = 64 << 20

// runVerify has one node compare all nodes and writes its report. It ends with status 1 if they differ, or one was stopped because
// it did. Nodes that cannot be reached are named, and do not count.
func runVerify(ctx context.Context, args []string, stdout io.Writer) error {
	flags := newFlags("verify")
	address := httpFlag(flags)
	if err := parseFlags(flags, args, stdout); err != nil {
		return unlessHelped(err)
	}
	if err := checkHTTP("verify", *address); err != nil {
		return err
	}
	report, err := requestVerification(ctx, *address)
	if err != nil {
		return fmt.Errorf("verify: ask %s: %w", *address, err)
	}
	if _, err := io.WriteString(stdout, report.String()); err != nil {
		return err
	}
	if !report.Identical {
		return ExitError{Code: statusFailed}
	}
	return nil
}

// requestVerification waits until the node at address has compared all nodes.
func requestVerification(ctx context.Context, address string) (verify.Report, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+"/verify", nil)
	if err != nil {
		return verify.Report{}, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return verify.Report{}, fmt.Errorf("no node answers: %w", innermost(err))
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxReport))
	if err != nil {
		return verify.Report{}, fmt.Errorf("read its answer: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		return verify.Report{}, fmt.Errorf("%s: %.500s", response.Status, strings.TrimSpace(string(body)))
	}
	var report verify.Report
	if err := json.Unmarshal(body, &report); err != nil {
		return verify.Report{}, fmt.Errorf("read its answer: %w", err)
	}
	if !report.Identical && len(report.Differences) == 0 && len(report.Stopped) == 0 {
		return verify.Report{}, fmt.Errorf("its answer is no report: %.100q", body)
	}
	return report, nil
}
