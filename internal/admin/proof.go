package admin

import (
	"crypto/subtle"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// proof is what a request shows of the operator.
type proof struct {
	given bool
	by    string // for the log: how it was given
}

const (
	needProof = "this takes proof of the operator: run barista on the node's machine, as root or as the user that runs the node, " +
		"or give it a token with --token-file (barista token prints it)"
	wrongToken = "the token is wrong: barista token --config node.yaml prints the right one, on each of the cluster's nodes"
)

// examine finds out whether a request comes from the operator. If it is to go no further, for who gives a wrong proof should hear of it,
// examine has answered.
func (s *Server) examine(w http.ResponseWriter, r *http.Request) (p proof, ok bool) {
	if g := guestOf(r.Context()); g != nil {
		if caller, local := g.Conn.(*caller); local {
			return s.examineCaller(w, caller)
		}
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return proof{}, true // what a proxy in between asks for is not ours
	}
	if subtle.ConstantTimeCompare([]byte(strings.TrimSpace(token)), []byte(s.options.Token)) == 1 {
		return proof{given: true, by: "token from " + r.RemoteAddr}, true
	}
	if n := s.wrong.due(time.Now()); n > 0 {
		s.options.Log.Warn("a request came with a wrong token", "from", r.RemoteAddr, "times", n)
	}
	refuse(w, `Bearer realm="barista", error="invalid_token"`, wrongToken)
	return proof{}, false
}

// examineCaller judges who came through the operator's socket.
func (s *Server) examineCaller(w http.ResponseWriter, c *caller) (proof, bool) {
	if !c.mayOrder {
		http.Error(w, "this socket is for root and for the user that runs the node", http.StatusForbidden)
		return proof{}, false
	}
	return proof{given: true, by: "user id " + strconv.FormatUint(uint64(c.uid), 10)}, true
}

// refuse answers that proof is missing or wrong.
func refuse(w http.ResponseWriter, challenge, text string) {
	w.Header().Set("WWW-Authenticate", challenge)
	http.Error(w, text, http.StatusUnauthorized)
}

// onThisMachine reports whether a request comes from the machine that it reached.
func onThisMachine(r *http.Request) bool {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return false
	}
	from := net.ParseIP(host)
	if to, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr); ok && to.IP.Equal(from) {
		return true
	}
	return from.IsLoopback()
}
