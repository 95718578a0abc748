package confluence

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestJSON(t *testing.T) {
	// The JSON names verdict, mechanism, place, reason and counter-example of every finding, and how to merge.
	data, err := analyzeCase(t, "testdata/slides_orders").JSON()
	if err != nil {
		t.Fatal(err)
	}
	var report struct {
		Findings []struct {
			Transaction, Invariant, Operation, Subject, Verdict, Mechanism, Why string
			Place                                                               Place
			Example                                                             *Example `json:"counter_example"`
		}
		Merge MergePlan
		Cost  struct {
			Classes map[string]string
		}
	}
	if err := json.Unmarshal(data, &report); err != nil {
		t.Fatal(err)
	}
	found := false
	for _, f := range report.Findings {
		if f.Transaction == "" || f.Invariant == "" || f.Operation == "" || f.Why == "" || f.Place.Line == 0 || f.Mechanism == "" {
			t.Errorf("incomplete: %+v", f)
		}
		if f.Subject == "orders.o_id" && f.Verdict == "needed" && f.Mechanism == "deferred id" && f.Example != nil {
			found = true
		}
	}
	if !found || !slices.Contains(report.Merge.DeferredIDs, "orders.o_id") || report.Cost.Classes["create_order"] != "id only" {
		t.Errorf("orders.o_id is not told as it should be: %s", data)
	}
}

func TestSARIF(t *testing.T) {
	// SARIF has one result for each line that a person would see, with its place, under a declared rule.
	r := analyzeCase(t, "testdata/app_shop")
	data, err := r.SARIF()
	if err != nil {
		t.Fatal(err)
	}
	var log sarifLog
	if err := json.Unmarshal(data, &log); err != nil {
		t.Fatal(err)
	}
	if log.Version != "2.1.0" || len(log.Runs) != 1 {
		t.Fatalf("version %s, runs %d", log.Version, len(log.Runs))
	}
	results := log.Runs[0].Results
	if lines := strings.Count(r.Lines(), "\n"); len(results) != lines {
		t.Errorf("%d results for %d lines", len(results), lines)
	}
	for _, result := range results {
		known := slices.ContainsFunc(log.Runs[0].Tool.Driver.Rules, func(rule sarifRule) bool { return rule.ID == result.RuleID })
		at := result.Locations[0].Physical
		if !known || at.Artifact.URI == "" || at.Region.StartLine < 1 || at.Region.StartColumn < 1 || result.Message.Text == "" {
			t.Errorf("incomplete: %+v", result)
		}
	}
}

func TestHTML(t *testing.T) {
	// The page shows every transaction and counter-example, loads nothing from elsewhere, and shows names as text.
	sources := caseSources(t, "testdata/slides_staff")
	sources[1].Text += "\n-- transaction: <script>alert(1)</script>\nDELETE FROM staff;\nCOMMIT;\n"
	r, err := Analyze(Input{Sources: sources})
	if err != nil {
		t.Fatal(err)
	}
	data, err := r.HTML()
	if err != nil {
		t.Fatal(err)
	}
	page := string(data)
	for _, want := range []string{"change_staffing", "one_on_duty", "UPDATE staff SET on_duty", "&lt;script&gt;"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not have %q", want)
		}
	}
	if found := regexp.MustCompile(`(?i)<script|src=|href=|https?://|@import|url\(`).FindString(page); found != "" {
		t.Errorf("the page loads something: %q", found)
	}
}

func TestMix(t *testing.T) {
	// The mix weighs transactions by name, over what annotations say, and a name that is not there is told.
	sources := caseSources(t, "testdata/tpcc")
	r, err := Analyze(Input{Sources: sources, Mix: map[string]float64{"new_order": 10, "payment": 90, "delivery": 0, "order_status": 0, "stock_level": 0, "refund": 1}})
	if err != nil {
		t.Fatal(err)
	}
	if r.Cost.OnlyID != 0.1 || r.Cost.Free != 0.9 {
		t.Errorf("cost %+v, want 10 %% for an id only", r.Cost)
	}
	if !strings.Contains(r.Lines(), "there is no transaction refund") {
		t.Errorf("nothing is said of refund:\n%s", r.Lines())
	}
}

func TestPlaces(t *testing.T) {
	// A syntax error names file, line and column, and what stands around it is still analysed; so do a table, a column and
	// a function that are not there.
	text := "CREATE TABLE t (id int PRIMARY KEY);\nCREATE TABLE (x int);\n-- transaction: a\nINSERT INTO t VALUES (:é);\nSELECT é FROM FROM t;\n" +
		"INSERT INTO nowhere VALUES (1);\nUPDATE t SET nothing = 1;\nSELECT strange(id) FROM t;\nCOMMIT;\n"
	r, err := Analyze(Input{Sources: []Source{{"f.sql", text}}})
	if err != nil {
		t.Fatal(err)
	}
	lines := r.Lines()
	for _, want := range []string{
		"f.sql:2:14: error: syntax error", "f.sql:5:16: error: syntax error", "f.sql:4:1: warning: t.id requires coordination: INSERT in a",
		"f.sql:6:13: warning: a: unknown, treated as needing coordination: CODE in a: there is no table nowhere",
		"f.sql:7:14: warning: a: unknown, treated as needing coordination: CODE in a: table t has no column nothing",
		"f.sql:8:8: warning: a: unknown, treated as needing coordination: CODE in a: what function strange does is not known",
	} {
		if !strings.Contains(lines, want) {
			t.Errorf("no line %q in\n%s", want, lines)
		}
	}
	for text, want := range map[string]string{"SELECT '\xff';\n": "f.sql:1:9: error: this is not UTF-8", "SELECT 1;\x00": "f.sql:1:10: error: a zero byte", "": "f.sql:1:1: warning: the file is empty"} {
		r, _ := Analyze(Input{Sources: []Source{{"f.sql", text}}})
		if got := r.Lines(); !strings.Contains(got, want) {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
