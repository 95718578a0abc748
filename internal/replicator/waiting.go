package replicator

import (
	"context"
	"time"
)

// How long the writer waits before it tries again whether the journal has room.
const (
	roomPauseMin = time.Second
	roomPauseMax = 10 * time.Second
)

// persist writes what has gathered, in pieces. While the journal has no room it waits for that and takes over whatever comes, so that the loop, which
// answers heartbeats and tells people how the node is, never waits with it. That is not much, for the replicator asks for next to nothing then.
func (d *Driver) persist(ctx context.Context, queue []diskWork) error {
	pause := roomPauseMin
	for len(queue) > 0 {
		n := nextWrite(queue)
		err := d.writeBatch(queue[:n])
		switch {
		case err == nil:
			queue, pause = queue[n:], roomPauseMin
			d.tellFull("")
		case d.noRoom == nil || !d.noRoom(err):
			return err
		default:
			d.tellFull(err.Error())
			if queue = d.takeOver(ctx, queue, pause); ctx.Err() != nil {
				return nil
			}
			pause = min(2*pause, roomPauseMax)
		}
	}
	return nil
}

// nextWrite is how many works are written in one go: a purge by itself, because what was written before it must not be written again if it
// fails.
func nextWrite(queue []diskWork) int {
	n, bytes := 0, 0
	for n < len(queue) && bytes < maxWrite && queue[n].purge == nil {
		bytes += queue[n].size
		n++
	}
	return max(n, 1)
}

// takeOver waits, and returns the queue with what has come meanwhile. Nothing of that counts in the backlog any more.
func (d *Driver) takeOver(ctx context.Context, queue []diskWork, pause time.Duration) []diskWork {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	given := 0
	for {
		for ; given < len(queue); given++ {
			d.backlog.Give(queue[given].bytes)
			queue[given].bytes = 0
		}
		select {
		case <-ctx.Done():
			return queue
		case <-timer.C:
			return queue
		case w := <-d.works:
			queue = append(queue, w)
		}
	}
}

// tellFull tells the loop why the journal takes nothing; empty: it takes what comes.
func (d *Driver) tellFull(why string) {
	if was := d.full.Load(); *was == why || *was != "" && why != "" {
		return
	}
	d.full.Store(&why)
	d.tell()
	if why != "" {
		d.log.Error("this node takes no part in agreement until its journal has room", "reason", why)
	} else {
		d.log.Info("the journal has room again")
	}
}
