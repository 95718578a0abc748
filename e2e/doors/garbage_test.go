package doors

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/baristadb/barista/e2e/harness"
)

func TestGarbageOnEveryPort(t *testing.T) {
	// Bytes that are no protocol, over-long lengths and half-open connections on every port disturb nobody.
	c := harness.SharedCluster(t)
	harness.Run(t, c.Connect(t, 1), "CREATE TABLE undisturbed (k int PRIMARY KEY)")
	random := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 64<<10)
	for i := range noise {
		noise[i] = byte(random.Uint32())
	}
	startup := (&pgproto3.StartupMessage{ProtocolVersion: pgproto3.ProtocolVersionNumber, Parameters: map[string]string{"user": "postgres"}})
	greeting, err := startup.Encode(nil)
	if err != nil {
		t.Fatal(err)
	}
	overlong := binary.BigEndian.AppendUint32(nil, 1<<31-1)
	littleEndian := binary.LittleEndian.AppendUint32(nil, 1<<31-1)
	var halfOpen []net.Conn
	defer func() {
		for _, conn := range halfOpen {
			conn.Close()
		}
	}()
	for _, k := range c.All() {
		cfg := c.Node(k).Config
		for _, address := range []string{cfg.PG, cfg.HTTP, cfg.Peer} {
			for _, bytes := range [][]byte{
				noise, noise[:1], noise[:7], {}, overlong, append(overlong, noise...), littleEndian, append(littleEndian, noise...),
				make([]byte, 4096), bytes.Repeat([]byte{0xff}, 4096), []byte("GET / HTTP/1.1\r\nContent-Length: 99999999999999\r\n\r\n"),
				[]byte("POST /verify HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n"),
				greeting[:len(greeting)-1], append(greeting, 'Q', 0x7f, 0xff, 0xff, 0xff), append(greeting, 'Q', 0, 0, 0, 0), append(greeting, noise...),
			} {
				conn, err := net.Dial("tcp", address)
				if err != nil {
					t.Fatal(err)
				}
				conn.SetDeadline(time.Now().Add(5 * time.Second))
				_, _ = conn.Write(bytes) // it may be cut off before it has said all
				if random.IntN(2) == 0 {
					halfOpen = append(halfOpen, conn)
				} else {
					conn.Close()
				}
			}
		}
	}
	for i, k := range c.All() {
		conn := c.Connect(t, k)
		if _, err := conn.Exec(harness.Limited(t, harness.QueryLimit), "INSERT INTO undisturbed VALUES ($1)", i); err != nil {
			t.Errorf("n%d: %v", k, err)
		}
	}
	c.CheckNoPanic(t)
	checkNoServerPanic(t, c)
	c.VerifyAll(t)
}

func TestClientsThatVanish(t *testing.T) {
	// Clients that vanish in the middle of a statement, a COPY or a commit leave whole transactions or none, and no lock.
	c := harness.SharedCluster(t)
	conn := c.Connect(t, 1)
	harness.Run(t, conn, "CREATE TABLE vanished (k int, half int)")
	const clients = 30
	for k := range clients {
		gone := c.Connect(t, c.All()[k%len(c.All())])
		harness.Run(t, gone, "BEGIN")
		if _, err := gone.Exec(harness.Limited(t, harness.QueryLimit), "INSERT INTO vanished VALUES ($1, 1), ($1, 2)", k); err != nil {
			t.Fatal(err)
		}
		last := []pgproto3.FrontendMessage{&pgproto3.Query{String: "COMMIT"}}
		switch k % 3 {
		case 1:
			last = []pgproto3.FrontendMessage{&pgproto3.Query{String: "COPY vanished FROM STDIN"}, &pgproto3.CopyData{Data: []byte("9")}}
		case 2:
			last = []pgproto3.FrontendMessage{&pgproto3.Parse{Query: "SELECT pg_sleep(0.5), (SELECT count(*) FROM vanished)"}, &pgproto3.Bind{}, &pgproto3.Execute{}, &pgproto3.Flush{}}
		}
		hijacked, err := gone.PgConn().Hijack()
		if err != nil {
			t.Fatal(err)
		}
		for _, message := range last {
			hijacked.Frontend.Send(message)
		}
		if err := hijacked.Frontend.Flush(); err != nil {
			t.Fatal(err)
		}
		hijacked.Conn.Close()
	}
	harness.Await(t, harness.ServeLimit, "the locks of those that vanished to be gone", func(ctx context.Context) error {
		_, err := conn.Exec(ctx, "SET lock_timeout = '1s'; BEGIN; LOCK TABLE vanished IN ACCESS EXCLUSIVE MODE; COMMIT")
		if err != nil {
			_, rollback := conn.Exec(ctx, "ROLLBACK")
			return errors.Join(err, rollback)
		}
		return nil
	})
	if n := harness.One[int](t, conn, "SELECT count(*) FROM (SELECT k FROM vanished GROUP BY k HAVING count(*) <> 2) AS torn"); n != 0 {
		t.Errorf("%d transactions are there in part or twice", n)
	}
	if n := harness.One[int](t, conn, "SELECT count(*) FROM vanished WHERE k % 3 <> 0"); n != 0 {
		t.Errorf("%d rows of transactions that never sent COMMIT are there", n)
	}
	c.CheckNoPanic(t)
	checkNoServerPanic(t, c)
	c.VerifyAll(t)
}

// checkNoServerPanic fails the test if any server has panicked. Only where nothing was killed.
func checkNoServerPanic(t testing.TB, c *harness.Cluster) {
	t.Helper()
	for _, node := range c.Nodes() {
		file, err := os.Open(node.Config.ServerLogFile())
		if err != nil {
			t.Error(err)
			continue
		}
		text, err := io.ReadAll(file)
		file.Close()
		if err != nil {
			t.Error(err)
		}
		for line := range strings.Lines(string(text)) {
			if strings.Contains(line, "PANIC:") || strings.Contains(line, "was terminated by signal") {
				t.Errorf("%s: %s", node.Config.Name, line)
			}
		}
	}
}
