package paxos

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
)

func TestScenarios(t *testing.T) {
	// Shows, one file for each rule of Paxos, what happens when the network or a
	// node fails at the wrong moment. Commands are described at teller.run.
	datadriven.Walk(t, "testdata/scenarios", func(t *testing.T, path string) {
		s := &teller{}
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			first := d.Cmd
			for _, arg := range d.CmdArgs {
				first += " " + arg.String()
			}
			return s.tell(t, append([]string{first}, strings.Split(d.Input, "\n")...))
		})
	})
}

// A teller plays a story: one command a line. Before the first arrow of a
// block stands "then", which does nothing.
type teller struct {
	net   *network
	known map[Index]string // what was last said of an index
}

// tell runs the lines of a block. What they say comes first, then every index
// of which more is known than before.
func (s *teller) tell(t *testing.T, lines []string) string {
	t.Helper()
	var out strings.Builder
	for _, line := range lines {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		said, err := s.run(words)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		out.WriteString(said)
	}
	out.WriteString(s.news())
	return out.String()
}

// run obeys one command:
//
//	nodes N [basic]        start N voters; node 1 leads; under Standard Paxos
//	propose N WORD...      node N proposes one value for each word
//	deliver [A->B] [TYPE]  deliver what is on its way now (all: until all is quiet)
//	drop [A->B] [TYPE]     lose it
//	double [A->B] [TYPE]   let it arrive twice
//	queue                  show what is on its way
//	cut A->B, heal         break one direction; mend all
//	split A,B C,D,E        mend all, then break every way between the groups
//	tick [N] [hold]        let N ticks pass, and all be delivered (hold: nothing)
//	elect N                let time pass until N leads
//	crash N, restart N     lose what was not durable; start again
//	disk hold|go, sync N   stop or resume syncing by itself; sync node N now
//	resign N               give up leadership
//	release N [to M]       give up leadership with the lease
//	pause N, wake N        N's process stands still; it goes on, with what has come
//	flush N                FlushLearn
//	electable N yes|no
//	campaign N             N's patience ends, and its clock ticks
//	learner N              start an empty machine N
//	member N add|promote|remove M
//	purge N INDEX          node N's journal drops everything up to INDEX
//	status, log            show nodes; show what each has chosen
//	accepted               show what each acceptor holds above that
func (s *teller) run(words []string) (string, error) {
	args := words[1:]
	switch words[0] {
	case "then":
		return "", nil
	case "nodes":
		return s.nodes(args)
	case "queue":
		return s.queue(), nil
	case "deliver", "drop", "double":
		return s.packets(words[0], args)
	case "cut":
		from, to, err := arrow(args[0])
		s.net.cut[[2]NodeID{from, to}] = true
		return "", err
	case "heal":
		clear(s.net.cut)
		return "", nil
	case "split":
		return "", s.split(args)
	case "tick":
		return s.tick(args)
	case "disk":
		s.net.lazyDisk = args[0] == "hold"
		return "", nil
	case "status":
		return s.status(), nil
	case "log":
		return s.log(), nil
	case "accepted":
		return s.accepted(), nil
	}
	id, err := strconv.Atoi(args[0])
	if err != nil {
		return "", err
	}
	return s.runOn(NodeID(id), words[0], args[1:])
}

// runOn obeys a command to one machine.
func (s *teller) runOn(id NodeID, command string, args []string) (said string, err error) {
	m := s.net.machine(id)
	act := func(event func(n *Node, now Instant)) { s.net.on(m, event) }
	switch command {
	case "propose":
		act(func(n *Node, now Instant) { said = s.propose(n, now, args) })
	case "elect":
		err = s.net.elect(id)
	case "crash":
		m.crash(0)
	case "restart":
		s.net.start(m)
	case "sync":
		s.net.sync(m, len(m.pending))
		s.net.pump(m)
	case "resign":
		act(func(n *Node, now Instant) { n.Resign(now) })
	case "release":
		heir := 0
		if len(args) == 2 {
			heir, err = strconv.Atoi(args[1])
		}
		act(func(n *Node, now Instant) { n.Release(now, NodeID(heir)) })
	case "pause":
		m.paused = true
	case "wake":
		m.paused = false
		s.net.queue, m.inbox = append(s.net.queue, m.inbox...), nil
	case "flush":
		act(func(n *Node, now Instant) { n.FlushLearn(now) })
	case "electable":
		act(func(n *Node, _ Instant) { n.SetElectable(args[0] == "yes") })
	case "campaign":
		act(func(n *Node, now Instant) {
			n.SetElectable(true)
			n.electionAt = now
			n.Tick(now)
		})
	case "learner":
		s.net.add(id, Membership{})
	case "member":
		act(func(n *Node, now Instant) { said, err = s.member(n, now, args) })
	case "purge":
		to, _ := strconv.Atoi(args[0])
		m.purge(Index(to))
	default:
		err = fmt.Errorf("unknown command %s", command)
	}
	return said, err
}

func (s *teller) nodes(args []string) (string, error) {
	size, err := strconv.Atoi(args[0])
	if err != nil {
		return "", err
	}
	protocol := Multi
	if len(args) > 1 && args[1] == "basic" {
		protocol = Basic
	}
	s.net, s.known = newNetworkOf(size, protocol), make(map[Index]string)
	return "", s.net.elect(1)
}

func (s *teller) propose(n *Node, now Instant, words []string) string {
	values := []Value{}
	for _, word := range words {
		values = append(values, Value{Kind: KindChangeSets, Body: []byte(word)})
	}
	if _, ok := n.Propose(now, values...); !ok {
		return "not proposed\n"
	}
	return ""
}

func (s *teller) member(n *Node, now Instant, args []string) (string, error) {
	id, err := strconv.Atoi(args[1])
	next := n.Members()
	switch args[0] {
	case "add":
		next = next.AddLearner("n"+args[1], uint64(id), "")
	case "promote":
		next = next.Promote(NodeID(id))
	case "remove":
		next = next.Remove(NodeID(id))
	}
	if _, ok := n.Propose(now, MemberValue(next)); !ok {
		return "not proposed\n", err
	}
	return "", err
}

// packets delivers, drops or doubles the packets that are on their way now and
// match. Without any condition, deliver goes on until all is quiet.
func (s *teller) packets(verb string, args []string) (string, error) {
	if verb == "deliver" && len(args) == 0 {
		s.net.settle()
		return "", nil
	}
	var from, to NodeID
	kind := ""
	for _, arg := range args {
		if !strings.Contains(arg, "->") {
			kind = arg
			continue
		}
		var err error
		if from, to, err = arrow(arg); err != nil {
			return "", err
		}
	}
	matches := func(p packet) bool {
		return (from == 0 || p.from == from) && (to == 0 || p.to == to) && (kind == "" || p.name() == kind)
	}
	matched, others := split(s.net.queue, matches)
	if len(matched) == 0 {
		return fmt.Sprintf("nothing to %s\n", verb), nil
	}
	s.net.queue = others
	for _, p := range matched {
		switch verb {
		case "deliver":
			s.net.deliver(p)
		case "double":
			s.net.queue = append(s.net.queue, p, p)
		}
	}
	return "", nil
}

func split(queue []packet, matches func(packet) bool) (matched, others []packet) {
	for _, p := range queue {
		if matches(p) {
			matched = append(matched, p)
		} else {
			others = append(others, p)
		}
	}
	return matched, others
}

// split cuts all ways between nodes of different groups.
func (s *teller) split(groups []string) error {
	clear(s.net.cut)
	group := map[NodeID]int{}
	for g, words := range groups {
		for _, word := range strings.Split(words, ",") {
			id, err := strconv.Atoi(word)
			if err != nil {
				return err
			}
			group[NodeID(id)] = g
		}
	}
	for a, g := range group {
		for b, h := range group {
			if g != h {
				s.net.cut[[2]NodeID{a, b}] = true
			}
		}
	}
	return nil
}

func arrow(word string) (from, to NodeID, err error) {
	_, err = fmt.Sscanf(word, "%d->%d", &from, &to)
	return from, to, err
}

func (s *teller) tick(args []string) (string, error) {
	hold := slices.Contains(args, "hold")
	count := 1
	if len(args) > 0 && args[0] != "hold" {
		var err error
		if count, err = strconv.Atoi(args[0]); err != nil {
			return "", err
		}
	}
	for range count {
		s.net.tick()
		if !hold {
			s.net.settle()
		}
	}
	return "", nil
}

func (s *teller) queue() string {
	var out strings.Builder
	for _, p := range s.net.queue {
		fmt.Fprintln(&out, p)
	}
	return out.String()
}

func (s *teller) status() string {
	var out strings.Builder
	for _, m := range s.net.machines {
		if m.node == nil {
			fmt.Fprintf(&out, "node %d: crashed\n", m.id)
			continue
		}
		n := m.node
		role := n.Role().String()
		if n.Suspended() {
			role += " suspended"
		}
		if n.Removed() {
			role = "removed"
		}
		if m.paused {
			role += " paused"
		}
		fmt.Fprintf(&out, "node %d: %s, leader %d at %v, promised %v, chosen to %d, membership %d\n",
			m.id, role, n.Leader(), n.Ballot(), n.Promised(), n.ChosenTo(), n.Members().Version)
	}
	return out.String()
}

func (s *teller) log() string {
	var out strings.Builder
	for _, m := range s.net.machines {
		fmt.Fprintf(&out, "node %d: floor %d, %s\n", m.id, m.floor.Index, describeEntries(m.log))
	}
	return out.String()
}

func (s *teller) accepted() string {
	var out strings.Builder
	for _, m := range s.net.machines {
		if m.node != nil {
			fmt.Fprintf(&out, "node %d: promised %v, %s\n", m.id, m.node.Promised(), describeEntries(m.node.accepted.sorted()))
		}
	}
	return out.String()
}

// news tells, for each index, who knows that it is chosen, if that has changed.
func (s *teller) news() string {
	var out strings.Builder
	var last Index
	for i := range s.net.chosen {
		last = max(last, i)
	}
	for i := Index(1); i <= last; i++ {
		if fact := s.fact(i); fact != "" && fact != s.known[i] {
			s.known[i] = fact
			fmt.Fprintf(&out, "index %d: %s\n", i, fact)
		}
	}
	return out.String()
}

// fact writes an index's value and who knows it, by the ballot under which each
// holds it.
func (s *teller) fact(i Index) string {
	holders := map[Ballot][]string{}
	for _, m := range s.net.machines {
		for _, e := range m.log {
			if e.Index == i {
				holders[e.Ballot] = append(holders[e.Ballot], strconv.Itoa(int(m.id)))
			}
		}
	}
	if len(holders) == 0 {
		return ""
	}
	var ballots []Ballot
	for b := range holders {
		ballots = append(ballots, b)
	}
	slices.Sort(ballots)
	parts := []string{}
	for _, b := range ballots {
		parts = append(parts, fmt.Sprintf("known to %s at ballot %v", strings.Join(holders[b], ", "), b))
	}
	return describeValue(s.net.chosen[i]) + ", " + strings.Join(parts, "; ")
}
