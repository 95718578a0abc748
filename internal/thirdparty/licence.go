package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/google/licensecheck"
)

// allowed are the licences, as SPDX names them, that ask no more of a program than to tell of them, and MPL-2.0, which asks for the source
// of its own files alone. Whatever is not here is refused: unknown ones, and those that bind the whole program (GPL, AGPL, SSPL).
var allowed = []string{"Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "MPL-2.0", "PostgreSQL", "Spencer-99", bison}

// bison is what parsers that Bison wrote are under: the exception lets them be part of any program.
const bison = "GPL-2.0-or-later WITH Bison-exception-2.2"

var bisonException = regexp.MustCompile(`(?i)as a special exception, you may create a larger work that contains\s+part or all of the bison parser skeleton`)

// patents is the grant that comes with Go and takes nothing.
const patents = "GooglePatentsFile"

// covered is how much of a licence's file has to be words of known licences, in per cent; the rest is names and years.
const covered = 75

// A text is one that has to be handed on, and where it was found.
type text struct {
	from string // the file, below the module's folder
	body string
}

// A component is a module, or Go's own library, and what its authors ask for.
type component struct {
	name     string
	licences []string
	texts    []text
}

var (
	legalFile = regexp.MustCompile(`(?i)^(licen[cs]e|copying|copyright|notice|patents)`)
	grants    = regexp.MustCompile(`(?i)^(licen[cs]e|copying|copyright)`) // the others only add to it
)

// read finds what a module's licences say: in files for that purpose beside and above the linked packages, and in comments of what is compiled.
func (m module) read() (component, error) {
	c := component{name: m.Path + " " + m.Version}
	files, err := m.legalFiles()
	if err != nil {
		return c, err
	}
	granted := false
	for _, name := range files {
		body, err := os.ReadFile(filepath.Join(m.Dir, name))
		if err != nil {
			return c, err
		}
		isGrant := grants.MatchString(filepath.Base(name))
		granted = granted || isGrant
		if err := c.take(name, string(body), isGrant); err != nil {
			return c, err
		}
	}
	if !granted {
		return c, fmt.Errorf("%s: %s has no file with a licence", c.name, m.Dir)
	}
	return c, m.readComments(&c)
}

// legalFiles returns the names of files about licences, below m.Dir, sorted.
func (m module) legalFiles() ([]string, error) {
	seen := make(map[string]bool)
	var names []string
	for _, folder := range append(m.folders, m.Dir) {
		for ; !seen[folder] && strings.HasPrefix(folder, m.Dir); folder = filepath.Dir(folder) {
			seen[folder] = true
			entries, err := os.ReadDir(folder)
			if err != nil {
				return nil, err
			}
			for _, entry := range entries {
				if entry.Type().IsRegular() && legalFile.MatchString(entry.Name()) && filepath.Ext(entry.Name()) != ".go" {
					name, err := filepath.Rel(m.Dir, filepath.Join(folder, entry.Name()))
					if err != nil {
						return nil, err
					}
					names = append(names, filepath.ToSlash(name))
				}
			}
		}
	}
	slices.Sort(names)
	return names, nil
}

// take adds the text of a file and the licences in it.
func (c *component) take(from, body string, isGrant bool) error {
	found := licensecheck.Scan([]byte(body))
	if isGrant && found.Percent < covered {
		return fmt.Errorf("%s: %s is no licence that is known", c.name, from)
	}
	for _, match := range found.Match {
		if match.ID == patents {
			continue
		}
		if err := c.add(from, match.ID); err != nil {
			return err
		}
	}
	c.texts = append(c.texts, text{from, body})
	return nil
}

// add notes a licence, unless it is refused.
func (c *component) add(from, licence string) error {
	if !slices.Contains(allowed, licence) {
		return fmt.Errorf("%s: %s is under %s: it must not be linked, unless somebody finds that it may and adds it to the allowed ones", c.name, from, licence)
	}
	if !slices.Contains(c.licences, licence) {
		c.licences = append(c.licences, licence)
		slices.Sort(c.licences)
	}
	return nil
}

var (
	comment  = regexp.MustCompile(`(?s:/\*.*?\*/)|(?m:(?:^[ \t]*//.*\n)+)`)
	suspect  = regexp.MustCompile(`(?i)licen[cs]e|copyright|permission`)
	spdx     = regexp.MustCompile(`SPDX-License-Identifier:[ \t]*([^\n*]*)`)
	spdxName = regexp.MustCompile(`[\w.+-]+`)
	leading  = regexp.MustCompile(`(?m)^[ \t]*(?:/\*+|\*/|\*|//)?[ \t]?|[ \t]*(?:\*/)?[ \t]*$`)
)

// readComments finds the licences of what the module has taken from elsewhere: whole texts in comments, and names of licences.
func (m module) readComments(c *component) error {
	for _, name := range m.files {
		content, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if !suspect.Match(content) {
			continue
		}
		from, err := filepath.Rel(m.Dir, name)
		if err != nil {
			return err
		}
		if err := c.takeComments(filepath.ToSlash(from), strings.ReplaceAll(string(content), "\r\n", "\n")); err != nil {
			return err
		}
	}
	return nil
}

func (c *component) takeComments(from, content string) error {
	var block []string // comments of which each follows the one before it, such as a licence and an exception from it
	end := 0
	for _, at := range comment.FindAllStringIndex(content, -1) {
		if strings.TrimSpace(content[end:at[0]]) != "" {
			if err := c.takeBlock(from, block); err != nil {
				return err
			}
			block = nil
		}
		if one := content[at[0]:at[1]]; suspect.MatchString(one) {
			block = append(block, strings.TrimSpace(leading.ReplaceAllString(one, "")))
		}
		end = at[1]
	}
	return c.takeBlock(from, block)
}

func (c *component) takeBlock(from string, comments []string) error {
	body := strings.Join(comments, "\n\n")
	if body == "" {
		return nil
	}
	for _, tag := range spdx.FindAllStringSubmatch(body, -1) {
		for _, name := range spdxName.FindAllString(tag[1], -1) {
			if slices.Contains([]string{"AND", "OR", "WITH"}, name) {
				continue
			}
			if err := c.add(from, name); err != nil {
				return err
			}
		}
	}
	whole := false
	for _, match := range licensecheck.Scan([]byte(body)).Match {
		licence := match.ID
		if licence == "GPL-2.0-or-later" && bisonException.MatchString(body) {
			licence = bison
		}
		if err := c.add(from, licence); err != nil {
			return err
		}
		whole = whole || !match.IsURL
	}
	if whole {
		c.texts = append(c.texts, text{from, body})
	}
	return nil
}
