package measure

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Result is what one run of pgbench found.
type Result struct {
	Transactions int           // committed
	Failed       int           // given up after a serialization failure or a deadlock
	TPS          float64       // committed transactions a second, without the time to connect
	Latency      time.Duration // the average of a transaction
}

// ParseResult reads the summary that pgbench 15 prints at its end, in the locale C.
func ParseResult(text string) (Result, error) {
	var r Result
	var latency float64
	for _, field := range []struct {
		before, after string
		into          any
	}{
		{"number of transactions actually processed: ", "\n", &r.Transactions},
		{"number of failed transactions: ", " ", &r.Failed},
		{"latency average = ", " ms", &latency},
		{"tps = ", " ", &r.TPS},
	} {
		if err := scanField(text, field.before, field.after, field.into); err != nil {
			return Result{}, err
		}
	}
	r.Latency = time.Duration(latency * float64(time.Millisecond))
	return r, nil
}

// scanField reads the number that stands in the text after the words before.
func scanField(text, before, after string, into any) error {
	_, rest, found := strings.Cut(text, before)
	word, _, ended := strings.Cut(rest, after)
	if !found || !ended {
		return fmt.Errorf("pgbench's summary has no %q", strings.TrimSpace(before))
	}
	word, _, _ = strings.Cut(word, "/") // with -t, "processed: 10/10"
	var err error
	switch into := into.(type) {
	case *int:
		*into, err = strconv.Atoi(word)
	case *float64:
		*into, err = strconv.ParseFloat(word, 64)
	}
	if err != nil {
		return fmt.Errorf("pgbench's summary after %q: %w", strings.TrimSpace(before), err)
	}
	return nil
}

var progressPattern = regexp.MustCompile(`(?m)^progress: ([0-9.]+) s, ([0-9.]+) tps`)

// A Second is one line of pgbench's progress report.
type Second struct {
	At  time.Duration // since the start of the run
	TPS float64       // in the time since the line before
}

// ParseProgress reads the lines that pgbench --progress=1 prints while it runs; other lines are passed over.
func ParseProgress(text string) ([]Second, error) {
	var all []Second
	for _, match := range progressPattern.FindAllStringSubmatch(text, -1) {
		at, err := strconv.ParseFloat(match[1], 64)
		if err != nil {
			return nil, fmt.Errorf("pgbench's progress: %w", err)
		}
		tps, err := strconv.ParseFloat(match[2], 64)
		if err != nil {
			return nil, fmt.Errorf("pgbench's progress: %w", err)
		}
		all = append(all, Second{At: time.Duration(at * float64(time.Second)), TPS: tps})
	}
	return all, nil
}

// Ends returns the mean tps of the first and of the last n seconds; zero if there are fewer than 2n.
func Ends(seconds []Second, n int) (first, last float64) {
	if n < 1 || len(seconds) < 2*n {
		return 0, 0
	}
	return mean(seconds[:n]), mean(seconds[len(seconds)-n:])
}

func mean(seconds []Second) float64 {
	sum := 0.0
	for _, s := range seconds {
		sum += s.TPS
	}
	return sum / float64(len(seconds))
}
