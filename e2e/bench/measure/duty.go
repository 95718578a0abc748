package measure

import "strings"

// What a PostgreSQL process does, in the words of a profile.
const (
	dutyClient = "client backend"
	dutyApply  = "apply backend"
)

// Duty tells from a process's command and its title what it does: the command itself, or for one of PostgreSQL's what
// its title says ("postgres: n1: walwriter"). All backends of clients have one duty, and those of Barista's own role
// another.
func Duty(command, title string) string {
	words, isServer := strings.CutPrefix(title, "postgres: ")
	if !isServer {
		return command
	}
	if name, rest, found := strings.Cut(words, ": "); found && !strings.Contains(name, " ") {
		words = rest // the cluster's name
	}
	fields := strings.Fields(words)
	switch {
	case len(fields) == 0:
		return command
	case len(fields) > 2 && isPeer(fields[2]) && fields[0] == "barista":
		return dutyApply
	case len(fields) > 2 && isPeer(fields[2]) && fields[0] != "walsender":
		return dutyClient
	}
	// What follows is what it does right now.
	if i := strings.IndexAny(words, "0123456789"); i > 0 {
		words = words[:i]
	}
	for _, change := range []string{" waiting", " streaming", " recovering", " postgres"} {
		words, _, _ = strings.Cut(words, change)
	}
	return strings.TrimSpace(words)
}

// isPeer reports whether a word of a backend's title is the address of its client.
func isPeer(word string) bool {
	return word == "[local]" || strings.HasSuffix(word, ")") && strings.Contains(word, "(")
}
