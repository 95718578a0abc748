package measure

import (
	"reflect"
	"testing"
	"time"
)

func TestParseCalls(t *testing.T) {
	// Each thread's system calls are found in the summary of perf trace, with their number and whole time.
	text := `
 Summary of events:

 postgres (19712), 790 events, 3.2%

   syscall            calls  errors  total       min       avg       max       stddev
                                     (msec)    (msec)    (msec)    (msec)        (%)
   --------------- --------  ------ -------- --------- --------- ---------     ------
   epoll_wait            76      0    30.829     0.011     0.406     6.141     32.94%
   fdatasync            159      0     3.623     0.013     0.023     0.067      2.71%


 barista (7), 66 events, 1.9%

   syscall            calls  errors  total       min       avg       max       stddev
   futex                134      3     2.213     0.012     0.017     0.046      2.86%

`
	want := []Calls{
		{19712, "epoll_wait", 76, 30829 * time.Microsecond},
		{19712, "fdatasync", 159, 3623 * time.Microsecond},
		{7, "futex", 134, 2213 * time.Microsecond},
	}
	if got := ParseCalls(text); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
