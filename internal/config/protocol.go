package config

import "fmt"

// Protocol says how a leader has writes agreed on.
type Protocol string

// The protocols.
const (
	Multi Protocol = "multi" // Multi-Paxos
	Basic Protocol = "basic" // Standard Paxos, to compare with: both phases for every entry, one after the other
)

func (c Config) checkProtocol() error {
	if c.Protocol != Multi && c.Protocol != Basic {
		return fmt.Errorf("protocol %q is neither multi nor basic", c.Protocol)
	}
	return nil
}
