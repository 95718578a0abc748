package verify

import (
	"fmt"
	"maps"
	"slices"
)

// NodeDigest is one node's digest at a mark.
type NodeDigest struct {
	Node string
	Role Role
	Digest
}

// Compare returns where the digests differ, in the order of subjects. Digests
// must be of the same mark and of the same selection of subjects.
func Compare(nodes []NodeDigest) []Difference {
	names := make([]string, len(nodes))
	for i, n := range nodes {
		names[i] = n.Node
	}
	var differences []Difference
	for subject, values := range valuesBySubject(nodes) {
		if odd := oddOnes(values); odd != nil {
			differences = append(differences, Difference{
				Subject: subject,
				Nodes:   pick(names, odd),
				Detail:  describe(names, values),
			})
		}
	}
	slices.SortFunc(differences, func(a, b Difference) int { return compareSubjects(a.Subject, b.Subject) })
	return differences
}

// value is what one node holds of a subject: same must be alike on all nodes,
// words describe it. The zero value: the node does not have the subject.
type value struct {
	same, words string
	problem     bool
}

// valuesBySubject returns one value for each node, in the nodes' order.
func valuesBySubject(nodes []NodeDigest) map[Subject][]value {
	values := make(map[Subject][]value)
	put := func(subject Subject, node int, v value) {
		if values[subject] == nil {
			values[subject] = make([]value, len(nodes))
		}
		values[subject][node] = v
	}
	for i, node := range nodes {
		for _, sum := range node.Sums {
			put(sum.Subject, i, valueOfSum(sum))
		}
	}
	agreed := agreedHorizons(nodes)
	for i, node := range nodes {
		for _, h := range node.Horizons {
			if node.Role == Leading {
				h = h.asAgreed(agreed)
			}
			put(h.Subject, i, value{same: h.words(), words: h.words()})
		}
	}
	return values
}

func valueOfSum(sum Sum) value {
	if sum.Problem != "" {
		return value{same: sum.Problem, words: sum.Problem, problem: true}
	}
	return value{
		same:  fmt.Sprintf("%d %s", sum.Rows, sum.Checksum),
		words: fmt.Sprintf("%d rows", sum.Rows),
	}
}

// agreedHorizons returns what followers hold: only agreed states reach them.
func agreedHorizons(nodes []NodeDigest) map[Subject]Horizon {
	agreed := make(map[Subject]Horizon)
	for _, node := range nodes {
		if node.Role == Leading {
			continue
		}
		for _, h := range node.Horizons {
			if _, found := agreed[h.Subject]; !found {
				agreed[h.Subject] = h
			}
		}
	}
	return agreed
}

// asAgreed returns the state that a leader's state counts as: the agreed one if
// it is at or past it, since what it used since then is not agreed yet.
func (h Horizon) asAgreed(agreed map[Subject]Horizon) Horizon {
	want, found := agreed[h.Subject]
	if !found {
		return h
	}
	past := h.Value > want.Value
	if h.Increment < 0 {
		past = h.Value < want.Value
	}
	if past || h.Cycles || h.Value == want.Value && h.Called {
		return want
	}
	return h
}

func (h Horizon) words() string {
	if h.Called {
		return fmt.Sprintf("horizon %d", h.Value)
	}
	return fmt.Sprintf("horizon %d, not called", h.Value)
}

// oddOnes returns the indexes of the values that differ from those of more
// than half of all; all indexes if there is no such half; nil if nothing
// differs. A problem is never alike.
func oddOnes(values []value) []int {
	count := make(map[value]int)
	for _, v := range values {
		count[v]++
	}
	var odd, all []int
	for i, v := range values {
		all = append(all, i)
		if v.problem || 2*count[v] <= len(values) {
			odd = append(odd, i)
		}
	}
	if len(odd) > 0 && !slices.ContainsFunc(values, func(v value) bool { return 2*count[v] > len(values) }) {
		return all
	}
	return odd
}

// describe tells what each node holds, grouped: "n1, n2: 5 rows; n3: 4 rows".
func describe(names []string, values []value) string {
	nodes := make(map[string][]string)
	for i, v := range values {
		words := v.words
		if v == (value{}) {
			words = "absent"
		}
		nodes[words] = append(nodes[words], names[i])
	}
	if len(nodes) == 1 {
		for words := range nodes {
			return "other content in " + words
		}
	}
	var text string
	for _, words := range slices.SortedFunc(maps.Keys(nodes), func(a, b string) int {
		return slices.Compare(nodes[a], nodes[b])
	}) {
		if text != "" {
			text += "; "
		}
		text += join(nodes[words]) + ": " + words
	}
	return text
}

func pick(names []string, indexes []int) []string {
	picked := make([]string, len(indexes))
	for i, at := range indexes {
		picked[i] = names[at]
	}
	return picked
}
