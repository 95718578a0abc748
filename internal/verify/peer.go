package verify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// peer is one node, asked over HTTP, with a session opened there.
type peer struct {
	node   string
	client *http.Client
	opened openAnswer
}

func (p *peer) digest(ctx context.Context, only []Subject) (NodeDigest, error) {
	d := NodeDigest{Node: p.node, Role: p.opened.Role}
	err := p.ask(ctx, pathDigest, digestRequest{Session: p.opened.Session, Only: only}, &d.Digest)
	return d, err
}

// groups asks for the path's groups; the session in the request is filled in.
func (p *peer) groups(ctx context.Context, path string, request groupRequest) (groups []Group, err error) {
	request.Session = p.opened.Session
	return groups, p.ask(ctx, path, request, &groups)
}

func (p *peer) close(ctx context.Context) error {
	return p.ask(ctx, pathClose, closeRequest{Session: p.opened.Session}, &struct{}{})
}

// stoppedError is a node's word that its server was stopped, and why. It matches ErrStopped.
type stoppedError string

func (e stoppedError) Error() string { return string(e) }

func (stoppedError) Is(target error) bool { return target == ErrStopped }

// ask posts a request and reads the answer.
func (p *peer) ask(ctx context.Context, path string, request, into any) error {
	body, err := json.Marshal(request)
	if err != nil {
		return fmt.Errorf("write request: %w", err)
	}
	post, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+p.node+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	post.Header.Set("Content-Type", "application/json")
	response, err := p.client.Do(post)
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		return wrapped.Err // the transport names the peer
	}
	if err != nil {
		return err
	}
	defer response.Body.Close()
	limited := io.LimitReader(response.Body, maxAnswer)
	if response.StatusCode != http.StatusOK {
		words, _ := io.ReadAll(io.LimitReader(limited, 1000)) // the status alone would do
		if response.StatusCode == http.StatusGone {
			return stoppedError(strings.TrimSpace(string(words)))
		}
		return fmt.Errorf("%s: %s", response.Status, strings.TrimSpace(string(words)))
	}
	if err := json.NewDecoder(limited).Decode(into); err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	return nil
}
