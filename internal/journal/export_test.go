package journal

import "github.com/baristadb/barista/internal/paxos"

const smallSegment = 16 << 10

// CreateSmall is Create with segments of 16 KiB.
func CreateSmall(dir string, identity paxos.IdentityRecord, floor paxos.Floor) error {
	return create(newDisk(dir, smallSegment), identity, floor)
}

// OpenSmall is Open with segments of 16 KiB.
func OpenSmall(dir string) (*Journal, error) { return open(newDisk(dir, smallSegment)) }

// Crash lets go of the folder and writes nothing.
func (j *Journal) Crash() {
	j.writing.Lock()
	defer j.writing.Unlock()
	if !j.closed {
		j.release()
	}
}
