package transport

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
)

func identity(name string) Identity {
	return Identity{Cluster: [16]byte{1}, Name: name, Incarnation: 7, ServerMajor: 15, Collation: "UTF8 2.36"}
}

// shake runs both sides of a handshake over a pipe.
func shake(dialler, listener Identity, diallerSecret, listenerSecret, purpose string) (dialErr, listenErr error) {
	a, b := net.Pipe()
	done := make(chan error)
	go func() {
		defer b.Close()
		from, got, err := welcome(b, listener, []byte(listenerSecret), func(purpose string) error {
			if purpose == "tea" {
				return fmt.Errorf("%w: no tea here", ErrRefused)
			}
			return nil
		})
		if err == nil && (from != dialler || got != purpose) {
			err = fmt.Errorf("the listener saw %+v for %q", from, got)
		}
		done <- err
	}()
	id, dialErr := greet(a, dialler, []byte(diallerSecret), listener.Name, purpose)
	if dialErr == nil && id != listener {
		dialErr = fmt.Errorf("the dialler saw %+v", id)
	}
	a.Close()
	return dialErr, <-done
}

// Two nodes that fit together learn each other's identity; for each thing that may not fit both sides refuse, and say what it is.
func TestHandshake(t *testing.T) {
	with := func(change func(*Identity)) Identity {
		id := identity("n2")
		change(&id)
		return id
	}
	joiner := with(func(id *Identity) { id.Cluster = [16]byte{} })
	tests := []struct {
		name     string
		listener Identity
		purpose  string
		secret   string // the listener's
		dial     error  // the dialler's error
		text     string // in both errors
	}{
		{"fits", identity("n2"), PurposePaxos, "s", nil, ""},
		{"another incarnation fits", with(func(id *Identity) { id.Incarnation = 99 }), PurposePaxos, "s", nil, ""},
		{"another secret", identity("n2"), PurposePaxos, "other", ErrSecret, ""},
		{"another cluster", with(func(id *Identity) { id.Cluster[0] = 2 }), PurposePaxos, "s", ErrRefused, "another cluster"},
		{"another major", with(func(id *Identity) { id.ServerMajor = 16 }), PurposePaxos, "s", ErrRefused, "PostgreSQL 16"},
		{"another collation", with(func(id *Identity) { id.Collation = "UTF8 2.41" }), PurposePaxos, "s", ErrRefused, "UTF8 2.41"},
		{"the same name", with(func(id *Identity) { id.Name = "n1" }), PurposePaxos, "s", ErrRefused, "own name"},
		{"a joiner may not vote", joiner, PurposePaxos, "s", ErrRefused, "none yet"},
		{"a joiner may ask", joiner, PurposeControl, "s", nil, ""},
		{"a joiner may copy", joiner, PurposeBackup, "s", nil, ""},
		{"a purpose that is not served", identity("n2"), "tea", "s", ErrRefused, "no tea here"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dialErr, listenErr := shake(identity("n1"), tt.listener, "s", tt.secret, tt.purpose)
			if !errors.Is(dialErr, tt.dial) || (listenErr == nil) != (tt.dial == nil) {
				t.Fatalf("dialler: %v; listener: %v", dialErr, listenErr)
			}
			if tt.text != "" && (!strings.Contains(dialErr.Error(), tt.text) || !strings.Contains(listenErr.Error(), tt.text)) {
				t.Errorf("dialler: %v; listener: %v; want %q", dialErr, listenErr, tt.text)
			}
		})
	}
}

// A dialler that only repeats what the listener proved is not let in.
func TestReflectedProof(t *testing.T) {
	a, b := net.Pipe()
	defer a.Close()
	done := make(chan error)
	go func() {
		defer b.Close()
		_, _, err := welcome(b, identity("n2"), []byte("s"), func(string) error { return nil })
		done <- err
	}()
	h, err := newHello(identity("n1"), PurposePaxos)
	if err != nil {
		t.Fatal(err)
	}
	a.Write(h.append(nil))
	if _, _, err := readHello(a); err != nil {
		t.Fatal(err)
	}
	var got [proofSize]byte
	if _, err := io.ReadFull(a, got[:]); err != nil {
		t.Fatal(err)
	}
	a.Write(got[:])
	if err := <-done; !errors.Is(err, ErrSecret) {
		t.Errorf("the listener said %v", err)
	}
}

// Who takes the port of a node that is down, and passes on what is said there to another node, is let in by nobody: the dialler proves nothing to
// a node that it did not mean.
func TestRelayedHandshake(t *testing.T) {
	dialler, fake := net.Pipe()
	relayed, listener := net.Pipe()
	dialled, welcomed := make(chan error, 1), make(chan error, 1)
	go func() {
		defer dialler.Close()
		_, err := greet(dialler, identity("n2"), []byte("s"), "n3", PurposeControl)
		dialled <- err
	}()
	go func() {
		defer listener.Close()
		_, _, err := welcome(listener, identity("n1"), []byte("s"), func(string) error { return nil })
		welcomed <- err
	}()
	var back sync.WaitGroup
	back.Go(func() { // ends when the listener is done
		io.Copy(fake, relayed)
		fake.Close()
	})
	io.Copy(relayed, fake)
	relayed.Close()
	back.Wait()
	if err := <-dialled; !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), `"n1" answered`) {
		t.Errorf("the dialler: %v", err)
	}
	if err := <-welcomed; err == nil {
		t.Error("the listener let in who only passed on a handshake that was meant for another node")
	}
}
