package clients

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lib/pq"

	"github.com/baristadb/barista/e2e/harness"
)

func TestPsql(t *testing.T) {
	// psql works through a follower: a script with a transaction, \copy, \gexec and an error that it survives.
	c := harness.SharedCluster(t)
	psql := harness.NeedTool(t, "psql")
	url := c.URL(c.Follower(t))
	data := filepath.Join(t.TempDir(), "beans.csv")
	if err := os.WriteFile(data, []byte("1,arabica\n2,robusta\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	script := filepath.Join(t.TempDir(), "script.sql")
	text := `CREATE TABLE beans (k int PRIMARY KEY, name text);
\copy beans FROM '` + data + `' CSV
BEGIN; INSERT INTO beans VALUES (3, 'liberica'); SAVEPOINT s; INSERT INTO beans VALUES (1, 'twice'); ROLLBACK TO s; COMMIT;
SELECT format('INSERT INTO beans VALUES (%s, %L)', 10 + k, name) FROM beans ORDER BY k \gexec
\d beans
SELECT count(*) AS counted FROM beans;
`
	if err := os.WriteFile(script, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	status, out, errs := harness.RunProgram(t, harness.QueryLimit, psql, "-X", "-A", "-t", "-d", url, "-f", script)
	if status != 0 || !strings.HasSuffix(out, "\n6\n") || strings.Count(errs, "ERROR") != 1 {
		t.Errorf("psql: status %d\n%s%s", status, out, errs)
	}
	if strings.Contains(strings.ToLower(out), "trigger") {
		t.Errorf("\\d shows Barista's own triggers:\n%s", out)
	}
	c.VerifyAll(t)
}

func TestLibPQ(t *testing.T) {
	// database/sql with lib/pq works through a follower: prepared statements, a transaction, COPY and LISTEN.
	c := harness.SharedCluster(t)
	url := c.URL(c.Follower(t))
	db, err := sql.Open("postgres", url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	ctx := harness.Limited(t, harness.ServeLimit)
	exec := func(statement string, args ...any) {
		t.Helper()
		if _, err := db.ExecContext(ctx, statement, args...); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	exec("CREATE TABLE pq_rows (k serial PRIMARY KEY, v text, at timestamptz DEFAULT now())")
	statement, err := db.PrepareContext(ctx, "INSERT INTO pq_rows (v) VALUES ($1) RETURNING k")
	if err != nil {
		t.Fatal(err)
	}
	for want := 1; want <= 20; want++ {
		var k int
		if err := statement.QueryRowContext(ctx, "prepared").Scan(&k); err != nil || k != want {
			t.Fatalf("row %d got key %d: %v", want, k, err)
		}
	}
	if err := statement.Close(); err != nil {
		t.Fatal(err)
	}
	listener := pq.NewListener(url, time.Second, time.Minute, nil)
	defer listener.Close()
	if err := listener.Listen("pq_bell"); err != nil {
		t.Fatal(err)
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	copying, err := tx.PrepareContext(ctx, "COPY pq_rows (v) FROM STDIN")
	if err != nil {
		t.Fatal(err)
	}
	for range 1000 {
		if _, err := copying.ExecContext(ctx, "copied"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := copying.ExecContext(ctx); err != nil {
		t.Fatal(err)
	}
	if err := copying.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := tx.ExecContext(ctx, "NOTIFY pq_bell, 'copied'"); err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	select {
	case heard := <-listener.Notify:
		if heard == nil || heard.Extra != "copied" {
			t.Errorf("heard %+v", heard)
		}
	case <-ctx.Done():
		t.Error("nothing was heard")
	}
	c.VerifyAll(t)
	for _, k := range c.All() {
		if n := harness.One[int](t, c.Local(t, k), "SELECT count(*) FROM pq_rows"); n != 1020 {
			t.Errorf("n%d holds %d rows", k, n)
		}
	}
}

// jdbcDriver is where Debian puts it.
const jdbcDriver = "/usr/share/java/postgresql.jar"

func TestJDBC(t *testing.T) {
	// Java's driver works through a follower: server-side prepared statements, batches, savepoints, generated keys, COPY,
	// a result fetched in pieces, and SQLSTATEs.
	javac, java := harness.NeedTool(t, "javac"), harness.NeedTool(t, "java")
	if _, err := os.Stat(jdbcDriver); err != nil {
		t.Skip("libpostgresql-jdbc-java is not installed")
	}
	c := harness.SharedCluster(t)
	classes := t.TempDir()
	status, out, errs := harness.RunProgram(t, 2*time.Minute, javac, "-cp", jdbcDriver, "-d", classes, filepath.Join("testdata", "Client.java"))
	if status != 0 {
		t.Fatalf("javac: %s%s", out, errs)
	}
	url := "jdbc:postgresql://" + c.Node(c.Follower(t)).Config.PG + "/postgres?user=postgres&sslmode=disable"
	status, out, errs = harness.RunProgram(t, 2*time.Minute, java, "-cp", classes+":"+jdbcDriver, "Client", url)
	if status != 0 || !strings.HasSuffix(out, "done\n") {
		t.Fatalf("the Java client: status %d\n%s%s", status, out, errs)
	}
	c.VerifyAll(t)
}
