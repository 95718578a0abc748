package measure

import (
	"reflect"
	"testing"
)

const script = `barista  4711 
	ffffffff8152c2e0 submit_bio ([kernel.kallsyms])
	ffffffff813f28a0 __x64_sys_fdatasync ([kernel.kallsyms])
	          47c1ae internal/runtime/syscall.Syscall6 (/usr/bin/barista)
	          9c2f11 github.com/baristadb/barista/internal/journal.(*Journal).sync (/usr/bin/barista)
	          9d0000 github.com/baristadb/barista/internal/replicator.(*Driver).run (/usr/bin/barista)

postgres: io w  4712 
	    55d0c0ffee01 ExecModifyTable (/usr/lib/postgresql/15/bin/postgres)

swapper     0 
	ffffffff81c0ffee pv_native_safe_halt ([kernel.kallsyms])

barista  4711 
	          47c1ae internal/runtime/syscall.EpollWait (/usr/bin/barista)
	          47c1ae runtime.findRunnable (/usr/bin/barista)

`

func TestStacks(t *testing.T) {
	// A sample is told by its process and by where it was: Barista's package or else the file, and the system call.
	stacks := ParseStacks(script)
	var pids []int
	var places []string
	for _, s := range stacks {
		pids = append(pids, s.PID)
		places = append(places, s.Place())
	}
	if want := []int{4711, 4712, 0, 4711}; !reflect.DeepEqual(pids, want) {
		t.Errorf("the processes are %v, want %v", pids, want)
	}
	if want := []string{"journal fdatasync()", "postgres", "kernel", "Go runtime"}; !reflect.DeepEqual(places, want) {
		t.Errorf("the places are %q, want %q", places, want)
	}
}
