package paxos

// The type bytes of messages. Each body begins with the sender's membership
// version; docs/internals/formats.md draws the rest.
const (
	codePreVote      = 1
	codePreVoteReply = 2
	codePrepare      = 3
	codePromise      = 4
	codeReject       = 5
	codeAccept       = 6
	codeAccepted     = 7
	codeHeartbeat    = 8
	codeHeartbeatAck = 9
	codeLearn        = 10
	codeFetch        = 11
	codeEntries      = 12
	codeRelease      = 14
	codeReturn       = 15
	codeWelcome      = 16
	codeDisown       = 17
	codeFloorState   = 18 // 13 was one without a version
)

// MessageType returns the byte that names m's type on the wire.
func MessageType(m Message) uint8 { return m.code() }

// VersionOf returns the sender's membership version.
func VersionOf(m Message) uint32 { return m.version() }

// AppendMessage appends a message with its sender's stamp, without its type.
func AppendMessage(b []byte, cluster [16]byte, s Stamp, m Message) []byte {
	b = appendNumbers(b, uint64(s.Run), s.Acts, uint64(s.Prefix.To), uint64(s.Prefix.Digest))
	return m.append(appendUint32(b, m.version()), cluster)
}

func (PreVote) code() uint8      { return codePreVote }
func (PreVoteReply) code() uint8 { return codePreVoteReply }
func (Prepare) code() uint8      { return codePrepare }
func (Promise) code() uint8      { return codePromise }
func (Reject) code() uint8       { return codeReject }
func (Accept) code() uint8       { return codeAccept }
func (Accepted) code() uint8     { return codeAccepted }
func (Heartbeat) code() uint8    { return codeHeartbeat }
func (HeartbeatAck) code() uint8 { return codeHeartbeatAck }
func (Learn) code() uint8        { return codeLearn }
func (Fetch) code() uint8        { return codeFetch }
func (Entries) code() uint8      { return codeEntries }
func (FloorState) code() uint8   { return codeFloorState }
func (Release) code() uint8      { return codeRelease }
func (Return) code() uint8       { return codeReturn }
func (Welcome) code() uint8      { return codeWelcome }
func (Disown) code() uint8       { return codeDisown }

func appendNumbers[N ~uint64](b []byte, numbers ...N) []byte {
	for _, n := range numbers {
		b = appendUint64(b, uint64(n))
	}
	return b
}

func (m PreVote) append(b []byte, _ [16]byte) []byte {
	return appendNumbers(b, uint64(m.Ballot), uint64(m.ChosenTo))
}

func (m PreVoteReply) append(b []byte, _ [16]byte) []byte {
	b = appendBool(appendNumbers(b, m.Ballot), m.Granted)
	return appendNumbers(b, uint64(m.Promised), uint64(m.ChosenTo))
}

func (m Prepare) append(b []byte, _ [16]byte) []byte {
	return appendNumbers(b, uint64(m.Ballot), uint64(m.ChosenTo), uint64(m.Index))
}

func (m Promise) append(b []byte, cluster [16]byte) []byte {
	b = appendNumbers(b, uint64(m.Ballot), uint64(m.ChosenTo), uint64(m.First), uint64(m.Last))
	b = appendUint32(b, uint32(len(m.Entries)))
	for _, e := range m.Entries {
		b = appendNumbers(b, uint64(e.Index), uint64(e.Ballot))
		b = appendSizedValue(b, cluster, e.Value)
	}
	return b
}

func (m Reject) append(b []byte, _ [16]byte) []byte {
	return appendNumbers(b, uint64(m.Ballot), uint64(m.Promised), uint64(m.ChosenTo))
}

func (m Accept) append(b []byte, cluster [16]byte) []byte {
	b = appendNumbers(b, uint64(m.Ballot), uint64(m.First), uint64(m.ChosenTo))
	b = appendUint32(b, uint32(len(m.Values)))
	for _, v := range m.Values {
		b = appendSizedValue(b, cluster, v)
	}
	return b
}

func (m Accepted) append(b []byte, _ [16]byte) []byte {
	b = appendNumbers(b, m.Ballot)
	return appendNumbers(b, m.First, m.Last, m.ChosenTo, m.DurableTo)
}

func (m Heartbeat) append(b []byte, _ [16]byte) []byte {
	b = appendBool(appendNumbers(b, uint64(m.Ballot), m.Seq, uint64(m.ChosenTo), uint64(m.AllDurable)), m.Probe)
	b = appendUint16(b, uint16(len(m.Seen)))
	for _, s := range m.Seen {
		b = appendSighting(b, s)
	}
	return b
}

func (m HeartbeatAck) append(b []byte, _ [16]byte) []byte {
	return appendNumbers(b, uint64(m.Ballot), m.Seq, uint64(m.Lease), uint64(m.ChosenTo), uint64(m.DurableTo))
}

func (m Learn) append(b []byte, _ [16]byte) []byte {
	return appendNumbers(b, uint64(m.Ballot), uint64(m.ChosenTo))
}

func (m Fetch) append(b []byte, _ [16]byte) []byte { return appendNumbers(b, m.From) }

func (m Entries) append(b []byte, cluster [16]byte) []byte {
	b = appendNumbers(b, m.First, m.ChosenTo)
	b = appendUint32(b, uint32(len(m.Entries)))
	for _, e := range m.Entries {
		b = appendNumbers(b, e.Ballot)
		b = appendSizedValue(b, cluster, e.Value)
	}
	return b
}

func (m FloorState) append(b []byte, _ [16]byte) []byte { return appendFloor(b, m.Floor) }

func (m Release) append(b []byte, _ [16]byte) []byte {
	return appendUint16(appendNumbers(b, m.Ballot), uint16(m.Heir))
}

func (m Return) append(b []byte, _ [16]byte) []byte {
	return appendBool(appendLife(appendNumbers(b, m.ChosenTo), m.Life), m.Pardoned)
}

func (m Welcome) append(b []byte, _ [16]byte) []byte {
	return appendNumbers(b, uint64(m.ChosenTo), uint64(m.Run))
}

func (m Disown) append(b []byte, _ [16]byte) []byte {
	return appendSighting(appendNumbers(b, m.Run), m.Seen)
}
