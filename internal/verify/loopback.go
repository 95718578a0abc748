package verify

import (
	"bytes"
	"io"
	"net/http"
)

// Loopback is an http.RoundTripper that hands requests for the hosts that it
// knows to their handlers in this process, and all others to Next.
type Loopback struct {
	Hosts map[string]http.Handler
	Next  http.RoundTripper // nil: other hosts cannot be reached
}

// RoundTrip implements http.RoundTripper.
func (l Loopback) RoundTrip(request *http.Request) (*http.Response, error) {
	handler := l.Hosts[request.URL.Host]
	if handler == nil {
		if l.Next == nil {
			return nil, http.ErrServerClosed
		}
		return l.Next.RoundTrip(request)
	}
	a := answerBuffer{header: make(http.Header), status: http.StatusOK}
	handler.ServeHTTP(&a, request)
	return &http.Response{
		Status:        http.StatusText(a.status),
		StatusCode:    a.status,
		Header:        a.header,
		Body:          io.NopCloser(&a.body),
		ContentLength: int64(a.body.Len()),
		Request:       request,
	}, nil
}

// answerBuffer is an http.ResponseWriter that keeps what is written.
type answerBuffer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *answerBuffer) Header() http.Header            { return a.header }
func (a *answerBuffer) WriteHeader(status int)         { a.status = status }
func (a *answerBuffer) Write(data []byte) (int, error) { return a.body.Write(data) }
