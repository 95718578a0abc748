package renewal

import (
	"fmt"

	"github.com/baristadb/barista/internal/paxos"
)

// Change says why the members must not become next; empty when they may: in each majority of its voters there has to be one that holds everything. For
// whoever has permission to drop its data counts on a majority, and others may leave before its copy is complete.
//
// answers are those of the voters of next, which the leader of the ballot has asked as for Give, itself among them; durable is up to where its
// own journal had the log before it did. A voter that answers takes no permission of an earlier leadership afterwards, and one that does not counts as
// one that holds nothing. One that is given in this leadership before the change is chosen has a majority of the members before it, without whom
// it was given to: of these at most one is missing in next, so each majority of next has one of them.
func (l *Leader) Change(reign paxos.Ballot, next paxos.Membership, durable paxos.Index, answers Answers) string {
	l.hear(reign, answers)
	needed, silent := paxos.Index(0), false
	for _, told := range answers {
		if told == nil {
			silent = true
		} else {
			needed = max(needed, told.Floor)
		}
	}
	if silent { // its journal's floor may be anywhere
		needed = max(needed, durable)
	}
	var without []string
	voters := len(next.Voters())
	for _, m := range next.Members {
		if told := answers[m.Name]; m.Voter && (told == nil || !told.Holds || l.given[m.Name] || told.Durable < needed) {
			without = append(without, m.Name)
		}
	}
	if len(without) < next.Quorum() {
		return ""
	}
	return fmt.Sprintf("in each majority of the %d voting members that there would be, one must hold everything in its server's data, and these do not, "+
		"or do not say so: %s; wait until their data have been fetched", voters, list(without))
}
