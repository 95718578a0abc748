package changeset

import "testing"

func TestLargeObjectsGolden(t *testing.T) {
	// Messages about large objects have the bytes that docs/internals/formats.md draws.
	for want, m := range map[string]Message{
		`6c 0000000a 00001267 6100 00004074`: LargeObject{Object: 4711, Owner: "a", Next: 16500},
		`75 00000004 00001267`:               UnlinkedLargeObject{Object: 4711},
		`70 00000010 00001267 00000003 01 0002 7879 00 0000`: WrittenPages{
			Object: 4711, First: 3, Pages: []Page{{Replaces: true, Data: []byte("xy")}, {}},
		},
		`72 0000000c 00001267 00000003 00000002`: RemovedPages{Object: 4711, First: 3, Count: 2},
	} {
		golden(t, payloadOf(m), want)
	}
}
