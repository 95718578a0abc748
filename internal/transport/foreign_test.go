package transport

import (
	"context"
	"testing"
)

// foreignEnd is a transport of a cluster with so many voters, and what it hears of others.
func foreignEnd(t *testing.T, name, secret string, cluster byte, voters uint16) (e *end, met chan AnotherCluster) {
	t.Helper()
	met = make(chan AnotherCluster, 100)
	e = startEnd(t, name, func(cfg *Config) {
		cfg.Self.Cluster, cfg.Secret = [16]byte{cluster}, []byte(secret)
		cfg.Foreign = func(self, peer Identity) { met <- AnotherCluster{self, peer} }
	})
	e.SetVoters(int(voters))
	return e, met
}

// Both sides learn that the other belongs to another cluster, and how many vote there, whoever dialled; it takes the secret.
func TestAnotherClusterIsMet(t *testing.T) {
	alone, metByAlone := foreignEnd(t, "n1", "s", 1, 1)
	other, metByOther := foreignEnd(t, "n2", "s", 2, 3)
	stranger, metByStranger := foreignEnd(t, "n3", "another", 3, 60)
	for _, e := range []*end{alone, other} {
		stranger.SetPeer(e.identity().Name, e.Addr().String())
		e.SetPeer("n3", stranger.Addr().String())
		if _, err := stranger.Dial(context.Background(), e.identity().Name, PurposeControl); err == nil {
			t.Error("a stranger is let in")
		}
		if _, err := e.Dial(context.Background(), "n3", PurposeControl); err == nil {
			t.Error("a stranger is believed")
		}
	}
	if len(metByAlone)+len(metByOther)+len(metByStranger) > 0 {
		t.Fatal("somebody has met a stranger")
	}
	alone.SetPeer("n2", other.Addr().String())
	if met := receive(t, metByAlone); met.Peer.Name != "n2" || met.Peer.Cluster != [16]byte{2} || met.Peer.Voters != 3 || met.Self.Voters != 1 {
		t.Errorf("the dialler has met %+v", met)
	}
	if met := receive(t, metByOther); met.Peer.Name != "n1" || met.Peer.Cluster != [16]byte{1} || met.Peer.Voters != 1 || met.Self.Voters != 3 {
		t.Errorf("the listener has met %+v", met)
	}
}
