package verify

import (
	"errors"

	"github.com/baristadb/barista/internal/changeset"
)

// The paths of the node side, below the control purpose of the peer port. Each
// is a POST of a JSON request with a JSON answer; a failure is a status of 400
// or more with one line of text.
const (
	pathOpen    = "/verify/open"    // openRequest -> openAnswer
	pathDigest  = "/verify/digest"  // digestRequest -> Digest
	pathBuckets = "/verify/buckets" // groupRequest -> []Group
	pathKeys    = "/verify/keys"    // groupRequest -> []Group
	pathAlive   = "/verify/alive"   // aliveRequest -> aliveAnswer
	pathClose   = "/verify/close"   // closeRequest -> struct{}
)

// ErrStopped is matched by the error of a node whose server was stopped because
// it holds something else than the log says. Its status is 410.
var ErrStopped = errors.New("the server was stopped")

// Limits of what is read from the other side, in bytes.
const (
	maxRequest = 16 << 20
	maxAnswer  = 256 << 20
)

type openRequest struct {
	Mark changeset.MarkID `json:"mark"`
}

type openAnswer struct {
	Session  string             `json:"session"`
	Position changeset.Position `json:"position"`
	Role     Role               `json:"role"`
}

type digestRequest struct {
	Session string    `json:"session"`
	Only    []Subject `json:"only,omitempty"`
}

type groupRequest struct {
	Session string  `json:"session"`
	Subject Subject `json:"subject"`
	Buckets Buckets `json:"buckets"`
	Bucket  int64   `json:"bucket"`
}

// aliveRequest says that somebody still compares, and needs the session; or,
// without one, asks only.
type aliveRequest struct {
	Session string `json:"session,omitempty"`
}

type aliveAnswer struct {
	Progress Progress `json:"progress"`
}

type closeRequest struct {
	Session string `json:"session"`
}
