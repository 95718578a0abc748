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

// OpenHasty is OpenSmall without syncs: for tests that write much and lose nothing.
func OpenHasty(dir string) (*Journal, error) {
	d := newDisk(dir, smallSegment)
	d.files = hasty{folder(dir)}
	return open(d)
}

type hasty struct{ folder }

func (h hasty) open(name string, flag int) (writable, error) {
	w, err := h.folder.open(name, flag)
	return hastyFile{w}, err
}

func (hasty) sync() error { return nil }

func (hasty) syncParent() error { return nil }

type hastyFile struct{ writable }

func (hastyFile) Sync() error { return nil }
