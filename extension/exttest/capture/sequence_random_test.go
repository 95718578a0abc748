package capture

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/baristadb/barista/extension/exttest/harness"
	"github.com/baristadb/barista/internal/changeset"
	"github.com/baristadb/barista/internal/paxos"
	"github.com/baristadb/barista/internal/replicator"
)

// Whatever is done to sequences and their names, the order that is told of it has each one's state under its name, and no other.
func TestOrderKnowsEverySequence(t *testing.T) {
	s := harness.StartLeader(t, harness.Options{})
	conn, own := s.Connect(t), s.ConnectAs(t, "barista", "postgres")
	r := rand.New(rand.NewPCG(1, 7))
	order := replicator.NewOrder(paxos.Floor{})
	taken, done := 0, 0
	for round := range 60 {
		for range 6 {
			if harness.Run(t, conn, randomSequenceStatement(r)) == "" {
				done++
			} else {
				harness.Execute(t, conn, "rollback")
			}
		}
		drawFromAll(t, conn) // what was drawn in vain is agreed on with the next value
		log := s.Gate.Chosen()
		for ; taken < len(log); taken++ {
			placeProposal(t, order, log[taken])
		}
		known, there := statesOf(t, order), sequencesOf(t, own)
		if !slices.Equal(known, there) {
			t.Fatalf("round %d: the order has\n%s\nand there are\n%s", round, strings.Join(known, " "), strings.Join(there, " "))
		}
	}
	t.Logf("%d transactions", done)
	if done < 100 {
		t.Errorf("only %d transactions were committed: nothing was shown", done)
	}
}

// randomSequenceStatement is a transaction, which may fail.
func randomSequenceStatement(r *rand.Rand) string {
	schema := func() string { return string(rune('a' + r.IntN(3))) }
	sequence := func() string { return fmt.Sprintf("%s.s%d", schema(), r.IntN(2)) }
	table := func() string { return fmt.Sprintf("%s.t%d", schema(), r.IntN(2)) }
	one := func() string {
		switch r.IntN(18) {
		case 0, 1:
			return "create schema if not exists " + schema()
		case 2, 3:
			return "create sequence " + sequence()
		case 4, 5:
			return "create table " + table() + " (k serial, n int generated always as identity)"
		case 6, 7:
			return "insert into " + table() + " select from generate_series(1, " + fmt.Sprint(1+r.IntN(40)) + ")"
		case 8:
			return fmt.Sprintf("alter sequence %s rename to s%d", sequence(), r.IntN(2))
		case 9:
			return fmt.Sprintf("alter sequence %s set schema %s", sequence(), schema())
		case 10:
			return fmt.Sprintf("alter table %s set schema %s", table(), schema())
		case 11:
			return fmt.Sprintf("alter schema %s rename to %s", schema(), schema())
		case 12:
			a, b := schema(), schema()
			return fmt.Sprintf("alter schema %s rename to between; alter schema %s rename to %[1]s; alter schema between rename to %[2]s", a, b)
		case 13:
			return "drop sequence " + sequence()
		case 14:
			return "drop table " + table()
		case 15:
			return "truncate " + table() + " restart identity"
		case 16:
			return fmt.Sprintf("alter sequence %s restart with %d", sequence(), 1+r.IntN(1000))
		default:
			return "select nextval('" + sequence() + "') from generate_series(1, 40)"
		}
	}
	switch r.IntN(6) {
	case 0:
		return "begin; " + one() + "; rollback"
	case 1:
		return "begin; " + one() + "; savepoint x; " + one() + "; rollback to x; " + one() + "; commit"
	case 2:
		return "begin; " + one() + "; " + one() + "; commit"
	default:
		return one()
	}
}

func drawFromAll(t *testing.T, conn *pgx.Conn) {
	t.Helper()
	harness.Execute(t, conn, "select nextval(seqrelid::regclass) from pg_sequence")
}

func placeProposal(t *testing.T, order *replicator.Order, p *harness.Proposal) {
	t.Helper()
	var values []paxos.Value
	if len(p.Sequences) > 0 {
		values = append(values, paxos.Value{Kind: paxos.KindSequence, Body: changeset.AppendSequences(nil, p.Sequences)})
	}
	if p.Kind == harness.KindPropose {
		set := p.Set
		set.Flags, set.Chunks = set.Flags&^changeset.Last, 0 // its payload is whole
		values = append(values, paxos.Value{Kind: paxos.KindChangeSets, Body: changeset.AppendChangeSets(nil, []changeset.ChangeSet{set})})
	}
	for _, v := range values {
		if _, err := order.Place(paxos.Entry{Index: order.Head() + 1, Value: v}); err != nil {
			t.Fatal(err)
		}
	}
}

// statesOf are the states that a floor at the head would carry.
func statesOf(t *testing.T, order *replicator.Order) (states []string) {
	t.Helper()
	for range 200 { // beyond the next place for a floor
		if _, err := order.Place(paxos.Entry{Index: order.Head() + 1, Value: paxos.Value{Kind: paxos.KindNoop}}); err != nil {
			t.Fatal(err)
		}
	}
	floor, ok := order.FloorBelow(order.Head())
	if !ok {
		t.Fatal("there is no place for a floor")
	}
	for _, s := range floor.Sequences {
		states = append(states, fmt.Sprintf("%s.%s=%d/%v", s.Schema, s.Name, s.Horizon, s.Called))
	}
	slices.Sort(states)
	return states
}

func sequencesOf(t *testing.T, own *pgx.Conn) (states []string) {
	t.Helper()
	rows, err := own.Query(harness.Context(t), "select schema || '.' || name || '=' || horizon || '/' || is_called::text from barista_horizons(false)")
	if err != nil {
		t.Fatal(err)
	}
	states, err = pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(states)
	return states
}
