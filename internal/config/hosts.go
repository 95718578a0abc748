package config

import (
	"fmt"
	"net"
	"net/netip"
	"regexp"
)

// hostName is a name under which a machine or a container is reached.
var hostName = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?$`)

func (c Config) checkHosts() error {
	for _, name := range c.HTTPHosts {
		if !hostName.MatchString(name) {
			return fmt.Errorf("http_hosts: %q is no host's name; a name stands there without a port", name)
		}
	}
	return nil
}

// HostNames are the names by which this node's HTTP side may be called, beside IP addresses and localhost: those of http_hosts, and of the
// node's own addresses.
func (c Config) HostNames() []string {
	names := append([]string(nil), c.HTTPHosts...)
	for _, address := range []string{c.HTTP, c.Peer} {
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			continue
		}
		if _, err := netip.ParseAddr(host); err != nil {
			names = append(names, host)
		}
	}
	return names
}
