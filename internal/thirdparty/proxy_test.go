package main

import (
	"archive/zip"
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A proxy is a folder that the go command takes for a module proxy, and a cache of modules that only it fills.
type proxy struct {
	t             *testing.T
	folder, cache string
}

func newProxy(t *testing.T) proxy {
	t.Helper()
	return proxy{t, t.TempDir(), t.TempDir()}
}

// env is what has the go command use it and nothing else.
func (p proxy) env() []string {
	return []string{"GOPROXY=file://" + p.folder, "GOSUMDB=off", "GOMODCACHE=" + p.cache, "GOFLAGS=-mod=mod -modcacherw -buildvcs=false", "GOWORK=off"}
}

// serve adds a version of a module. files[0] is its go.mod, and each begins with its name and a newline.
func (p proxy) serve(path, version string, files ...string) {
	p.t.Helper()
	var packed bytes.Buffer
	archive := zip.NewWriter(&packed)
	for _, file := range files {
		name, content, _ := strings.Cut(file, "\n")
		entry, err := archive.Create(path + "@" + version + "/" + name)
		must(p.t, err)
		_, err = entry.Write([]byte(content))
		must(p.t, err)
	}
	must(p.t, archive.Close())
	_, mod, _ := strings.Cut(files[0], "\n")
	at := filepath.Join(p.folder, filepath.FromSlash(path), "@v")
	lay(p.t, at, map[string]string{
		version + ".info": `{"Version": "` + version + `", "Time": "2026-01-01T00:00:00Z"}`,
		version + ".mod":  mod,
		version + ".zip":  packed.String(),
	})
	list, err := os.OpenFile(filepath.Join(at, "list"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	must(p.t, err)
	_, err = list.WriteString(version + "\n")
	must(p.t, err)
	must(p.t, list.Close())
}

// lay writes files into a folder and returns it.
func lay(t *testing.T, folder string, files map[string]string) string {
	t.Helper()
	for name, content := range files {
		name = filepath.Join(folder, filepath.FromSlash(name))
		must(t, os.MkdirAll(filepath.Dir(name), 0o700))
		must(t, os.WriteFile(name, []byte(content), 0o600))
	}
	return folder
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wantError demands an error that says all of that, or none if nothing is wanted.
func wantError(t *testing.T, err error, want ...string) {
	t.Helper()
	if len(want) == 0 && err != nil {
		t.Errorf("unexpected error: %v", err)
	}
	for _, text := range want {
		if err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("error %v does not say %q", err, text)
		}
	}
}
