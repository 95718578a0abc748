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
	"net/netip"
	"net/url"
	"os"
	"strings"

	"github.com/baristadb/barista/internal/account"
	"github.com/baristadb/barista/internal/admin"
	"github.com/baristadb/barista/internal/config"
)

// tokenVariable is the environment variable that may hold a token. There is no flag for it: everybody on a machine sees a program's flags.
const tokenVariable = "BARISTA_TOKEN"

// nodeFlags say which node a command speaks with, and what it proves itself with.
type nodeFlags struct{ address, tokenFile *string }

func newNodeFlags(flags *flag.FlagSet) nodeFlags {
	return nodeFlags{
		address:   flags.String("http", "127.0.0.1:8080", "HTTP `address` of any node"),
		tokenFile: flags.String("token-file", "", "a `file` with what barista token printed, for use where the node's socket cannot be reached"),
	}
}

// check reports a mistake in what --http was given.
func (f nodeFlags) check(command string) error {
	if _, port, err := net.SplitHostPort(*f.address); err != nil || port == "" {
		return config.Mistakef("%s: --http %s: want HOST:PORT", command, *f.address)
	}
	return nil
}

// token returns the token that the person has given; empty: none.
func (f nodeFlags) token() (string, error) {
	from, token := *f.tokenFile, ""
	if from != "" {
		// A link in somebody's folder might lead to a secret, which looks like a token; and the token goes to whoever answers.
		err := account.Within(from, func() (err error) {
			token, err = config.Token(from)
			return err
		})
		if err != nil {
			return "", err
		}
	} else if from, token = tokenVariable, os.Getenv(tokenVariable); token == "" {
		return "", nil
	}
	if !admin.ValidToken(token) {
		return "", config.Mistakef("what is in %s is no token: barista token prints one, 64 hexadecimal digits", from)
	}
	return token, nil
}

// contact is a way to a node. It neither follows the node's answers to other addresses nor goes through proxies, because it may carry a token.
type contact struct {
	address string
	client  *http.Client
	token   string // empty: none
}

// maxHead is how long the head of a node's answer may be, in bytes.
const maxHead = 64 << 10

// newContact returns a way to the node at address by the connections that dial makes.
func newContact(address, token string, dial func(context.Context, string, string) (net.Conn, error)) *contact {
	return &contact{address: address, token: token, client: &http.Client{
		Transport:     &http.Transport{DialContext: dial, MaxResponseHeaderBytes: maxHead},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Close ends the connections.
func (c *contact) Close() { c.client.CloseIdleConnections() }

// visit returns a way to the node for those who ask without an order: as the operator if that can be shown, else as anybody. The
// caller closes it.
func (f nodeFlags) visit(ctx context.Context) (*contact, error) {
	c, err := f.command(ctx)
	if errors.Is(err, errNoProof) {
		return newContact(*f.address, "", new(net.Dialer).DialContext), nil
	}
	return c, err
}

// command returns a way to the node that proves the operator: with the token that was given, else through the node's socket. The caller
// closes it. Every error is a Mistake or says that no node answers.
func (f nodeFlags) command(ctx context.Context) (*contact, error) {
	token, err := f.token()
	if err != nil {
		return nil, err
	}
	if token != "" {
		return newContact(*f.address, token, new(net.Dialer).DialContext), nil
	}
	path, reached, err := f.findSocket(ctx)
	if err != nil {
		return nil, err
	}
	first, err := dialSocket(ctx, path)
	if err != nil {
		return nil, config.Mistakef("%w: %v", errNoProof, err)
	}
	ready := make(chan net.Conn, 1)
	ready <- first
	// The node refuses what is meant for another address: a liar at this one could name a socket of some other cluster.
	return newContact(reached, "", func(ctx context.Context, _, _ string) (net.Conn, error) {
		select {
		case conn := <-ready:
			return conn, nil
		default:
			return dialSocket(ctx, path)
		}
	}), nil
}

// errNoProof says that the person cannot be shown to be the operator.
var errNoProof = errors.New("the node cannot tell that you are its operator")

// findSocket asks the node where its socket lies, and tells under which address it was reached.
func (f nodeFlags) findSocket(ctx context.Context) (path, reached string, err error) {
	c := newContact(*f.address, "", func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		if err == nil {
			at := conn.RemoteAddr().(*net.TCPAddr).AddrPort()
			reached = netip.AddrPortFrom(at.Addr().Unmap().WithZone(""), at.Port()).String()
		}
		return conn, err
	})
	defer c.Close()
	ctx, stop := context.WithTimeout(ctx, statusTime)
	defer stop()
	said, err := c.ask(ctx, http.MethodGet, "/operator", nil, maxHead)
	if err != nil {
		return "", "", err
	}
	if said.code == http.StatusMisdirectedRequest {
		return "", "", said.refusal()
	}
	var told admin.OperatorSocket
	if said.code != http.StatusOK || json.Unmarshal(said.body, &told) != nil || told.Path == "" {
		return "", "", config.Mistakef("%w: run this on the node's machine, or give --token-file (barista token prints what goes into it)", errNoProof)
	}
	return told.Path, reached, nil
}

// answer is what a node answers.
type answer struct {
	code   int    // of HTTP
	status string // the code with its name
	body   []byte
}

// ask sends a request, with the value as JSON if there is one, and reads the answer up to a number of bytes.
func (c *contact) ask(ctx context.Context, method, path string, value any, most int64) (answer, error) {
	var body io.Reader
	if value != nil {
		text, err := json.Marshal(value)
		if err != nil {
			return answer{}, err
		}
		body = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, "http://"+c.address+path, body)
	if err != nil {
		return answer{}, err
	}
	if value != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	response, err := c.client.Do(request)
	if err != nil {
		return answer{}, fmt.Errorf("no node answers: %w", innermost(err))
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, most))
	if err != nil {
		return answer{}, fmt.Errorf("read its answer: %w", err)
	}
	return answer{code: response.StatusCode, status: response.Status, body: text}, nil
}

// text returns what an answer that is an error says.
func (a answer) text() string { return fmt.Sprintf("%.1000s", strings.TrimSpace(string(a.body))) }

// refusal returns the mistake of a person whom the node does not obey, or nil.
func (a answer) refusal() error {
	switch a.code {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusMisdirectedRequest:
		return config.Mistakef("%s", a.text())
	}
	return nil
}

// innermost drops what the HTTP client puts around an error: the URL is known.
func innermost(err error) error {
	if e, ok := errors.AsType[*net.OpError](err); ok {
		return e.Err
	}
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}
