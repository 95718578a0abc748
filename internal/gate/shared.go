// Package gate is barista's end of the gate inside its PostgreSQL server: the mapped file that both share, and the unix socket
// on which backends hand over change sets and wait for answers. It decides nothing: what comes in goes to the replicator as events, and the
// replicator's answers go out. Formats: docs/internals/gate.md.
package gate

import (
	"encoding/binary"
	"fmt"
	"os"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/baristadb/barista/internal/changeset"
	"github.com/baristadb/barista/internal/paxos"
)

// sharedSize is the size of the mapped file in bytes.
const sharedSize = 4096

// Offsets of the fields, each an aligned 64-bit word in native byte order.
const (
	offMagic   = 0
	offStart   = 8
	offEpoch   = 16
	offClosed  = 24
	offLease   = 32
	offApplied = 40
	offWaiting = 48
	offNode    = 56
	offSuspect = 64
	offLimit   = 72
	offWanted  = 80
	offGiveWay = 88
)

// Shared is the mapped file of one start of the server.
type Shared struct {
	start uint64
	data  []byte
}

// NewShared makes the file anew at path, with the gate closed. start names this start of the server; node is put into the origin of
// change sets. The previous file, if any, is unlinked and not overwritten: a leftover process keeps its own.
func NewShared(path string, start uint64, node paxos.NodeID) (*Shared, error) {
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		return nil, fmt.Errorf("remove the old shared file: %w", err)
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return nil, fmt.Errorf("make the shared file: %w", err)
	}
	defer file.Close()
	if err := file.Chmod(0o666); err != nil { // its folder is private to the server's user
		return nil, fmt.Errorf("make the shared file %s accessible: %w", path, err)
	}
	if err := file.Truncate(sharedSize); err != nil {
		return nil, fmt.Errorf("size the shared file %s: %w", path, err)
	}
	data, err := unix.Mmap(int(file.Fd()), 0, sharedSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map the shared file %s: %w", path, err)
	}
	s := &Shared{start: start, data: data}
	s.word(offClosed).Store(1)
	s.word(offStart).Store(start)
	s.word(offNode).Store(uint64(node))
	s.word(offMagic).Store(binary.LittleEndian.Uint64([]byte("BARISTA1")))
	return s, nil
}

func (s *Shared) word(offset int) *atomic.Uint64 {
	return (*atomic.Uint64)(unsafe.Pointer(&s.data[offset]))
}

// Start names this start of the server.
func (s *Shared) Start() uint64 { return s.start }

// SetLease publishes until when statements may trust this leadership.
func (s *Shared) SetLease(end paxos.Instant) { s.word(offLease).Store(uint64(max(0, end))) }

// Open opens the gate for an epoch. The lease was published before.
func (s *Shared) Open(epoch paxos.Ballot) {
	s.word(offEpoch).Store(uint64(epoch))
	s.word(offClosed).Store(0)
}

// Close sets the closed flag. From then on no backend commits a change.
func (s *Shared) Close() { s.word(offClosed).Store(1) }

// Closed reports whether the gate is closed; the server closes it too.
func (s *Shared) Closed() bool { return s.word(offClosed).Load() != 0 }

// Applied is the position up to which every new snapshot of the server sees the order.
func (s *Shared) Applied() changeset.Position {
	return changeset.Position(s.word(offApplied).Load())
}

// Waiting is how many backends wait at the gate.
func (s *Shared) Waiting() int { return int(s.word(offWaiting).Load()) }

// A Suspect is an index whose functions ran, while a batch was applied, when that failed or its session or server ended; or a statement that was
// replayed.
type Suspect struct {
	Database uint32 // OID
	Index    uint32 // OID, or SuspectStatement
}

// SuspectStatement stands in the place of an index.
const SuspectStatement = 1<<32 - 1

// Suspect returns whose functions run, or ran when the last batch failed. The zero Suspect is nobody.
func (s *Shared) Suspect() Suspect {
	word := s.word(offSuspect).Load()
	return Suspect{Database: uint32(word >> 32), Index: uint32(word)}
}

// SetIDLimit lets sessions see transaction ids below a limit.
func (s *Shared) SetIDLimit(limit changeset.IDLimit) { s.word(offLimit).Store(uint64(limit)) }

// IDLimit is the limit as it was last set, and what the server would like it to be.
func (s *Shared) IDLimit() (limit, wanted changeset.IDLimit) {
	return changeset.IDLimit(s.word(offLimit).Load()), changeset.IDLimit(s.word(offWanted).Load())
}

// LetBuild lets a session build an index that was set aside.
func (s *Shared) LetBuild() { s.word(offGiveWay).Store(0) }

// EndBuild ends a session that builds one, since apply is needed.
func (s *Shared) EndBuild() { s.word(offGiveWay).Store(1) }

// Unmap gives the mapping back. The file stays for the server's processes.
func (s *Shared) Unmap() error { return unix.Munmap(s.data) }
