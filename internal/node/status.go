package node

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/baristadb/barista/internal/admin"
	"github.com/baristadb/barista/internal/paxos"
	"github.com/baristadb/barista/internal/replicator"
)

// Status implements admin.Node: what this node says of itself.
func (n *node) Status() admin.Status {
	s := n.driver.Status()
	applied, running := n.server.applied()
	if !running {
		applied = s.Applied
	}
	lease := max(0, s.LeaseEnd-bootClock())
	return admin.Status{
		Name: n.cfg.Name, Role: n.role(s), Detail: detail(s),
		Leader: n.directory.name(s.Leader), Ballot: s.Ballot.String(), Epoch: s.Epoch.String(),
		Index: uint64(s.Index), Chosen: s.Chosen.String(), Applied: applied.String(),
		Lag: lag(s, uint64(applied.Index())), Server: n.server.State(), LeaseMS: int64(lease) / 1e6,
		Members: memberNames(s.Members),
	}
}

// role is a word of the contract.
func (n *node) role(s replicator.Status) string {
	me, member := s.Members.Find(n.identity.Node)
	switch {
	case s.Removed:
		return "stopped"
	case s.Phase == replicator.Open:
		return "leader"
	case !member || !me.Voter || !n.server.runs() || lag(s, uint64(s.Applied.Index())) > catchingUpLag:
		return "catching-up"
	default:
		return "follower"
	}
}

// catchingUpLag is how many entries a follower may be behind and still count as caught up.
const catchingUpLag = 1000

// lag is how many entries the server is behind what is chosen; void and empty entries at the end do not count.
func lag(s replicator.Status, applied uint64) uint64 {
	return s.Chosen.Index() - min(applied, s.Chosen.Index())
}

func detail(s replicator.Status) string {
	switch {
	case s.Diverged != "":
		return "diverged"
	case s.Phase == replicator.Open && s.Suspended:
		return "suspended"
	case s.Phase == replicator.Opening || s.Phase == replicator.Closing:
		return s.Phase.String()
	}
	return ""
}

func memberNames(m paxos.Membership) []admin.Member {
	members := make([]admin.Member, len(m.Members))
	for k, member := range m.Members {
		members[k] = admin.Member{Name: member.Name, Node: uint64(member.Node), Voter: member.Voter, Address: member.Address}
	}
	return members
}

// Names implements admin.Peers: every member, and every node of the configuration.
func (n *node) Names() []string {
	var names []string
	seen := make(map[string]bool)
	add := func(name string) {
		if !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}
	for _, m := range n.driver.Status().Members.Members {
		add(m.Name)
	}
	for name := range n.cfg.Peers {
		add(name)
	}
	return names
}

// PeerStatus implements admin.Peers: what a member says of itself.
func (n *node) PeerStatus(ctx context.Context, name string) (admin.Status, error) {
	if name == n.cfg.Name {
		return n.Status(), nil
	}
	ctx, cancel := context.WithTimeout(ctx, controlLimit)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+name+"/status", nil)
	if err != nil {
		return admin.Status{}, err
	}
	response, err := n.transport.HTTPClient().Do(request)
	if err != nil {
		return admin.Status{}, err
	}
	defer response.Body.Close()
	var status admin.Status
	if response.StatusCode != http.StatusOK {
		return status, fmt.Errorf("%s: %s", name, response.Status)
	}
	return status, json.NewDecoder(io.LimitReader(response.Body, maxControlBody)).Decode(&status)
}
