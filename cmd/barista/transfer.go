package main

import (
	"context"
	"fmt"
	"io"

	"github.com/baristadb/barista/internal/admin"
)

// runTransfer has another node lead.
func runTransfer(ctx context.Context, args []string, stdout io.Writer) error {
	flags := newFlags("transfer")
	node := newNodeFlags(flags)
	to := flags.String("to", "", "`name` of the node that is to lead (default: the most caught-up)")
	if err := parseFlags(flags, args, stdout); err != nil {
		return unlessHelped(err)
	}
	if err := node.check("transfer"); err != nil {
		return err
	}
	var done admin.HandOver
	if err := node.give(ctx, "/transfer", *to, &done); err != nil {
		return fmt.Errorf("transfer: %w", err)
	}
	fmt.Fprintf(stdout, "%s leads; it took over from %s in %d ms\n", done.To, done.From, done.MS)
	return nil
}
