package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// pinned is the copy of the database that is used where the database itself cannot be reached: its source, which is a module of its own.
// It is raised by hand, as any version is: "go mod download -json golang.org/x/vulndb@master" says both.
var pinned = copied{
	path:    "golang.org/x/vulndb",
	version: "v0.0.0-20261105234957-e22db6528018",
	sum:     "h1:mfngRv0Yoh0VApsXKEN82CjD99kl7mtparN3bs3JnqI=",
}

// A copied database is a module with its entries in data/osv.
type copied struct{ path, version, sum string }

// patience is how long the database may take to answer before the copy is used.
const patience = 10 * time.Second

// choose returns the URL of the database to ask, and says which it is.
func (c check) choose() (string, error) {
	modified, err := lastModified(c.database)
	if err == nil {
		c.say("asking the database at %s, last changed on %s", c.database, modified.Format(time.DateOnly))
		return c.database, nil
	}
	c.say("the database cannot be asked (%v): using the copy %s of it, %s", err, c.copied.path, c.copied.version)
	folder, err := c.copied.fetch(c.env)
	return "file://" + filepath.ToSlash(folder), err
}

// lastModified asks the database for the time of its newest entry.
func lastModified(url string) (time.Time, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/index/db.json", nil)
	if err != nil {
		return time.Time{}, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return time.Time{}, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return time.Time{}, fmt.Errorf("GET %s: %s", request.URL, response.Status)
	}
	var meta struct{ Modified time.Time }
	err = json.NewDecoder(io.LimitReader(response.Body, 1<<16)).Decode(&meta)
	if err == nil && meta.Modified.IsZero() {
		err = fmt.Errorf("GET %s: the answer names no time", request.URL)
	}
	return meta.Modified, err
}

// fetch returns the folder with the copy's entries. The module is downloaded for a module of its own, since none of ours needs it, and one that lies
// above the folder for temporary files, where others may write, must not count.
func (d copied) fetch(env []string) (string, error) {
	alone, err := os.MkdirTemp("", "vulncheck")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(alone)
	if err := os.WriteFile(filepath.Join(alone, "go.mod"), []byte("module vulncheck\n"), 0o600); err != nil {
		return "", err
	}
	download := exec.Command("go", "mod", "download", "-json", d.path+"@"+d.version)
	download.Dir = alone
	download.Env = append(append(os.Environ(), "GOWORK=off"), env...)
	output, err := printed(download)
	var got struct{ Dir, Sum, Error string }
	if broken := json.Unmarshal(output, &got); err == nil {
		err = broken
	}
	if got.Error != "" {
		err = errors.New(got.Error)
	}
	if err == nil && got.Sum != d.sum {
		err = fmt.Errorf("%s is not the pinned %s", got.Sum, d.sum)
	}
	if err != nil {
		return "", fmt.Errorf("nothing was checked: the copy of the database: %w", err)
	}
	return filepath.Join(got.Dir, "data", "osv"), nil
}
