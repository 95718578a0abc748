package postgres

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/baristadb/barista/internal/config"
)

// Major is the major version of PostgreSQL that Barista runs.
const Major = 15

// programs are those that this package starts.
var programs = []string{"postgres", "initdb", "pg_basebackup", "pg_verifybackup", "pg_waldump"}

var versionPattern = regexp.MustCompile(`\(PostgreSQL\) (\d+)`)

// findPrograms returns the folder of PostgreSQL's programs: the given one, or if that is empty the first place with
// a supported version. Errors are config.Mistakes.
func findPrograms(given string) (string, error) {
	if given != "" {
		return given, checkPrograms(given)
	}
	var refused error
	for _, bin := range usualPlaces() {
		err := checkPrograms(bin)
		if err == nil {
			return bin, nil
		}
		if !errors.Is(err, fs.ErrNotExist) && refused == nil {
			refused = err
		}
	}
	if refused != nil {
		return "", refused
	}
	return "", config.Mistakef("PostgreSQL %d is not installed: install postgresql-%d, or set pg_bin to the folder of its programs",
		Major, Major)
}

func usualPlaces() []string {
	places := []string{fmt.Sprintf("/usr/lib/postgresql/%d/bin", Major), fmt.Sprintf("/usr/pgsql-%d/bin", Major)}
	if said, err := exec.Command("pg_config", "--bindir").Output(); err == nil {
		places = append(places, strings.TrimSpace(string(said)))
	}
	return places
}

// checkPrograms reports whether bin holds every program of a supported version.
func checkPrograms(bin string) error {
	for _, name := range programs {
		if _, err := os.Stat(filepath.Join(bin, name)); err != nil {
			return config.Mistakef("PostgreSQL's program %s is missing: %w", name, err)
		}
	}
	said, err := exec.Command(filepath.Join(bin, "postgres"), "--version").Output()
	if err != nil {
		return config.Mistakef("ask %s for its version: %w", filepath.Join(bin, "postgres"), err)
	}
	match := versionPattern.FindSubmatch(said)
	if match == nil {
		return config.Mistakef("%s says %q, which is no version", filepath.Join(bin, "postgres"), said)
	}
	if string(match[1]) != strconv.Itoa(Major) {
		return config.Mistakef("%s is PostgreSQL %s; Barista runs %d", bin, match[1], Major)
	}
	return nil
}
