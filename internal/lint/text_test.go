package lint

import (
	"bytes"
	"go/format"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestFormat(t *testing.T) {
	// Every Go file is as gofmt writes it.
	for _, f := range mustLoad(t).files {
		if f.syntax == nil {
			continue
		}
		formatted, err := format.Source(f.text)
		if err != nil {
			t.Errorf("%s: %v", f.path, err)
		} else if !bytes.Equal(formatted, f.text) {
			t.Errorf("%s: not as gofmt writes it", f.path)
		}
	}
}

// usual are folders that a checkout may lie in directly and that texts may name.
var usual = []string{"/", "/tmp", "/home", "/root", "/opt", "/srv", "/usr", "/usr/src", "/usr/local", "/var", "/var/tmp", "/mnt", "/build", "/src"}

func TestNoLocalPaths(t *testing.T) {
	// Nothing names the folder that this checkout happens to lie in, or the one above it.
	loaded := mustLoad(t)
	local := []string{filepath.ToSlash(loaded.root)}
	if above := path.Dir(local[0]); !slices.Contains(usual, above) {
		local = append(local, above+"/")
	}
	for i, name := range local {
		local[i] = regexp.QuoteMeta(name)
	}
	named := regexp.MustCompile(`(^|[^\w./-])(` + strings.Join(local, "|") + `)`)
	for _, f := range loaded.files {
		if bytes.IndexByte(f.text, 0) >= 0 {
			continue // not a text
		}
		if found := named.Find(f.text); found != nil {
			t.Errorf("%s: names the local path %s", f.path, bytes.TrimSpace(found))
		}
	}
}
