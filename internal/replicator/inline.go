package replicator

import (
	"errors"
	"io"

	"github.com/baristadb/barista/internal/changeset"
)

// eachInline calls use for each message of a set that says that it carries states of sequences, or names of databases. Those of a chunked set
// are passed over: its last part may begin within a message. The states in it come with their sequences' next use, and databases are
// neither dropped nor renamed in one.
func eachInline(set *changeset.ChangeSet, use func(changeset.Message)) error {
	if set.Flags&changeset.HasSequences == 0 || set.Flags&changeset.Last != 0 {
		return nil
	}
	reader := changeset.NewReader(set.Payload)
	for {
		message, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		use(message)
	}
}
