package measure

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Tick is the unit of the times in /proc/PID/stat: Linux shows 100 in a second on every machine.
const Tick = 10 * time.Millisecond

// Process is what /proc/PID/stat says of one process.
type Process struct {
	PID, Parent int
	Command     string        // the name of its program, at most 15 bytes
	CPU         time.Duration // of all its threads, user and system
	Buried      time.Duration // of its children that have ended and were waited for, with theirs
}

// The fields of /proc/PID/stat that count, as numbered after the command's closing parenthesis, from 0 (proc(5) counts
// from 1 and with pid and command before).
const (
	statParent = 1
	statUser   = 11
	statSystem = 12
	statBuried = 13 // user and system
	statFields = 15
)

// ParseStat reads the text of /proc/PID/stat.
func ParseStat(text string) (Process, error) {
	open, end := strings.IndexByte(text, '('), strings.LastIndexByte(text, ')')
	if open < 0 || end < open {
		return Process{}, fmt.Errorf("%.40q is no process statistic", text)
	}
	fields := strings.Fields(text[end+1:])
	if len(fields) < statFields {
		return Process{}, fmt.Errorf("%.40q has %d fields after the command, want %d", text, len(fields), statFields)
	}
	var numbers [statFields]int64
	for _, i := range []int{statParent, statUser, statSystem, statBuried, statBuried + 1} {
		n, err := strconv.ParseInt(fields[i], 10, 64)
		if err != nil {
			return Process{}, fmt.Errorf("field %d of %.40q: %w", i, text, err)
		}
		numbers[i] = n
	}
	pid, err := strconv.Atoi(strings.TrimSpace(text[:open]))
	if err != nil {
		return Process{}, fmt.Errorf("the number in %.40q: %w", text, err)
	}
	return Process{
		PID:     pid,
		Parent:  int(numbers[statParent]),
		Command: text[open+1 : end],
		CPU:     time.Duration(numbers[statUser]+numbers[statSystem]) * Tick,
		Buried:  time.Duration(numbers[statBuried]+numbers[statBuried+1]) * Tick,
	}, nil
}

// ParseSwitches reads, from the text of /proc/PID/task/TID/status, how often the thread lost its processor, by its own
// will or not.
func ParseSwitches(text string) (int64, error) {
	sum, found := int64(0), 0
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(line, ":")
		if name != "voluntary_ctxt_switches" && name != "nonvoluntary_ctxt_switches" {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(value), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", name, err)
		}
		sum += n
		found++
	}
	if found != 2 {
		return 0, fmt.Errorf("a thread's status has %d counters of context switches, want 2", found)
	}
	return sum, nil
}
