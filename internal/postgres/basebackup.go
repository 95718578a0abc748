package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
)

// Dial opens a raw stream to the socket of a server elsewhere.
type Dial func(ctx context.Context) (net.Conn, error)

// BaseBackup copies the server behind dial, which goes on serving, into this node's data folder: online, with all
// WAL that the copy needs, and verified against its manifest. While it runs and if it fails, the old data folder
// stays as it is; if the process dies there is either the old folder, none, or the verified new one. The old one is kept beside
// the new one until KeepCopy. No server may run in the data folder.
func (c Config) BaseBackup(ctx context.Context, dial Dial) error {
	c = c.withDefaults()
	if err := c.copyServer(ctx, dial); err != nil {
		return fmt.Errorf("base backup: %w", err)
	}
	return nil
}

func (c Config) copyServer(ctx context.Context, dial Dial) error {
	fresh, err := c.freshFolder(ctx)
	if err != nil {
		return err
	}
	relay, err := c.listenForCopy(ctx, dial)
	if err != nil {
		return err
	}
	_, err = run(ctx, c.command("pg_basebackup", "--pgdata="+fresh, "--format=plain", "--wal-method=stream",
		"--checkpoint=fast", "--manifest-checksums=SHA256", "--no-password",
		"--host="+relay.dir, "--port="+strconv.Itoa(Port), "--username="+Role))
	// Why the peer could not be reached tells more than that pg_basebackup lost its connection.
	if reached := relay.stop(); err != nil {
		return errors.Join(reached, err)
	}
	if _, err := run(ctx, c.command("pg_verifybackup", "--quiet", fresh)); err != nil {
		return fmt.Errorf("verify the copy: %w", err)
	}
	if err := KillStale(ctx, c.DataDir); err != nil {
		return err
	}
	return c.settle(fresh)
}

// relaySocket is the name under which PostgreSQL's programs look for a server in a folder.
func relaySocket(dir string) string {
	return filepath.Join(dir, ".s.PGSQL."+strconv.Itoa(Port))
}
