package proxy

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"

	"github.com/baristadb/barista/internal/session"
)

// greeting is what a client wants: a session, or to cancel what runs in another one.
type greeting struct {
	startup startup
	cancel  []byte // the whole cancel packet; nil for a session
}

// readGreeting reads a client's first packets, up to its start-up or cancel packet, and not a byte more. TLS and GSSAPI are declined.
// A *session.Failure is for the client; any other error is of the connection.
func readGreeting(conn net.Conn) (greeting, error) {
	var declinedSSL, declinedGSS bool
	for {
		packet, err := readPacket(conn)
		if err != nil {
			return greeting{}, err
		}
		code := binary.BigEndian.Uint32(packet[4:])
		switch {
		case code == codeSSL && !declinedSSL:
			declinedSSL = true
		case code == codeGSSENC && !declinedGSS:
			declinedGSS = true
		case code == codeCancel:
			return greeting{cancel: packet}, checkCancel(packet)
		default:
			return startupGreeting(packet, code)
		}
		if _, err := conn.Write([]byte{'N'}); err != nil {
			return greeting{}, fmt.Errorf("decline encryption: %w", err)
		}
	}
}

// readPacket reads one packet without a type, its length included: at least 8 bytes, at most maxStartup.
func readPacket(conn net.Conn) ([]byte, error) {
	var head [8]byte
	if _, err := io.ReadFull(conn, head[:]); err != nil {
		return nil, fmt.Errorf("read start-up packet: %w", err)
	}
	length := binary.BigEndian.Uint32(head[:])
	if length < 8 || length > maxStartup {
		return nil, session.BrokenProtocol(fmt.Sprintf("start-up packet of length %d", length))
	}
	packet := make([]byte, length)
	copy(packet, head[:])
	if _, err := io.ReadFull(conn, packet[8:]); err != nil {
		return nil, fmt.Errorf("read start-up packet: %w", err)
	}
	return packet, nil
}

func startupGreeting(packet []byte, code uint32) (greeting, error) {
	if major := code >> 16; major != majorV3 {
		return greeting{}, session.UnsupportedProtocol(uint16(major), uint16(code))
	}
	s, err := parseStartup(packet[4:])
	if err != nil {
		return greeting{}, session.BrokenProtocol(err.Error())
	}
	if failure := s.check(); failure != nil {
		return greeting{}, failure
	}
	return greeting{startup: s}, nil
}

// checkCancel checks a cancel packet: u32 length, u32 code, u32 process, then a key of 4 to 256 bytes.
func checkCancel(packet []byte) error {
	if n := len(packet) - 12; n < 4 || n > 256 {
		return session.BrokenProtocol(fmt.Sprintf("cancel request of length %d", len(packet)))
	}
	return nil
}
