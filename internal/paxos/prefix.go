package paxos

import "hash/crc32"

// A Prefix stands for all that is chosen up to an index. Two nodes that know
// different values to be chosen at one index differ in every prefix from there
// on; that only happens when acceptors have forgotten votes and nobody noticed.
type Prefix struct {
	To     Index
	Digest Digest
}

// A Digest is that of all values chosen up to an index. 0 is none: it is not
// known. It begins with the first id limit, which version 0.1.0 did not have, so
// that a floor of that version, without a digest, is where all nodes have none.
type Digest uint64

// Next returns the digest with one more value. Each half is the cyclic redundancy
// check of all values one after the other, by a polynomial of its own. Neither
// forgets: where it differs once, it differs after whatever follows on both sides.
func (d Digest) Next(v Value) Digest {
	if d == 0 && v.Kind != KindIDLimit {
		return 0
	}
	header := make([]byte, 0, 17)
	header = appendUint32(appendUint64(appendUint32(header, v.Version), uint64(v.Epoch)), uint32(len(v.Body)))
	header = append(header, byte(v.Kind))
	upper := crc32.Update(crc32.Update(uint32(d>>32), castagnoli, header), castagnoli, v.Body)
	lower := crc32.Update(crc32.Update(uint32(d), crc32.IEEETable, header), crc32.IEEETable, v.Body)
	return max(1, Digest(upper)<<32|Digest(lower))
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// SetPrefix says what the next messages tell of what is chosen.
func (n *Node) SetPrefix(p Prefix) { n.prefix = p }

// AskPrefixes has every member tell what it knows to be chosen, also those that
// have nothing to say to this node by themselves.
func (n *Node) AskPrefixes(now Instant) {
	n.enter(now)
	for _, m := range n.members.Members {
		if m.Node != n.cfg.ID {
			n.askHome(m.Node)
		}
	}
}
