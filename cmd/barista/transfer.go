package main

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"github.com/baristadb/barista/internal/admin"
)

// runTransfer has another node lead.
func runTransfer(ctx context.Context, args []string, stdout io.Writer) error {
	flags := newFlags("transfer")
	address := httpFlag(flags)
	to := flags.String("to", "", "`name` of the node that is to lead (default: the most caught-up)")
	if err := parseFlags(flags, args, stdout); err != nil {
		return unlessHelped(err)
	}
	if err := checkHTTP("transfer", *address); err != nil {
		return err
	}
	var done admin.HandOver
	if err := send(ctx, *address, http.MethodPost, "/transfer", *to, &done); err != nil {
		return fmt.Errorf("transfer: %w", err)
	}
	fmt.Fprintf(stdout, "%s leads; it took over from %s in %d ms\n", done.To, done.From, done.MS)
	return nil
}
