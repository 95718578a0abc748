package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/hashicorp/raft-wal/segment"
	"golang.org/x/sys/unix"

	"github.com/baristadb/barista/internal/paxos"
)

// maxIdentity is more than an identity takes, in bytes.
const maxIdentity = 1024

// Owner returns whose journal lies in dir, also while a node has it open: every segment begins with the identity, and what was once written
// stays as it is. Where there is no journal, the error matches fs.ErrNotExist.
func Owner(dir string) (paxos.IdentityRecord, error) {
	d := newDisk(dir, segmentBytes)
	defer d.close()
	bases, err := segment.NewFiler(dir, d).List()
	if err != nil {
		return paxos.IdentityRecord{}, fmt.Errorf("read whose journal is in %s: %w", dir, err)
	}
	err = fs.ErrNotExist
	for id, base := range bases {
		// One may be removed just now, or be without its first batch: then another one is there.
		identity, failed := firstIdentity(&piece{id: id, base: base, limit: segmentBytes}, dir)
		if failed == nil {
			return identity, nil
		}
		err = failed
	}
	return paxos.IdentityRecord{}, fmt.Errorf("read whose journal is in %s: %w", dir, err)
}

// firstIdentity reads the record with which a segment begins.
func firstIdentity(p *piece, dir string) (identity paxos.IdentityRecord, err error) {
	// Whoever reads may be root, and the folder another user's: no link is followed, and no pipe is waited for.
	file, err := os.OpenFile(filepath.Join(dir, p.name()), os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return identity, err
	}
	defer file.Close()
	frame := make([]byte, fileHeader+frameHeader+maxIdentity)
	n, err := file.ReadAt(frame, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return identity, err
	}
	frame = frame[:n]
	damaged := fmt.Errorf("%w: segment %s does not begin with an identity", ErrDamaged, p.name())
	if len(frame) < fileHeader+frameHeader || frame[fileHeader] != frameEntry {
		return identity, damaged
	}
	body := frame[fileHeader+frameHeader:]
	size := binary.LittleEndian.Uint32(frame[fileHeader+4:])
	if uint64(size) > uint64(len(body)) {
		return identity, damaged
	}
	record, ok := own(body[:size], p.base, p.base)
	if !ok {
		return identity, damaged
	}
	decoded, err := paxos.DecodeRecord(identity.Cluster, record)
	if err != nil {
		return identity, fmt.Errorf("%w: %w", damaged, err)
	}
	identity, ok = decoded.(paxos.IdentityRecord)
	if !ok {
		return identity, damaged
	}
	return identity, nil
}
