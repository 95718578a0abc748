package measure

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ParseSchedstat reads, from the text of /proc/PID/schedstat, how long the process has been on a processor: its first field, in
// nanoseconds. Unlike the times of /proc/PID/stat it is exact, but it has the first thread only.
func ParseSchedstat(text string) (time.Duration, error) {
	fields := strings.Fields(text)
	if len(fields) != 3 {
		return 0, fmt.Errorf("%.40q is no scheduler statistic: it has %d fields, want 3", text, len(fields))
	}
	n, err := strconv.ParseInt(fields[0], 10, 64)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%.40q is no scheduler statistic: %q is no time", text, fields[0])
	}
	return time.Duration(n), nil
}
