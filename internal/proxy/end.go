package proxy

import (
	"net"
	"time"

	"github.com/baristadb/barista/internal/session"
	"golang.org/x/sys/unix"
)

// end closes both sides of a relay that the loop has let go of, after the client was told what it does not know yet.
func (s *Server) end(r *relay) {
	defer r.client.forget()
	defer r.server.forget()
	if r.why == clientGone {
		unix.Close(r.client.fd)
		unix.Close(r.server.fd)
		return
	}
	client, server, err := r.connections()
	if err != nil {
		s.options.Log.Error("session cut", "error", err)
		return
	}
	intact := r.flushTo(client)
	if intact && (r.why == backendEnded || r.why == leaderLost) {
		intact = r.drain(client, server, s.options.Drain)
	}
	server.Close()
	why := r.failure()
	if !intact || why == nil || !r.fromSrv.atBoundary() {
		client.Close() // in the middle of a message there is no way to say anything
		return
	}
	if !r.known {
		s.turnAway(client, why)
		return
	}
	s.options.Log.Info("session ended", "leader", r.node, "sqlstate", why.SQLSTATE, "reason", why.Message)
	lastWords(client, fatalFrame(why))
}

// failure returns what the client must be told at the end, or nil if it knows.
func (r *relay) failure() *session.Failure {
	if r.why == clientGaveWay {
		return session.GaveWay() // its own front door does not know why
	}
	if r.mute || r.requests.fatal || r.requests.terminated {
		return nil
	}
	outstanding := r.requests.outstanding()
	switch r.why {
	case clientBroke:
		return session.BrokenProtocol("a message has an impossible length")
	case backendEnded, leaderLost:
		switch {
		case !r.requests.ready:
			return session.LostAtStart(r.node)
		case outstanding:
			return session.LostUnknown(r.node)
		default:
			return session.LostIdle(r.node)
		}
	case shutdownIdle, shutdownForce:
		if outstanding {
			return session.CutByShutdown()
		}
		return session.ShuttingDown()
	default:
		return nil
	}
}

// connections turns both descriptors into connections that can wait; on an error both are closed.
func (r *relay) connections() (client, server net.Conn, err error) {
	client, err = connOf(r.client.fd)
	if err != nil {
		unix.Close(r.server.fd)
		return nil, nil, err
	}
	server, err = connOf(r.server.fd)
	if err != nil {
		client.Close()
		return nil, nil, err
	}
	return client, server, nil
}

// flushTo writes the client's backlog, and reports whether all of it was taken.
func (r *relay) flushTo(client net.Conn) bool {
	if len(r.client.backlog) == 0 {
		return true
	}
	client.SetWriteDeadline(time.Now().Add(clientWriteTime))
	_, err := client.Write(r.client.backlog)
	return err == nil
}

// drain carries what the server still says to the client: the answer of a commit that was decided may be in it. It ends with the
// stream, or when the server has been silent for limit. If it is the leadership that has ended, and not the stream, it ends also when
// nothing is owed (any more), or after limit in any case. It reports whether the client has taken everything.
func (r *relay) drain(client, server net.Conn, limit time.Duration) bool {
	end := time.Now().Add(limit)
	buffer := make([]byte, 32<<10)
	for r.why != leaderLost || r.owesAnswer() {
		if r.why != leaderLost {
			end = time.Now().Add(limit)
		}
		server.SetReadDeadline(end)
		n, err := server.Read(buffer)
		if n > 0 && !r.pass(client, buffer[:n]) {
			return false
		}
		if err != nil {
			break
		}
	}
	return true
}

// owesAnswer reports whether something that the client waits for may still come from the server.
func (r *relay) owesAnswer() bool {
	return !r.requests.ready || r.requests.outstanding() || !r.fromSrv.atBoundary()
}

// pass writes a chunk of the server to the client, and reports whether the client took it.
func (r *relay) pass(client net.Conn, p []byte) bool {
	if r.noteServer(p) != nil {
		return false
	}
	client.SetWriteDeadline(time.Now().Add(clientWriteTime))
	_, err := client.Write(p)
	return err == nil
}
