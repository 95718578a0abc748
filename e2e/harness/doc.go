// Package harness is what the end-to-end tests share: clusters that end with a test, one cluster for each package of tests, what tests ask of
// them, a ledger of what writers were told, and waiting. A test sees a cluster only from outside, through its ports, files and processes.
package harness
