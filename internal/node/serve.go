package node

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/baristadb/barista/internal/config"
	"github.com/baristadb/barista/internal/journal"
	"github.com/baristadb/barista/internal/paxos"
	"github.com/baristadb/barista/internal/postgres"
	"github.com/baristadb/barista/internal/replicator"
	"github.com/baristadb/barista/internal/transport"
	"github.com/baristadb/barista/internal/verify"
)

// prepare finds out who this node is, opens its journal (or has it admitted and makes one), and joins the parts.
func (n *node) prepare(ctx context.Context) error {
	for _, step := range []func(context.Context) error{n.findServer, n.readSecret, n.openJournal, n.joinCluster, n.bind, n.assemble} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (n *node) findServer(context.Context) (err error) {
	n.pg, err = postgres.ForNode(n.cfg, n.extension, n.log)
	return err
}

func (n *node) readSecret(context.Context) error {
	if n.secret != nil {
		return nil
	}
	var err error
	n.secret, err = n.cfg.Secret()
	return err
}

// bind takes the peer port. Nothing is accepted before the node serves.
func (n *node) bind(ctx context.Context) (err error) {
	n.transport, err = n.newTransport(ctx, n.cfg.Peer, n.identity.Cluster, n.identity.Incarnation)
	return err
}

// newTransport makes this node's end of its connections, as the given incarnation.
func (n *node) newTransport(ctx context.Context, listen string, cluster [16]byte, incarnation uint64) (*transport.Transport, error) {
	inherited, err := n.inherited(listen)
	if err != nil {
		return nil, err
	}
	t, err := transport.New(transport.Config{
		Self: transport.Identity{
			Cluster: cluster, Name: n.cfg.Name, Incarnation: incarnation, ServerMajor: postgres.Major, Collation: collation(ctx),
		},
		Secret: n.secret, Listen: listen, Listener: inherited, Peers: n.cfg.Peers, Log: n.log,
		Foreign: func(self, peer transport.Identity) {
			if n.driver != nil { // it serves
				n.meetForeign(self, peer)
			}
		},
		Handler: func(from transport.Identity, typ uint8, body []byte) { n.receive(n.coreCtx, from, typ, body) },
	})
	if err != nil {
		return nil, config.Mistakef("open the peer port: %w", err)
	}
	return t, nil
}

// collation names what the order of text depends on: two nodes that differ in it would build different indexes.
func collation(ctx context.Context) string {
	version, err := exec.CommandContext(ctx, "getconf", "GNU_LIBC_VERSION").Output()
	if err != nil {
		return "UTF8 unknown"
	}
	return "UTF8 " + strings.TrimSpace(string(version))
}

// joinCluster has a node without a journal admitted under a new incarnation, whatever its folder holds. If the process dies before the
// journal is made, the next start is another incarnation, and this one is removed when that is admitted.
func (n *node) joinCluster(ctx context.Context) error {
	if n.journal != nil {
		return nil
	}
	if len(n.cfg.Peers) < 2 {
		return config.Mistakef("%s has no journal and no peers to join: run \"barista init\" for the first node of a cluster", n.cfg.Dir)
	}
	n.log.Info("this node has no journal: it asks to join as a new incarnation")
	incarnation := newIncarnation()
	answer, err := n.join(ctx, incarnation)
	if err != nil {
		return err
	}
	if err := n.settle(ctx, answer, incarnation); err != nil {
		return err
	}
	return n.openJournal(ctx)
}

// earlierData is why the data of the incarnation before are given up.
const earlierData = "they are those of an earlier incarnation of this node, whose journal was no good"

// settle makes the journal of an incarnation that was admitted. No server runs any more on the data of the one before, which may be no better than
// its journal. But they stay until a copy of a peer's has proved its worth: others may have dropped theirs because these were there. If the process
// dies before the journal is made, the next start joins again, and finds them given up or not; both is right.
func (n *node) settle(ctx context.Context, answer joinReply, incarnation uint64) error {
	err := postgres.KillStale(ctx, n.pg.DataDir)
	if err == nil {
		err = n.pg.GiveUp(earlierData)
	}
	if err != nil {
		return fmt.Errorf("an earlier incarnation, which is no member any more: %w", err)
	}
	if err := removeMark(n.cfg.JournalDir() + disownedSuffix); err != nil { // of a journal that was set aside
		return err
	}
	identity := paxos.IdentityRecord{Cluster: answer.Cluster, Name: n.cfg.Name, Incarnation: incarnation, Node: answer.Node}
	if err := journal.Create(n.cfg.JournalDir(), identity, answer.Floor); err != nil {
		return fmt.Errorf("make the journal: %w", err)
	}
	n.admitted = answer.Members
	n.log.Info("admitted", "node_number", answer.Node)
	return nil
}

// assemble restores the log's state from the journal and joins the parts that need it.
func (n *node) assemble(context.Context) error {
	n.damaged = make(chan error, 1)
	disowned, err := hasMark(n.cfg.JournalDir() + disownedSuffix)
	if err != nil {
		return err
	}
	restored, order, err := restore(n.journal, disowned)
	if err != nil {
		return err
	}
	core, err := paxos.New(n.paxosConfig(), restored)
	if err != nil {
		return fmt.Errorf("restore from the journal: %w", err)
	}
	n.directory = newDirectory(restored.Members)
	n.directory.update(n.admitted)
	n.leading = newLeadership(n.cfg.Suspend + n.cfg.Lease)
	n.marks = newMarkDesk(n)
	n.joins = newJoinDesk(n)
	n.verifySide = verify.NewHandler(n.marks)
	n.server = newLocalServer(n.pg, n.identity.Node, n.log)
	replicating := replicator.New(replicator.Config{
		Retention: int64(n.cfg.Retention), ReplaceDead: paxos.Span(n.cfg.ReplaceDeadAfter),
	}, core, order)
	if err := n.stayRetired(replicating); err != nil {
		return err
	}
	n.transport.SetVoters(n.directory.voters())
	n.driver = replicator.NewDriver(replicator.DriverConfig{
		Replicator: replicating,
		Journal:    watchedJournal{n.journal, n.damaged},
		Network:    &network{cluster: n.identity.Cluster, transport: n.transport, directory: n.directory},
		Server:     n.server,
		Clock:      bootClock,
		Tick:       n.cfg.Tick,
		Log:        n.log,
		NoRoom:     func(err error) bool { return errors.Is(err, journal.ErrNoRoom) },
	})
	n.permissions = newPermissions(n)
	n.server.marks, n.server.desk, n.server.fetch, n.server.permissions = n.marks, n.joins, n.fetchData, n.permissions
	n.server.status, n.server.watchStatus, n.server.minFree = n.driver.Status, n.driver.Watch, int64(n.cfg.MinFree)
	n.server.post = func(e replicator.Event) { n.driver.Post(n.coreCtx, e) }
	n.server.bring = n.driver.Submit
	return nil
}

// leaseDrift is the part of a lease by which a clock may run fast or slow in its course: a tenth, the most by which Linux lets a clock be
// slewed.
const leaseDrift = 10

func (n *node) paxosConfig() paxos.Config {
	span := func(d time.Duration) paxos.Span { return paxos.Span(d) }
	protocols := map[config.Protocol]paxos.Protocol{config.Multi: paxos.Multi, config.Basic: paxos.Basic}
	return paxos.Config{
		ID: n.identity.Node, Cluster: n.identity.Cluster, Protocol: protocols[n.cfg.Protocol],
		Tick: span(n.cfg.Tick), Lease: span(n.cfg.Lease), Drift: span(n.cfg.Lease / leaseDrift),
		ElectionMin: span(n.cfg.ElectionMin), ElectionMax: span(n.cfg.ElectionMax), SuspendLimit: span(n.cfg.Suspend),
		MaxInflight: 256, MaxInflightBytes: 32 << 20, Rand: newRand(), Now: bootClock(),
	}
}

// restore begins a run, and rebuilds what the entries of a journal have left: the state of Paxos above them, and the order.
func restore(j *journal.Journal, disowned bool) (paxos.Restored, *replicator.Order, error) {
	if err := j.Append([]paxos.Record{paxos.LifeRecord{Life: j.Life().Begin(rand.Uint32())}}, true); err != nil {
		return paxos.Restored{}, nil, fmt.Errorf("begin a run: %w", err)
	}
	order := replicator.NewOrder(j.Floor())
	err := j.Scan(func(e paxos.Entry) error {
		_, err := order.Place(e)
		return err
	})
	if err != nil {
		return paxos.Restored{}, nil, fmt.Errorf("restore from the journal: %w", err)
	}
	return paxos.Restored{
		Floor: j.Floor(), Promised: j.Promised(), Entries: j.Accepted(), ChosenTo: j.ChosenTo(), Members: order.Members(),
		Life: j.Life(), Sightings: j.Sightings(), Disowned: disowned,
	}, order, nil
}

// serve runs everything until ctx ends or a part fails. The parts stop in the order: gate, server, front doors, core.
func (n *node) serve(ctx context.Context) error {
	doors, err := n.openDoors()
	if err != nil {
		return err
	}
	n.log.Info("this node runs", "account", n.pg.Account.Name)
	core, stopCore := context.WithCancelCause(context.WithoutCancel(ctx))
	n.coreCtx = core
	front, stopFront := context.WithCancel(core)
	server, stopServer := context.WithCancel(core)
	var coreTasks, frontTasks, serverTasks sync.WaitGroup
	fail := func(part string, err error) {
		if err != nil && core.Err() == nil {
			stopCore(fmt.Errorf("%s: %w", part, err))
		}
	}
	n.transport.ServeHTTP(n.controlHandler())
	n.transport.Handle(purposeSQL, n.serveSQL)
	n.transport.Handle(transport.PurposeBackup, n.serveBackup)

	coreTasks.Go(func() { fail("consensus", n.driver.Run(core)) })
	coreTasks.Go(func() { fail("peer port", n.transport.Serve(core)) })
	coreTasks.Go(func() { fail("journal", n.watchJournal(core)) })
	coreTasks.Go(func() { n.leading.follow(core, n.driver) })
	coreTasks.Go(func() { n.watchRoom(core) })
	coreTasks.Go(func() { fail("membership", n.followMembers(core)) })
	coreTasks.Go(func() { fail("membership", n.doubt(core)) })
	coreTasks.Go(func() { fail("homecoming", n.watchOutdated(core)) })
	coreTasks.Go(func() { n.watchDifferent(core) })
	coreTasks.Go(func() { n.permissions.makeSurveys(core) })
	serverTasks.Go(func() { n.server.keep(server) })
	serverTasks.Go(func() { n.purge(server) })
	serverTasks.Go(func() { n.lookAfterServer(server) })
	serverTasks.Go(func() { n.leaveWithoutRoom(server) })
	frontTasks.Go(func() { fail("PostgreSQL front door", doors.proxy(front)) })
	frontTasks.Go(func() { fail("PostgreSQL front door", doors.backends(front)) })
	if doors.admin != nil {
		frontTasks.Go(func() { fail("HTTP", doors.admin(front)) })
		frontTasks.Go(func() { fail("the operator's socket", doors.operator(front)) })
	}

	select {
	case <-ctx.Done():
		n.log.Info("this node stops")
		n.stepDown()
	case <-core.Done():
	}
	stopServer()
	serverTasks.Wait()
	stopFront()
	frontTasks.Wait()
	stopCore(context.Canceled)
	coreTasks.Wait()
	if cause := context.Cause(core); !errors.Is(cause, context.Canceled) {
		return cause
	}
	return nil
}

// stepDown closes the gate and hands the lease back, so that another node can lead at once.
func (n *node) stepDown() {
	ctx, cancel := context.WithTimeout(n.coreCtx, stepDownLimit)
	defer cancel()
	n.driver.Post(ctx, replicator.StepDown{To: n.nextLeader(ctx)})
	for {
		next := n.driver.Watch()
		if phase := n.driver.Status().Phase; phase != replicator.Open && phase != replicator.Closing {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-next:
		}
	}
}

// meet makes the members of the newest membership known, whom this node's configuration need not name.
func (n *node) meet(members paxos.Membership) {
	n.directory.update(members)
	for _, m := range n.directory.members.Load().Members {
		n.transport.SetPeer(m.Name, m.Address)
	}
}

// followMembers keeps the directory and the transport at the membership that is in force, until ctx ends or this node is no part of it.
func (n *node) followMembers(ctx context.Context) error {
	parting := partings{}
	for {
		next := n.driver.Watch()
		status := n.driver.Status()
		if status.Removed {
			return n.part(ctx, status.Members)
		}
		n.meet(status.Members)
		n.transport.SetVoters(n.directory.voters())
		for _, name := range parting.due(status.Members, time.Now()) {
			n.transport.RemovePeer(name)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-next:
		}
	}
}

// purgeEvery is the time between two looks at how much of the journal can go. Each costs the server a flush.
const purgeEvery = 10 * time.Second

// purge asks the server from time to time what it has flushed.
func (n *node) purge(ctx context.Context) {
	ticker := time.NewTicker(purgeEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		start, flushed, err := n.server.flushed(ctx)
		if err != nil {
			continue // the server is not there, or still has to prove its worth; next time
		}
		n.driver.Post(ctx, replicator.Flushed{Start: start, Position: flushed, JournalBytes: n.journal.Size(), Pinned: n.pins.lowest()})
	}
}

// inherited returns a port that root has opened, or nil. It is a duplicate, so that a next life of this node finds it too.
func (n *node) inherited(address string) (*net.TCPListener, error) {
	port := n.listeners[address]
	if port == nil {
		return nil, nil
	}
	f, err := port.File()
	if err != nil {
		return nil, fmt.Errorf("take over the port %s: %w", address, err)
	}
	defer f.Close()
	l, err := net.FileListener(f)
	if err != nil {
		return nil, fmt.Errorf("take over the port %s: %w", address, err)
	}
	return l.(*net.TCPListener), nil
}

// listen opens a port, if root has not done so, or says plainly that it cannot.
func (n *node) listen(what, address string) (net.Listener, error) {
	if l, err := n.inherited(address); l != nil || err != nil {
		return l, err
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, config.Mistakef("%s: %w", what, err)
	}
	return l, nil
}
