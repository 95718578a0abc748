package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/baristadb/barista/internal/admin"
	"github.com/baristadb/barista/internal/config"
)

const (
	orderTime = time.Minute // for an order to be carried out
	maxAnswer = 4 << 20     // bytes of a node's answer
)

// give has a node carry out an order about the node of a name, and reads what it answers. An order that is refused is told with the
// reason alone.
func (f nodeFlags) give(ctx context.Context, path, name string, result any) error {
	c, err := f.command(ctx)
	if err != nil {
		return config.Mistakef("ask %s: %w", *f.address, err)
	}
	defer c.Close()
	return c.read(ctx, *f.address, http.MethodPost, path, admin.Order{Name: name}, result)
}

// read sends a request and reads its answer, which is JSON.
func (c *contact) read(ctx context.Context, address, method, path string, value, result any) error {
	ctx, stop := context.WithTimeout(ctx, orderTime)
	defer stop()
	said, err := c.ask(ctx, method, path, value, maxAnswer)
	if err != nil {
		return config.Mistakef("ask %s: %w", address, err)
	}
	if err := said.refusal(); err != nil {
		return config.Mistakef("ask %s: %w", address, err)
	}
	if said.code != http.StatusOK {
		return errors.New(said.text())
	}
	if err := json.Unmarshal(said.body, result); err != nil {
		return fmt.Errorf("the answer of %s cannot be read: %.100q", address, said.body)
	}
	return nil
}
