package journal

import (
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/baristadb/barista/internal/paxos"
)

// Memory is a journal that keeps its records in memory: the twin of Journal for tests and simulation. Its methods do what
// Journal's do.
type Memory struct {
	mu      sync.Mutex
	state   state
	entries map[paxos.Index][]byte // records, encoded
	next    uint64
	durable paxos.Index // what state.chosenTo would be after a crash
	closed  bool
}

// NewMemory makes a journal in memory.
func NewMemory(identity paxos.IdentityRecord, floor paxos.Floor) *Memory {
	return &Memory{
		state:   newState(identity, floor),
		entries: make(map[paxos.Index][]byte), next: 1, durable: floor.Index,
	}
}

// Reopen returns the journal as the next start finds it: what was durable, if m was not closed. m must not be used any more.
func (m *Memory) Reopen() *Memory {
	m.mu.Lock()
	defer m.mu.Unlock()
	again := &Memory{state: m.state, entries: m.entries, next: m.next, durable: m.durable}
	again.state.chosenTo, again.state.undecided = m.durable, make(map[paxos.Index]paxos.Entry)
	for i := range m.entries {
		if i > m.durable {
			again.state.undecided[i] = again.entry(i)
		}
	}
	m.closed = true
	return again
}

// Copy returns the journal as a copy of the disk has it: what is durable now. m goes on.
func (m *Memory) Copy() *Memory {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := &Memory{state: m.state, entries: maps.Clone(m.entries), next: m.next, durable: m.durable}
	c.state.places.numbers = slices.Clone(m.state.places.numbers)
	c.state.seen = maps.Clone(m.state.seen)
	c.state.undecided = nil // Reopen makes them anew
	return c.Reopen()
}

// Identity is Journal.Identity.
func (m *Memory) Identity() paxos.IdentityRecord {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.state.identity
}

// SetIdentity is Journal.SetIdentity.
func (m *Memory) SetIdentity(identity paxos.IdentityRecord) error {
	return m.Append([]paxos.Record{identity}, true)
}

// Floor is Journal.Floor.
func (m *Memory) Floor() paxos.Floor {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.state.floor
}

// Promised is Journal.Promised.
func (m *Memory) Promised() paxos.Ballot {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.state.promised
}

// Life is Journal.Life.
func (m *Memory) Life() paxos.Life {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.state.life
}

// Sightings is Journal.Sightings.
func (m *Memory) Sightings() []paxos.Sighting {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.state.sightings()
}

// ChosenTo is Journal.ChosenTo.
func (m *Memory) ChosenTo() paxos.Index {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.state.chosenTo
}

// Size is Journal.Size: here the bytes of the entries.
func (m *Memory) Size() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	var n int64
	for _, b := range m.entries {
		n += int64(len(b))
	}
	return n
}

// Append is Journal.Append.
func (m *Memory) Append(records []paxos.Record, durable bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return ErrClosed
	}
	return m.append(records, durable)
}

func (m *Memory) append(records []paxos.Record, durable bool) error {
	if err := m.state.check(records); err != nil {
		return fmt.Errorf("append to the journal: %w", err)
	}
	for _, r := range records {
		m.state.apply(m.next, r)
		m.next++
		switch r := r.(type) {
		case paxos.AcceptRecord:
			if r.Entry.Index > m.state.floor.Index {
				m.entries[r.Entry.Index] = paxos.AppendRecord(nil, m.state.identity.Cluster, r)
			}
		case paxos.FloorRecord:
			for i := range m.entries {
				if i <= r.Floor.Index {
					delete(m.entries, i)
				}
			}
		}
	}
	if durable || !onlyLazy(records) {
		m.durable = m.state.chosenTo
	}
	return nil
}

// Accepted is Journal.Accepted.
func (m *Memory) Accepted() []paxos.Entry {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.state.accepted()
}

// entry decodes what append encoded.
func (m *Memory) entry(i paxos.Index) paxos.Entry {
	r, err := paxos.DecodeRecord(m.state.identity.Cluster, append([]byte(nil), m.entries[i]...))
	if err != nil {
		panic(fmt.Sprintf("journal: entry %d cannot be read back: %v", i, err))
	}
	return r.(paxos.AcceptRecord).Entry
}

// Scan is Journal.Scan.
func (m *Memory) Scan(fn func(paxos.Entry) error) error {
	for i, to := m.Floor().Index+1, m.ChosenTo(); i <= to; i++ {
		entries, err := m.Entries(i, i, 0)
		if err != nil {
			return err
		}
		if err := fn(entries[0]); err != nil {
			return err
		}
	}
	return nil
}

// Entries is Journal.Entries.
func (m *Memory) Entries(from, to paxos.Index, maxBytes int) ([]paxos.Entry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	to, err := m.state.clip(from, to)
	if err != nil {
		return nil, err
	}
	var entries []paxos.Entry
	for i, left := from, maxBytes; i <= to; i++ {
		if m.closed {
			return nil, ErrClosed
		}
		e := m.entry(i)
		if left -= len(e.Value.Body) + entryOverhead; left < 0 && len(entries) > 0 {
			break
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// Purge is Journal.Purge.
func (m *Memory) Purge(floor paxos.Floor) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return ErrClosed
	}
	if floor.Index <= m.state.floor.Index {
		return nil
	}
	if err := m.state.purgeable(floor); err != nil {
		return err
	}
	return m.append([]paxos.Record{paxos.FloorRecord{Floor: floor}}, true)
}

// Close is Journal.Close.
func (m *Memory) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed, m.durable = true, m.state.chosenTo
	return nil
}
