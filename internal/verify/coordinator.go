package verify

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/baristadb/barista/internal/changeset"
)

// rounds is how many marks in a row must show a difference. One can show a
// false one: a TRUNCATE after the mark empties a table for the snapshot too, a
// dropped table cannot be read, and a leader may have reset a sequence in a
// transaction that is not agreed yet. Later rounds read only what differed, so
// the time in which that can happen again is short.
const rounds = 3

// Coordinator is the asking side of verification. Any node can have one.
type Coordinator struct {
	Marks Marks
	// Nodes returns the names of all members of the cluster.
	Nodes func() []string
	// Client reaches the Handler of the node that a URL's host names.
	Client *http.Client
	// OpenTime is how long to wait for a node that comes no nearer to the mark.
	OpenTime time.Duration
}

// Verify compares all nodes that it can reach, each in the same state. Nodes
// that are down or late are reported, not compared; one whose server was
// stopped because it holds something else is a difference. It fails if no mark can be
// placed or no node can be asked.
func (c *Coordinator) Verify(ctx context.Context) (Report, error) {
	var suspects []Subject
	var absent []Absence // a node that was away in one round was not compared, wherever it is in the next
	for round := 1; ; round++ {
		report, err := c.round(ctx, suspects)
		if err != nil {
			return Report{}, fmt.Errorf("verify: %w", err)
		}
		report.missing(absent)
		suspects, absent = report.subjects(), report.NotCompared
		if len(suspects) == 0 || suspects[0].Kind == Log || round == rounds {
			return report, nil
		}
	}
}

// missing adds nodes that were not compared in an earlier round.
func (r *Report) missing(absent []Absence) {
	for _, a := range absent {
		named := func(b Absence) bool { return b.Node == a.Node }
		if !slices.ContainsFunc(r.NotCompared, named) && !slices.ContainsFunc(r.Stopped, named) {
			r.NotCompared = append(r.NotCompared, a)
		}
	}
	r.Identical = r.Identical && len(r.NotCompared) == 0
}

// round compares the given subjects, or all if there are none given, at a new
// mark.
func (c *Coordinator) round(ctx context.Context, only []Subject) (Report, error) {
	mark, err := c.Marks.Place(ctx)
	if err != nil {
		return Report{}, fmt.Errorf("place a mark: %w", err)
	}
	var r Report
	keeping, done := context.WithCancel(ctx)
	var keepers sync.WaitGroup
	peers := c.open(keeping, mark, &r, &keepers)
	defer closePeers(ctx, peers)
	defer keepers.Wait()
	defer done()
	if r.Position, r.Differences = commonPosition(peers); r.Differences != nil {
		return r, nil
	}
	digests, peers := digestAll(ctx, peers, only, &r)
	if len(peers) == 0 {
		return Report{}, noneCompared(r)
	}
	for _, p := range peers {
		r.Nodes = append(r.Nodes, p.node)
	}
	for _, d := range Compare(digests) {
		r.Differences = append(r.Differences, narrow(ctx, peers, digests, d)...)
	}
	r.Identical = len(r.Differences) == 0 && len(r.Stopped) == 0 && len(r.NotCompared) == 0
	return r, ctx.Err()
}

// open opens a session on each node, which one of keepers keeps until ctx is
// done; those that fail are noted in the report.
func (c *Coordinator) open(ctx context.Context, mark changeset.MarkID, r *Report, keepers *sync.WaitGroup) []*peer {
	var peers []*peer
	for _, name := range slices.Sorted(slices.Values(c.Nodes())) {
		peers = append(peers, &peer{node: name, client: c.Client})
	}
	return without(peers, each(peers, func(p *peer) error {
		err := p.open(ctx, mark, c.OpenTime)
		if err == nil {
			keepers.Go(func() { p.keep(ctx) })
		}
		return err
	}), r)
}

// digestAll returns the digests and the peers that they are from.
func digestAll(ctx context.Context, peers []*peer, only []Subject, r *Report) ([]NodeDigest, []*peer) {
	var mu sync.Mutex // guards digests
	digests := make(map[string]NodeDigest)
	errs := each(peers, func(p *peer) error {
		d, err := p.digest(ctx, only)
		mu.Lock()
		defer mu.Unlock()
		digests[p.node] = d
		return err
	})
	peers = without(peers, errs, r)
	var of []NodeDigest
	for _, p := range peers {
		of = append(of, digests[p.node])
	}
	return of, peers
}

// each asks all peers at the same time, waits for all, and returns their errors.
func each(peers []*peer, ask func(*peer) error) []error {
	errs := make([]error, len(peers))
	var wg sync.WaitGroup
	for i, p := range peers {
		wg.Go(func() { errs[i] = ask(p) })
	}
	wg.Wait()
	return errs
}

// without returns the peers that did not fail, and notes the others.
func without(peers []*peer, errs []error, r *Report) []*peer {
	var well []*peer
	for i, p := range peers {
		if errors.Is(errs[i], ErrStopped) {
			r.Stopped = append(r.Stopped, Absence{Node: p.node, Reason: errs[i].Error()})
			continue
		}
		if errs[i] != nil {
			r.NotCompared = append(r.NotCompared, Absence{Node: p.node, Reason: errs[i].Error()})
			continue
		}
		well = append(well, p)
	}
	return well
}

// closePeers ends the sessions, also when ctx is done. A node that does not
// answer ends its session by itself when the session's time is up.
func closePeers(ctx context.Context, peers []*peer) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTime)
	defer cancel()
	each(peers, func(p *peer) error { return p.close(ctx) })
}

// commonPosition returns the position at which all nodes are. That nodes apply
// different change sets before one mark cannot happen unless their logs differ;
// then nothing else can be compared.
func commonPosition(peers []*peer) (at changeset.Position, split []Difference) {
	var names []string
	var positions []value
	for _, p := range peers {
		at = max(at, p.opened.Position)
		names = append(names, p.node)
		positions = append(positions, value{same: p.opened.Position.String(), words: p.opened.Position.String()})
	}
	if odd := oddOnes(positions); odd != nil {
		split = []Difference{{
			Subject: Subject{Kind: Log, Name: "up to one mark"},
			Nodes:   pick(names, odd), Detail: describe(names, positions),
		}}
	}
	return at, split
}

func noneCompared(r Report) error {
	err := errors.New("no node could be compared")
	for _, a := range append(r.Stopped, r.NotCompared...) {
		err = fmt.Errorf("%w; %s: %s", err, a.Node, a.Reason)
	}
	return err
}
