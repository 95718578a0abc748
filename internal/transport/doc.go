// Package transport carries bytes between the nodes of one cluster over one TCP port each. Frames of the agreement go over one
// long-lived stream in each direction of a pair, from a bounded queue that drops rather than blocks; everything else gets a raw
// connection for a named purpose. Every connection begins with a hello in which both sides prove that they hold the cluster's
// secret and that they fit together. The package knows nothing of what the bytes mean, promises no delivery, and refuses to
// leave the loopback interface as long as there is no TLS.
package transport
