package replicator

import (
	"testing"
)

func TestVotersStayWhileOthersLackData(t *testing.T) {
	// Shows that a voter is not removed, neither by an order nor for a new incarnation, while some majority of the others would hold nothing; that the
	// operator learns why; and that writes go on as long as nobody has answered.
	c, leader, others := settled(t, 11)
	name := c.nameOf(others[0])
	c.lacking = "they fetch their data"
	if refusal := c.order(Dismiss{Name: name}); refusal != c.lacking {
		t.Errorf("the dismissal is refused: %q", refusal)
	}
	for range 30 {
		c.joined(c.leader(), Join{Name: name, Incarnation: 77})
		c.run(2e8, 1)
	}
	if m := c.members(); m.Version != threeVoters().Version {
		t.Fatalf("the membership is %+v", m)
	}
	c.lacking, c.silent = "", true
	before := len(c.acked)
	for range 15 {
		c.joined(c.leader(), Join{Name: name, Incarnation: 77})
		c.run(2e8, 1)
	}
	if c.leader() != leader || len(c.acked) < before+10 {
		t.Errorf("while a survey is made %d writes are acknowledged", len(c.acked)-before)
	}
	if m := c.members(); m.Version != threeVoters().Version {
		t.Fatalf("the membership is %+v", m)
	}
	c.silent = false // the answer that was lost is not waited for for ever
	for range 80 {
		c.joined(c.leader(), Join{Name: name, Incarnation: 77})
		c.run(2e8, 0)
		if _, ok := c.members().FindName(name, 77); ok {
			c.check(true)
			return
		}
	}
	t.Errorf("the new incarnation is not admitted: %+v", c.members())
}

func TestLateSurveyIsOfNoUse(t *testing.T) {
	// Shows that the answer to an earlier question is not taken for one about another change.
	c, leader, others := settled(t, 11)
	c.silent = true
	order := func(name string) Survey {
		for before, k := len(c.surveys), 0; k < 50; k++ {
			c.reply(leader, Dismiss{Name: name})
			if len(c.surveys) > before {
				return c.surveys[before]
			}
			c.run(2e8, 0)
		}
		t.Fatalf("nobody is asked about %s", name)
		return Survey{}
	}
	first := order(c.nameOf(others[0]))
	leader.r.admission.end()
	second := order(c.nameOf(others[1]))
	leader.r.Step(c.now, Surveyed{Ticket: first.Ticket})
	if leader.r.admission.survey.fine || first.Ticket == second.Ticket {
		t.Error("an old answer counts")
	}
	leader.r.Step(c.now, Surveyed{Ticket: second.Ticket})
	if !leader.r.admission.survey.fine {
		t.Error("the answer does not count")
	}
}

func TestOrdersWhileAPromotionIsRefused(t *testing.T) {
	// Shows that while a learner may not become a voter, because others lack data, orders that need no survey are carried out: another name is expected,
	// and the learner itself is dismissed.
	c := newClusterOf(t, 23, withSpare(), Config{})
	c.run(8e9, 1)
	c.lacking = "they fetch their data"
	if refusal := c.order(Expect{Name: "n4"}); refusal != "" {
		t.Fatal(refusal)
	}
	c.run(1e9, 1)
	if len(c.surveys) == 0 {
		t.Fatal("it is not tried to promote the learner")
	}
	for _, order := range []Event{Expect{Name: "n5"}, Dismiss{Name: "n4"}} {
		if refusal := c.order(order); refusal != "" {
			t.Errorf("%+v is refused: %s", order, refusal)
		}
	}
	c.check(false)
}
