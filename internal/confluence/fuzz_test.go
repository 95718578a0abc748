package confluence

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func FuzzAnalyze(f *testing.F) {
	// Whatever the input, the analysis ends with a report or an error, and everything in the report can be written.
	for _, pattern := range []string{"testdata/*/schema.sql", "testdata/*/txns.sql", "testdata/*/replay.sql"} {
		names, err := filepath.Glob(pattern)
		if err != nil || len(names) == 0 {
			f.Fatalf("%s: %v", pattern, err)
		}
		for _, name := range names {
			data, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(string(data))
		}
	}
	for _, s := range badInputs {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > 1<<16 {
			return
		}
		r, err := Analyze(Input{Sources: []Source{{"fuzz.sql", s}}})
		if err != nil {
			return
		}
		_ = r.Lines() + r.Table() + r.Suggestions() + r.CounterExamples() + r.Estimate()
		for _, render := range []func() ([]byte, error){r.JSON, r.SARIF, r.HTML} {
			if _, err := render(); err != nil {
				t.Error(err)
			}
		}
	})
}

func FuzzSplit(f *testing.F) {
	// Splitting loses no statement's text, keeps offsets in order, and pads placeholders to the length that they had.
	for _, s := range badInputs {
		f.Add(s)
	}
	f.Add("SELECT :a, ':b', \"c:d\", a[1:2], x::int; -- transaction: t\nSELECT $1 + :long_name \\gset\nBEGIN ATOMIC; END; $tag$;$tag$; e'\\';'")
	f.Fuzz(func(t *testing.T, s string) {
		last := -1
		for _, it := range split(s) {
			if it.offset <= last || it.offset >= len(s) {
				t.Fatalf("offset %d after %d of %d", it.offset, last, len(s))
			}
			last = it.offset
			if len(it.names) == 0 && it.key == "" && !strings.HasPrefix(s[it.offset:], it.statement) {
				t.Errorf("%q is not what stands at %d", it.statement, it.offset)
			}
		}
	})
}

// badInputs are inputs that have nothing, or nothing whole, in them.
var badInputs = []string{
	"", " ", ";", ";;;\n;", "--", "-- transaction:", "-- invariant: x", "-- invariant: x\n;", "-- assume: (((", "-- weight: x", "/*", "/* /* */", "'", "\"", "$$", "$a$ $",
	"\xff", "SELECT \x00", "CREATE TABLE", "CREATE TABLE t (", "CREATE TABLE t (a int, a int, PRIMARY KEY (b), FOREIGN KEY (c) REFERENCES t)",
	"CREATE TABLE t (a int REFERENCES t); -- transaction: x\nINSERT INTO t VALUES (1, 2, 3); UPDATE t SET b = 1; DELETE FROM u; SELECT * FROM t, t, t; COMMIT;",
	"CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN $$;", "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS ''; SELECT f();",
	"CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT f() $$;", "CREATE FUNCTION f(int, OUT int) LANGUAGE plpgsql AS $$ BEGIN LOOP LOOP LOOP LOOP END LOOP; END LOOP; END LOOP; END LOOP; END $$;",
	"CREATE TABLE a (x int PRIMARY KEY REFERENCES b ON DELETE CASCADE); CREATE TABLE b (x int PRIMARY KEY REFERENCES a ON DELETE CASCADE); -- transaction: x\nDELETE FROM a; COMMIT;",
	"-- invariant: a\nSELECT 1; -- invariant: b\nSELECT NOT EXISTS (SELECT); -- invariant: c\nSELECT count(*) = 1 FROM nowhere; -- invariant: d\nSELECT (SELECT 1) = (SELECT 2)",
	"CREATE TABLE p (a int) PARTITION BY LIST (a); CREATE TABLE q PARTITION OF q FOR VALUES IN (1); ALTER TABLE p ATTACH PARTITION p DEFAULT",
	"CREATE VIEW v AS SELECT * FROM v; -- transaction: x\nINSERT INTO v VALUES (1); MERGE INTO v USING v ON true WHEN MATCHED THEN DELETE; COMMIT;",
	"CREATE DOMAIN d AS d CHECK (VALUE > 0); CREATE TABLE t (a d PRIMARY KEY)",
}

func TestBadInput(t *testing.T) {
	// Broken input never panics, and says what is wrong: every report of it has a diagnostic or a verdict, or is an error.
	for _, s := range badInputs {
		r, err := Analyze(Input{Sources: []Source{{"bad.sql", s}}})
		if err == nil && len(r.Diagnostics) == 0 && len(r.Findings) == 0 && len(r.Transactions)+r.Tables == 0 {
			t.Errorf("%q: nothing is said of it", s)
		}
	}
}

func TestDeepInput(t *testing.T) {
	// Deeply nested input is refused, not followed until the stack ends.
	for name, s := range map[string]string{
		"parentheses": "SELECT " + strings.Repeat("(", 1<<17) + "1" + strings.Repeat(")", 1<<17),
		"operators":   "CREATE TABLE t (a int CHECK (a > 0" + strings.Repeat(" + 1", 1<<16) + "))",
		"minus":       "CREATE TABLE t (a int CHECK (a > " + strings.Repeat("- ", 1<<16) + "1))",
		"not":         "CREATE TABLE t (a int CHECK (" + strings.Repeat("NOT ", 1<<16) + "true))",
		"case":        "CREATE TABLE t (a int CHECK (" + strings.Repeat("CASE WHEN true THEN ", 1<<14) + "1" + strings.Repeat(" END", 1<<14) + " > 0))",
		"union":       "-- transaction: x\nSELECT 1" + strings.Repeat(" UNION SELECT 1", 1<<14) + "; COMMIT;",
		"joins":       "CREATE TABLE t (a int); -- transaction: x\nSELECT 1 FROM t" + strings.Repeat(" CROSS JOIN t", 1<<13) + "; COMMIT;",
		"comments":    strings.Repeat("/*", 1<<16),
		"blocks":      "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ " + strings.Repeat("BEGIN ", 1<<13) + strings.Repeat("END; ", 1<<13) + "$$;",
		"loops":       "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN " + strings.Repeat("LOOP ", 200) + strings.Repeat("END LOOP; ", 200) + "END $$;",
	} {
		t.Run(name, func(t *testing.T) {
			if r, err := Analyze(Input{Sources: []Source{{"deep.sql", s}}}); err == nil {
				_ = r.Lines() + r.Table()
			}
		})
	}
}
