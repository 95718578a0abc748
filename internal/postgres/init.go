package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"github.com/baristadb/barista/internal/config"
)

// Init makes the data folder of a new cluster's first server, with barista's role and, if there is a library, what
// the extension needs in every database. When it returns or dies there is either no data folder or a finished one.
// An existing folder is a config.Mistake.
func (c Config) Init(ctx context.Context) error {
	c = c.withDefaults()
	if _, err := os.Lstat(c.DataDir); err == nil {
		return config.Mistakef("%s already exists", c.DataDir)
	}
	fresh, err := c.freshFolder(ctx)
	if err != nil {
		return err
	}
	if err := c.fill(ctx, fresh); err != nil {
		return fmt.Errorf("make the data folder %s: %w", c.DataDir, err)
	}
	return c.settle(fresh)
}

func (c Config) fill(ctx context.Context, dir string) error {
	if _, err := run(ctx, c.command("initdb", "--pgdata="+dir, "--username=postgres", "--encoding="+encoding,
		"--locale="+locale, "--data-checksums", "--auth-local=peer", "--auth-host=reject")); err != nil {
		return err
	}
	err := c.Account.As(func() error { return errors.Join(c.installLibrary(), c.writeSettings(dir)) })
	if err != nil {
		return err
	}
	return c.bootstrap(ctx, dir)
}

// createRole makes barista's role. It has no password: pg_hba.conf knows it by its operating system user.
const createRole = "CREATE ROLE " + Role + " SUPERUSER REPLICATION LOGIN;\n"

// bootstrap runs what every cluster starts with. It uses the single-user server: nobody else can be connected, and
// no server that lacks any of it ever runs.
func (c Config) bootstrap(ctx context.Context, dir string) error {
	script := ""
	if c.Extension != nil {
		script = c.Extension.bootstrap
	}
	for _, step := range []struct{ database, script string }{
		{"template1", createRole + script},
		{"postgres", script},
		{"template0", script}, // a database that is made from it needs the same
	} {
		if err := c.single(ctx, dir, step.database, step.script); err != nil {
			return fmt.Errorf("bootstrap database %s: %w", step.database, err)
		}
	}
	return c.setPassword(ctx, dir)
}

// setPassword gives the superuser his password. The server makes a verifier of it, which is what base backups then carry to the other
// nodes. What the server says of it is dropped, because it may hold the statement.
func (c Config) setPassword(ctx context.Context, dir string) error {
	if c.Password == "" {
		return nil
	}
	statement := "ALTER ROLE postgres PASSWORD '" + strings.ReplaceAll(c.Password, "'", "''") + "';\n"
	if err := c.single(ctx, dir, "postgres", statement); err != nil {
		return errors.New("the server refused the password of postgres")
	}
	return nil
}

// single runs a script in one database with the single-user server. The first error ends it.
func (c Config) single(ctx context.Context, dir, database, script string) error {
	if script == "" {
		return nil
	}
	cmd := c.command("postgres", "--single", "-D", dir, "-j", "-c", "exit_on_error=on")
	if c.Extension != nil {
		cmd.Args = append(cmd.Args, "-c", "allow_system_table_mods=on", "-c", "barista.bootstrap=on")
	}
	cmd.Args = append(cmd.Args, database)
	return runScript(ctx, cmd, script)
}

// runScript feeds the script to a single-user server as one command, so that it takes effect as a whole: with -j, a
// command ends at a semicolon followed by an empty line.
func runScript(ctx context.Context, cmd *exec.Cmd, script string) error {
	for strings.Contains(script, ";\n\n") {
		script = strings.ReplaceAll(script, ";\n\n", ";\n")
	}
	cmd.Stdin = strings.NewReader(script)
	_, err := run(ctx, cmd)
	return err
}
