package proxy

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/baristadb/barista/internal/session"
)

// Codes that stand where a start-up packet has its protocol version.
const (
	codeCancel = 80877102
	codeSSL    = 80877103
	codeGSSENC = 80877104
	majorV3    = 3
)

const (
	maxStartup = 10000 + 4 // bytes of a start-up packet with its length: PostgreSQL's own limit, which leaves that out
	reserved   = "barista"
)

// leaderSession is added to each start-up packet: it tells the server that the session came through a front door.
const leaderSession = reserved + ".session\x00leader\x00"

// parameter is one name and value of a start-up packet.
type parameter struct{ name, value string }

// startup is a client's start-up packet of protocol 3.
type startup struct {
	raw        []byte // as it came, without the length
	parameters []parameter
}

// parseStartup reads a start-up packet of protocol 3, without its length:
//
//	u16 major, u16 minor, (cstr name, cstr value)..., u8 0
func parseStartup(raw []byte) (startup, error) {
	if len(raw) < 5 {
		return startup{}, fmt.Errorf("start-up packet of %d bytes", len(raw))
	}
	s := startup{raw: raw}
	rest := raw[4:]
	for {
		name, after, ok := bytes.Cut(rest, []byte{0})
		if !ok {
			return startup{}, errors.New("start-up packet without its terminator")
		}
		if len(name) == 0 {
			if len(after) != 0 {
				return startup{}, fmt.Errorf("%d bytes behind the terminator of a start-up packet", len(after))
			}
			return s, nil
		}
		value, after, ok := bytes.Cut(after, []byte{0})
		if !ok {
			return startup{}, fmt.Errorf("start-up parameter %q without a value", name)
		}
		s.parameters = append(s.parameters, parameter{string(name), string(value)})
		rest = after
	}
}

// check returns why this client may not connect, or nil.
func (s startup) check() *session.Failure {
	for _, p := range s.parameters {
		switch {
		case p.name == "user" && p.value == reserved:
			return session.ReservedRole(reserved)
		case p.name == "replication" && !isFalse(p.value):
			return session.NoReplication()
		case hasReservedPrefix(p.name):
			return session.ReservedSetting(p.name)
		case p.name == "options":
			if name := reservedOption(p.value); name != "" {
				return session.ReservedSetting(name)
			}
		}
	}
	return nil
}

// forward returns the packet to send to the leader's server, with its length. One that has no room to tell of the front door goes without:
// the leader's node knows its own streams.
func (s startup) forward() []byte {
	b := append(make([]byte, 4, 4+len(s.raw)), s.raw...)
	binary.BigEndian.PutUint32(b, uint32(len(b)))
	return extendIfShort(b, leaderSession)
}

// extendIfShort is extend, unless the server would not take the result.
func extendIfShort(packet []byte, parameters string) []byte {
	if len(packet)+len(parameters) > maxStartup {
		return packet
	}
	return extend(packet, parameters)
}

// extend returns a start-up packet, length included, with more parameters: each a name and a value, both ended by a zero byte.
func extend(packet []byte, parameters string) []byte {
	size := len(packet) + len(parameters)
	b := make([]byte, 0, size)
	b = append(b, packet[:len(packet)-1]...)
	b = append(b, parameters...)
	b = append(b, 0)
	binary.BigEndian.PutUint32(b, uint32(size))
	return b
}

// isFalse reports whether PostgreSQL reads value as a boolean that is false.
func isFalse(value string) bool {
	v := strings.ToLower(value)
	switch {
	case v == "0":
		return true
	case len(v) >= 1 && strings.HasPrefix("false", v), len(v) >= 1 && strings.HasPrefix("no", v):
		return true
	default:
		return len(v) >= 2 && strings.HasPrefix("off", v)
	}
}

func hasReservedPrefix(name string) bool {
	return len(name) > len(reserved) && strings.EqualFold(name[:len(reserved)+1], reserved+".")
}

// reservedOption returns the word of the start-up parameter "options" that sets one of Barista's settings, or nothing. The words
// are those of a server's command line: separated by white space, with \ before a literal character. Flags can be joined in one
// word (-ecNAME=VALUE), so what counts is whether the part before the first = holds the prefix anywhere.
func reservedOption(options string) string {
	for _, word := range splitOptions(options) {
		name, _, _ := strings.Cut(word, "=")
		if strings.Contains(strings.ToLower(name), reserved+".") {
			return reserved + name[strings.Index(strings.ToLower(name), reserved+".")+len(reserved):]
		}
	}
	return ""
}

func splitOptions(options string) []string {
	var words []string
	var word []byte
	for i := 0; i < len(options); i++ {
		c := options[i]
		switch {
		case c == ' ' || '\t' <= c && c <= '\r':
			words, word = append(words, string(word)), word[:0]
		case c == '\\' && i+1 < len(options):
			i++
			word = append(word, options[i])
		case c != '\\':
			word = append(word, c)
		}
	}
	return append(words, string(word))
}
