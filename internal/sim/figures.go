package sim

import (
	"fmt"

	"github.com/baristadb/barista/internal/paxos"
)

// Figures say what a run, or many, consisted of.
type Figures struct {
	Seeds    int
	Events   int        // taken by replicators
	Span     paxos.Span // of virtual time
	Entries  int        // chosen
	Epochs   int        // gates opened
	Told     [4]int     // transactions, by outcome
	Voided   int        // change sets that were chosen and void
	Faults   int
	Syncs    int
	Purges   int
	Backups  int
	Joins    int
	Changes  int // of membership
	Marks    int
	Messages int // delivered
	Lost     int
	Accesses int // to registers, checked for linearizability

	Permissions int // to fetch data anew, taken
	Drops       int // of data before there was a copy
	Interrupted int // first recoveries
	Filled      int // disks

	Databases int // made, renamed and dropped, as agreed
	Schemas   int // likewise, or with their sequences restarted
	OldCopies int // of disks, put back
	Unknowing int // of these, that only some who were away knew of
	Restarted int // disowned nodes, when one who knew was away

	Rivals  int // second clusters
	Met     int // handshakes between nodes of two
	Stopped int // nodes that stopped for another cluster
	Decided int // which is the right one
	Beside  int // transactions that a cluster committed for which nobody decided
}

func (f *Figures) add(g Figures) {
	for k := range g.Told {
		f.Told[k] += g.Told[k]
	}
	f.Span += g.Span
	for _, pair := range []struct {
		sum  *int
		more int
	}{
		{&f.Seeds, g.Seeds}, {&f.Events, g.Events}, {&f.Entries, g.Entries}, {&f.Epochs, g.Epochs}, {&f.Voided, g.Voided}, {&f.Faults, g.Faults},
		{&f.Syncs, g.Syncs}, {&f.Purges, g.Purges}, {&f.Backups, g.Backups}, {&f.Joins, g.Joins}, {&f.Changes, g.Changes}, {&f.Marks, g.Marks},
		{&f.Messages, g.Messages}, {&f.Lost, g.Lost}, {&f.Accesses, g.Accesses}, {&f.Databases, g.Databases},
		{&f.Schemas, g.Schemas}, {&f.Permissions, g.Permissions}, {&f.Drops, g.Drops}, {&f.Interrupted, g.Interrupted}, {&f.Filled, g.Filled}, {&f.OldCopies, g.OldCopies}, {&f.Unknowing, g.Unknowing}, {&f.Restarted, g.Restarted},
		{&f.Rivals, g.Rivals}, {&f.Met, g.Met}, {&f.Stopped, g.Stopped}, {&f.Decided, g.Decided}, {&f.Beside, g.Beside},
	} {
		*pair.sum += pair.more
	}
}

// String writes the figures on one line.
func (f Figures) String() string {
	return fmt.Sprintf("%d seeds, %d events, %.0f virtual seconds, %d entries, %d epochs, %d commits, %d refused, %d unknown, %d void, "+
		"%d faults, %d backups, %d joins, %d changes of membership, %d purges, %d marks, %d syncs, %d messages, %d lost, %d accesses checked, %d changes of databases, %d of schemas, "+
		"%d data fetched anew with permission, %d dropped first, %d first recoveries interrupted, %d disks filled, %d old copies put back, %d of them unknown to those there, %d disowned nodes restarted, "+
		"%d second clusters, %d meetings of two, %d nodes stopped for it, %d decisions, %d commits in what was given up",
		f.Seeds, f.Events, float64(f.Span)/1e9, f.Entries, f.Epochs, f.Told[committed], f.Told[refused], f.Told[unknown], f.Voided,
		f.Faults, f.Backups, f.Joins, f.Changes, f.Purges, f.Marks, f.Syncs, f.Messages, f.Lost, f.Accesses, f.Databases, f.Schemas,
		f.Permissions, f.Drops, f.Interrupted, f.Filled, f.OldCopies, f.Unknowing, f.Restarted, f.Rivals, f.Met, f.Stopped, f.Decided, f.Beside)
}
