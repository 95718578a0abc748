package admin

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
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

// readOrder reads the body of a request into what it may hold. If it is no such order, readOrder has answered.
func readOrder(w http.ResponseWriter, r *http.Request, into any) bool {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		http.Error(w, "an order comes as application/json", http.StatusUnsupportedMediaType)
		return false
	}
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxOrder))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(into)
	if err == nil {
		if _, err = decoder.Token(); errors.Is(err, io.EOF) {
			return true
		} else if err == nil {
			err = errors.New("something stands behind it")
		}
	}
	code := http.StatusBadRequest
	if _, long := errors.AsType[*http.MaxBytesError](err); long {
		code = http.StatusRequestEntityTooLarge
	}
	http.Error(w, "not an order: "+err.Error(), code)
	return false
}

// order answers a request with what obey returns: 409 for a Refusal, 503 for any other error, each with a line of text.
func (s *Server) order(obey func(ctx context.Context, name string) (any, error)) func(http.ResponseWriter, *http.Request, proof) {
	return func(w http.ResponseWriter, r *http.Request, p proof) {
		var o Order
		if !readOrder(w, r, &o) {
			return
		}
		liftLimits(w)
		s.options.Log.Info("an operator gives an order", "order", r.URL.Path, "name", o.Name, "by", p.by)
		answer, err := obey(r.Context(), o.Name)
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
