// Package pair runs two PostgreSQL servers that begin with the same data and have Barista's extension loaded. In one of them the gate is
// open and every row change is captured; in the other nothing is captured or checked. A session of each tells what its backend's processor
// time was. It measures nothing itself, and there is no cluster: what is sent to the gate is chosen at once, by nobody else.
package pair

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"syscall"

	"github.com/jackc/pgx/v5"

	"github.com/baristadb/barista/e2e/bench/contender"
	"github.com/baristadb/barista/internal/account"
	"github.com/baristadb/barista/internal/config"
	"github.com/baristadb/barista/internal/postgres"
)

// Plan says what a pair is made from.
type Plan struct {
	// Dir is an empty folder for all data, Library the path of barista.so, Programs the folder of PostgreSQL's programs.
	Dir, Library, Programs string
	// Triggers says that the server that captures nothing has the capture triggers too, which then do nothing.
	Triggers bool
	// Fill makes what both servers begin with.
	Fill func(ctx context.Context, target *pgx.ConnConfig) error
}

// Pair is the two servers, both running.
type Pair struct {
	keeper  *keeper
	servers []*postgres.Server
	// Off is a session of the server that captures nothing, On of the one that captures.
	Off, On *Session
}

// settings are those of both servers. No checkpoint and no vacuum falls into a measurement.
var settings = map[string]string{
	"shared_buffers": "256MB", "max_wal_size": "8GB", "checkpoint_timeout": "1h", "autovacuum": "off", "synchronous_commit": "off",
}

// Start makes the data and starts both servers. A pair whose start failed must be stopped too.
func Start(ctx context.Context, plan Plan) (*Pair, error) {
	p := &Pair{}
	runs, err := account.Lookup("")
	if err != nil {
		return p, err
	}
	extension, err := postgres.ReadExtension(filepath.Dir(plan.Library))
	if err != nil {
		return p, err
	}
	if err := runs.Give(plan.Dir, nil); err != nil {
		return p, err
	}
	configured := func(name string) postgres.Config {
		dir := filepath.Join(plan.Dir, name)
		return postgres.Config{
			Name: "bench-" + name, Bin: plan.Programs, Account: runs, Auth: config.Trust, Settings: settings,
			DataDir: dir + "-data", SockDir: dir + "-sock", LogFile: dir + ".log",
			Extension: extension, LibDir: filepath.Join(plan.Dir, "lib"),
			SharedFile: filepath.Join(dir+"-sock", "shared"), GateSocket: filepath.Join(dir+"-sock", "gate"),
		}
	}
	off, on := configured("off"), configured("on")
	if err := fill(ctx, off, plan.Fill); err != nil {
		return p, fmt.Errorf("make the data: %w", err)
	}
	if err := copyData(ctx, off, on); err != nil {
		return p, err
	}
	if err := p.startOff(ctx, off, plan); err != nil {
		return p, fmt.Errorf("start the server without capture: %w", err)
	}
	if err := p.startOn(ctx, on); err != nil {
		return p, fmt.Errorf("start the server with capture: %w", err)
	}
	return p, nil
}

// Stop ends both servers and all sessions.
func (p *Pair) Stop(ctx context.Context) error {
	var failed []error
	for _, s := range []*Session{p.Off, p.On} {
		if s != nil {
			failed = append(failed, s.conn.Close(ctx))
		}
	}
	for _, s := range p.servers {
		s.Kill() // the data is of no use to anybody
	}
	return errors.Join(append(failed, p.keeper.close())...)
}

// passive is a server that has the library loaded and does with it what one does that is being made: nothing.
func passive(c postgres.Config) postgres.Config {
	more := map[string]string{
		"shared_preload_libraries": "barista", "dynamic_library_path": c.LibDir + ":$libdir", "barista.bootstrap": "on",
	}
	for name, value := range c.Settings {
		more[name] = value
	}
	c.Settings, c.Extension = more, nil
	return c
}

// fill makes the data folder of the first server.
func fill(ctx context.Context, c postgres.Config, fill func(context.Context, *pgx.ConnConfig) error) error {
	if err := c.Init(ctx); err != nil {
		return err
	}
	s, err := passive(c).Start(ctx)
	if err != nil {
		return err
	}
	if err := fill(ctx, asUser(s)); err != nil {
		s.Kill()
		return err
	}
	return s.Stop(ctx)
}

// copyData copies the files of a server that is not running.
func copyData(ctx context.Context, from, to postgres.Config) error {
	cmd := exec.CommandContext(ctx, "cp", "-a", from.DataDir, to.DataDir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Credential: from.Account.Credential()}
	if _, err := contender.Run(cmd); err != nil {
		return fmt.Errorf("copy the data: %w", err)
	}
	return nil
}

func (p *Pair) startOff(ctx context.Context, c postgres.Config, plan Plan) error {
	s, err := passive(c).Start(ctx)
	if err != nil {
		return err
	}
	p.servers = append(p.servers, s)
	if plan.Triggers {
		if err := introduce(ctx, s.ConnConfig(), "SELECT barista_bootstrap()"); err != nil {
			return err
		}
	}
	p.Off, err = open(ctx, asUser(s))
	return err
}

// startOn does what barista does: the mapped file and the gate first, the triggers when the server runs, and only then is the gate opened.
func (p *Pair) startOn(ctx context.Context, c postgres.Config) error {
	if err := c.PrepareFolders(); err != nil {
		return err
	}
	err := c.Account.As(func() (err error) {
		p.keeper, err = newKeeper(c.SharedFile, c.GateSocket)
		return err
	})
	if err != nil {
		return err
	}
	s, err := c.Start(ctx)
	if err != nil {
		return err
	}
	p.servers = append(p.servers, s)
	if err := introduce(ctx, s.ConnConfig(), "SELECT barista_start()", "SELECT barista_bootstrap()"); err != nil {
		return err
	}
	p.keeper.open()
	p.On, err = open(ctx, asUser(s))
	return err
}

// introduce says what barista says first to a server that was started. barista_bootstrap() makes the triggers.
func introduce(ctx context.Context, as *pgx.ConnConfig, statements ...string) (err error) {
	conn, err := pgx.ConnectConfig(ctx, as)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	for _, sql := range statements {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return fmt.Errorf("%s: %w", sql, err)
		}
	}
	return nil
}

// asUser says how a client connects, as the superuser postgres.
func asUser(s *postgres.Server) *pgx.ConnConfig {
	c := s.ConnConfig()
	c.User, c.RuntimeParams = "postgres", map[string]string{"application_name": "bench"}
	return c
}
