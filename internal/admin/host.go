package admin

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// checkHost answers, and returns false, if a request is meant for somebody else.
//
// A page in a browser reaches this node under a name that its author has pointed here, and the browser takes the answer for the author's own:
// so a request names one of the node's own names, or an address, to which no page can be bound.
//
// On the operator's socket no browser comes. But whoever answers at an address in place of a node that is down may name the socket of
// another cluster's node, and have the operator's order carried out there. So the address for which an order was meant, which barista gives as the
// host, has to be this node's.
func (s *Server) checkHost(w http.ResponseWriter, r *http.Request, p proof) bool {
	if g := guestOf(r.Context()); p.given && g != nil {
		if _, local := g.Conn.(*caller); local {
			return s.checkAddress(w, r.Host)
		}
	}
	if !s.isOwn(r.Host) {
		http.Error(w, "the request is for a host that is not this node's: use its IP address, or add the name to http_hosts in its node.yaml",
			http.StatusMisdirectedRequest)
		return false
	}
	return true
}

// isOwn reports whether a Host header, with or without a port, names this node.
func (s *Server) isOwn(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = host
	}
	if inner, ok := strings.CutPrefix(name, "["); ok {
		name = strings.TrimSuffix(inner, "]")
	}
	if _, err := netip.ParseAddr(name); err == nil {
		return true
	}
	return strings.EqualFold(name, "localhost") || slices.ContainsFunc(s.options.Hosts, func(own string) bool { return strings.EqualFold(name, own) })
}

// checkAddress answers, and returns false, if host is an address with a port, and not one at which this node serves HTTP.
func (s *Server) checkAddress(w http.ResponseWriter, host string) bool {
	meant, err := netip.ParseAddrPort(host)
	if err != nil || serves(s.options.Address, meant) {
		return true
	}
	http.Error(w, "the request is for "+meant.String()+", and this node serves HTTP at "+s.options.Address.String(), http.StatusMisdirectedRequest)
	return false
}

// serves reports whether who listens at an address is reached at another one.
func serves(listens, at netip.AddrPort) bool {
	own, other := listens.Addr().Unmap().WithZone(""), at.Addr().Unmap().WithZone("")
	switch {
	case listens.Port() != at.Port():
		return false
	case own == netip.IPv6Unspecified(): // listens for IPv4 too
		return true
	case own == netip.IPv4Unspecified():
		return other.Is4()
	}
	return own == other
}
