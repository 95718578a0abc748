// Package confluence tells which transactions of a PostgreSQL application need coordination, which do not, and why. It
// reads a schema and transactions as SQL text, finds the invariants that the schema declares and the operations that
// the transactions do, and applies the test of invariant confluence (Bailis et al., "Coordination Avoidance in Database
// Systems", 2014): may two copies that started equal each run transactions by themselves, and does the invariant still
// hold when the copies are merged?
//
// A verdict "no coordination" is a promise, relative to the merge that it names: all transactions with that verdict on
// an invariant may run on different copies at once. Where the package cannot show that, it says "unknown", which
// counts as needing coordination. What needs coordination is taken to run alone, after everything before it was merged.
//
// The package is pure: texts in, a Report out. It opens no file and no connection, and runs no SQL.
package confluence
