package measure

import (
	"fmt"
	"strconv"
	"strings"
)

// Memory is what /proc/PID/status says of a process's memory, in bytes.
type Memory struct {
	Resident  int64 // all of it, with what it shares
	Anonymous int64 // what is its own alone: neither files nor shared memory
}

// ParseMemory reads the text of /proc/PID/status. A process that is ending has no memory.
func ParseMemory(text string) (m Memory, err error) {
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(line, ":")
		var field *int64
		switch name {
		case "VmRSS":
			field = &m.Resident
		case "RssAnon":
			field = &m.Anonymous
		default:
			continue
		}
		digits, found := strings.CutSuffix(strings.TrimSpace(value), " kB")
		kilobytes, err := strconv.ParseInt(digits, 10, 64)
		if err != nil || !found {
			return m, fmt.Errorf("%q is no amount of memory", strings.TrimSpace(line))
		}
		*field = kilobytes << 10
	}
	return m, nil
}
