// Package verify compares what the nodes of a cluster hold at one position:
// every permanent table, large objects, the catalog as people see it, and the
// horizons of sequences.
//
// A mark in the log fixes the position. At it each node pins a snapshot of each
// of its databases, and computes there a row count and a checksum that does not
// depend on the order of rows; only these travel. Where they differ, a second
// step on the same snapshot narrows by buckets of hashed keys to the rows.
// Readers of a pinned snapshot are not safe from DDL that happens later (a
// TRUNCATE empties a table for them too), so a difference counts only if it
// shows again at further marks.
//
// The package repairs nothing and decides nothing about the odd one out.
package verify
