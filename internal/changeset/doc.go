// Package changeset reads and writes what an entry of the log carries: change
// sets, chunks of large ones, sequence states and marks; the messages inside a
// change set's payload; and the batches that a server applies.
//
// It is pure. Every decoder treats its input as hostile: lengths are checked
// against what is left before anything is allocated, and an unknown kind, flag
// or form is an error that matches [ErrMalformed]. The package decides nothing:
// whether a change set is void, and where it stands, is the caller's business.
//
// The byte formats are drawn in docs/internals/formats.md.
package changeset
