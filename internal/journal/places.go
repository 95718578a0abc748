package journal

import "github.com/baristadb/barista/internal/paxos"

// places says for each index above the floor which record holds its entry.
type places struct {
	first   paxos.Index // of numbers[0]
	numbers []uint64    // 0: no entry
}

// get returns the record of an index, 0 for none.
func (p *places) get(i paxos.Index) uint64 {
	if i < p.first || i >= p.end() {
		return 0
	}
	return p.numbers[i-p.first]
}

func (p *places) end() paxos.Index { return p.first + paxos.Index(len(p.numbers)) }

// put sets the record of an index that is in reach (state.inReach).
func (p *places) put(i paxos.Index, number uint64) {
	if len(p.numbers) == 0 {
		p.first = i
	}
	if i < p.first {
		p.numbers = append(make([]uint64, p.first-i, int(p.first-i)+len(p.numbers)), p.numbers...)
		p.first = i
	}
	for p.end() <= i {
		p.numbers = append(p.numbers, 0)
	}
	p.numbers[i-p.first] = number
}

// drop forgets every index up to i.
func (p *places) drop(i paxos.Index) {
	switch {
	case i < p.first:
	case i+1 >= p.end():
		*p = places{}
	default:
		p.numbers = append([]uint64(nil), p.numbers[i+1-p.first:]...) // a copy, to let go of the rest
		p.first = i + 1
	}
}

// hold reports whether each index from from to to has an entry, and else the first that has none.
func (p *places) hold(from, to paxos.Index) (paxos.Index, bool) {
	for i := from; i <= to; i++ {
		if p.get(i) == 0 {
			return i, false
		}
	}
	return 0, true
}

// lowest returns the lowest number of a record that holds an entry, or limit if that is lower.
func (p *places) lowest(limit uint64) uint64 {
	for _, n := range p.numbers {
		if n != 0 {
			limit = min(limit, n)
		}
	}
	return limit
}
