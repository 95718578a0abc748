package postgres

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/baristadb/barista/internal/config"
)

// Extension is what the server has of Barista in it, as it was read when barista started: the account that runs the server need not reach
// the folder that it was built in.
type Extension struct {
	sharedObject []byte // barista.so
	bootstrap    string // bootstrap.sql
}

// ReadExtension reads the extension in the given folder, or if that is empty beside this program or in extension/ next to its folder. Every
// error is a config.Mistake.
func ReadExtension(dir string) (*Extension, error) {
	path, err := findLibrary(dir)
	if err != nil {
		return nil, err
	}
	sharedObject, err := os.ReadFile(path)
	if err != nil {
		return nil, config.Mistakef("read the extension: %w", err)
	}
	bootstrap, err := os.ReadFile(filepath.Join(filepath.Dir(path), "bootstrap.sql"))
	if err != nil {
		return nil, config.Mistakef("the extension's bootstrap.sql is missing: %w", err)
	}
	return &Extension{sharedObject: sharedObject, bootstrap: string(bootstrap)}, nil
}

// findLibrary returns the path of the extension's library: in the given folder, or if that is empty beside this
// program or in extension/ next to its folder.
func findLibrary(given string) (string, error) {
	places := []string{given}
	if given == "" {
		self, err := os.Executable()
		if err != nil {
			return "", config.Mistakef("find barista's own folder: %w", err)
		}
		if real, err := filepath.EvalSymlinks(self); err == nil {
			self = real
		}
		bin := filepath.Dir(self)
		places = []string{bin, filepath.Join(bin, "..", "extension"), filepath.Join(bin, "..", "lib", "barista")}
	}
	for _, dir := range places {
		library := filepath.Join(dir, "barista.so")
		if _, err := os.Stat(library); err == nil {
			return library, nil
		}
	}
	return "", config.Mistakef("the extension barista.so is not in %s: build it with make, or set extension_dir",
		strings.Join(places, ", "))
}
