package capture

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/baristadb/barista/extension/exttest/harness"
	"github.com/baristadb/barista/internal/changeset"
)

// What capture writes for a numeric, from the form in which it is stored, is what the type's own send function makes of it: for either
// sign, all scales and weights, values without digits, and values that are compressed or stored out of line.
func TestNumericsAreAsSent(t *testing.T) {
	s := harness.SharedLeader(t)
	conn := s.Connect(t)
	harness.Execute(t, conn, "create table numerics (k int primary key, n numeric)", "alter table numerics alter n set storage external")
	before := len(s.Gate.Chosen())
	if _, err := conn.Exec(harness.Context(t), "insert into numerics select row_number() over (), n from unnest($1::text[]::numeric[]) with ordinality u(n, o) order by o",
		someNumerics(rand.New(rand.NewPCG(15, 18)))); err != nil {
		t.Fatal(err)
	}
	rows, err := conn.Query(harness.Context(t), "select numeric_send(n), n::text from numerics order by k")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	r := changeset.NewReader(s.Gate.Chosen()[before].Set.Payload)
	if m, err := r.Next(); err != nil {
		t.Fatalf("%T, %v where the table should be described", m, err)
	}
	count := 0
	for ; rows.Next(); count++ {
		var want []byte
		var text string
		if err := rows.Scan(&want, &text); err != nil {
			t.Fatal(err)
		}
		m, err := r.Next()
		insert, isInsert := m.(changeset.Insert)
		if err != nil || !isInsert {
			t.Fatalf("%T, %v instead of a row", m, err)
		}
		if got := insert.New[1].Data; !bytes.Equal(got, want) {
			t.Errorf("%.60s is captured as %.60x, want %.60x", text, got, want)
		}
	}
	if _, err := r.Next(); err != io.EOF || rows.Err() != nil || count < 3000 {
		t.Errorf("%d rows, then %v and %v", count, err, rows.Err())
	}
}

// someNumerics are values at the borders of the stored forms, and others at random.
func someNumerics(r *rand.Rand) []string {
	numbers := []string{
		"0", "0.00", "-0.0", "0e-63", "0e-64", "0e-16383", "1", "-1", "9999", "10000", "-10000", "NaN", "Infinity", "-Infinity",
		"1e255", "1e256", "1e259", "1e260", "-1e260", "1e-256", "1e-257", "1e-260", "1e-261", "1e131071", "1e-16383", "-1e-16383",
		strings.Repeat("123456789", 14000), "-0." + strings.Repeat("987654321", 1800),
	}
	for range 3000 {
		digits := fmt.Sprintf("%020d", r.Uint64())[:1+r.IntN(20)]
		if r.IntN(3) == 0 {
			digits += fmt.Sprint(r.Uint64())
		}
		numbers = append(numbers, fmt.Sprintf("%s%s.%de%d", []string{"", "-"}[r.IntN(2)], digits, r.IntN(1000), r.IntN(600)-300))
	}
	return numbers
}

// Rows that COPY and INSERT send to partitions are captured as the partition has them: with its own columns, and as its triggers left them.
func TestPartitionsOfAnotherShape(t *testing.T) {
	s := harness.SharedLeader(t)
	conn := s.Connect(t)
	harness.Execute(t, conn,
		"create table shaped (k int primary key, v text, n numeric) partition by range (k)",
		"create table shaped_low (gone int, n numeric, v text, k int not null)", "alter table shaped_low drop gone",
		"alter table shaped attach partition shaped_low for values from (0) to (100)",
		"create table shaped_high partition of shaped for values from (100) to (200)",
		"create function shout() returns trigger language plpgsql as 'begin new.v := upper(new.v); return new; end'",
		"create trigger shout before insert on shaped_high for each row execute function shout()")
	want := []string{
		"R shaped_low", "I shaped_low (00010000000000000001,a,1)", "R shaped_high", "I shaped_high (101,B,-)",
		"I shaped_low (-,c,2)", "I shaped_high (102,D,-)",
	}
	before := len(s.Gate.Chosen())
	lines := "1\ta\t1\n101\tb\t\\N\n2\tc\t\\N\n102\td\t\\N\n"
	if _, err := conn.PgConn().CopyFrom(harness.Context(t), strings.NewReader(lines), "copy shaped from stdin"); err != nil {
		t.Fatal(err)
	}
	copied := describe(t, s.Gate.Chosen()[before].Set.Payload)
	wantLines(t, captured(t, s, "delete from shaped where k in (1, 101)"),
		"R shaped_low", "D shaped_low K(-,-,1)", "R shaped_high", "D shaped_high K(101,-,-)")
	harness.Execute(t, conn, "delete from shaped")
	inserted := captured(t, s, "insert into shaped values (1, 'a', 1), (101, 'b', null), (2, 'c', null), (102, 'd', null)")
	wantLines(t, inserted, want...)
	// COPY keeps rows back and writes those of one partition together.
	if sorted(copied) != sorted(want) {
		t.Errorf("copied\n%s\nwant\n%s", strings.Join(copied, "\n"), strings.Join(want, "\n"))
	}
	wantLines(t, captured(t, s, "update shaped set k = 150, v = 'e' where k = 2"), "R shaped_low", "D shaped_low K(-,-,2)",
		"R shaped_high", "I shaped_high (150,E,-)")
}

func sorted(lines []string) string {
	return strings.Join(slices.Sorted(slices.Values(lines)), "\n")
}
