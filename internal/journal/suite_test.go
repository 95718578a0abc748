package journal_test

import (
	"testing"

	"github.com/baristadb/barista/internal/journal"
	"github.com/baristadb/barista/internal/journaltest"
	"github.com/baristadb/barista/internal/paxos"
)

// The twin in memory does what every journal must do.
func TestMemory(t *testing.T) {
	journaltest.Run(t, func(_ *testing.T, identity paxos.IdentityRecord, floor paxos.Floor) (journaltest.Journal, func() journaltest.Journal) {
		m := journal.NewMemory(identity, floor)
		return m, func() journaltest.Journal {
			m = m.Reopen()
			return m
		}
	})
}

// The journal on disk does what every journal must do, with segments so small that it goes through many.
func TestJournal(t *testing.T) {
	journaltest.Run(t, func(t *testing.T, identity paxos.IdentityRecord, floor paxos.Floor) (journaltest.Journal, func() journaltest.Journal) {
		dir := t.TempDir()
		if err := journal.CreateSmall(dir, identity, floor); err != nil {
			t.Fatal(err)
		}
		var j *journal.Journal
		reopen := func() journaltest.Journal {
			if j != nil {
				j.Crash()
			}
			var err error
			if j, err = journal.OpenSmall(dir); err != nil {
				t.Fatal(err)
			}
			return j
		}
		t.Cleanup(func() { j.Crash() })
		return reopen(), reopen
	})
}
