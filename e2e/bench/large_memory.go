package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/baristadb/barista/e2e/bench/contender"
	"github.com/baristadb/barista/e2e/bench/measure"
	"github.com/baristadb/barista/e2e/bench/usage"
)

// lookEvery is the time between two looks at memory and files.
const lookEvery = 50 * time.Millisecond

// peaks are the largest amounts of memory and disk that were seen, in bytes. Of servers' processes only the memory counts that is theirs
// alone: not the shared buffers.
type peaks struct {
	leader, followers int64 // barista: all that is resident
	client, apply     int64 // the largest backend
	spilled           int64 // temporary files of the leader's server
	journal           int64 // the largest node's
}

func (p peaks) with(o peaks) peaks {
	return peaks{
		max(p.leader, o.leader), max(p.followers, o.followers), max(p.client, o.client), max(p.apply, o.apply),
		max(p.spilled, o.spilled), max(p.journal, o.journal),
	}
}

// observer looks at a cluster's memory and files until it is stopped.
type observer struct {
	cancel context.CancelFunc
	done   sync.WaitGroup
	peaks  peaks // its goroutine's until stop has returned
	err    error // likewise
}

func observe(ctx context.Context, b *contender.Barista) (*observer, error) {
	ctx, cancel := context.WithCancel(ctx)
	w := &observer{cancel: cancel}
	w.done.Go(func() { // ends with ctx, which stop ends; stop waits for it
		for pause(ctx, lookEvery) == nil {
			now, err := look(ctx, b)
			if ctx.Err() == nil && err != nil {
				w.err = err
				return
			}
			w.peaks = w.peaks.with(now)
		}
	})
	return w, nil
}

func (w *observer) stop() peaks {
	w.cancel()
	w.done.Wait()
	return w.peaks
}

// look finds out what memory and disk are used now.
func look(ctx context.Context, b *contender.Barista) (p peaks, err error) {
	roots, err := b.Roots(ctx)
	if err != nil {
		return p, err
	}
	roles, err := usage.FindRoles(roots)
	if err != nil {
		return p, err
	}
	for pid, role := range roles {
		memory, err := readMemory(pid)
		if err != nil {
			return p, err
		}
		switch role.Does {
		case "barista":
			if strings.HasSuffix(role.Of, " leader") {
				p.leader = max(p.leader, memory.Resident)
			} else {
				p.followers = max(p.followers, memory.Resident)
			}
		case "client backend":
			p.client = max(p.client, memory.Anonymous)
		case "apply backend":
			p.apply = max(p.apply, memory.Anonymous)
		}
	}
	for _, node := range b.Cluster().Nodes() {
		spilled, err := sizeOf(filepath.Join(node.Config.DataDir(), "base", "pgsql_tmp"))
		if err != nil {
			return p, err
		}
		journal, err := sizeOf(node.Config.JournalDir())
		if err != nil {
			return p, err
		}
		p = p.with(peaks{spilled: spilled, journal: journal})
	}
	return p, nil
}

// readMemory returns what a process has of memory: nothing if it has just ended.
func readMemory(pid int) (measure.Memory, error) {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
	if err != nil {
		return measure.Memory{}, nil
	}
	return measure.ParseMemory(string(text))
}

// sizeOf returns the bytes of the files in a folder, which may not be there.
func sizeOf(dir string) (bytes int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return gone(err)
		}
		info, err := entry.Info()
		if err == nil {
			bytes += info.Size()
		}
		return gone(err)
	})
	return bytes, err
}

// gone passes over what was removed while it was looked at.
func gone(err error) error {
	if os.IsNotExist(err) {
		return nil
	}
	return err
}

const largeHead = `
MB at most, except for times
| transaction | run s | commit s | level after s | longest small commit ms: running | committing | applying | usual ms | leader's barista | followers' | client backend | apply backend | temporary file | journal |
|---|---|---|---|---|---|---|---|---|---|---|---|---|---|
`

// largeRow is what one large transaction took.
type largeRow struct {
	name                                         string
	ran, committed, level                        time.Duration
	whileRunning, whileCommitting, whileApplying time.Duration
	usual                                        time.Duration
	peaks                                        peaks
}

func (r largeRow) String() string {
	ms := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	return fmt.Sprintf("| %s | %.1f | %.1f | %.1f | %.0f | %.0f | %.0f | %.1f | %d | %d | %d | %d | %d | %d |\n",
		r.name, r.ran.Seconds(), r.committed.Seconds(), r.level.Seconds(),
		ms(r.whileRunning), ms(r.whileCommitting), ms(r.whileApplying), ms(r.usual),
		r.peaks.leader>>20, r.peaks.followers>>20, r.peaks.client>>20, r.peaks.apply>>20, r.peaks.spilled>>20, r.peaks.journal>>20)
}
