package node

import (
	"strings"
	"testing"
)

func TestRoomIsJudged(t *testing.T) {
	// It is warned of once before there is too little room; a node that had too little has room again only with some more; without a limit there is always room.
	const mib = 1 << 20
	for _, steps := range [][]struct {
		data, journal int64 // MiB
		minFree       int64
		warning       string
		little        string
	}{
		{
			{data: 1000, journal: 1000, minFree: 100},
			{data: 199, journal: 1000, minFree: 100, warning: "199MiB are free for the data, and min_free is 100MiB"},
			{data: 150, journal: 1000, minFree: 100},
			{data: 200, journal: 1000, minFree: 100},
			{data: 150, journal: 99, minFree: 100, warning: "99MiB are free for the journal, and min_free is 100MiB", little: "99MiB are free for the journal, and min_free is 100MiB"},
			{data: 150, journal: 101, minFree: 100, little: "101MiB are free for the journal, and min_free is 100MiB"},
			{data: 150, journal: 125, minFree: 100},
			{data: 150, journal: 101, minFree: 100},
		},
		{{data: 0, journal: 0, minFree: 0}},
	} {
		var r room
		had := ""
		for k, s := range steps {
			warning, changed := r.judge([]space{{"the data", s.data * mib}, {"the journal", s.journal * mib}}, s.minFree*mib)
			if warning != s.warning || r.littleRoom() != s.little || changed != ((s.little == "") != (had == "")) {
				t.Errorf("step %d: warned of %q, little room %q, changed %v", k, warning, r.littleRoom(), changed)
			}
			had = s.little
		}
	}
}

func TestRoomIsWrittenForPeople(t *testing.T) {
	// What is free is told in the unit that people use.
	if text := approximate(5<<30 + 7).String(); text != "5GiB" || !strings.HasSuffix(approximate(123456).String(), "B") {
		t.Errorf("5 GiB and some bytes are %s", text)
	}
}
