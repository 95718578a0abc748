package node

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/baristadb/barista/internal/admin"
	"github.com/baristadb/barista/internal/config"
	"github.com/baristadb/barista/internal/paxos"
	"github.com/baristadb/barista/internal/postgres"
	"github.com/baristadb/barista/internal/renewal"
	"github.com/baristadb/barista/internal/replicator"
)

// A renewing is a base backup from a peer in place of the data that a server has. The journal and the vote of the node stay. These are its steps,
// and what is there if the process dies before the next:
//
//  1. The server has ended. Its data are still there, and the next start goes on with them; if that does not help, it begins again at 1.
//  2. A copy is made beside them. The next start removes what there is of it.
//  3. The copy takes their place, and they are kept (postgres.BaseBackup). The next start goes on with the copy; if neither has the name of the data
//     yet, with the old data. If the copy's first recovery was interrupted it is done again; if the copy is no good, another one takes its place, and
//     what is kept stays.
//  4. The copy's server runs, and has shown that it holds all that the journal has purged: only then the old data go. Until then nothing
//     that this node ever held is lost. (A copy of a server that is itself late may not hold it; then the leader's is copied.)
//  5. The old data have gone, durably: only then the copy is proven, which is known in memory alone, and the journal may purge what the copy
//     holds. So as long as there are old data they hold all that the journal has purged, and the next start may go back to them.
//
// If there is no room for both, the old data go before 2, with a permission that says that a majority of others hold everything. The next start then finds
// no data, and makes a copy.
type renewing struct {
	wanted chan string // holds why the data are to be fetched anew
	starts sameFailures
	proven atomic.Bool // the data were found to hold all that they should, and nothing is left of those before

	// Used by the goroutine of keep alone.
	why     string // empty: the data are to stay
	copied  bool   // the data are a copy of a peer's
	before  string // why the copy was made
	again   bool   // the last copy did not help
	cramped bool   // the last copy did not fit beside the old data
}

// tooOld is the reason of a server that no journal can bring up to date.
const tooOld = "it is behind the log of every node that could bring it up to date"

// errRenew ends a start of a server whose data are to be fetched anew.
var errRenew = errors.New("its data are fetched anew from a peer")

// ask has the data fetched anew. If that is asked already, once is enough.
func (n *renewing) ask(why string) {
	select {
	case n.wanted <- why:
	default:
	}
}

func (n *renewing) want(why string) error {
	n.why = why
	return fmt.Errorf("%w: %s", errRenew, why)
}

// helped reports whether a copy that was made has helped, as far as one can tell: what is wrong now is something else. Followers that are
// all behind every log, or that all fail at one entry, would copy from each other for ever.
func (n *renewing) helped() bool {
	return n.why != tooOld && withoutNumbers(n.why) != withoutNumbers(n.before)
}

// provideData makes sure that there are data to start a server from.
func (s *localServer) provideData(ctx context.Context) error {
	n := &s.renewal
	select {
	case why := <-n.wanted:
		n.why = why
	default:
	}
	if err := s.pg.PutBack(); err != nil {
		return err
	}
	missing, err := s.pg.Missing()
	if err == nil && n.why == "" {
		n.why, err = s.pg.GivenUp()
	}
	if err != nil || n.why == "" && !missing {
		return err
	}
	s.state.Store(admin.ServerRebuilding)
	if n.why != "" {
		s.log.Warn("the data of the server are fetched anew from a peer; the journal and the vote of this node stay", "reason", n.why)
	}
	if !missing {
		if err := s.makeRoom(ctx); err != nil {
			return err
		}
	}
	s.permissions.note((*renewal.Node).Begin)
	n.again = n.copied && !n.helped()
	if err := s.fetch(ctx); err != nil {
		n.cramped = errors.Is(err, syscall.ENOSPC)
		return fmt.Errorf("%w: %w", errNoBackup, err)
	}
	n.why, n.before, n.copied, n.cramped = "", n.why, true, false
	n.proven.Store(false)
	n.starts.clear()
	select {
	case <-n.wanted: // was asked of the data that are gone
	default:
	}
	return nil
}

// makeRoom drops the old data if there is no room for a copy beside them, and a majority of others hold everything.
func (s *localServer) makeRoom(ctx context.Context) error {
	if err := s.pg.DropUnkept(ctx); err != nil {
		return err
	}
	lacking, err := s.roomLacking()
	if s.renewal.cramped && lacking == "" {
		lacking = "the last copy did not fit"
	}
	if err != nil || lacking == "" {
		return err
	}
	if err := s.permissions.ask(ctx, true); err != nil {
		s.permissions.note((*renewal.Node).Keep)
		return fmt.Errorf("%w: there is no room for it beside the old data (%s), and they may not go first: %w", errNoBackup, lacking, err)
	}
	s.log.Warn("the old data of the server go before the copy is made, for which there is no room beside them; a majority of others hold everything", "room", lacking)
	s.permissions.note((*renewal.Node).Dropped)
	return s.pg.Discard(ctx)
}

// roomLacking says why a copy does not fit beside the data; empty when it does, as far as one can tell.
func (s *localServer) roomLacking() (string, error) {
	room, err := s.pg.RoomForCopy()
	if err != nil || room.Free >= room.Needed+s.minFree {
		return "", err
	}
	return fmt.Sprintf("%v are free, and a copy may take %v", approximate(room.Free), approximate(room.Needed)), nil
}

// keepData lets what the data have taken the place of go, when the replicator has found that they hold all that the journal has purged.
func (s *localServer) keepData(r *run) {
	for {
		next := s.watchStatus()
		if s.status().Server == r.shared.Start() {
			break
		}
		select {
		case <-r.ctx.Done():
			return
		case <-next:
		}
	}
	for told := false; ; told = true {
		err := s.pg.KeepCopy()
		if err == nil {
			break
		}
		if !told {
			s.log.Warn("data that were replaced could not be removed; it is tried again, and the journal keeps all that they lack", "error", err)
		}
		if pause(r.ctx, keepAgain); r.ctx.Err() != nil {
			return
		}
	}
	s.permissions.note((*renewal.Node).Settle)
	s.renewal.proven.Store(true)
}

// keepAgain is the time between two attempts to remove data that were replaced.
const keepAgain = time.Second

// rest waits with a server that is stopped until its data are fetched anew.
func (s *localServer) rest(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case why := <-s.renewal.wanted:
		return s.renewal.want(why)
	}
}

// failedStart is the error of a server that did not get to run.
type failedStart struct{ error }

func (f failedStart) Unwrap() error { return f.error }

// sameFailures counts starts in a row that failed in the same way.
type sameFailures struct {
	mu    sync.Mutex // guards the rest
	words string
	last  string // with what was different each time
	times int
}

// note takes how a life of the server ended. Only what its data may be to blame for counts: not what a person has to mend, nor a full disk.
func (f *sameFailures) note(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	failed, isStart := errors.AsType[failedStart](err)
	switch {
	case !isStart || config.IsMistake(err) || errors.Is(err, syscall.ENOSPC) || errors.Is(err, postgres.ErrKilled) || errors.Is(err, context.Canceled):
		f.words, f.last, f.times = "", "", 0
		return
	case withoutNumbers(failed.Error()) != f.words:
		f.words, f.times = withoutNumbers(failed.Error()), 0
	}
	f.times++
	f.last = failed.Error()
}

func (f *sameFailures) clear() { f.note(nil) }

// withoutNumbers takes out what is another each time: moments, processes, places in the WAL.
func withoutNumbers(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'A' && r <= 'F' {
			return -1
		}
		return r
	}, text)
}

// startsBeforeRenewal is how many starts fail in the same way before the data are given up.
const startsBeforeRenewal = 5

// hopeless says why the data are to blame for starts that fail; empty when they are not, as far as is known.
func (f *sameFailures) hopeless() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.times < startsBeforeRenewal {
		return ""
	}
	return fmt.Sprintf("it has failed in the same way at each of %d starts: %s", f.times, f.last)
}

// How often, and for how long, a batch is not applied before the data are given up.
const (
	damagedTries = 3
	damagedFor   = paxos.Span(2e9)
	anyTries     = 10
	anyFor       = paxos.Span(30e9)
)

// unappliable says why only other data can bring the server on; empty when that is not known. What is damaged does not heal. Other errors may
// pass, so there is more patience with them; and some say nothing of the data: what a lack of memory, of room, of locks or of connections, or
// an operator, has brought about.
func unappliable(f replicator.Failing, now paxos.Instant) string {
	class := f.Code[:min(2, len(f.Code))]
	tries, patience := anyTries, anyFor
	switch {
	case class == "XX" && f.Code != "XX000" || class == "58":
		tries, patience = damagedTries, damagedFor
	case class == "53" || class == "57" || class == "55" || class == "40" || class == "08":
		return ""
	}
	if f.Times < tries || now.Since(f.Since) < patience {
		return ""
	}
	return fmt.Sprintf("it could not apply what follows position %v, tried %d times: %s", f.Position, f.Times, f.Reason)
}

// How often the server is looked after, and how long is waited before its data are fetched anew again, which has not helped.
const (
	lookEvery     = time.Second
	askAgain      = 10 * time.Second
	divergedFor   = 30 * time.Second // in which a person may look at a server that holds something else than the log says
	renewPauseMin = time.Minute
	renewPauseMax = time.Hour
)

// lookAfterServer has the data of the own server fetched anew when nothing else helps, if the leader permits it, until ctx ends.
func (n *node) lookAfterServer(ctx context.Context) {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	var again, last time.Time // not to be asked before; of the last renewal
	var stopped time.Time     // when its server was found to hold something else than the log says; zero: it does not
	wait, told := renewPauseMin, ""
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		why := n.ailment()
		if diverged := n.driver.Status().Diverged; diverged == "" {
			stopped = time.Time{}
		} else if stopped.IsZero() {
			stopped = time.Now()
		} else if why == "" && time.Since(stopped) > divergedFor {
			why = "it holds something else than the log says: " + diverged
		}
		if time.Now().Before(again) {
			continue
		}
		if why == "" && n.server.doubtful() != "" {
			if why = n.betterData(ctx); why == "" {
				again = time.Now().Add(askAgain)
			}
		}
		if why == "" {
			continue
		}
		lacking, err := n.server.roomLacking()
		if err == nil {
			err = n.permissions.ask(ctx, lacking != "")
		}
		if err != nil { // the server goes on as well as it can
			if told != err.Error() {
				n.log.Warn("the server needs its data fetched anew, and may not have that now", "reason", why, "room", lacking, "refused", err)
			}
			told, again = err.Error(), time.Now().Add(askAgain)
			continue
		}
		if time.Since(last) > 2*wait+renewPauseMin {
			wait = renewPauseMin
		}
		told, last, again = "", time.Now(), time.Now().Add(wait)
		wait = min(2*wait, renewPauseMax)
		n.server.renewal.ask(why)
	}
}

// ailment says why the own server cannot go on with its data; empty when it can.
func (n *node) ailment() string {
	s := n.driver.Status()
	if why := n.server.renewal.starts.hopeless(); why != "" {
		return why
	}
	if why := unappliable(s.Failing, bootClock()); why != "" && s.Server != 0 { // else it says nothing of the data that are there now
		return why
	}
	if s.Outgrown && s.Server != 0 || s.Diverged != "" && n.journal.Size() > int64(n.cfg.Retention) {
		return fmt.Sprintf("it stands still or falls behind, and keeps the journal above its limit of %v", n.cfg.Retention)
	}
	return ""
}
