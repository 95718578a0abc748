package node

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/baristadb/barista/internal/admin"
	"github.com/baristadb/barista/internal/renewal"
	"github.com/baristadb/barista/internal/replicator"
)

// A pardoned node votes from a folder that is an older copy. What its journal has forgotten the operator has given up. But its server's data are another
// matter: a folder that was copied while a server ran in it, other than by a snapshot of the whole disk, holds files of different moments, and a server
// that starts on it need not notice. So
//
//  1. if a peer has data that are not in doubt, those of this node are given up: its server ends, and its data are fetched anew from there;
//  2. if nobody has, the server goes on, because the cluster has nothing better. But the data are in doubt, the status says so, and so does that of
//     everybody who copies them, until a person has looked at them, or a peer is there again whose data are not.
//
// If the process dies after 1 and before the node votes, the operator is not answered and gives the order again; the data are fetched anew by then, or not.

// pardonedData is why the data of a pardoned node are given up.
const pardonedData = "they are those of an older copy of this node's folder, which may have been made while a server ran"

// PardonMember implements admin.Operator: this node votes in spite of what its folder may have forgotten. It is refused while a leader serves,
// for then nothing has to be given up.
func (n *node) PardonMember(ctx context.Context, name string) error {
	if name != n.cfg.Name {
		return admin.Refusal(fmt.Sprintf("this is %s: ask %s itself", n.cfg.Name, name))
	}
	if n.driver.Status().Disowned == nil {
		return admin.Refusal(name + " was not found to be an older copy")
	}
	peers := members{n}
	for _, peer := range peers.Names() {
		if peer == name {
			continue
		}
		if status, err := peers.Status(ctx, peer); err == nil && status.Role == admin.Leader {
			return admin.Refusal(fmt.Sprintf("%s leads, so nothing has to be given up: %s joins by itself as a new incarnation", peer, name))
		}
	}
	n.log.Warn("an operator has ordered that this node votes, although its folder is an older copy: what it has forgotten may be lost")
	if err := n.doubtData(ctx); err != nil {
		return err
	}
	if err := removeMark(n.cfg.JournalDir() + disownedSuffix); err != nil {
		return err
	}
	n.driver.Post(ctx, replicator.Pardon{})
	return nil
}

// doubtData has the data of a pardoned node fetched anew, if a peer has better ones; else it notes that they may not be whole.
func (n *node) doubtData(ctx context.Context) error {
	if missing, err := n.pg.Missing(); err != nil || missing {
		return err // they are fetched anyway
	}
	sound := n.soundPeers(ctx)
	if len(sound) == 0 {
		n.log.Error("the data of this node's server may not be whole, for its folder is an older copy, and no member that can be reached has others")
		return n.pg.Doubt()
	}
	n.log.Warn("the data of this node's server are fetched anew, because its folder is an older copy", "sound", strings.Join(sound, ", "))
	if err := n.pg.GiveUp(pardonedData); err != nil {
		return err
	}
	n.server.renewal.ask(pardonedData)
	return nil
}

// soundPeers asks all peers, and returns those whose servers hold everything in data that are not in doubt.
func (n *node) soundPeers(ctx context.Context) (sound []string) {
	var mu sync.Mutex // guards sound
	var asked sync.WaitGroup
	for _, name := range (members{n}).Names() {
		if name == n.cfg.Name {
			continue
		}
		asked.Go(func() { // ends with heirStatusLimit
			if told := n.permissions.askOne(ctx, name, 0); isSound(told) {
				mu.Lock()
				defer mu.Unlock()
				sound = append(sound, name)
			}
		})
	}
	asked.Wait()
	slices.Sort(sound)
	return sound
}

func isSound(told *renewal.Holding) bool { return told != nil && told.Holds && !told.Doubtful }

// doubtful says that the data of the own server may not be whole, and what to do; empty: nothing is known of that.
func (s *localServer) doubtful() string {
	path, err := s.pg.Doubtful()
	if err != nil || path == "" {
		return ""
	}
	return "its data come from an older copy of a node's folder and may not be whole: compare them with barista verify, and look at them with pg_amcheck; " +
		"then remove " + path
}

// betterData says why the data of a server, which are in doubt, are to be fetched anew: a peer has some that are not; empty: nobody has.
func (n *node) betterData(ctx context.Context) string {
	if n.leading.view().open || len(n.soundPeers(ctx)) == 0 {
		return ""
	}
	return pardonedData
}
