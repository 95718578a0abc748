package replicator

import (
	"slices"

	"github.com/baristadb/barista/internal/paxos"
)

// A change of the voters changes what is a majority. Somebody may just be permitted to drop the data of its server, because a majority hold all that
// journals do not have any more (internal/renewal); if two of these were dismissed meanwhile, nobody might be left who holds it. So before such a
// change is proposed, those who would vote then are asked what they hold. Nothing else waits for that; the answer counts for this one change.
//
// Between the answer and the choosing of the change permissions may still be given, under the membership that is in force: a majority of that holds
// everything then, without the one that gets the permission, and one voter more or less leaves at least one of them in each majority.

// Survey asks who of the voters of a membership, which is the next if that is well, holds everything.
type Survey struct {
	Ticket uint64
	Next   paxos.Membership
}

// survey is what is known of the change that is wished for.
type survey struct {
	Survey
	fine  bool
	until paxos.Instant // for how long the answer is waited for
}

// refused is why a change was not made: the voter that would have gone (or come), and until when the answer counts.
type refused struct {
	voter paxos.NodeID
	why   string
	until paxos.Instant
}

// surveyLimit is how long an answer may take: it waits for members that do not answer, and for other questions.
const surveyLimit = paxos.Span(10e9)

// isSurveyed reports whether a change may be proposed as far as data are concerned. If nobody was asked yet it asks.
func (r *Replicator) isSurveyed(members, next paxos.Membership) bool {
	a := &r.admission
	if slices.Equal(members.Voters(), next.Voters()) {
		return true
	}
	if a.survey.Ticket == 0 || !slices.Equal(a.survey.Next.Voters(), next.Voters()) {
		a.surveys++
		a.survey = survey{Survey: Survey{Ticket: a.surveys, Next: next}, until: r.now.Add(surveyLimit)}
		asked := a.survey.Survey
		r.out.Survey = &asked
	}
	return a.survey.fine
}

// surveyed takes the answer.
func (r *Replicator) surveyed(e Surveyed) {
	a := &r.admission
	if a.wish == nil || e.Ticket != a.survey.Ticket {
		return
	}
	if e.Refused == "" {
		a.survey.fine, a.until = true, r.now.Add(r.cfg.AdmitPatience)
		return
	}
	voter := whoChanges(r.paxos.Members(), a.survey.Next)
	a.putOff(r.now, r.cfg.AdmitPatience)
	a.refused = refused{voter: voter, why: e.Refused, until: a.notNow}
}

// whoChanges is the voter that only one of two memberships has; 0 = there is none.
func whoChanges(a, b paxos.Membership) paxos.NodeID {
	for _, pair := range [][2]paxos.Membership{{a, b}, {b, a}} {
		for _, id := range pair[0].Voters() {
			if !slices.Contains(pair[1].Voters(), id) {
				return id
			}
		}
	}
	return 0
}

// refusedChange says why the change of a member as a voter was not made a moment ago; empty: it was not wished for, or may be.
func (r *Replicator) refusedChange(id paxos.NodeID) string {
	if f := r.admission.refused; f.voter == id && r.now < f.until {
		return f.why
	}
	return ""
}
