package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// newCheck makes a program that links example.test/latte v1.0.0 from a proxy, and a check of it. What the check says goes to the buffer.
func newCheck(t *testing.T) (check, proxy, *bytes.Buffer) {
	t.Helper()
	p := newProxy(t)
	p.serve("example.test/latte", "v1.0.0", "go.mod\nmodule example.test/latte\n", "latte.go\npackage latte\n\n//go:noinline\nfunc Pour() string { return \"milk\" }\n")
	folder := lay(t, t.TempDir(), map[string]string{
		"go.mod":  "module example.test/cafe\n\ngo 1.26.0\n\nrequire example.test/latte v1.0.0\n",
		"main.go": "package main\n\nimport (\n\t\"fmt\"\n\n\t\"example.test/latte\"\n)\n\nfunc main() { fmt.Println(latte.Pour()) }\n",
	})
	var out bytes.Buffer
	return check{module: folder, binary: filepath.Join(folder, "cafe"), env: p.env(), out: &out}, p, &out
}

func (c check) build(t *testing.T) {
	t.Helper()
	build := exec.Command("go", "build", "-o", c.binary, ".")
	build.Dir = c.module
	build.Env = append(os.Environ(), c.env...)
	_, err := printed(build)
	must(t, err)
}

// entry writes one of a database: in module, a function of a package is wrong from one version on, until another.
func entry(id, module, imported, function, introduced, fixed string) map[string]string {
	events := `{"introduced": "` + introduced + `"}`
	if fixed != "" {
		events += `, {"fixed": "` + fixed + `"}`
	}
	return map[string]string{id + ".json": `{"schema_version": "1.3.1", "id": "` + id + `", "modified": "2026-01-01T00:00:00Z", "summary": "it spills",
		"affected": [{"package": {"name": "` + module + `", "ecosystem": "Go"}, "ranges": [{"type": "SEMVER", "events": [` + events + `]}],
		"ecosystem_specific": {"imports": [{"path": "` + imported + `", "symbols": ["` + function + `"]}]}}]}`}
}

func TestAdvisories(t *testing.T) {
	// What is known of a linked version is an error, whether its code is reached or not; of Go's own library it is a warning.
	t.Parallel()
	c, _, _ := newCheck(t)
	c.build(t)
	for _, test := range []struct {
		name, said string
		entry      map[string]string
		want       []string
	}{
		{"reached", "", entry("GO-2026-0001", "example.test/latte", "example.test/latte", "Pour", "0", "1.1.0"),
			[]string{"example.test/latte v1.0.0: GO-2026-0001, fixed in v1.1.0; the program contains functions in question"}},
		{"not reached, not mended", "", entry("GO-2026-0002", "example.test/latte", "example.test/latte/foam", "Froth", "0", ""),
			[]string{"example.test/latte v1.0.0: GO-2026-0002, fixed in no version yet; the program does not contain"}},
		{"of later versions", "none of the 1 modules of cafe has a known vulnerability", entry("GO-2026-0003", "example.test/latte", "example.test/latte", "Pour", "1.1.0", ""), nil},
		{"of Go", "1 known vulnerabilities in functions that the program contains: GO-2026-0004", entry("GO-2026-0004", standard, "fmt", "Println", "0", ""), nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			var out bytes.Buffer
			c := c
			c.out = &out
			wantError(t, c.advisories("file://"+lay(t, t.TempDir(), test.entry)), test.want...)
			if !strings.Contains(out.String(), test.said) {
				t.Errorf("it does not say %q, but %q", test.said, out.String())
			}
		})
	}
}

func TestNothingToCheck(t *testing.T) {
	// A program that names no modules is an error, not a success.
	t.Parallel()
	c, _, _ := newCheck(t)
	lay(t, c.module, map[string]string{"go.mod": "module example.test/cafe\n\ngo 1.26.0\n", "main.go": "package main\n\nfunc main() {}\n"})
	c.build(t)
	database := "file://" + lay(t, t.TempDir(), entry("GO-2026-0001", "example.test/latte", "example.test/latte", "Pour", "0", ""))
	wantError(t, c.advisories(database), "nothing was checked: ")
}

func TestToolchain(t *testing.T) {
	// What is known of the library of the Go that go.mod names is an error.
	t.Parallel()
	c, _, out := newCheck(t)
	database := "file://" + lay(t, t.TempDir(), entry("GO-2026-0001", standard, "net/http", "Get", "0", "1.26.3"))
	wantError(t, c.toolchain(database), "the library of go1.26.0, which go.mod names, has known vulnerabilities: GO-2026-0001")
	lay(t, c.module, map[string]string{"go.mod": "module example.test/cafe\n\ngo 1.26.0\n\ntoolchain go1.26.3\n"})
	wantError(t, c.toolchain(database))
	if !strings.Contains(out.String(), "the library of go1.26.3, which go.mod names, has no known vulnerability") {
		t.Errorf("it says %q", out)
	}
}

func TestRetractions(t *testing.T) {
	// A version that its authors have withdrawn since is an error, and so is a proxy that tells of nothing.
	t.Parallel()
	c, p, out := newCheck(t)
	wantError(t, c.retractions())
	if want := "none of the 1 modules of go.mod was retracted"; !strings.Contains(out.String(), want) {
		t.Errorf("it does not say %q, but %q", want, out)
	}
	p.serve("example.test/latte", "v1.0.1", "go.mod\nmodule example.test/latte\n\nretract v1.0.0 // It spills.\n")
	wantError(t, c.retractions(), "example.test/latte v1.0.0 was retracted: It spills.")
	for _, answer := range []string{"GOPROXY=off", "GOPROXY=file://" + t.TempDir()} {
		silent := c
		silent.env = append(p.env(), answer)
		wantError(t, silent.retractions(), "retractions were not checked, of no module: ")
	}
}

func TestRetractionsOfSome(t *testing.T) {
	// A module of which the proxy does not tell is named.
	t.Parallel()
	c, p, out := newCheck(t)
	p.serve("example.test/mocha", "v1.0.0", "go.mod\nmodule example.test/mocha\n")
	lay(t, c.module, map[string]string{"go.mod": "module example.test/cafe\n\ngo 1.26.0\n\nrequire (\n\texample.test/latte v1.0.0\n\texample.test/mocha v1.0.0\n)\n"})
	list := filepath.Join(p.folder, "example.test/mocha/@v/list")
	for _, silence := range []func(string) error{func(name string) error { return os.Truncate(name, 0) }, os.Remove} {
		must(t, silence(list))
		out.Reset()
		wantError(t, c.retractions())
		if want := "none of 1 modules of go.mod was retracted; NOT CHECKED: example.test/mocha ("; !strings.Contains(out.String(), want) {
			t.Errorf("it does not say %q, but %q", want, out)
		}
	}
}

func TestWhichDatabase(t *testing.T) {
	// The database is asked where it answers; elsewhere the pinned copy is, and only that.
	t.Parallel()
	answer := `{"modified": "2026-11-20T00:00:00Z"}`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/index/db.json" {
			w.WriteHeader(http.StatusNotFound)
		}
		w.Write([]byte(answer))
	}))
	defer server.Close()
	c, p, out := newCheck(t)
	p.serve("example.test/known", "v1.0.0", "go.mod\nmodule example.test/known\n", "data/osv/GO-2026-0001.json\n{}")
	c.copied = copied{path: "example.test/known", version: "v1.0.0", sum: "h1:another"}

	c.database = server.URL
	chosen, err := c.choose()
	wantError(t, err)
	if want := "asking the database at " + server.URL + ", last changed on 2026-11-20"; chosen != server.URL || !strings.Contains(out.String(), want) {
		t.Errorf("chose %s and said %q", chosen, out)
	}

	c.database = server.URL + "/moved"
	_, err = c.choose()
	wantError(t, err, "nothing was checked: the copy of the database: h1:", " is not the pinned h1:another")
	if want := "the database cannot be asked (GET " + server.URL + "/moved/index/db.json: 404 Not Found)"; !strings.Contains(out.String(), want) {
		t.Errorf("it does not say %q, but %q", want, out)
	}
	_, c.copied.sum, _ = strings.Cut(strings.TrimSuffix(err.Error(), " is not the pinned h1:another"), "database: ")

	answer = "<html>Welcome to this hotel</html>"
	for _, url := range []string{server.URL, "http://127.0.0.1:0"} {
		c.database = url
		chosen, err = c.choose()
		wantError(t, err)
		if _, err := os.Stat(strings.TrimPrefix(chosen, "file://") + "/GO-2026-0001.json"); err != nil {
			t.Error(err)
		}
	}
	c.env = append(p.env(), "GOPROXY=off", "GOMODCACHE="+t.TempDir())
	_, err = c.choose()
	wantError(t, err, "nothing was checked: the copy of the database: ")
}
