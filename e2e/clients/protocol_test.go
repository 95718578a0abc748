package clients

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/baristadb/barista/e2e/harness"
)

// throughBothDoors runs a test through the leader's node, whose backend takes over the client's socket, and through a follower's, which relays.
func throughBothDoors(t *testing.T, f func(t *testing.T, c *harness.Cluster, door int)) {
	c := harness.SharedCluster(t)
	leader := c.AwaitLeader(t)
	t.Run("leader", func(t *testing.T) { f(t, c, leader) })
	t.Run("follower", func(t *testing.T) { f(t, c, c.Others(leader)[0]) })
	c.VerifyAll(t)
}

// hijack connects through node k and returns the bare protocol.
func hijack(t *testing.T, c *harness.Cluster, k int) *pgproto3.Frontend {
	t.Helper()
	conn, err := pgconn.Connect(harness.Limited(t, harness.QueryLimit), c.URL(k))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := conn.Hijack()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { raw.Conn.Close() })
	if err := raw.Conn.SetDeadline(time.Now().Add(harness.QueryLimit)); err != nil {
		t.Fatal(err)
	}
	return raw.Frontend
}

// converse sends what was queued, and returns what came back until the given number of ReadyForQuery: the messages in short.
func converse(t *testing.T, front *pgproto3.Frontend, ready int) (heard []string) {
	t.Helper()
	if err := front.Flush(); err != nil {
		t.Fatal(err)
	}
	for ready > 0 {
		message, err := front.Receive()
		if err != nil {
			t.Fatalf("after %q: %v", heard, err)
		}
		switch m := message.(type) {
		case *pgproto3.CommandComplete:
			heard = append(heard, string(m.CommandTag))
		case *pgproto3.ErrorResponse:
			heard = append(heard, m.Code)
		case *pgproto3.DataRow:
			heard = append(heard, fmt.Sprintf("row %q", m.Values))
		case *pgproto3.ReadyForQuery:
			heard = append(heard, "ready "+string(m.TxStatus))
			ready--
		case *pgproto3.NoticeResponse:
			heard = append(heard, "notice "+m.Code)
		case *pgproto3.ParameterStatus:
			heard = append(heard, m.Name+"="+m.Value)
		case *pgproto3.CopyInResponse:
			heard = append(heard, "copy in")
			return heard
		}
	}
	return heard
}

// expect fails the test unless this was heard.
func expect(t *testing.T, what string, heard []string, want ...string) {
	t.Helper()
	if !slices.Equal(heard, want) {
		t.Errorf("%s: heard %q, want %q", what, heard, want)
	}
}

func TestSeveralStatementsInOneString(t *testing.T) {
	// Statements of one string are one transaction: an error in the middle undoes those before and skips those after, and the next string is served.
	throughBothDoors(t, func(t *testing.T, c *harness.Cluster, door int) {
		front, table := hijack(t, c, door), fmt.Sprintf("strings%d", door)
		query := func(sql string) []string {
			front.SendQuery(&pgproto3.Query{String: sql})
			return converse(t, front, 1)
		}
		expect(t, "a good string", query("CREATE TABLE "+table+" (k int PRIMARY KEY); INSERT INTO "+table+" VALUES (1); SELECT k FROM "+table),
			"CREATE TABLE", "INSERT 0 1", `row ["1"]`, "SELECT 1", "ready I")
		expect(t, "an error in the middle", query("INSERT INTO "+table+" VALUES (2); INSERT INTO "+table+" VALUES (1); INSERT INTO "+table+" VALUES (3)"),
			"INSERT 0 1", "23505", "ready I")
		expect(t, "an error after COMMIT", query("BEGIN; INSERT INTO "+table+" VALUES (4); COMMIT; INSERT INTO "+table+" VALUES (5); SELECT 1/0"),
			"BEGIN", "INSERT 0 1", "COMMIT", "INSERT 0 1", "22012", "ready I")
		expect(t, "a block left open", query("BEGIN; INSERT INTO "+table+" VALUES (6); SELECT 1/0; COMMIT"), "BEGIN", "INSERT 0 1", "22012", "ready E")
		expect(t, "its end", query("COMMIT"), "ROLLBACK", "ready I")
		expect(t, "nothing", query(""), "ready I")
		expect(t, "what is left", query("SELECT string_agg(k::text, ' ' ORDER BY k) FROM "+table), `row ["1 4"]`, "SELECT 1", "ready I")
	})
}

func TestPipelinedErrors(t *testing.T) {
	// After an error the server skips to the next Sync: what was pipelined before it in the same part is undone, and the parts after it run.
	throughBothDoors(t, func(t *testing.T, c *harness.Cluster, door int) {
		front, table := hijack(t, c, door), fmt.Sprintf("parts%d", door)
		execute := func(sql string) {
			front.SendParse(&pgproto3.Parse{Query: sql})
			front.SendBind(&pgproto3.Bind{})
			front.SendExecute(&pgproto3.Execute{})
		}
		sync := func() { front.SendSync(&pgproto3.Sync{}) }
		execute("CREATE TABLE " + table + " (k int PRIMARY KEY)")
		sync()
		execute("INSERT INTO " + table + " VALUES (1)")
		execute("INSERT INTO " + table + " VALUES (1)") // fails
		execute("INSERT INTO " + table + " VALUES (2)") // skipped
		sync()
		execute("INSERT INTO " + table + " VALUES (3)")
		sync()
		execute("SELECT nonsense") // fails when it is parsed
		execute("INSERT INTO " + table + " VALUES (4)")
		sync()
		execute("INSERT INTO " + table + " VALUES (5)")
		sync()
		expect(t, "the pipeline", converse(t, front, 5), "CREATE TABLE", "ready I", "INSERT 0 1", "23505", "ready I", "INSERT 0 1", "ready I",
			"42703", "ready I", "INSERT 0 1", "ready I")
		execute("SELECT string_agg(k::text, ' ' ORDER BY k) FROM " + table)
		sync()
		expect(t, "what is left", converse(t, front, 1), `row ["3 5"]`, "SELECT 1", "ready I")
	})
}

func TestCopyAbortedByTheClient(t *testing.T) {
	// A COPY that the client gives up leaves no row, in an open block only an error; one whose client vanishes leaves no row either.
	throughBothDoors(t, func(t *testing.T, c *harness.Cluster, door int) {
		front, table := hijack(t, c, door), fmt.Sprintf("copied%d", door)
		query := func(sql string) []string {
			front.SendQuery(&pgproto3.Query{String: sql})
			return converse(t, front, 1)
		}
		query("CREATE TABLE " + table + " (k int)")
		rows := &pgproto3.CopyData{Data: []byte(strings.Repeat("7\n", 10000))}
		expect(t, "COPY", query("COPY "+table+" FROM STDIN"), "copy in")
		front.Send(rows)
		front.Send(&pgproto3.CopyFail{Message: "changed my mind"})
		expect(t, "its failure", converse(t, front, 1), "57014", "ready I")
		expect(t, "COPY of bad data", query("COPY "+table+" FROM STDIN"), "copy in")
		front.Send(&pgproto3.CopyData{Data: []byte("1\nnonsense\n")})
		front.Send(&pgproto3.CopyDone{})
		expect(t, "its failure", converse(t, front, 1), "22P02", "ready I")

		vanishing, err := pgconn.Connect(harness.Limited(t, harness.QueryLimit), c.URL(door))
		if err != nil {
			t.Fatal(err)
		}
		raw, err := vanishing.Hijack()
		if err != nil {
			t.Fatal(err)
		}
		raw.Frontend.SendQuery(&pgproto3.Query{String: "COPY " + table + " FROM STDIN"})
		expect(t, "COPY of one who vanishes", converse(t, raw.Frontend, 1), "copy in")
		raw.Frontend.Send(rows)
		if err := errors.Join(raw.Frontend.Flush(), raw.Conn.Close()); err != nil {
			t.Fatal(err)
		}
		harness.Await(t, harness.QueryLimit, "the session to end", func(context.Context) error {
			heard := query(fmt.Sprintf("SELECT count(*) FROM pg_stat_activity WHERE pid = %d", raw.PID))
			if heard[0] != `row ["0"]` {
				return fmt.Errorf("heard %q", heard)
			}
			return nil
		})
		expect(t, "what is left", query("SELECT count(*) FROM "+table), `row ["0"]`, "SELECT 1", "ready I")
		expect(t, "a good COPY", query("COPY "+table+" FROM STDIN"), "copy in")
		front.Send(rows)
		front.Send(&pgproto3.CopyDone{})
		expect(t, "its end", converse(t, front, 1), "COPY 10000", "ready I")
	})
}

func TestSessionStateAndParameters(t *testing.T) {
	// Settings, application_name, prepared statements and cursors last as long as the session; ParameterStatus and notices reach the client in their
	// place.
	throughBothDoors(t, func(t *testing.T, c *harness.Cluster, door int) {
		front := hijack(t, c, door)
		query := func(sql string) []string {
			front.SendQuery(&pgproto3.Query{String: sql})
			return converse(t, front, 1)
		}
		zone := strings.TrimSuffix(strings.TrimPrefix(query("SELECT reset_val FROM pg_settings WHERE name = 'TimeZone'")[0], `row ["`), `"]`)
		expect(t, "SET that is reported", query("SET application_name = 'kettle'"), "SET", "application_name=kettle", "ready I")
		expect(t, "TimeZone", query("SET TimeZone = 'Asia/Tokyo'"), "SET", "TimeZone=Asia/Tokyo", "ready I")
		expect(t, "SET LOCAL", query("BEGIN; SET LOCAL DateStyle = 'German'; ROLLBACK"), "BEGIN", "SET", "ROLLBACK", "ready I")
		expect(t, "what pg_stat_activity says", query("SELECT application_name FROM pg_stat_activity WHERE pid = pg_backend_pid()"), `row ["kettle"]`, "SELECT 1", "ready I")
		expect(t, "a notice between rows", query("DO $$ BEGIN RAISE WARNING 'hot'; END $$; SELECT 1"), "notice 01000", "DO", `row ["1"]`, "SELECT 1", "ready I")
		table := fmt.Sprintf("states%d", door)
		expect(t, "a table", query("SET search_path = public; SET client_min_messages = error; CREATE TABLE "+table+" (k int)"), "SET", "SET", "CREATE TABLE", "ready I")

		front.SendParse(&pgproto3.Parse{Name: "ins", Query: "INSERT INTO " + table + " VALUES ($1) RETURNING k"})
		front.SendSync(&pgproto3.Sync{})
		expect(t, "Parse", converse(t, front, 1), "ready I")
		for k := range 3 {
			front.SendBind(&pgproto3.Bind{PreparedStatement: "ins", ParameterFormatCodes: []int16{1}, ResultFormatCodes: []int16{1}, Parameters: [][]byte{{0, 0, 0, byte(k)}}})
			front.SendExecute(&pgproto3.Execute{})
			front.SendSync(&pgproto3.Sync{})
			expect(t, "binary formats", converse(t, front, 1), fmt.Sprintf(`row ["\x00\x00\x00\x%02x"]`, k), "INSERT 0 1", "ready I")
		}
		query("SELECT 1/0") // an error ends no prepared statement
		query("ALTER TABLE " + table + " ADD COLUMN v text")
		front.SendBind(&pgproto3.Bind{PreparedStatement: "ins", Parameters: [][]byte{[]byte("9")}})
		front.SendExecute(&pgproto3.Execute{})
		front.SendSync(&pgproto3.Sync{})
		expect(t, "the statement after all that", converse(t, front, 1), `row ["9"]`, "INSERT 0 1", "ready I")
		expect(t, "DISCARD ALL", query("DISCARD ALL"), "DISCARD ALL", "application_name=", "TimeZone="+zone, "ready I")
		front.SendBind(&pgproto3.Bind{PreparedStatement: "ins", Parameters: [][]byte{[]byte("10")}})
		front.SendSync(&pgproto3.Sync{})
		expect(t, "a statement that was discarded", converse(t, front, 1), "26000", "ready I")
	})
}

func TestTimeOutsAndCancelsTellTheTruth(t *testing.T) {
	// A statement time-out and cancel requests that fall anywhere around a commit end it or not; what the client is told is what happened.
	throughBothDoors(t, func(t *testing.T, c *harness.Cluster, door int) {
		conn, table := c.Connect(t, door), fmt.Sprintf("raced%d", door)
		harness.Run(t, conn, "CREATE TABLE "+table+" (k int PRIMARY KEY)")
		ctx := harness.Limited(t, harness.ServeLimit)
		want, ended := []int{}, 0
		attempt := func(k int) {
			sleep := float64(k%10) / 2000 // seconds
			_, err := conn.Exec(ctx, fmt.Sprintf("INSERT INTO %s SELECT %d FROM pg_sleep(%f)", table, k, sleep), pgx.QueryExecModeSimpleProtocol)
			switch harness.Code(err) {
			case "success":
				want = append(want, k)
			case "57014":
				ended++
			default:
				t.Fatalf("row %d: %v", k, err)
			}
		}
		for k := range 40 {
			harness.Run(t, conn, "SET statement_timeout = 3") // ms
			attempt(k)
			harness.Await(t, harness.QueryLimit, "the time-out to be off", func(ctx context.Context) error {
				_, err := conn.Exec(ctx, "SET statement_timeout = 0", pgx.QueryExecModeSimpleProtocol)
				return err // a time-out may meet this statement too
			})
		}
		for k := 100; k < 140; k++ {
			cancelled := make(chan error, 1)
			go func() { cancelled <- conn.PgConn().CancelRequest(ctx) }() // bounded by ctx, and waited for
			attempt(k)
			if err := <-cancelled; err != nil {
				t.Fatal(err)
			}
			harness.Await(t, harness.QueryLimit, "the cancel request to have passed", func(ctx context.Context) error {
				_, err := conn.Exec(ctx, "SELECT pg_sleep(0.002)", pgx.QueryExecModeSimpleProtocol)
				return err
			})
		}
		if ended == 0 || len(want) == 0 {
			t.Errorf("%d statements were ended and %d committed: nothing was raced", ended, len(want))
		}
		var held []int
		harness.Await(t, harness.QueryLimit, "the rows", func(ctx context.Context) error {
			rows, err := conn.Query(ctx, "SELECT k FROM "+table+" ORDER BY k", pgx.QueryExecModeSimpleProtocol)
			if err != nil {
				return err
			}
			held, err = pgx.CollectRows(rows, pgx.RowTo[int])
			return err
		})
		if !slices.Equal(held, want) {
			t.Errorf("the table holds %v, and success was told of %v", held, want)
		}
		t.Logf("%d statements were ended, %d committed", ended, len(want))
	})
}
