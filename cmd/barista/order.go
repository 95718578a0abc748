package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/baristadb/barista/internal/admin"
	"github.com/baristadb/barista/internal/config"
)

const (
	orderTime = time.Minute // for an order to be carried out
	maxAnswer = 4 << 20     // bytes of a node's answer
)

// httpFlag adds --http to the flags.
func httpFlag(flags *flag.FlagSet) *string {
	return flags.String("http", "127.0.0.1:8080", "HTTP `address` of any node")
}

// checkHTTP reports a mistake in what --http was given.
func checkHTTP(command, address string) error {
	if _, port, err := net.SplitHostPort(address); err != nil || port == "" {
		return config.Mistakef("%s: --http %s: want HOST:PORT", command, address)
	}
	return nil
}

// send asks the node at address to do something about the node of a name, and reads its answer, if one is wanted. An order that is refused is
// told with the reason alone.
func send(ctx context.Context, address, method, path, name string, answer any) error {
	ctx, stop := context.WithTimeout(ctx, orderTime)
	defer stop()
	body, err := json.Marshal(admin.Order{Name: name})
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, method, "http://"+address+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return config.Mistakef("ask %s: no node answers: %w", address, innermost(err))
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("read the answer of %s: %w", address, err)
	}
	if response.StatusCode != http.StatusOK {
		return errors.New(strings.TrimSpace(string(text)))
	}
	if err := json.Unmarshal(text, answer); err != nil {
		return fmt.Errorf("the answer of %s cannot be read: %.100q", address, text)
	}
	return nil
}
