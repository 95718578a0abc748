package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"text/tabwriter"

	"github.com/baristadb/barista/internal/admin"
	"github.com/baristadb/barista/internal/config"
)

// runMembers shows who belongs to the cluster, or changes it by one node.
func runMembers(ctx context.Context, args []string, stdout io.Writer) error {
	actions := map[string]func(context.Context, []string, io.Writer) error{
		"list": listMembers, "add": addMember, "remove": removeMember, "pardon": pardonMember,
	}
	if len(args) > 0 && actions[args[0]] != nil {
		return actions[args[0]](ctx, args[1:], stdout)
	}
	if len(args) > 0 && slices.Contains([]string{"-h", "-help", "--help", "help"}, args[0]) {
		_, err := io.WriteString(stdout, "usage: barista members list|add|remove|pardon [NAME] [FLAGS]\n")
		return err
	}
	return config.Mistakef("members: say list, add NAME, remove NAME or pardon NAME")
}

func listMembers(ctx context.Context, args []string, stdout io.Writer) error {
	flags := newFlags("members list")
	node := newNodeFlags(flags)
	if err := parseFlags(flags, args, stdout); err != nil {
		return unlessHelped(err)
	}
	if err := node.check("members list"); err != nil {
		return err
	}
	c, err := node.visit(ctx)
	if err != nil {
		return config.Mistakef("members list: ask %s: %w", *node.address, err)
	}
	defer c.Close()
	var members admin.Membership
	if err := c.read(ctx, *node.address, http.MethodGet, "/members", nil, &members); err != nil {
		return fmt.Errorf("members list: %w", err)
	}
	table := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "NODE\tMEMBER\tNUMBER\tADDRESS")
	for _, m := range members.Members {
		fmt.Fprintf(table, "%s\t%s\t%d\t%s\n", m.Name, m.Standing(), m.Node, m.Address)
	}
	for _, e := range members.Expected {
		standing := "expected"
		if e.Spare {
			standing = "expected as a spare"
		}
		fmt.Fprintf(table, "%s\t%s\t-\t-\n", e.Name, standing)
	}
	for _, name := range members.Removed {
		fmt.Fprintf(table, "%s\tremoved\t-\t-\n", name)
	}
	return table.Flush()
}

func addMember(ctx context.Context, args []string, stdout io.Writer) error {
	flags := newFlags("members add")
	node := newNodeFlags(flags)
	spare := flags.Bool("spare", false, "let it join as a spare, which keeps up without a vote")
	name, err := parseNamed(flags, args, stdout)
	if err != nil {
		return unlessHelped(err)
	}
	if err := node.check("members add"); err != nil {
		return err
	}
	path, becomes := "/members/add", "becomes a voting member"
	if *spare {
		path, becomes = "/members/add-spare", "stays a spare"
	}
	var members admin.Membership
	if err := node.give(ctx, path, name, &members); err != nil {
		return fmt.Errorf("members add: %w", err)
	}
	if slices.ContainsFunc(members.Members, func(m admin.Member) bool { return m.Name == name }) {
		fmt.Fprintf(stdout, "%s is there; it %s when it is up to date\n", name, becomes)
		return nil
	}
	fmt.Fprintf(stdout, "%s may join: start it with the cluster's secret and a member among its peers; it %s when it is up to date\n", name, becomes)
	return nil
}

func removeMember(ctx context.Context, args []string, stdout io.Writer) error {
	flags := newFlags("members remove")
	node := newNodeFlags(flags)
	name, err := parseNamed(flags, args, stdout)
	if err != nil {
		return unlessHelped(err)
	}
	if err := node.check("members remove"); err != nil {
		return err
	}
	var members admin.Membership
	if err := node.give(ctx, "/members/remove", name, &members); err != nil {
		return fmt.Errorf("members remove: %w", err)
	}
	_, err = fmt.Fprintf(stdout, "%s is no member any more; its process stops, and its journal is of no use any more\n", name)
	return err
}

// pardonMember has a node whose folder is an older copy vote from it. What the copy lacks may be lost by that.
func pardonMember(ctx context.Context, args []string, stdout io.Writer) error {
	flags := newFlags("members pardon")
	node := newNodeFlags(flags)
	name, err := parseNamed(flags, args, stdout)
	if err != nil {
		return unlessHelped(err)
	}
	if err := node.check("members pardon"); err != nil {
		return err
	}
	var members admin.Membership
	if err := node.give(ctx, "/members/pardon", name, &members); err != nil {
		return fmt.Errorf("members pardon: %w", err)
	}
	_, err = fmt.Fprintf(stdout, "%s votes again from the folder that it has; what that has forgotten may be lost\n", name)
	return err
}
