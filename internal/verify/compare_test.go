package verify

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/baristadb/barista/internal/changeset"
)

var (
	accounts = Subject{"app", Table, "public.accounts"}
	ids      = Subject{"app", Sequence, "public.ids"}
)

// nodes returns digests of n1, n2, ...; n1 leads.
func nodes(digests ...Digest) []NodeDigest {
	named := make([]NodeDigest, len(digests))
	for i, d := range digests {
		named[i] = NodeDigest{Node: []string{"n1", "n2", "n3", "n4"}[i], Role: Following, Digest: d}
	}
	named[0].Role = Leading
	return named
}

func table(rows int64, checksum string) Digest {
	return Digest{Sums: []Sum{{Subject: accounts, Rows: rows, Checksum: checksum}}}
}

func horizon(value int64, with ...func(*Horizon)) Digest {
	h := Horizon{Subject: ids, Value: value, Called: true, Increment: 1}
	for _, set := range with {
		set(&h)
	}
	return Digest{Horizons: []Horizon{h}}
}

func uncalled(h *Horizon) { h.Called = false }
func downward(h *Horizon) { h.Increment = -1 }
func cycling(h *Horizon)  { h.Cycles = true }

func TestCompare(t *testing.T) {
	// What differs is found, and the nodes outside the majority are named.
	unread := Digest{Sums: []Sum{{Subject: accounts, Problem: "canceled"}}}
	for name, c := range map[string]struct {
		nodes []NodeDigest
		want  string // "nodes: detail", empty: no difference
	}{
		"alike":                   {nodes(table(2, "7"), table(2, "7"), table(2, "7")), ""},
		"one node":                {nodes(table(2, "7")), ""},
		"one has fewer rows":      {nodes(table(2, "7"), table(2, "7"), table(1, "3")), "n3: n1, n2: 2 rows; n3: 1 rows"},
		"the leader is odd":       {nodes(table(1, "3"), table(2, "7"), table(2, "7")), "n1: n1: 1 rows; n2, n3: 2 rows"},
		"other rows":              {nodes(table(2, "7"), table(2, "8"), table(2, "7")), "n2: other content in 2 rows"},
		"two nodes":               {nodes(table(2, "7"), table(2, "8")), "n1,n2: other content in 2 rows"},
		"two against two":         {nodes(table(2, "7"), table(2, "8"), table(2, "7"), table(2, "8")), "n1,n2,n3,n4: other content in 2 rows"},
		"absent":                  {nodes(table(0, "0"), Digest{}, table(0, "0")), "n2: n1, n3: 0 rows; n2: absent"},
		"unread on one":           {nodes(table(2, "7"), unread, table(2, "7")), "n2: n1, n3: 2 rows; n2: canceled"},
		"unread on all":           {nodes(unread, unread, unread), "n1,n2,n3: other content in canceled"},
		"horizons alike":          {nodes(horizon(33), horizon(33), horizon(33)), ""},
		"leader ahead":            {nodes(horizon(65), horizon(33), horizon(33)), ""},
		"leader ahead, downward":  {nodes(horizon(-65, downward), horizon(-33, downward)), ""},
		"leader ahead by a cycle": {nodes(horizon(1, cycling), horizon(33, cycling)), ""},
		"leader called first":     {nodes(horizon(1), horizon(1, uncalled)), ""},
		"leader behind":           {nodes(horizon(32), horizon(33), horizon(33)), "n1: n1: horizon 32; n2, n3: horizon 33"},
		"leader behind, downward": {nodes(horizon(-32, downward), horizon(-33, downward)), "n1,n2: n1: horizon -32; n2: horizon -33"},
		"leader not yet called":   {nodes(horizon(1, uncalled), horizon(1)), "n1,n2: n1: horizon 1, not called; n2: horizon 1"},
		"follower ahead":          {nodes(horizon(33), horizon(33), horizon(34)), "n3: n1, n2: horizon 33; n3: horizon 34"},
		"sequence absent":         {nodes(horizon(33), Digest{}, horizon(33)), "n2: n1, n3: horizon 33; n2: absent"},
	} {
		var got []string
		for _, d := range Compare(c.nodes) {
			got = append(got, strings.Join(d.Nodes, ",")+": "+d.Detail)
		}
		if joined := strings.Join(got, "\n"); joined != c.want {
			t.Errorf("%s: got %q, want %q", name, joined, c.want)
		}
	}
}

func TestCompareOrder(t *testing.T) {
	// Differences come in the order of their subjects, whatever the order of the digests.
	sums := []Sum{{Subject: ids}, {Subject: accounts}, {Subject: Subject{"", Catalog, "roles"}}, {Subject: Subject{"app", Catalog, "columns"}}}
	var got []string
	for _, d := range Compare(nodes(Digest{Sums: sums}, Digest{})) {
		got = append(got, d.Subject.String())
	}
	want := []string{
		"catalog roles",
		"database app: catalog columns",
		"database app: sequence public.ids",
		"database app: table public.accounts",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestReportText(t *testing.T) {
	// A report starts with identical only if all nodes were compared and are, else it says what differs, where, and who was not compared.
	identical := Report{Identical: true, Position: 8060928, Nodes: []string{"n1", "n2"}}
	if diff := cmp.Diff("identical at 123.0: n1, n2\n", identical.String()); diff != "" {
		t.Error(diff)
	}
	incomplete := Report{Position: 8060928, Nodes: []string{"n1", "n2"}, NotCompared: []Absence{{"n3", "connection refused"}}}
	want := "incomplete at 123.0: n1, n2 do not differ, and others were not compared\nnot compared: n3: connection refused\n"
	if diff := cmp.Diff(want, incomplete.String()); diff != "" || !incomplete.Incomplete() {
		t.Error(diff)
	}
	different := Report{Position: 8060928, Nodes: []string{"n1", "n2"}, Differences: []Difference{
		{Subject: accounts, Key: "42", Nodes: []string{"n2"}, Detail: "n1: present; n2: absent"},
	}}
	want = "different at 123.0: n1, n2\ndatabase app: table public.accounts, key \"42\": differs on n2 (n1: present; n2: absent)\n"
	if diff := cmp.Diff(want, different.String()); diff != "" {
		t.Error(diff)
	}
}

func TestLogsThatDiffer(t *testing.T) {
	// Nodes that stand at different positions at one mark differ, whatever they hold; a node that was away in one round was not compared.
	at := func(node string, p changeset.Position) *peer {
		return &peer{node: node, opened: openAnswer{Position: p}}
	}
	if position, split := commonPosition([]*peer{at("n1", 5), at("n2", 5)}); position != 5 || split != nil {
		t.Errorf("at %v: %v", position, split)
	}
	if _, split := commonPosition([]*peer{at("n1", 5), at("n2", 6), at("n3", 5)}); len(split) != 1 ||
		split[0].String() != "log up to one mark: differs on n2 (n1, n3: 0.5; n2: 0.6)" {
		t.Errorf("%v", split)
	}
	r := Report{Identical: true, Nodes: []string{"n1", "n2", "n3"}}
	r.missing([]Absence{{"n3", "away"}})
	if r.Identical || !r.Incomplete() {
		t.Errorf("%+v", r)
	}
}

func TestReportIsHarmless(t *testing.T) {
	// Nothing that users named or stored acts upon the terminal of whoever reads a report, or looks like a line of it.
	const bad = "\x1b[2J\u202e\u009b\nidentical at 123.0"
	r := Report{Position: 8060928, Nodes: []string{"n1", "n2"},
		Differences: []Difference{{Subject: Subject{"app", Table, `"` + bad + `"`}, Key: bad, Nodes: []string{"n2"}, Detail: bad}},
		Stopped:     []Absence{{"n3", bad}}, NotCompared: []Absence{{"n4", bad}},
	}
	const shown = `\x1b[2J\u202e\u009b\nidentical at 123.0`
	want := "different at 123.0: n1, n2\n" +
		`database app: table "` + shown + `", key "` + shown + `": differs on n2 (` + shown + ")\n" +
		"stopped: n3: " + shown + "\nnot compared: n4: " + shown + "\n"
	if diff := cmp.Diff(want, r.String()); diff != "" {
		t.Error(diff)
	}
}

func TestBucketsFor(t *testing.T) {
	// Buckets are a power of two, at least one, and have a limit.
	for rows, want := range map[int64]Buckets{0: 1, 1: 1, 64: 1, 65: 2, 1000: 16, 1 << 62: maxBuckets} {
		if got := bucketsFor(rows); got != want {
			t.Errorf("%d rows: %d buckets, want %d", rows, got, want)
		}
	}
}
