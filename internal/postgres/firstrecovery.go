package postgres

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// The files that tell a server where the backup begins that it is a copy of, and their names once it has begun to recover from there.
const (
	labelFile   = "backup_label"
	labelBegun  = "backup_label.old"
	noBackup    = "0/0"
	backupBegan = "Backup start location:"
)

// resumeFirstRecovery lets a recovery be done again that was stopped in the middle: the first one in a copy of another server. A copy is whole only from the
// end of its backup on. The server knows that from the label and looks for the backup's end; but it takes the label away when it begins, and
// a start without one does not look for that end and fails, each time that it is tried. So the label gets its name back for as long as the
// server's own record says that the end was not found. What was recovered already is recovered once more, as after any crash, from WAL that is all
// there: until the end is found nothing of it is recycled.
//
// If the process dies
//
//  1. before the server has read the label: the label is there, and nothing has begun;
//  2. when its record says that a recovery began, and the label has its name still: the same;
//  3. when the label has been renamed, anywhere up to the backup's end: this function renames it back;
//  4. here, before or after the renaming: one of the two names is there, which is 2 or 3;
//  5. when the server's record says that the end was found, which is one write of one sector: an ordinary crash recovery
//     does the rest, and the label stays away. A label that an old copy has left means nothing then.
func (c Config) resumeFirstRecovery(ctx context.Context) error {
	label, begun := filepath.Join(c.DataDir, labelFile), filepath.Join(c.DataDir, labelBegun)
	if _, err := os.Stat(label); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if _, err := os.Stat(begun); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	seeksEnd, err := c.seeksBackupEnd(ctx)
	if err != nil || !seeksEnd {
		return err
	}
	c.Log.Info("the first recovery of a copied server was stopped before its end; it is done again")
	if err := os.Rename(begun, label); err != nil {
		return fmt.Errorf("let the first recovery be done again: %w", err)
	}
	return syncFolder(c.DataDir)
}

// seeksBackupEnd reports whether the server's record says that it has not recovered up to the end of the backup that it is a copy of. A record that
// cannot be read is the server's to complain about.
func (c Config) seeksBackupEnd(ctx context.Context) (bool, error) {
	text, err := run(ctx, c.command("pg_controldata", c.DataDir))
	if ctx.Err() != nil {
		return false, err
	}
	for line := range strings.Lines(text) {
		if where, found := strings.CutPrefix(line, backupBegan); found {
			return strings.TrimSpace(where) != noBackup, nil
		}
	}
	return false, nil
}
