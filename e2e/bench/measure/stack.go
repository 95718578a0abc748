package measure

import (
	"path"
	"strconv"
	"strings"
)

// A Stack is one sample of perf: what a processor was doing at one moment.
type Stack struct {
	PID    int
	Frames []Frame // innermost first
}

// A Frame is one call: a function, and the file that it is from.
type Frame struct{ Function, File string }

// ParseStacks reads what perf script -F comm,pid,ip,sym,dso prints: a line for each sample, its frames indented below
// it, an empty line. Lines of another form are passed over.
func ParseStacks(text string) []Stack {
	var all []Stack
	for line := range strings.Lines(text) {
		if strings.TrimSpace(line) == "" {
			continue
		}
		if line[0] != '\t' {
			fields := strings.Fields(line)
			pid, err := strconv.Atoi(fields[len(fields)-1])
			if err == nil {
				all = append(all, Stack{PID: pid})
			}
			continue
		}
		if len(all) == 0 {
			continue
		}
		_, rest, _ := strings.Cut(strings.TrimSpace(line), " ") // after the address
		function, file, _ := strings.Cut(rest, " (")
		last := &all[len(all)-1]
		last.Frames = append(last.Frames, Frame{function, strings.TrimSuffix(file, ")")})
	}
	return all
}

// ourPackages begins the name of every function of Barista's Go packages.
const ourPackages = "github.com/baristadb/barista/internal/"

// extension is the file of Barista's part inside the server.
const extension = "barista.so"

// Place tells in a few words where a stack is: the innermost of Barista's packages in it, or else the file of its
// innermost function; and the system call, if it is in one.
func (s Stack) Place() string {
	where, call := s.ours(), ""
	for _, frame := range s.Frames {
		if call = systemCall(frame.Function); call != "" {
			break
		}
	}
	if where == "" {
		where = s.file()
	}
	switch {
	case call == "":
		return where
	case strings.HasPrefix(where, "libc."): // it says no more than the call
		return call + "()"
	}
	return where + " " + call + "()"
}

// ours names the innermost of Barista's Go packages in the stack, or its extension, or nothing.
func (s Stack) ours() string {
	for _, frame := range s.Frames {
		if name, found := strings.CutPrefix(frame.Function, ourPackages); found {
			return name[:strings.IndexAny(name+".", "./")]
		}
		if path.Base(frame.File) == extension {
			return extension
		}
	}
	return ""
}

// file names the program or library of the innermost function outside the kernel; Go's runtime is told apart from
// what it runs.
func (s Stack) file() string {
	for _, frame := range s.Frames {
		switch {
		case strings.HasPrefix(frame.File, "[kernel"):
		case strings.HasPrefix(frame.Function, "runtime."), strings.HasPrefix(frame.Function, "internal/runtime/"):
			return "Go runtime"
		default:
			return path.Base(frame.File)
		}
	}
	return "kernel"
}

// systemCall returns the name of the system call whose entry in the kernel the function is, or nothing.
func systemCall(function string) string {
	for _, prefix := range []string{"__x64_sys_", "__arm64_sys_"} {
		if name, found := strings.CutPrefix(function, prefix); found {
			return name
		}
	}
	return ""
}
