package journal

import (
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
)

// A tape is a folder that notes every change, so that a crash can be played at each of them.
type tape struct {
	folder
	mu    sync.Mutex // guards the rest
	steps []step
	names map[string]int // of the files now; each file has a number of its own
	last  int            // the number given last
}

// A step is one change of a folder, or a remark on what the journal's user knows by then.
type step struct {
	do       change
	name, to string // of create, rename and remove
	file     int    // of create, write, resize and flush
	data     []byte // of write
	at       int64  // of write; of resize: the length
	note     note   // of remark
}

type change int

const (
	makeFile change = iota
	write
	resize
	flush
	rename
	remove
	flushNames
	remark
)

// A note says how many operations had begun, and up to which one what they did must survive.
type note struct{ begun, durable int }

// newTape notes what happens in dir from now on; w is what is there.
func newTape(dir string, w *world) *tape {
	return &tape{folder: folder(dir), names: maps.Clone(w.names), last: w.last()}
}

func (p *tape) add(s step) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch s.do {
	case makeFile:
		if s.file = p.names[s.name]; s.file == 0 {
			p.last++
			s.file = p.last
			p.names[s.name] = s.file
		}
	case rename:
		p.names[s.to] = p.names[s.name]
		delete(p.names, s.name)
	case remove:
		delete(p.names, s.name)
	}
	p.steps = append(p.steps, s)
}

func (p *tape) open(name string, flag int) (writable, error) {
	w, err := p.folder.open(name, flag)
	if err != nil {
		return nil, err
	}
	if flag&os.O_CREATE != 0 {
		p.add(step{do: makeFile, name: name})
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return &taped{w, p, p.names[name]}, nil
}

func (p *tape) rename(from, to string) error {
	p.add(step{do: rename, name: from, to: to})
	return p.folder.rename(from, to)
}

func (p *tape) remove(name string) error {
	p.add(step{do: remove, name: name})
	return p.folder.remove(name)
}

// sync notes only: what is lost in a crash is played, so the real disk need not hurry.
func (p *tape) sync() error {
	p.add(step{do: flushNames})
	return nil
}

func (p *tape) syncParent() error { return nil } // the folder itself is never lost here

type taped struct {
	writable
	tape *tape
	file int
}

func (f *taped) WriteAt(b []byte, at int64) (int, error) {
	f.tape.add(step{do: write, file: f.file, data: slices.Clone(b), at: at})
	return f.writable.WriteAt(b, at)
}

func (f *taped) Truncate(size int64) error {
	f.tape.add(step{do: resize, file: f.file, at: size})
	return f.writable.Truncate(size)
}

func (f *taped) Sync() error {
	f.tape.add(step{do: flush, file: f.file})
	return nil
}

// A world is a folder as its processes see it, and as the disk holds it.
type world struct {
	names, durable map[string]int
	renames        []step // since flushNames
	files          map[int]*inode
	note           note
}

type inode struct {
	live, durable []byte
	unsynced      []step
}

func newWorld() *world {
	return &world{names: map[string]int{}, durable: map[string]int{}, files: map[int]*inode{}}
}

func (w *world) last() (last int) {
	for file := range w.files {
		last = max(last, file)
	}
	return last
}

func (w *world) clone() *world {
	c := &world{
		names: maps.Clone(w.names), durable: maps.Clone(w.durable), renames: slices.Clone(w.renames),
		files: map[int]*inode{}, note: w.note,
	}
	for file, i := range w.files {
		c.files[file] = &inode{slices.Clone(i.live), slices.Clone(i.durable), slices.Clone(i.unsynced)}
	}
	return c
}

// play lets a step happen.
func (w *world) play(s step) {
	switch s.do {
	case makeFile:
		if w.files[s.file] == nil {
			w.files[s.file] = &inode{}
			w.link(s)
			return
		}
		w.play(step{do: resize, file: s.file}) // it was there, and is emptied
	case write, resize:
		i := w.files[s.file]
		i.live = s.change(i.live)
		i.unsynced = append(i.unsynced, s)
	case flush:
		i := w.files[s.file]
		i.durable, i.unsynced = slices.Clone(i.live), nil
	case rename, remove:
		w.link(s)
	case flushNames:
		w.durable, w.renames = maps.Clone(w.names), nil
	case remark:
		w.note = s.note
	}
}

func (w *world) link(s step) {
	s.relink(w.names)
	w.renames = append(w.renames, s)
}

func (s step) relink(names map[string]int) {
	switch s.do {
	case makeFile:
		names[s.name] = s.file
	case rename:
		names[s.to] = names[s.name]
		delete(names, s.name)
	case remove:
		delete(names, s.name)
	}
}

// change returns a file's content after a write or a resize.
func (s step) change(content []byte) []byte {
	end := s.at + int64(len(s.data))
	if s.do == resize && end < int64(len(content)) {
		return slices.Clone(content[:end])
	}
	if grow := end - int64(len(content)); grow > 0 {
		content = append(slices.Clone(content), make([]byte, grow)...)
	}
	copy(content[s.at:], s.data)
	return content
}

// sectors are the pieces of a write that a disk writes as a whole.
func (s step) sectors() (parts []step) {
	for from := s.at; from < s.at+int64(len(s.data)); {
		to := min((from/sector+1)*sector, s.at+int64(len(s.data)))
		parts = append(parts, step{do: write, file: s.file, at: from, data: s.data[from-s.at : to-s.at]})
		from = to
	}
	return parts
}

// crash returns what the disk holds after a loss of power: all that was synced, and of the rest each sector with a chance of keep in
// four, of the names a beginning of what happened to them.
func (w *world) crash(rng *rand.Rand, keep int) *world {
	after := newWorld()
	names := maps.Clone(w.durable)
	for _, s := range w.renames {
		if rng.IntN(4) >= keep {
			break
		}
		s.relink(names)
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		file := names[name]
		i := w.files[file]
		content := slices.Clone(i.durable)
		for _, s := range i.unsynced {
			if s.do == resize && rng.IntN(4) < keep {
				content = s.change(content)
			}
			for _, part := range s.sectors() {
				if rng.IntN(4) < keep {
					content = part.change(content)
				}
			}
		}
		after.names[name], after.durable[name] = file, file
		after.files[file] = &inode{live: content, durable: slices.Clone(content)}
	}
	after.note = w.note
	return after
}

// lay puts a world's files into a new folder.
func (w *world) lay(t *testing.T) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "journal")
	must(t, os.Mkdir(dir, 0o700))
	for name, file := range w.names {
		must(t, os.WriteFile(filepath.Join(dir, name), w.files[file].live, 0o600))
	}
	return dir
}
