// Package contender runs what the benchmarks compare, each by itself on this machine: one plain PostgreSQL server,
// PostgreSQL with quorum synchronous replication, and Barista. All have the same settings where they are comparable,
// keep their data below one folder, listen on loopback only, and die with this program.
package contender

import (
	"context"

	"github.com/baristadb/barista/e2e/bench/usage"
)

// User and Database are what clients of every contender use.
const (
	User     = "postgres"
	Database = "postgres"
)

// settings are the PostgreSQL settings that every server of every contender has. All others are defaults: PostgreSQL's
// own, or for Barista's servers those that Barista gives them. No checkpoint falls into a round.
var settings = map[string]string{
	"shared_buffers":     "512MB",
	"max_wal_size":       "8GB",
	"checkpoint_timeout": "1h",
}

// Contender is one of those that are compared.
type Contender interface {
	// Start makes its data and returns when it serves. A contender whose Start failed must be stopped too.
	Start(ctx context.Context) error
	// Stop ends it. It may be called without Start.
	Stop(ctx context.Context) error
	// Doors are the ways in, the first being the usual one.
	Doors() []Door
	// Roots are the processes that it consists of, with all their descendants.
	Roots(ctx context.Context) ([]usage.Root, error)
	// Settle returns when every copy holds all that has been committed so far.
	Settle(ctx context.Context) error
}

// Door is a way into a contender.
type Door struct {
	// Name says which contender and, if it has several doors, which.
	Name string
	// Address finds the host:port that clients connect to now.
	Address func(ctx context.Context) (string, error)
}
