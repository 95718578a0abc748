package transport

import "errors"

var (
	// ErrRefused: one side found that the two do not fit together; the text says why. Trying again does not help.
	ErrRefused = errors.New("peer refused")
	// ErrSecret: the peer could not prove that it holds the cluster's secret.
	ErrSecret = errors.New("the peer does not hold this cluster's secret")
	// ErrVersion: the peer is of a Barista that says other things than this one.
	ErrVersion = errors.New("the peer speaks another version of what nodes say to each other")
	// ErrMalformed: the peer sent what is not of this protocol: a wrong magic, an over-long or a cut-off field.
	ErrMalformed = errors.New("malformed")
	// ErrUnknownPeer: no address is known for that name.
	ErrUnknownPeer = errors.New("unknown peer")
	// ErrNotLoopback: an address outside the loopback interface, which needs TLS, and TLS is not there yet.
	ErrNotLoopback = errors.New("not a loopback address: node-to-node TLS is not there yet")
	// ErrClosed: the transport has been shut down.
	ErrClosed = errors.New("transport closed")
)
