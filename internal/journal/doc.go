// Package journal keeps on disk what a node promised and accepted, and which indexes it knows to be chosen: what it must still
// know after any crash. It is a stream of numbered records in segment files of github.com/hashicorp/raft-wal/segment, which are
// filled with zeros before they are used, so that one fdatasync makes a batch durable. It refuses to guess: a batch that a crash
// cut short at the very end was never answered for and is taken off; damage anywhere else is an error that names file and
// offset. After a failed write it takes no more.
//
// In memory it holds eight bytes for each index above the floor, the entries that are accepted and not yet chosen, the state at
// the floor, and about 200 KiB for the open segment; while it is opened, one whole segment too.
package journal
