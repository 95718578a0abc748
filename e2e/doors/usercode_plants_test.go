package doors

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/baristadb/barista/e2e/harness"
)

// A plant is what is said of one or more places that users' code may stand in, in testdata/usercode:
//
//	-- place PLACE, PLACE: client follower	where the code runs at least: in a client's session, in one of Barista's on a follower
//	-- place PLACE: never			it is not expected to run when these statements do
//	-- as ROLE in DATABASE			who runs what follows: mallory in planted, unless it is said
//	-- may be refused			the next statement is not missed
//	-- no plant: WHY			no ordinary role can reach it
//
// In its statements stand for spies, each a function of its own that tells of the first place, or of a part of it (/PART):
//
//	EYE(x)		the expression x
//	INLINE(x)	the same by a function in SQL that is put in its caller's place
//	QUERY(x)	the same by one that is not
//	CONST		1, which planners evaluate
//	LITERAL		true, from a text that is evaluated as soon as it is read
//	SPY f(int) RETURNS int GIVES $1;
//			a function f; REPLACING one that is there, or QUIET where the server holds a page's lock
type plant struct {
	places  []string
	runs    []string
	without string // a reason
	steps   []step
	spies   int // so many that are not named have been made
}

// A step is a statement, and the rows of a COPY.
type step struct {
	role, database, sql, rows string
	optional                  bool // it may be refused
}

var (
	placeLine = regexp.MustCompile(`^-- place ([^:]+)(?:: ([a-z ]+))?$`)
	asLine    = regexp.MustCompile(`^-- as (\w+)(?: in (\w+))?$`)
	spyLine   = regexp.MustCompile(`^(REPLACING |QUIET )?SPY(/\w+)? (.+?) RETURNS (\S+?)(?: GIVES ((?s).*))?;$`)
	stands    = regexp.MustCompile(`\b(EYE|INLINE|QUERY|CONST|LITERAL)\b(/\w+)?\(?`)
)

const (
	noPlant  = "-- no plant: "
	optional = "-- may be refused"
)

// readPlants reads a file of testdata/usercode. What stands before the first place is a plant without places.
func readPlants(t testing.TB, name, database string) (plants []plant) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "usercode", name))
	if err != nil {
		t.Fatal(err)
	}
	current, role, in := &plant{}, "mallory", database
	lines := strings.Split(string(text), "\n")
	mayFail := false
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		if place := placeLine.FindStringSubmatch(line); place != nil {
			plants = append(plants, *current)
			current = &plant{places: strings.Split(place[1], ", "), runs: strings.Fields(place[2])}
			role, in = "mallory", database
			continue
		}
		if as := asLine.FindStringSubmatch(line); as != nil {
			role, in = as[1], database
			if role == "superuser" {
				role = "postgres"
			}
			if as[2] != "" {
				in = as[2]
			}
			continue
		}
		if why, found := strings.CutPrefix(line, noPlant); found {
			current.without = why
			continue
		}
		if line == optional {
			mayFail = true
			continue
		}
		if line == "" || strings.HasPrefix(line, "-- ") || line == "--" {
			continue
		}
		statement := line
		for !strings.HasSuffix(statement, ";") || strings.Count(statement, "$$")%2 == 1 {
			if i++; i == len(lines) {
				t.Fatalf("%s: a statement has no end: %s", name, statement)
			}
			statement += "\n" + lines[i]
		}
		one := step{role: role, database: in, sql: statement, optional: mayFail}
		mayFail = false
		if strings.HasSuffix(statement, " FROM STDIN;") {
			for i++; lines[i] != `\.`; i++ {
				one.rows += lines[i] + "\n"
			}
		}
		current.steps = append(current.steps, current.expand(one)...)
	}
	return append(plants, *current)
}

// expand puts spies into a statement. What makes them comes before it.
func (p *plant) expand(s step) (steps []step) {
	if len(p.places) == 0 {
		return []step{s}
	}
	if spy := spyLine.FindStringSubmatch(s.sql); spy != nil {
		create, looks, gives := "CREATE", "watch", ""
		switch spy[1] {
		case "REPLACING ":
			create = "CREATE OR REPLACE"
		case "QUIET ":
			looks = "glance"
		}
		if spy[5] != "" {
			gives = " " + spy[5]
		}
		s.sql = fmt.Sprintf("%s FUNCTION %s RETURNS %s LANGUAGE plpgsql IMMUTABLE AS $spy$ BEGIN PERFORM evil.%s('%s'); RETURN%s; END $spy$",
			create, spy[3], spy[4], looks, p.places[0]+spy[2], gives)
		return []step{s}
	}
	var spies strings.Builder
	s.sql = stands.ReplaceAllStringFunc(s.sql, func(found string) string {
		parts := stands.FindStringSubmatch(found)
		kind, place := parts[1], p.places[0]+parts[2]
		p.spies++
		name := fmt.Sprintf(`evil."%s %d"`, place, p.spies)
		define := func(sql string, args ...any) { spies.WriteString(fmt.Sprintf(sql, args...) + ";\n") }
		define("CREATE FUNCTION %s(anyelement) RETURNS anyelement LANGUAGE plpgsql IMMUTABLE AS $spy$ BEGIN PERFORM evil.watch('%s'); RETURN $1; END $spy$",
			name, place+"/"+strings.ToLower(kind))
		around := strings.TrimSuffix(name, `"`) + ` around"`
		switch kind {
		case "CONST":
			return name + "(1)"
		case "LITERAL":
			define("CREATE DOMAIN %s AS int CHECK (%s(VALUE) = 1)", around, name)
			return "('{1}'::" + around + "[] IS NOT NULL)"
		case "INLINE":
			define("CREATE FUNCTION %s(anyelement) RETURNS anyelement LANGUAGE sql IMMUTABLE AS $spy$ SELECT %s($1) $spy$", around, name)
			return around + "("
		case "QUERY":
			define("CREATE FUNCTION %s(anyelement) RETURNS anyelement LANGUAGE sql IMMUTABLE AS $spy$ SELECT %s($1) LIMIT 1 $spy$", around, name)
			return around + "("
		default:
			return name + "("
		}
	})
	if spies.Len() > 0 {
		steps = append(steps, step{role: "mallory", database: s.database, sql: spies.String()})
	}
	return append(steps, s)
}

// checkPlaces fails the test for a place without plant and reason, and for a plant of a place that is not there.
func checkPlaces(t testing.TB, what string, places []string, plants []plant) {
	t.Helper()
	told := make(map[string]bool)
	for _, p := range plants {
		for _, place := range p.places {
			if told[place] {
				t.Errorf("%s %s is told of twice", what, place)
			}
			told[place] = true
			if !slices.Contains(places, place) {
				t.Errorf("there is no %s %s", what, place)
			}
			if (p.without == "") == (len(p.runs) == 0) {
				t.Errorf("%s %s needs either a reason or to say where it runs", what, place)
			}
		}
	}
	for _, place := range places {
		if !told[place] {
			t.Errorf("%s %s has neither a plant nor a reason", what, place)
		}
	}
}

// replayedStatements reads which kinds of statements travel to other nodes from the extension itself.
func replayedStatements(t testing.TB) (kinds []string) {
	t.Helper()
	const file = "../../extension/ddl_classify.c"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	_, body, found := strings.Cut(string(text), "\nddl_classify(Node *node)")
	if !found {
		t.Fatalf("%s has no ddl_classify()", file)
	}
	local := regexp.MustCompile(`^return DDL_(LOCAL|MAINTENANCE|REFUSE)$`)
	var group []string
	for part := range strings.SplitSeq(regexp.MustCompile(`(?s)/\*.*?\*/`).ReplaceAllString(body, ""), ";") {
		for _, label := range regexp.MustCompile(`case T_(\w+):`).FindAllStringSubmatch(part, -1) {
			group = append(group, label[1])
		}
		at := strings.Index(part, "return ")
		if at < 0 {
			continue
		}
		if !local.MatchString(part[at:]) {
			kinds = append(kinds, group...)
		}
		group = nil
	}
	if len(kinds) < 60 {
		t.Fatalf("%s: only %d kinds of statements: %v", file, len(kinds), kinds)
	}
	return kinds
}

// alterTableCommands reads the subcommands of ALTER TABLE from the server's headers.
func alterTableCommands(t testing.TB) (commands []string) {
	t.Helper()
	_, include, _ := harness.RunProgram(t, harness.QueryLimit, filepath.Join(harness.PGBin, "pg_config"), "--includedir-server")
	text, err := os.ReadFile(filepath.Join(strings.TrimSpace(include), "nodes", "parsenodes.h"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "typedef enum AlterTableType\n")
	body, _, _ := strings.Cut(rest, "} AlterTableType;")
	for _, found := range regexp.MustCompile(`(?m)^\s*(AT_\w+)`).FindAllStringSubmatch(body, -1) {
		commands = append(commands, found[1])
	}
	if len(commands) < 60 {
		t.Fatalf("only %d subcommands of ALTER TABLE: %v", len(commands), commands)
	}
	return commands
}
