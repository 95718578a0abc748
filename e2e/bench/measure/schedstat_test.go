package measure

import (
	"testing"
	"time"
)

func TestParseSchedstat(t *testing.T) {
	// The time on a processor is the first of three numbers; anything else is an error.
	if got, err := ParseSchedstat("395340 92107 2\n"); err != nil || got != 395340*time.Nanosecond {
		t.Errorf("got %v, %v", got, err)
	}
	for _, text := range []string{"", "395340", "x 1 2", "-1 1 2", "1 2 3 4"} {
		if got, err := ParseSchedstat(text); err == nil {
			t.Errorf("%q gives %v, want an error", text, got)
		}
	}
}
