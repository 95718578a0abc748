package sql

import (
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// sqlPage is the page that tells users what becomes of their statements.
const sqlPage = "../../docs/sql.md"

// A sqlClaim is a row of the page's last table: what becomes of some statements, and patterns of the names of the cases that show it.
type sqlClaim struct {
	statements, fate string
	cases            []string
}

var quoted = regexp.MustCompile("`([^`]+)`")

// sqlClaims reads the table below the heading "What shows it".
func sqlClaims(t *testing.T) (claims []sqlClaim) {
	t.Helper()
	page, err := os.ReadFile(sqlPage)
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(page), "\n## What shows it\n")
	if !found {
		t.Fatalf("%s has no table of what shows it", sqlPage)
	}
	for line := range strings.Lines(table) {
		cells := strings.Split(strings.TrimSpace(line), " | ")
		if !strings.HasPrefix(line, "| ") || len(cells) != 3 || strings.HasPrefix(line, "| statements |") {
			continue
		}
		claim := sqlClaim{statements: strings.TrimPrefix(cells[0], "| "), fate: cells[1]}
		for _, name := range quoted.FindAllStringSubmatch(cells[2], -1) {
			claim.cases = append(claim.cases, name[1])
		}
		claims = append(claims, claim)
	}
	if len(claims) < 20 {
		t.Fatalf("%s makes only %d claims", sqlPage, len(claims))
	}
	return claims
}

func TestSQLPage(t *testing.T) {
	// What docs/sql.md says of a family of statements is what its cases show: those of a refused family are refused with 0A000, or 54000 for their size, and run on a plain
	// PostgreSQL, those of every other print what a plain PostgreSQL prints; and there is no case that the page is silent about.
	told := make(map[string]bool)
	cases := sqlCases(t)
	for _, claim := range sqlClaims(t) {
		if !slices.Contains([]string{"replicated", "in another form", "local", "refused"}, claim.fate) {
			t.Errorf("%s: what does %q mean?", claim.statements, claim.fate)
		}
		if len(claim.cases) == 0 {
			t.Errorf("%s: no case shows it", claim.statements)
		}
		for _, pattern := range claim.cases {
			matched := false
			for _, one := range cases {
				if match, err := path.Match(pattern, one.name); err != nil {
					t.Fatalf("%s: %v", pattern, err)
				} else if match {
					matched, told[one.name] = true, true
					one.checkFate(t, claim)
				}
			}
			if !matched {
				t.Errorf("%s: there is no case %s", claim.statements, pattern)
			}
		}
	}
	for _, one := range cases {
		if !told[one.name] {
			t.Errorf("%s says nothing of what case %s shows", sqlPage, one.name)
		}
	}
}

// refusal is what psql prints of what Barista does not take.
var refusal = regexp.MustCompile(`ERROR:  (0A000|54000)`)

// checkFate fails the test if the case shows something else than is claimed.
func (o sqlCase) checkFate(t *testing.T, claim sqlClaim) {
	refusals := func(text string) int { return len(refusal.FindAllString(text, -1)) }
	want, plain := o.read(t, "want.txt"), o.read(t, "plain.txt")
	switch {
	case claim.fate != "refused" && plain != "":
		t.Errorf("%s: %s, it is said, and case %s prints something else on a plain PostgreSQL", claim.statements, claim.fate, o.name)
	case claim.fate == "refused" && refusals(want) <= refusals(plain):
		t.Errorf("%s: refused, it is said, and in case %s nothing is", claim.statements, o.name)
	case claim.fate == "refused" && plain == "":
		t.Errorf("%s: refused, it is said, and a plain PostgreSQL prints the same in case %s", claim.statements, o.name)
	}
}
