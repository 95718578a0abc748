package changeset

import (
	"errors"
	"io"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// account and note are a relation with a key and one without.
func account() Relation {
	return Relation{Number: 1, Schema: "public", Name: "account", Identity: ByKey, Columns: []Column{
		{Key: true, Format: Binary, Name: "id", TypeSchema: "pg_catalog", TypeName: "int4", Modifier: -1},
		{Format: Text, Name: "owner", TypeSchema: "public", TypeName: "name", Modifier: 24},
	}}
}

func note() Relation {
	return Relation{Number: 2, Schema: "s", Name: "note", Identity: ByRow, Columns: []Column{
		{Format: Text, Name: "text", TypeSchema: "pg_catalog", TypeName: "json", Modifier: -1},
	}, SearchPath: `s, "S"`, Settings: []Setting{{"DateStyle", "German, DMY"}, {"TimeZone", "CET"}}}
}

func number(b ...byte) Value { return Value{BinaryValue, b} }

func text(s string) Value { return Value{TextValue, []byte(s)} }

// everything is a payload with a message of every kind and every option.
func everything() []Message {
	null, unchanged := Value{Form: Null}, Value{Form: Unchanged}
	return []Message{
		account(),
		Insert{Relation: 1, New: Tuple{number(0, 0, 0, 1), text("Ann")}},
		Update{Relation: 1, New: Tuple{number(0, 0, 0, 1), unchanged}},
		Update{Relation: 1, OldKind: OldKey, Old: Tuple{number(0, 0, 0, 1), null}, New: Tuple{number(0, 0, 0, 2), text("")}},
		Delete{Relation: 1, OldKind: OldKey, Old: Tuple{number(0, 0, 0, 2), null}},
		note(),
		Insert{Relation: 2, New: Tuple{null}},
		Update{Relation: 2, OldKind: OldRow, Old: Tuple{null}, New: Tuple{text("{}")}},
		Delete{Relation: 2, OldKind: OldRow, Old: Tuple{text("{}")}},
		Truncate{Options: Cascade | RestartIdentity, Relations: []uint32{1, 2}},
		Statement{Role: "ann", SearchPath: "public", Timestamp: 7, Settings: []Setting{{"DateStyle", "ISO"}}, Tag: "CREATE TABLE", Text: "create table t ()"},
		Sequence{Schema: "public", Name: "t_id_seq", Horizon: 33, Called: true},
		DroppedSequence{Schema: "public", Name: "u_id_seq"},
		EmptiedTable{Schema: "public", Name: "t"},
		DroppedDatabase{Name: "shop"},
		RenamedDatabase{From: "shop", To: "store"},
		LargeObject{Object: 4711, Owner: "ann", Next: 16500},
		UnlinkedLargeObject{Object: 4711},
		WrittenPages{Object: 4711, First: 3, Pages: []Page{{Replaces: true, Data: []byte("page")}, {Data: []byte{}}}},
		RemovedPages{Object: 4711, First: math.MaxInt32, Count: 1},
		Statement{Role: "ann", Settings: []Setting{}, Tag: "CREATE TABLE", Text: "create table", Bound: "FOR VALUES IN (1)"},
		Statement{Role: "ann", Settings: []Setting{}, Tag: "CREATE EXTENSION", Text: "create extension hstore", DefaultPath: "public"},
		Statement{Role: "ann", Settings: []Setting{}, Tag: "ALTER ROLE", Text: "alter role ann set a = b", Stored: []string{"a=b"}},
		Statement{Role: "ann", Settings: []Setting{}, Tag: "ALTER ROLE", Text: "alter role ann reset all", Stored: []string{}},
		Statement{Role: "ann", Settings: []Setting{}, Tag: "CREATE VIEW", Text: "create view v as select 1", OIDs: OIDs{Next: 20003, Objects: []Object{{Catalog: 1259, OID: 20000}, {Catalog: 1247, OID: 20002}}}},
		Statement{Role: "ann", Settings: []Setting{}, Tag: "DROP VIEW", Text: "drop view v", OIDs: OIDs{Next: 20003, Objects: []Object{}}},
	}
}

func payloadOf(messages ...Message) []byte {
	var w Writer
	for _, m := range messages {
		w.Write(m)
	}
	return w.Payload()
}

// readAll returns the messages of a payload before its end or first failure.
func readAll(payload []byte) ([]Message, error) {
	var messages []Message
	r := NewReader(payload)
	for {
		m, err := r.Next()
		if err != nil {
			return messages, err
		}
		messages = append(messages, m)
	}
}

func TestReaderRoundTrip(t *testing.T) {
	// Every message comes back as written, and io.EOF comes at the end and stays.
	got, err := readAll(payloadOf(everything()...))
	if err != io.EOF {
		t.Fatal(err)
	}
	if diff := cmp.Diff(everything(), got); diff != "" {
		t.Error(diff)
	}
	r := NewReader(nil)
	for range 2 {
		if m, err := r.Next(); err != io.EOF {
			t.Errorf("empty payload: %v, %v", m, err)
		}
	}
}

func TestReaderRelation(t *testing.T) {
	// The reader says what a relation's number stands for, once it was described.
	r := NewReader(payloadOf(account()))
	if r.Relation(1) != nil {
		t.Error("described before its message was read")
	}
	if _, err := r.Next(); err != nil {
		t.Fatal(err)
	}
	want := account()
	if diff := cmp.Diff(&want, r.Relation(1)); diff != "" {
		t.Error(diff)
	}
}

func TestMessagesGolden(t *testing.T) {
	// Each message has the bytes that docs/internals/formats.md draws.
	for want, m := range map[string]Message{
		`52 0000002b 00000001 7075626c696300 6100 6b 0001 01 62 696400 70675f636174616c6f6700 696e743400 ffffffff 7000`: Relation{
			Number: 1, Schema: "public", Name: "a", Identity: ByKey, Columns: account().Columns[:1], SearchPath: "p",
		},
		`52 00000031 00000001 7075626c696300 6100 6b 0001 01 62 696400 70675f636174616c6f6700 696e743400 ffffffff 7000 0001 7300 7600`: Relation{
			Number: 1, Schema: "public", Name: "a", Identity: ByKey, Columns: account().Columns[:1], SearchPath: "p", Settings: []Setting{{"s", "v"}},
		},
		`49 00000010 00000001 4e 0003 62 00000002 0001 6e 75`: Insert{
			Relation: 1, New: Tuple{number(0, 1), {Form: Null}, {Form: Unchanged}},
		},
		`55 00000007 00000001 4e 0000`:                Update{Relation: 1},
		`55 0000000b 00000001 4b 0001 6e 4e 0000`:     Update{Relation: 1, OldKind: OldKey, Old: Tuple{{Form: Null}}},
		`44 0000000d 00000001 4f 0001 74 00000001 78`: Delete{Relation: 1, OldKind: OldRow, Old: Tuple{text("x")}},
		`54 0000000d 00000002 03 00000001 00000002`:   Truncate{Options: Cascade | RestartIdentity, Relations: []uint32{1, 2}},
		`51 0000001c 00 6100 7000 0000000000000007 0001 7300 7600 5400 00000003 73716c`: Statement{
			Role: "a", SearchPath: "p", Timestamp: 7, Settings: []Setting{{"s", "v"}}, Tag: "T", Text: "sql",
		},
		`51 00000017 01 6100 00 0000000000000000 0000 5400 00000001 73 4200`:                                Statement{Role: "a", Tag: "T", Text: "s", Bound: "B"},
		`51 00000019 03 6100 00 0000000000000000 0000 5400 00000001 73 4200 5000`:                           Statement{Role: "a", Tag: "T", Text: "s", Bound: "B", DefaultPath: "P"},
		`51 00000025 08 6100 00 0000000000000000 0000 5400 00000001 73 00004e23 00000001 000004eb 00004e20`: Statement{Role: "a", Tag: "T", Text: "s", OIDs: OIDs{Next: 20003, Objects: []Object{{Catalog: 1259, OID: 20000}}}},
		`51 0000001b 04 6100 00 0000000000000000 0000 5400 00000001 73 0002 6200 6300`:                      Statement{Role: "a", Tag: "T", Text: "s", Stored: []string{"b", "c"}},
		`73 00000004 7300 6e00`:                     DroppedSequence{Schema: "s", Name: "n"},
		`65 00000004 7300 6e00`:                     EmptiedTable{Schema: "s", Name: "n"},
		`64 00000002 6400`:                          DroppedDatabase{Name: "d"},
		`6e 00000004 6100 6200`:                     RenamedDatabase{From: "a", To: "b"},
		`53 0000000d 7300 6e00 0000000000000021 01`: Sequence{Schema: "s", Name: "n", Horizon: 33, Called: true},
	} {
		golden(t, payloadOf(m), want)
	}
}

func TestReaderRefuses(t *testing.T) {
	// A message that does not fit what was described before it is ErrMalformed, for ever.
	null, unchanged := Value{Form: Null}, Value{Form: Unchanged}
	full := Tuple{number(1), text("x")}
	keyless := account()
	keyless.Columns[0].Key = false
	strange := account()
	strange.Identity = 'x'
	for name, payload := range map[string][]byte{
		"unknown type":                {'?', 0, 0, 0, 0},
		"body cut off":                {kindSequence, 0, 0, 0, 9, 0},
		"body too long":               {kindSequence, 0, 0, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
		"string without end":          {kindRelation, 0, 0, 0, 5, 0, 0, 0, 1, 'x'},
		"insert before its relation":  payloadOf(Insert{Relation: 1, New: full}),
		"truncate before relation":    payloadOf(account(), Truncate{Relations: []uint32{2}}),
		"truncate of nothing":         payloadOf(Truncate{}),
		"truncate option":             payloadOf(account(), Truncate{Options: 4, Relations: []uint32{1}}),
		"relation number zero":        payloadOf(Relation{Identity: ByRow}),
		"relation described twice":    payloadOf(account(), account()),
		"key without columns":         payloadOf(keyless),
		"unknown identity":            payloadOf(strange),
		"too few values":              payloadOf(account(), Insert{Relation: 1, New: full[:1]}),
		"too many values":             payloadOf(note(), Insert{Relation: 2, New: full}),
		"form against format":         payloadOf(account(), Insert{Relation: 1, New: Tuple{text("1"), text("x")}}),
		"unknown form":                payloadOf(account(), Insert{Relation: 1, New: Tuple{{Form: 'z'}, text("x")}}),
		"unchanged in an insert":      payloadOf(account(), Insert{Relation: 1, New: Tuple{number(1), unchanged}}),
		"unchanged in an old row":     payloadOf(account(), Delete{Relation: 1, OldKind: OldRow, Old: Tuple{number(1), unchanged}}),
		"delete without an old tuple": payloadOf(account(), Delete{Relation: 1, Old: full}),
		"update without an old row":   payloadOf(note(), Update{Relation: 2, New: Tuple{null}}),
		"key where there is none":     payloadOf(note(), Delete{Relation: 2, OldKind: OldKey, Old: Tuple{null}}),
		"null in a key":               payloadOf(account(), Delete{Relation: 1, OldKind: OldKey, Old: Tuple{null, null}}),
		"large object without number": payloadOf(LargeObject{Owner: "ann"}),
		"no written page":             payloadOf(WrittenPages{Object: 1}),
		"page too long":               payloadOf(WrittenPages{Object: 1, Pages: []Page{{Data: make([]byte, MaxPage+1)}}}),
		"page beyond the last":        payloadOf(WrittenPages{Object: 1, First: math.MaxInt32, Pages: make([]Page, 2)}),
		"no settings":                 append([]byte{kindRelation, 0, 0, 0, 13, 0, 0, 0, 1}, "a\x00b\x00f\x00\x00\x00\x00\x00"...),
		"no removed page":             payloadOf(RemovedPages{Object: 1}),
		"removed beyond the last":     payloadOf(RemovedPages{Object: 1, First: 1, Count: math.MaxInt32 + 1}),
		"more than a key":             payloadOf(account(), Delete{Relation: 1, OldKind: OldKey, Old: full}),
	} {
		_, err := readAll(payload)
		if !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	r := NewReader([]byte("?"))
	_, first := r.Next()
	if _, second := r.Next(); first == nil || second != first {
		t.Errorf("first failure %v, then %v", first, second)
	}
}

func TestReaderTruncated(t *testing.T) {
	// A payload cut at any byte gives whole messages, then ErrMalformed, or io.EOF between two messages.
	whole := payloadOf(everything()...)
	for n := range whole {
		messages, err := readAll(whole[:n])
		between := err == io.EOF && len(payloadOf(messages...)) == n
		if !between && !errors.Is(err, ErrMalformed) {
			t.Errorf("first %d bytes: %v", n, err)
		}
	}
}
