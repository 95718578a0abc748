package admin

import (
	"encoding/json"
	"errors"
	"net"
	"net/http"
)

// A Refusal says why an order is not carried out. Nothing was changed.
type Refusal string

// Error returns the reason.
func (r Refusal) Error() string { return string(r) }

// Order is the body of a request that changes who leads or who belongs to the cluster.
type Order struct {
	Name string `json:"name"` // of the node that it is about
}

// HandOver tells of a leadership that was handed over.
type HandOver struct {
	From string `json:"from"`
	To   string `json:"to"` // it leads, with an open gate
	MS   int64  `json:"ms"` // for how many milliseconds nobody led
}

// maxOrder limits the body of an order, in bytes.
const maxOrder = 4096

// order answers a request with what obey returns: 409 for a Refusal, 503 for any other error, each with a line of text.
func (s *Server) order(obey func(r *http.Request, name string) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !local(r) {
			http.Error(w, "orders are taken from this node's own machine only: run barista there", http.StatusForbidden)
			return
		}
		var o Order
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxOrder)).Decode(&o); err != nil {
			http.Error(w, "not an order: "+err.Error(), http.StatusBadRequest)
			return
		}
		liftLimits(w)
		answer, err := obey(r, o.Name)
		if refusal, refused := errors.AsType[Refusal](err); refused {
			http.Error(w, refusal.Error(), http.StatusConflict)
			return
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		writeJSON(w, answer)
	}
}

// local reports whether a request comes from a program on this machine. HTTP knows no users here, so whoever may log in to the machine may
// order. A page in a browser on this machine may not: to send JSON to another site it has to ask first, and a site that
// pretends to be this one by its name gives that name as the host.
func local(r *http.Request) bool {
	from, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil || !net.ParseIP(from).IsLoopback() {
		return false
	}
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = r.Host
	}
	return r.Header.Get("Content-Type") == "application/json" && (host == "localhost" || net.ParseIP(host) != nil)
}
