package verify

import (
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"time"
)

// maxSessions limits the snapshots that a node keeps for those who compare: a
// pinned snapshot holds back vacuum.
const maxSessions = 4

// closeTime limits the wait for a server that does not answer a good-bye.
const closeTime = 5 * time.Second

var (
	errTooMany   = errors.New("too many verifications at once")
	errNoSession = errors.New("no such verification; nothing may have been heard of it for too long")
)

// session is a snapshot that is kept between requests.
type session struct {
	name string
	// ended is done when the session was closed, or nothing was heard of it for
	// limit.
	ended context.Context
	end   context.CancelFunc
	limit time.Duration
	timer *time.Timer // ends it

	mu       sync.Mutex // held while the snapshot's connections are used
	snapshot *Snapshot
}

// keep says that somebody still needs the session. One that has ended stays so.
func (s *session) keep() { s.timer.Reset(s.limit) }

// use calls do with the snapshot, alone, and ends it with the session.
func (s *session) use(ctx context.Context, do func(context.Context, *Snapshot) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.ended, cancel)()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended.Err() != nil {
		return errNoSession
	}
	return do(ctx, s.snapshot)
}

// sessions are those of one node.
type sessions struct {
	limit time.Duration // how long one lasts of which nothing is heard

	mu   sync.Mutex // guards open and room
	open map[string]*session
	room int // how many more may be opened
	// closing counts the sessions whose connections are not closed yet.
	closing sync.WaitGroup
}

func newSessions(limit time.Duration) *sessions {
	return &sessions{limit: limit, open: make(map[string]*session), room: maxSessions}
}

// reserve makes room for one session; release gives it back if none is added.
func (s *sessions) reserve() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.room == 0 {
		return errTooMany
	}
	s.room--
	return nil
}

func (s *sessions) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.room++
}

// add keeps a snapshot, for which there is room, until it is closed or nothing is
// heard of it for too long. The goroutine that it starts ends soon after the session does, and
// closeAll waits for it.
func (s *sessions) add(snapshot *Snapshot) *session {
	added := &session{name: rand.Text(), snapshot: snapshot, limit: s.limit}
	added.ended, added.end = context.WithCancel(context.Background())
	added.timer = time.AfterFunc(s.limit, added.end)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open[added.name] = added
	s.closing.Add(1)
	context.AfterFunc(added.ended, func() { s.remove(added) })
	return added
}

// remove closes what an ended session kept.
func (s *sessions) remove(ended *session) {
	defer s.closing.Done()
	ended.timer.Stop()
	ended.mu.Lock()
	defer ended.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	ended.snapshot.Close(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, ended.name)
	s.room++
}

func (s *sessions) find(name string) (*session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if found := s.open[name]; found != nil {
		return found, nil
	}
	return nil, errNoSession
}

// closeAll ends all sessions and waits until their connections are closed. No
// session may be added any more.
func (s *sessions) closeAll() {
	s.mu.Lock()
	for _, open := range s.open {
		open.end()
	}
	s.mu.Unlock()
	s.closing.Wait()
}
