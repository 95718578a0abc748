package main

import (
	"bytes"
	"errors"
	"fmt"
	"os/exec"
	"strings"
)

const head = `# What others wrote of Barista's programs

Written by "make notices"; a test fails when it is out of date.

bin/barista contains the modules below, unaltered, and the library and runtime of Go. Files under MPL-2.0 may be had as source: "go mod download
PATH@VERSION" fetches each module in exactly the version that is named here, and its path is where it is developed. The system's C library
is not part of the program: it is loaded when the program starts.

extension/barista.so contains nothing of others but what PostgreSQL's headers define (macros and inline functions), which is under the PostgreSQL
licence, as PostgreSQL is: the text is among those below, with the parser that was taken from there.
`

// noticesOf writes the notices of what a main package links.
func noticesOf(name string) ([]byte, error) {
	modules, err := linkedInto(name)
	if err != nil {
		return nil, err
	}
	if len(modules) == 0 {
		return nil, fmt.Errorf("%s links no modules: is it the right package?", name)
	}
	library, err := standardLibrary()
	if err != nil {
		return nil, err
	}
	components := []component{library}
	var refused error // all of them, not only the first
	for _, m := range modules {
		c, err := m.read()
		refused = errors.Join(refused, err)
		components = append(components, c)
	}
	if refused != nil {
		return nil, refused
	}
	return write(components), nil
}

// standardLibrary is what every Go program links. Its version is not named: it is that of whoever builds.
func standardLibrary() (component, error) {
	c := component{name: "Go's library and runtime"}
	root, err := printed(exec.Command("go", "env", "GOROOT"))
	if err != nil {
		return c, err
	}
	m := module{Dir: strings.TrimSpace(string(root))}
	found, err := m.read()
	c.licences, c.texts = found.licences, found.texts
	return c, err
}

// write lists the components, and behind them each text once.
func write(components []component) []byte {
	var list, texts bytes.Buffer
	numbers := make(map[string]int) // of texts
	for _, c := range components {
		fmt.Fprintf(&list, "\n%s: %s\n", c.name, strings.Join(c.licences, ", "))
		var order []int
		from := make(map[int][]string)
		for _, t := range c.texts {
			body := strings.TrimSpace(strings.ReplaceAll(t.body, "\r\n", "\n"))
			n, seen := numbers[body]
			if !seen {
				n = len(numbers) + 1
				numbers[body] = n
				fmt.Fprintf(&texts, "\n----- text %d -----\n\n%s\n", n, body)
			}
			if from[n] == nil {
				order = append(order, n)
			}
			from[n] = append(from[n], t.from)
		}
		for _, n := range order {
			fmt.Fprintf(&list, "- text %d (%s)\n", n, strings.Join(from[n], ", "))
		}
	}
	return bytes.Join([][]byte{[]byte(head), list.Bytes(), []byte("\n# The texts\n"), texts.Bytes()}, nil)
}
