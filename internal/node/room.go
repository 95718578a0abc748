package node

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"

	"github.com/baristadb/barista/internal/admin"
	"github.com/baristadb/barista/internal/config"
	"github.com/baristadb/barista/internal/postgres"
	"github.com/baristadb/barista/internal/replicator"
)

// A node without room on its disks cannot serve: its server ends writes with 53100, and a journal that is full takes no entries. What is free is
// looked at from time to time, so that there is an end to it before that:
//
//  1. Below two times min_free the log warns.
//  2. Below min_free the node says that it needs help. If it leads, it hands over to a node that has room; else it does not campaign while there may be
//     one that has. Where nobody has, it leads on, or campaigns some seconds later than others would, and nothing flaps.
//  3. A journal that finds no room for another segment waits for it. Its node then takes no part in agreement, and leads only if nobody else can
//     (replicator.JournalFull): nothing that it did not write down is acknowledged.
//
// With a quarter of min_free more it is again a node like every other.
const (
	roomEvery  = time.Second
	leaveEvery = 10 * time.Second // between two looks for somebody who could lead instead
	warnFactor = 2
	roomyAgain = 4 // by so many parts of min_free more
)

// room is what is known of a node's disks.
type room struct {
	mu     sync.Mutex // guards the rest
	little string     // where there is less than min_free; empty: nowhere
	warned bool
}

// littleRoom says where there is less than min_free.
func (r *room) littleRoom() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.little
}

// space is what is free of one disk.
type space struct {
	what string
	free int64
}

// judge takes what is free, and returns what to warn of, once, and whether what littleRoom says has changed.
func (r *room) judge(spaces []space, minFree int64) (warning string, changed bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	needed := minFree
	if r.little != "" {
		needed += minFree / roomyAgain
	}
	little, close := "", ""
	for _, s := range spaces {
		text := fmt.Sprintf("%v are free for %s, and min_free is %v", approximate(s.free), s.what, config.Size(minFree))
		if s.free < needed {
			little = text
		}
		if s.free < warnFactor*minFree {
			close = text
		}
	}
	if close != "" && !r.warned {
		warning = close
	}
	r.warned = close != ""
	changed = (little == "") != (r.little == "")
	r.little = little
	return warning, changed
}

// approximate writes a number of bytes as people read it.
func approximate(bytes int64) config.Size {
	if bytes > 10<<20 {
		return config.Size(bytes &^ (1<<20 - 1))
	}
	return config.Size(bytes)
}

// watchRoom looks at the disks until ctx ends.
func (n *node) watchRoom(ctx context.Context) {
	ticker := time.NewTicker(roomEvery)
	defer ticker.Stop()
	for {
		n.lookAtRoom(ctx)
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (n *node) lookAtRoom(ctx context.Context) {
	spaces, err := n.spaces()
	if err != nil {
		n.log.Warn("what is free of the disks cannot be found out", "error", err)
		return
	}
	warning, changed := n.room.judge(spaces, int64(n.cfg.MinFree))
	little := n.room.littleRoom()
	switch {
	case changed && little != "":
		n.log.Error("there is little room: this node leaves the lead to those that have room", "room", little)
	case changed:
		n.log.Info("there is room again")
	case warning != "":
		n.log.Warn("room becomes scarce: below min_free this node does not lead while another has room", "room", warning)
	}
	if little != "" {
		n.server.troubles.Failed(admin.NoRoom, little, time.Now())
	} else {
		n.server.troubles.Well(admin.NoRoom, time.Now())
	}
	if changed {
		n.driver.Post(ctx, replicator.Room{Little: little})
	}
}

// spaces asks the disks of the data and of the journal.
func (n *node) spaces() (spaces []space, err error) {
	for _, place := range []space{{what: n.cfg.DataDir()}, {what: n.cfg.JournalDir()}} {
		path := place.what
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			path = n.cfg.Dir // data that are being fetched
		}
		if place.free, err = postgres.Free(path); err != nil {
			return nil, err
		}
		spaces = append(spaces, place)
	}
	return spaces, nil
}

// leaveWithoutRoom hands leadership over while there is little room, if there is somebody who has more, until ctx ends.
func (n *node) leaveWithoutRoom(ctx context.Context) {
	ticker := time.NewTicker(roomEvery)
	defer ticker.Stop()
	var again time.Time
	told := ""
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		little := n.room.littleRoom()
		if little == "" || !n.leading.view().open || time.Now().Before(again) {
			continue
		}
		again = time.Now().Add(leaveEvery)
		done, err := n.handOver(ctx, "")
		switch {
		case err != nil:
			n.log.Warn("this node has little room, and the hand-over failed", "room", little, "error", err)
		case done.Refused == "":
			n.log.Warn("this node has little room and has handed over", "to", done.HandOver.To, "room", little)
		case done.Refused != told:
			n.log.Error("this node has little room and leads on, because nobody can take over", "room", little, "reason", done.Refused)
		}
		told = done.Refused
	}
}
