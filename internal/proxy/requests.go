package proxy

// The types of the messages that say whether a request is under way.
const (
	msgBind           = 'B'
	msgClose          = 'C' // from a client; from a server the same byte is CommandComplete
	msgCopyDone       = 'c'
	msgCopyFail       = 'f'
	msgDescribe       = 'D'
	msgExecute        = 'E' // from a client; from a server the same byte is ErrorResponse
	msgFlush          = 'H'
	msgFunctionCall   = 'F'
	msgParse          = 'P'
	msgQuery          = 'Q'
	msgSync           = 'S'
	msgTerminate      = 'X'
	msgAuthentication = 'R'
	msgBackendKey     = 'K'
	msgComplete       = 'C'
	msgCopyIn         = 'G'
	msgError          = 'E'
	msgReadyForQuery  = 'Z'
)

const statusIdle = 'I' // in a ReadyForQuery: no transaction is open

// requests knows, from the complete messages of both directions, whether the server owes its client an answer.
//
// Invariant: if the server may have begun to run something that it has not answered, outstanding is true. It may also be true
// without need after a client has mixed simple and extended requests inside one failed pipeline; the client is then told
// "unknown" where "lost while idle" would do, never the reverse.
type requests struct {
	owed       uint32 // complete requests, each of which the server ends with a ReadyForQuery
	copySyncs  uint32 // of these, Syncs that came during COPY FROM STDIN: the server ignores them there
	lastAsk    byte   // type of the last of these
	unsynced   bool   // extended-protocol messages since the last Sync
	copying    bool   // the server waits for COPY data
	ready      bool   // the first ReadyForQuery has passed: start-up is over
	terminated bool   // the client said goodbye
	fatal      bool   // the server said that it ends the session
	status     byte   // transaction status of the last ReadyForQuery
}

// outstanding reports whether a request is under way.
func (r *requests) outstanding() bool { return r.owed > 0 || r.unsynced }

// quiet reports whether the session may be ended without a loss to its client.
func (r *requests) quiet() bool { return r.ready && !r.outstanding() && r.status == statusIdle }

// fromClient takes note of a complete message of the client.
func (r *requests) fromClient(kind byte) {
	switch kind {
	case msgQuery, msgFunctionCall:
		r.ask(kind)
	case msgSync:
		r.ask(kind)
		if r.copying {
			r.copySyncs++
		}
	case msgParse, msgBind, msgDescribe, msgExecute, msgClose, msgFlush:
		r.unsynced = true
	case msgCopyDone, msgCopyFail:
		r.endCopy()
	case msgTerminate:
		r.terminated = true
	}
}

func (r *requests) ask(kind byte) {
	r.owed++
	r.lastAsk = kind
	r.unsynced = false
}

// fromServer takes note of a complete message of the server. The body may be cut, but not before keptSize bytes.
func (r *requests) fromServer(kind byte, body []byte) {
	switch kind {
	case msgReadyForQuery:
		r.readyForQuery(body)
	case msgCopyIn:
		r.beginCopy()
	case msgComplete:
		r.copying, r.copySyncs = false, 0
	case msgError:
		r.copying, r.copySyncs = false, 0
		r.fatal = r.fatal || isFatal(body)
	}
}

func (r *requests) readyForQuery(body []byte) {
	if len(body) > 0 {
		r.status = body[0]
	}
	r.copying, r.copySyncs = false, 0
	if !r.ready { // ends the start-up, answers no request
		r.ready = true
		return
	}
	if r.owed > 0 {
		r.owed--
	}
}

// beginCopy: a client that uses the extended protocol sends Execute and Sync together; if the Execute turns out to be a COPY FROM
// STDIN, the server ignores that Sync, and the client sends another after the data.
func (r *requests) beginCopy() {
	r.copying, r.copySyncs = true, 0
	if r.owed == 1 && r.lastAsk == msgSync && !r.unsynced {
		r.owed, r.unsynced = 0, true
	}
}

// endCopy forgets the Syncs that were sent amid the data.
func (r *requests) endCopy() {
	if !r.copying {
		return
	}
	r.owed -= min(r.owed, r.copySyncs)
	r.unsynced = r.unsynced || r.owed == 0
	r.copying, r.copySyncs = false, 0
}
