package measure

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// A Calls says how often the threads of one number made a system call, and how long they were in it.
type Calls struct {
	Thread int
	Name   string
	Count  int64
	Total  time.Duration
}

var (
	threadPattern = regexp.MustCompile(`^ \S.* \((\d+)\), \d+ events`)
	callPattern   = regexp.MustCompile(`^   ([a-z0-9_]+) +(\d+) +\d+ +([0-9.]+) `)
)

// ParseCalls reads the summary that perf trace -s prints at its end: a block for each thread, in it a line for each
// system call. Lines of another form are passed over.
func ParseCalls(text string) []Calls {
	var all []Calls
	thread := 0
	for line := range strings.Lines(text) {
		if match := threadPattern.FindStringSubmatch(line); match != nil {
			thread, _ = strconv.Atoi(match[1]) // digits
			continue
		}
		match := callPattern.FindStringSubmatch(line)
		if match == nil {
			continue
		}
		count, err := strconv.ParseInt(match[2], 10, 64)
		if err != nil {
			continue
		}
		total, err := strconv.ParseFloat(match[3], 64)
		if err != nil {
			continue
		}
		all = append(all, Calls{thread, match[1], count, time.Duration(total * float64(time.Millisecond))})
	}
	return all
}
