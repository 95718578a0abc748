package transport

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strings"
)

const proofSize = sha256.Size

// proof is what shows knowledge of the secret: it covers who speaks (so that it cannot be sent back as one's own) and both
// hellos (so that it is worth nothing in another conversation).
func proof(secret []byte, role string, dialler, listener []byte) []byte {
	m := hmac.New(sha256.New, secret)
	m.Write([]byte(role))
	m.Write(dialler)
	m.Write(listener)
	return m.Sum(nil)
}

func newHello(self Identity, purpose string) (hello, error) {
	h := hello{Identity: self, purpose: purpose}
	if _, err := rand.Read(h.nonce[:]); err != nil {
		return hello{}, err
	}
	return h, h.checkLengths()
}

// greet is the dialler's side of the handshake with the node of a name. It returns the listener's identity; the caller bounds the time.
//
// Nothing is proved to another node than that. The proofs do not say whom the dialler meant: whoever took the port of a node that is down could pass them
// on to a third node, and would then have a connection there that counts as the dialler's.
func greet(c io.ReadWriter, self Identity, secret []byte, name, purpose string) (Identity, error) {
	h, err := newHello(self, purpose)
	if err != nil {
		return Identity{}, err
	}
	mine := h.append(nil)
	if _, err := c.Write(mine); err != nil {
		return Identity{}, fmt.Errorf("send hello: %w", err)
	}
	peer, theirs, err := readHello(c)
	if err != nil {
		return Identity{}, fmt.Errorf("read hello: %w", err)
	}
	var got [proofSize]byte
	if _, err := io.ReadFull(c, got[:]); err != nil {
		return Identity{}, fmt.Errorf("read proof: %w", err)
	}
	if !hmac.Equal(got[:], proof(secret, "listener", mine, theirs)) {
		return Identity{}, ErrSecret
	}
	if peer.Name != name {
		return Identity{}, fmt.Errorf("%w: %q answered there", ErrRefused, peer.Name)
	}
	if _, err := c.Write(proof(secret, "dialler", mine, theirs)); err != nil {
		return Identity{}, fmt.Errorf("send proof: %w", err)
	}
	refusal := self.Check(peer.Identity, purpose)
	if _, another := errors.AsType[*AnotherCluster](refusal); another {
		return Identity{}, refusal // the listener says the same, and not whom it means
	}
	if err := readVerdict(c); err != nil {
		return Identity{}, err
	}
	if peer.purpose != purpose {
		return Identity{}, fmt.Errorf("%w: asked for %q, answered %q", ErrMalformed, purpose, peer.purpose)
	}
	return peer.Identity, refusal
}

// welcome is the listener's side of the handshake: it returns who dialled, and for what. allow may refuse a purpose. A reason
// is told only to a dialler that has proved the secret.
func welcome(c io.ReadWriter, self Identity, secret []byte, allow func(purpose string) error) (Identity, string, error) {
	peer, theirs, err := readHello(c)
	if err != nil {
		return Identity{}, "", fmt.Errorf("read hello: %w", err)
	}
	h, err := newHello(self, peer.purpose)
	if err != nil {
		return Identity{}, "", err
	}
	mine := h.append(nil)
	if _, err := c.Write(append(mine[:len(mine):len(mine)], proof(secret, "listener", theirs, mine)...)); err != nil {
		return Identity{}, "", fmt.Errorf("send hello: %w", err)
	}
	var got [proofSize]byte
	if _, err := io.ReadFull(c, got[:]); errors.Is(err, io.EOF) {
		return Identity{}, "", fmt.Errorf("%q went away at our proof; it may hold another secret: %w", peer.Name, err)
	} else if err != nil {
		return Identity{}, "", fmt.Errorf("read proof: %w", err)
	}
	if !hmac.Equal(got[:], proof(secret, "dialler", theirs, mine)) {
		return Identity{}, "", ErrSecret
	}
	err = self.Check(peer.Identity, peer.purpose)
	if err == nil {
		err = allow(peer.purpose)
	}
	if writeErr := writeVerdict(c, err); err == nil && writeErr != nil {
		err = fmt.Errorf("send welcome: %w", writeErr)
	}
	return peer.Identity, peer.purpose, err
}

// writeVerdict sends welcome, or why not.
func writeVerdict(w io.Writer, refusal error) error {
	b := []byte{0}
	if refusal != nil {
		reason := strings.TrimPrefix(refusal.Error(), ErrRefused.Error()+": ")
		b = appendString([]byte{1}, reason[:min(len(reason), maxField)])
	}
	_, err := w.Write(b)
	return err
}

// readVerdict returns nil for welcome, an ErrRefused with the listener's reason otherwise.
func readVerdict(r io.Reader) error {
	c := cursor{r: r}
	switch v := c.bytes(1)[0]; {
	case c.err != nil:
		return fmt.Errorf("read welcome: %w", c.err)
	case v == 0:
		return nil
	case v != 1:
		return fmt.Errorf("%w: verdict %d", ErrMalformed, v)
	}
	reason := c.string()
	if c.err != nil {
		return fmt.Errorf("read refusal: %w", c.err)
	}
	return fmt.Errorf("%w: it says: %s", ErrRefused, reason)
}
