package sql

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/baristadb/barista/e2e/harness"
	"github.com/baristadb/barista/e2e/randomsql"
	"github.com/baristadb/barista/internal/config"
	"github.com/baristadb/barista/internal/devcluster"
)

var (
	sqlSeed       = flag.Uint64("sqlseed", 1, "the seed of the random SQL")
	sqlStatements = flag.Int("sqlstatements", 600, "how many random statements")
)

func TestRandomSQL(t *testing.T) {
	// Barista gives random statements the results and the SQLSTATEs that plain PostgreSQL gives them, and in the end all nodes hold the same
	// rows.
	still := map[string]string{"autovacuum": "off"} // so that rows lie in the same places
	c := harness.StartCluster(t, devcluster.Options{Change: func(cfg *config.Config) { cfg.Settings = still }})
	ours, theirs := c.Connect(t, 1), harness.ConnectTo(t, harness.StartPlain(t, still))
	for _, sql := range randomsql.Prelude {
		harness.Run(t, ours, sql)
		harness.Run(t, theirs, sql)
	}
	w := randomsql.New(*sqlSeed)
	var history []string
	failed := 0
	step := func(sql string) {
		history = append(history, sql)
		got, want := answer(t, ours, sql), answer(t, theirs, sql)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("seed %d, statement %d (-plain +Barista):\n%s\n%s", *sqlSeed, len(history), diff, strings.Join(history, ";\n"))
		}
		if strings.HasPrefix(got, "ERROR") {
			failed++
			w.Failed()
		} else {
			w.Succeeded()
		}
	}
	for k := range *sqlStatements {
		if k == *sqlStatements/2 {
			if last := w.Last(); last != "" { // the transaction may have failed
				step(last)
			}
			harness.Run(t, ours, "SET barista.spill_limit = '1kB'") // from here on nearly every transaction travels in chunks
		}
		step(w.Next())
	}
	if last := w.Last(); last != "" {
		step(last)
	}
	t.Logf("seed %d: %d statements, %d of them failed, %d tables in the end", *sqlSeed, len(history), failed, len(w.Tables()))

	c.VerifyAll(t)
	c.CompareSchemas(t)
	for _, k := range c.All() {
		own := c.Local(t, k)
		queries := []string{randomsql.LargeObjects}
		for _, table := range w.Tables() {
			queries = append(queries, fmt.Sprintf("SELECT t::text FROM %s t", table))
		}
		for _, sql := range queries {
			harness.Await(t, harness.ServeLimit, "what it has applied", func(context.Context) error {
				if diff := cmp.Diff(answer(t, theirs, sql), answer(t, own, sql)); diff != "" {
					return fmt.Errorf("n%d differs from plain PostgreSQL in %s:\n%s", k, sql, diff)
				}
				return nil
			})
		}
	}
}

// answer runs statements and returns their results, rows in order of their text, or the SQLSTATE.
func answer(t *testing.T, conn *pgx.Conn, sql string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), harness.QueryLimit)
	defer cancel()
	results, err := conn.PgConn().Exec(ctx, sql).ReadAll()
	if err != nil {
		if state := harness.Code(err); !strings.HasPrefix(state, "not told") {
			return "ERROR " + state
		}
		t.Fatalf("%s: %v", sql, err)
	}
	var text strings.Builder
	for _, result := range results {
		var rows []string
		for _, row := range result.Rows {
			var values []string
			for _, value := range row {
				if value == nil {
					values = append(values, "NULL")
				} else {
					values = append(values, string(value))
				}
			}
			rows = append(rows, strings.Join(values, "|"))
		}
		slices.Sort(rows)
		fmt.Fprintln(&text, result.CommandTag.String(), strings.Join(rows, "\n"))
	}
	return text.String()
}
