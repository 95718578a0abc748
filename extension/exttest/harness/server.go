package harness

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"golang.org/x/sys/unix"

	"github.com/baristadb/barista/internal/changeset"
)

// Fields of the mapped file, see docs/internals/gate.md.
const (
	fieldMagic   = 0
	fieldStartID = 8
	fieldEpoch   = 16
	FieldClosed  = 24
	fieldLease   = 32
	FieldApplied = 40
	FieldWaiting = 48
	fieldNode    = 56
	fieldSuspect = 64
	FieldLimit   = 72
	FieldWanted  = 80
	sharedSize   = 4096
)

// noLimit of transaction ids.
const noLimit = 1 << 62

// FirstEpoch is the epoch that is opened first: ballot 1.1.
const FirstEpoch = 1<<16 | 1

// Server is one PostgreSQL server with the extension, and barista's side of it.
type Server struct {
	Dir    string
	Gate   *FakeGate
	shared []byte
	Cmd    *exec.Cmd
	ready  chan struct{} // closed when it accepts connections
	Done   chan struct{} // closed when the postmaster has ended

	mu  sync.Mutex
	log strings.Builder // guarded by mu
}

// Options of StartServer and StartLeader.
type Options struct {
	Fixture  string   // SQL run before the first start, in database postgres
	Settings []string // name=value
	Unshared bool     // start it without barista.shared_file, as a person would
	NextOID  uint32   // where the server's counter of OIDs begins; 0: somewhere
}

// StartServer starts a server whose gate is closed; it ends with the test.
func StartServer(t testing.TB, o Options) *Server {
	t.Helper()
	if env.skip != "" {
		t.Skip(env.skip)
	}
	s, err := newServer(o)
	if err == nil {
		t.Cleanup(s.stop)
		err = s.start(o)
	}
	if err == nil && !o.Unshared {
		err = s.introduce()
	}
	if err != nil {
		t.Fatalf("start server: %v\n%s", err, s.Logged())
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("server log:\n%s", s.Logged())
		}
	})
	return s
}

// StartLeader starts a server with an open gate that chooses everything.
func StartLeader(t testing.TB, o Options) *Server {
	t.Helper()
	s := StartServer(t, o)
	s.Open(FirstEpoch)
	return s
}

func newServer(o Options) (*Server, error) {
	s := &Server{ready: make(chan struct{}), Done: make(chan struct{})}
	dir, err := os.MkdirTemp(env.root, "s")
	if err != nil {
		return s, err
	}
	s.Dir = dir
	if err := env.giveAway(dir); err != nil {
		return s, err
	}
	cp := exec.Command("cp", "-a", env.template, s.Data())
	if out, err := cp.CombinedOutput(); err != nil {
		return s, fmt.Errorf("cp: %w\n%s", err, out)
	}
	if o.Fixture != "" {
		if err := env.runSingleUser(s.Data(), "postgres", o.Fixture); err != nil {
			return s, err
		}
	}
	if o.NextOID != 0 {
		if out, err := env.command("pg_resetwal", "-o", fmt.Sprint(o.NextOID), "-D", s.Data()).CombinedOutput(); err != nil {
			return s, fmt.Errorf("pg_resetwal: %w\n%s", err, out)
		}
	}
	if err := s.makeShared(); err != nil {
		return s, err
	}
	s.Gate, err = listenGate(filepath.Join(dir, "gate"), s)
	if err != nil {
		return s, err
	}
	return s, env.giveAway(filepath.Join(dir, "gate"))
}

// Data is the server's data folder.
func (s *Server) Data() string { return filepath.Join(s.Dir, "data") }

// makeShared makes and maps the file that barista and the server share.
func (s *Server) makeShared() error {
	path := filepath.Join(s.Dir, "shared")
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Truncate(sharedSize); err != nil {
		return err
	}
	s.shared, err = unix.Mmap(int(f.Fd()), 0, sharedSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return err
	}
	var id [8]byte
	rand.Read(id[:])
	s.Set(fieldMagic, binary.LittleEndian.Uint64([]byte("BARISTA1")))
	s.Set(fieldStartID, binary.LittleEndian.Uint64(id[:]))
	s.Set(FieldClosed, 1)
	s.Set(fieldNode, 7)
	return env.giveAway(path)
}

func (s *Server) field(offset int) *uint64 { return (*uint64)(unsafe.Pointer(&s.shared[offset])) }

// Set writes a field of the mapped file.
func (s *Server) Set(offset int, v uint64) { atomic.StoreUint64(s.field(offset), v) }

// Get reads a field of the mapped file.
func (s *Server) Get(offset int) uint64 { return atomic.LoadUint64(s.field(offset)) }

// Open opens the gate in an epoch, with a lease that does not run out.
func (s *Server) Open(epoch uint64) {
	s.SetLease(time.Hour)
	s.Set(FieldLimit, noLimit)
	s.Set(fieldEpoch, epoch)
	s.Set(FieldClosed, 0)
}

// Close closes the epoch as barista does, first of all by the flag.
func (s *Server) Close() { s.Set(FieldClosed, 1) }

// Restart starts a server that has ended again, in its data folder, with a new
// mapped file and a closed gate.
func (s *Server) Restart(t testing.TB, o Options) {
	t.Helper()
	s.Gate.close()
	unix.Munmap(s.shared)
	for _, name := range []string{"shared", "gate"} {
		os.Remove(filepath.Join(s.Dir, name))
	}
	if err := s.makeShared(); err != nil {
		t.Fatal(err)
	}
	var err error
	if s.Gate, err = listenGate(filepath.Join(s.Dir, "gate"), s); err != nil {
		t.Fatal(err)
	}
	if err := env.giveAway(filepath.Join(s.Dir, "gate")); err != nil {
		t.Fatal(err)
	}
	s.ready, s.Done = make(chan struct{}), make(chan struct{})
	if err := s.start(o); err != nil {
		t.Fatalf("restart: %v\n%s", err, s.Logged())
	}
	if err := s.introduce(); err != nil {
		t.Fatalf("restart: %v", err)
	}
}

// Reopen opens the gate in the next epoch, on top of what was committed so far.
func (s *Server) Reopen(t testing.TB) {
	t.Helper()
	s.Close()
	Eventually(t, "no backend waits at the gate", func() bool { return s.Get(FieldWaiting) == 0 })
	s.Gate.Restart()
	s.Open(s.Get(fieldEpoch) + 1<<16)
}

// SetLease ends the lease after d, counted from now.
func (s *Server) SetLease(d time.Duration) {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &now); err != nil {
		panic(err)
	}
	s.Set(fieldLease, uint64(now.Nano()+d.Nanoseconds()))
}

// Applied is the position that the server has applied.
func (s *Server) Applied() changeset.Position { return changeset.Position(s.Get(FieldApplied)) }

// start starts the postmaster and waits until it accepts connections.
func (s *Server) start(o Options) error {
	settings := []string{
		"shared_preload_libraries=barista",
		"dynamic_library_path=" + env.libDir + ":$libdir",
		"listen_addresses=", "unix_socket_directories=" + s.Dir,
		"synchronous_standby_names=", "max_prepared_transactions=0", "wal_level=replica",
		"restart_after_crash=off", "max_connections=40",
		"fsync=off", "shared_buffers=32MB", "autovacuum=off", "logging_collector=off",
	}
	if !o.Unshared {
		settings = append(settings, "barista.shared_file="+filepath.Join(s.Dir, "shared"),
			"barista.gate_socket="+filepath.Join(s.Dir, "gate"))
	}
	args := []string{"-D", s.Data()}
	for _, setting := range append(settings, o.Settings...) {
		args = append(args, "-c", setting)
	}
	s.Cmd = env.command("postgres", args...)
	stderr, err := s.Cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := s.Cmd.Start(); err != nil {
		return err
	}
	go s.follow(stderr) // ends with the last process of the server; stop waits for it

	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-s.ready:
		return nil
	case <-s.Done:
		return errors.New("the server ended")
	case <-timer.C:
		return errors.New("the server does not accept connections")
	}
}

// follow keeps the server's log and says when it is ready and when it is gone.
func (s *Server) follow(stderr io.Reader) {
	defer close(s.Done)
	lines := bufio.NewScanner(stderr)
	lines.Buffer(nil, 1<<20)
	isReady := false
	for lines.Scan() {
		line := lines.Text()
		s.mu.Lock()
		s.log.WriteString(line + "\n")
		s.mu.Unlock()
		if !isReady && strings.Contains(line, "database system is ready to accept connections") {
			isReady = true
			close(s.ready)
		}
	}
	s.Cmd.Wait()
}

// Logged is what the server has logged so far.
func (s *Server) Logged() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.String()
}

// introduce does what barista does first: it asks for the applied position,
// and has what capture needs made for the fixture's tables.
func (s *Server) introduce() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, err := s.Dial(ctx, "barista", "postgres")
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	for _, sql := range []string{"select barista_start()", "select barista_bootstrap()"} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return fmt.Errorf("%s: %w", sql, err)
		}
	}
	return nil
}

// stop ends the server at once and removes its folder.
func (s *Server) stop() {
	if s.Cmd != nil && s.Cmd.Process != nil {
		s.Cmd.Process.Signal(syscall.SIGQUIT)
		<-s.Done
	}
	if s.Gate != nil {
		s.Gate.close()
	}
	if s.shared != nil {
		unix.Munmap(s.shared)
		s.shared = nil
	}
	if s.Dir != "" {
		os.RemoveAll(s.Dir)
	}
}

// Dial opens a session; parameters are name, value pairs of the start-up packet.
func (s *Server) Dial(ctx context.Context, role, database string, parameters ...string) (*pgx.Conn, error) {
	config, err := pgx.ParseConfig(fmt.Sprintf("host=%s user=%s dbname=%s", s.Dir, role, database))
	if err != nil {
		return nil, err
	}
	if role == "barista" {
		config.RuntimeParams["barista.session"] = "own"
	}
	for i := 0; i+1 < len(parameters); i += 2 {
		config.RuntimeParams[parameters[i]] = parameters[i+1]
	}
	return pgx.ConnectConfig(ctx, config)
}

// Connect opens a session of role postgres that ends with the test.
func (s *Server) Connect(t testing.TB, parameters ...string) *pgx.Conn {
	t.Helper()
	return s.ConnectAs(t, "postgres", "postgres", parameters...)
}

// ConnectAs opens a session of a role in a database; parameters are as those
// of Dial.
func (s *Server) ConnectAs(t testing.TB, role, database string, parameters ...string) *pgx.Conn {
	t.Helper()
	conn, err := s.Dial(Context(t), role, database, parameters...)
	if err != nil {
		t.Fatalf("connect as %s: %v", role, err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		conn.Close(ctx)
	})
	return conn
}

// Apply feeds change sets of another server into this one, in one local
// transaction, as barista does. The gate must be closed.
func (s *Server) Apply(t testing.TB, proposals ...*Proposal) {
	t.Helper()
	if err := s.TryApply(t, proposals...); err != nil {
		t.Fatalf("apply: %v", err)
	}
}

// TryApply is Apply that returns the server's error.
func (s *Server) TryApply(t testing.TB, proposals ...*Proposal) error {
	t.Helper()
	database := "postgres"
	if len(proposals) > 0 && proposals[0].Set.Database != "" {
		database = proposals[0].Set.Database
	}
	return s.applyPartIn(t, database, s.PartOf(proposals...))
}

// PartOf is the change sets as the next local transaction here, whole.
func (s *Server) PartOf(proposals ...*Proposal) []byte {
	var batch changeset.Batch
	var last changeset.Position
	batch.Begin(s.Applied())
	for _, p := range proposals {
		if len(p.Sequences) > 0 {
			batch.Sequences(changeset.MissingIsSkipped, p.Sequences)
		}
		if p.Kind == KindPropose {
			batch.Set(p.Set.Timestamp, max(p.Set.Timestamp, p.Set.Committed))
			batch.Payload(p.Set.Payload)
			last = p.Position
		}
	}
	if last == 0 {
		last = s.Applied()
	}
	batch.End(last)
	return batch.Bytes()
}

// Suspect returns the OID of the index whose functions ran when the last batch failed, or 0.
func (s *Server) Suspect() uint32 { return uint32(s.Get(fieldSuspect)) }

// SetAside sets the index aside whose functions have failed, as barista does.
func (s *Server) SetAside(t testing.TB) {
	t.Helper()
	var part changeset.Batch
	part.SetIndexAside(s.Suspect())
	if err := s.ApplyPart(t, part.Bytes()); err != nil {
		t.Fatalf("set the index aside: %v", err)
	}
}

// Rebuild has an index of database postgres that was set aside built again.
func (s *Server) Rebuild(t testing.TB, index string, longest time.Duration) error {
	t.Helper()
	var oid uint32
	if _, err := fmt.Sscan(Value(t, s.Connect(t), "select '"+index+"'::regclass::oid::text"), &oid); err != nil {
		t.Fatalf("find index %s: %v", index, err)
	}
	var part changeset.Batch
	part.RebuildIndex(oid, uint32(longest.Milliseconds()))
	return s.ApplyPart(t, part.Bytes())
}

// ApplyWithoutFunctions is TryApply of a batch in which a users' function has failed.
func (s *Server) ApplyWithoutFunctions(t testing.TB, proposals ...*Proposal) error {
	t.Helper()
	var batch changeset.Batch
	batch.Begin(s.Applied())
	begun := len(batch.Bytes())
	batch.WithoutFunctions()
	return s.ApplyPart(t, append(batch.Bytes(), s.PartOf(proposals...)[begun:]...))
}

// ApplyPart hands one part of a batch to barista_apply, as it is.
func (s *Server) ApplyPart(t testing.TB, part []byte) error {
	t.Helper()
	return s.applyPartIn(t, "postgres", part)
}

func (s *Server) applyPartIn(t testing.TB, database string, part []byte) error {
	t.Helper()
	ctx := Context(t)
	conn, err := s.Dial(ctx, "barista", database)
	if err != nil {
		t.Fatalf("connect as barista: %v", err)
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, "select barista_apply($1)", part)
	return err
}

var (
	sharedOnce   sync.Once
	sharedServer *Server
	sharedError  error
)

// SharedLeader is a leader for tests that leave its gate as it is. Each of
// them uses tables of its own.
func SharedLeader(t testing.TB) *Server {
	t.Helper()
	if env.skip != "" {
		t.Skip(env.skip)
	}
	sharedOnce.Do(func() {
		o := Options{Fixture: sharedFixture}
		if sharedServer, sharedError = newServer(o); sharedError != nil {
			return
		}
		if sharedError = sharedServer.start(o); sharedError == nil {
			sharedError = sharedServer.introduce()
		}
		sharedServer.Open(FirstEpoch)
	})
	if sharedError != nil {
		t.Fatalf("start shared server: %v\n%s", sharedError, sharedServer.Logged())
	}
	return sharedServer
}

func stopShared() {
	if sharedServer != nil {
		sharedServer.stop()
	}
	for _, s := range moreShared {
		s.stop()
	}
}

// Execute runs statements, one after the other.
func Execute(t testing.TB, conn *pgx.Conn, statements ...string) {
	t.Helper()
	for _, sql := range statements {
		if _, err := conn.Exec(Context(t), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
}

// Run runs one statement and returns its SQLSTATE, or "" if it succeeded.
func Run(t testing.TB, conn *pgx.Conn, sql string) string {
	t.Helper()
	_, err := conn.Exec(Context(t), sql)
	return SQLState(err)
}

// Value asks for one value, as text.
func Value(t testing.TB, conn *pgx.Conn, sql string) string {
	t.Helper()
	var text *string
	if err := conn.QueryRow(Context(t), "select ("+sql+")::text").Scan(&text); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	if text == nil {
		return "null"
	}
	return *text
}

// SQLState returns the SQLSTATE of an error of the server, "" for none, and
// the error's text if it is not the server's.
func SQLState(err error) string {
	var pgErr *pgconn.PgError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &pgErr):
		return pgErr.Code
	default:
		return err.Error()
	}
}

// Eventually waits until the condition holds.
func Eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for !condition() {
		select {
		case <-tick.C:
		case <-timer.C:
			t.Fatalf("waited too long until %s", what)
		}
	}
}

// Running is a statement that is on its way in another goroutine.
type Running struct {
	err  error
	done chan struct{}
}

// Begin starts a statement; Wait returns its SQLSTATE.
func Begin(t testing.TB, conn *pgx.Conn, sql string) *Running {
	t.Helper()
	ctx := Context(t)
	r := &Running{done: make(chan struct{})}
	go func() { // ends with the statement, at the latest when ctx ends
		defer close(r.done)
		_, r.err = conn.Exec(ctx, sql)
	}()
	return r
}

// Listen waits for what an idle session is told, like its end.
func Listen(t testing.TB, conn *pgx.Conn) *Running {
	t.Helper()
	ctx := Context(t)
	r := &Running{done: make(chan struct{})}
	go func() { // ends with the session, at the latest when ctx ends
		defer close(r.done)
		_, r.err = conn.WaitForNotification(ctx)
	}()
	return r
}

// Wait waits for the statement's end, and returns its SQLSTATE.
func (r *Running) Wait() string {
	<-r.done
	return SQLState(r.err)
}

// Finished reports whether the statement has ended.
func (r *Running) Finished() bool {
	select {
	case <-r.done:
		return true
	default:
		return false
	}
}

// sharedFixture makes the tables of the tests that share a leader.
const sharedFixture = `
create table upsert (k int primary key, v text);
create function upsert_replace() returns trigger language plpgsql as $$
begin delete from upsert where k = new.k; return new; end $$;
create trigger replace before insert on upsert for each row execute function upsert_replace();

create table plain (k int primary key, v text);
create table big (k int primary key, n int, v text);
alter table big alter v set storage external;
create table long_key (k text primary key, n int);
alter table long_key alter k set storage external;
create table keyless (a int, b text);
create table generated (k int primary key, twice int generated always as (k * 2) stored);
create table parted (k int primary key, v text) partition by range (k);
create table parted_low partition of parted for values from (0) to (100);
create table parted_high partition of parted for values from (100) to (200);
create table second_key (a int not null, b text unique, c int not null, unique (c, a), unique (a) deferrable);
create table dropped (a int, k int primary key, b text);
alter table dropped drop a;
alter table dropped add c int default 5;
create table held (k int primary key, v int);
create table serial_ish (id int generated always as identity primary key, v text);
create table parent (k int primary key);
create table child (k int primary key, p int references parent deferrable initially deferred);
create sequence alone;
create sequence tens increment 10;
`

// WaitUntil asks the server until the answer is true.
func WaitUntil(t testing.TB, s *Server, sql string) {
	t.Helper()
	conn := s.Connect(t)
	for ctx := Context(t); ; {
		var is *bool
		if err := conn.QueryRow(ctx, sql).Scan(&is); err != nil && !errors.Is(err, pgx.ErrNoRows) {
			t.Fatalf("waiting for %s: %v", sql, err)
		}
		if is != nil && *is {
			return
		}
	}
}

// Pgbench runs pgbench on a server, and returns what it prints.
func Pgbench(t testing.TB, s *Server, args ...string) string {
	t.Helper()
	cmd := env.command("pgbench", append([]string{"-h", s.Dir, "-U", "postgres"}, append(args, "postgres")...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("pgbench %v: %v\n%s", args, err, out)
	}
	return string(out)
}
