package measure

import "testing"

func TestParseMemory(t *testing.T) {
	// Resident and anonymous memory are read from a status; a process that is ending has none; what is no amount is refused.
	got, err := ParseMemory("Name:\tpostgres\nVmHWM:\t  99 kB\nVmRSS:\t    2048 kB\nRssAnon:\t     512 kB\nRssFile:\t 1 kB\n")
	if want := (Memory{Resident: 2 << 20, Anonymous: 512 << 10}); got != want || err != nil {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	if got, err := ParseMemory("Name:\tbarista\nState:\tZ (zombie)\n"); got != (Memory{}) || err != nil {
		t.Errorf("of a process that is ending: %+v, %v", got, err)
	}
	if _, err := ParseMemory("VmRSS:\tmuch\n"); err == nil {
		t.Error("an amount without a number was read")
	}
}
