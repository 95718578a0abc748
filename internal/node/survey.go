package node

import (
	"context"

	"github.com/baristadb/barista/internal/replicator"
)

// Survey implements replicator.Server. A later one takes the place of one that has not begun: nobody waits for that any more.
func (s *localServer) Survey(survey replicator.Survey) {
	select {
	case <-s.permissions.surveys:
	default:
	}
	s.permissions.surveys <- survey // there is room: the driver alone puts any there
}

// makeSurveys finds out what the voters would hold if the membership changed, until ctx ends.
func (p *permissions) makeSurveys(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case survey := <-p.surveys:
			p.make(ctx, survey)
		}
	}
}

// make asks the voters of the next membership, and answers unless this node has ceased to lead: then the question is void.
func (p *permissions) make(ctx context.Context, survey replicator.Survey) {
	p.deciding.Lock()
	defer p.deciding.Unlock()
	before := p.node.driver.Status()
	if !leads(before) {
		return
	}
	answers := p.gather(ctx, survey.Next, "", before.Epoch)
	if after := p.node.driver.Status(); !leads(after) || after.Epoch != before.Epoch {
		return
	}
	refused := p.giver.Change(before.Epoch, survey.Next, before.DurableTo, answers)
	if refused != "" {
		p.node.log.Warn("the voting members do not change now", "reason", refused)
	}
	p.node.driver.Post(ctx, replicator.Surveyed{Ticket: survey.Ticket, Refused: refused})
}
