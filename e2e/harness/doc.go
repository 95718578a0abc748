// Package harness is what the end-to-end tests share: clusters that end with a test, one cluster for each package of tests, what tests ask of
// them, a ledger of what writers were told, and waiting. A cluster is three barista processes with real PostgreSQL servers; a test sees it only
// from outside, through its ports, files and processes. The tests need PostgreSQL, the built program and the extension (make build), and are
// skipped without; BARISTA_BIN names a program elsewhere than in bin/. Packages of tests may run side by side.
package harness
