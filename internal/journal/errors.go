package journal

import "errors"

var (
	// ErrDamaged: bytes that were durable have changed. Nothing was altered; the node must not vote from this journal.
	ErrDamaged = errors.New("the journal is damaged")
	// ErrPurged: an entry that was asked for is at or below the floor.
	ErrPurged = errors.New("purged")
	// ErrFailed: a write or a sync failed before. What is on disk since is unknown until the journal is opened anew.
	ErrFailed = errors.New("the journal failed and takes no more records")
	// ErrNoRoom: the disk has no room for another segment. Nothing was written and nothing has changed; the same call may be tried again.
	ErrNoRoom = errors.New("there is no room on the disk for the journal")
	// ErrClosed: the journal has been closed.
	ErrClosed = errors.New("the journal is closed")
	// ErrNotEmpty: there is something already where a journal was to be made.
	ErrNotEmpty = errors.New("the folder is not empty")
	// ErrInUse: another process, or this one, has the journal open.
	ErrInUse = errors.New("the journal is in use")
)
