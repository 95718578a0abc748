package node

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/baristadb/barista/internal/admin"
	"github.com/baristadb/barista/internal/session"
)

const (
	explainLimit = 500 * time.Millisecond // for the members to say how they are
	explainKept  = time.Second            // for so long what they said is told to others who ask
)

// leaderless remembers for a moment why nobody leads: many clients may ask.
type leaderless struct {
	mu   sync.Mutex // guards the rest
	why  string
	when time.Time
}

// noLeader is the answer to a client that has waited for a leader in vain. It says what is so: that a majority does not answer, or that members do
// answer and cannot lead. The client has not been authenticated, so it hears no more of them than their names and what everybody may see.
func (n *node) noLeader() error {
	return errors.Join(session.ErrNoLeader, session.NoLeader(n.cfg.Hold, n.whyNoLeader()))
}

func (n *node) whyNoLeader() string {
	n.leaderless.mu.Lock()
	defer n.leaderless.mu.Unlock()
	if time.Since(n.leaderless.when) > explainKept {
		ctx, cancel := context.WithTimeout(n.coreCtx, explainLimit)
		defer cancel()
		n.leaderless.why = explainNoLeader(admin.Gather(ctx, n, members{n}))
		n.leaderless.when = time.Now()
	}
	return n.leaderless.why
}

// explainNoLeader says how the members are, of which none leads.
func explainNoLeader(all []admin.Status) string {
	var told []string
	voters := 0
	for _, s := range all {
		if s.Member != "voter" {
			continue
		}
		voters++
		s = s.Open()
		switch {
		case s.Role == admin.Unreachable:
			told = append(told, s.Name+" does not answer")
		case s.Reason != "":
			told = append(told, fmt.Sprintf("%s answers: %s", s.Name, s.Reason))
		case s.Trouble != "":
			told = append(told, fmt.Sprintf("%s answers: %s", s.Name, s.Trouble))
		default:
			told = append(told, fmt.Sprintf("%s answers: %s", s.Name, s.Role))
		}
	}
	if voters == 0 {
		return ""
	}
	needs := fmt.Sprintf("A leader needs %d of %d members, and a server that holds what was agreed on. ", voters/2+1, voters)
	return needs + strings.Join(told, "; ") + "."
}
