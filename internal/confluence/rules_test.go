package confluence

import (
	"strings"
	"testing"
)

// shop is a schema for short cases.
const shop = `
CREATE DOMAIN amount AS numeric CHECK (VALUE > 0);
CREATE TABLE account (id int PRIMARY KEY, balance numeric NOT NULL CHECK (balance >= 0), name text UNIQUE, low int, high int, CHECK (low <= high));
CREATE TABLE entry (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), account int REFERENCES account, n int, note text);
CREATE TABLE ticket (id int PRIMARY KEY, a int NOT NULL, b int NOT NULL, left_over int GENERATED ALWAYS AS (a - b) STORED CHECK (left_over >= 0));
CREATE TABLE bare (who int UNIQUE, what text);
CREATE SEQUENCE numbers;
CREATE TABLE audited (id uuid PRIMARY KEY DEFAULT gen_random_uuid());
CREATE TRIGGER audit BEFORE INSERT ON audited FOR EACH ROW EXECUTE FUNCTION audit();
`

func TestVerdicts(t *testing.T) {
	// One line for each rule, and for each trap that a rule once fell into: the worst verdict on a transaction.
	for name, c := range map[string]struct {
		sql  string
		want Verdict
	}{
		"plain assignment":                     {"UPDATE account SET balance = :b WHERE id = :id", None},
		"literal increment":                    {"UPDATE account SET balance = balance + 5 WHERE id = :id", None},
		"increment by an unknown sign":         {"UPDATE account SET balance = balance + :d WHERE id = :id", Unknown},
		"decrement by an unknown sign":         {"UPDATE account SET balance = balance - :d WHERE id = :id", Needed},
		"increment by an assumed sign":         {"-- assume: d >= 0\nUPDATE account SET balance = balance + :d WHERE id = :id", None},
		"decrement by an assumed sign":         {"-- assume: d <= 0\nUPDATE account SET balance = balance - :d WHERE id = :id", None},
		"sign from WHERE":                      {"UPDATE account SET balance = balance + :d WHERE id = :id AND :d > 0", None},
		"sign from abs":                        {"UPDATE account SET balance = balance + abs(:d) WHERE id = :id", None},
		"decrement hidden in plus":             {"UPDATE account SET balance = balance + -1 WHERE id = :id", Needed},
		"CASE that adds in both ways":          {"UPDATE account SET balance = CASE WHEN :x THEN balance + 1 ELSE balance + 2 END WHERE id = :id", None},
		"CASE that takes in one way":           {"UPDATE account SET balance = CASE WHEN :x THEN balance + 1 ELSE balance - 2 END WHERE id = :id", Needed},
		"decrement through a variable":         {"SELECT balance FROM account WHERE id = :id \\gset\nUPDATE account SET balance = :balance - 3 WHERE id = :id", Needed},
		"another row's value is an assignment": {"SELECT balance FROM account WHERE id = :other \\gset\nUPDATE account SET balance = :balance - 3 WHERE id = :id", None},
		"one of two compared columns":          {"UPDATE account SET low = :l WHERE id = :id; UPDATE account SET high = :h WHERE id = :id", Needed},
		"both compared columns":                {"UPDATE account SET low = :l, high = :h WHERE id = :id", None},
		"chosen unique value":                  {"UPDATE account SET name = :name WHERE id = :id", Needed},
		"unique value set to NULL":             {"UPDATE account SET name = NULL WHERE id = :id", None},
		"unique value written back":            {"UPDATE account SET name = :name, low = 1, high = 2 WHERE name = :name", None},
		"primary key changed":                  {"UPDATE entry SET id = gen_random_uuid() WHERE id = :id", None},
		"no primary key to merge by":           {"UPDATE bare SET what = :w WHERE who = :who", Unknown},
		"no key at all, only added to":         {"INSERT INTO bare (what) VALUES (:w)", None},
		"generated column below a counter":     {"UPDATE ticket SET b = b + 1 WHERE id = :id", Unknown},
		"explicit nextval":                     {"INSERT INTO ticket (id, a, b) VALUES (nextval('numbers'), 1, 0)", Needed},
		"upsert on the primary key":            {"INSERT INTO account (id, balance) VALUES (:id, 0) ON CONFLICT (id) DO NOTHING", None},
		"upsert on another key":                {"INSERT INTO account (id, balance, name) VALUES (:id, 0, :n) ON CONFLICT (name) DO NOTHING", Needed},
		"delete of what is referred to":        {"DELETE FROM account WHERE id = :id", Needed},
		"delete of what refers":                {"DELETE FROM entry WHERE account = :id", None},
		"reference to NULL":                    {"INSERT INTO entry (n) VALUES (1)", None},
		"trigger":                              {"INSERT INTO audited DEFAULT VALUES", Unknown},
		"trigger declared safe":                {"-- safe: audit\nINSERT INTO audited DEFAULT VALUES", None},
		"MERGE":                                {"MERGE INTO entry USING account ON true WHEN MATCHED THEN DELETE", Unknown},
		"DO block":                             {"DO $$ BEGIN END $$", Unknown},
		"truncate":                             {"TRUNCATE account CASCADE", Needed},
		"unknown function in ORDER BY":         {"SELECT 1 FROM account ORDER BY strange(id)", Unknown},
		"generated key through RETURNING":      {"INSERT INTO entry (n) VALUES (1) RETURNING id \\gset\nINSERT INTO audited (id) VALUES (:id)", Unknown},
	} {
		text := strings.Replace(c.sql, "-- assume", "\n-- assume", 1)
		r, err := Analyze(Input{Sources: []Source{{"shop.sql", shop}, {"txns.sql", "-- transaction: x\n" + text + ";\nCOMMIT;\n"}}})
		if err != nil {
			t.Fatal(err)
		}
		if got := verdictOn(r, "x"); got != c.want {
			t.Errorf("%s: %s, want %s\n%s", name, got, c.want, r.Lines())
		}
		for _, d := range r.Diagnostics {
			if d.Severity == Error {
				t.Errorf("%s: %v", name, d)
			}
		}
	}
}

func TestProceduralCode(t *testing.T) {
	// What is known of variables in PL/pgSQL is what every way to a statement allows.
	for name, c := range map[string]struct {
		declare, body string
		want          Verdict
	}{
		"guard that raises":            {"", "IF p <= 0 THEN RAISE EXCEPTION 'no'; END IF; UPDATE account SET balance = balance + p WHERE id = k;", None},
		"guard that only warns":        {"", "IF p <= 0 THEN RAISE NOTICE 'no'; END IF; UPDATE account SET balance = balance + p WHERE id = k;", Unknown},
		"guard that returns":           {"", "IF p < 0 THEN RETURN; END IF; UPDATE account SET balance = balance + p WHERE id = k;", None},
		"inside a guard":               {"", "IF p > 0 THEN UPDATE account SET balance = balance + p WHERE id = k; END IF;", None},
		"one branch negative":          {"d int;", "IF p > 0 THEN d := 1; ELSE d := -1; END IF; UPDATE account SET balance = balance + d WHERE id = k;", Unknown},
		"both branches positive":       {"d int;", "IF p > 0 THEN d := 1; ELSE d := 2; END IF; UPDATE account SET balance = balance + d WHERE id = k;", None},
		"loop that changes its sign":   {"d int := 1;", "FOR i IN 1..3 LOOP UPDATE account SET balance = balance + d WHERE id = k; d := d - 1; END LOOP;", Unknown},
		"loop that leaves it":          {"d int := 1;", "FOR i IN 1..3 LOOP UPDATE account SET balance = balance + d WHERE id = k; END LOOP;", None},
		"diagnostics change it":        {"d int := 1;", "GET DIAGNOSTICS d = ROW_COUNT; UPDATE account SET balance = balance + d WHERE id = k;", Unknown},
		"two variables of one name":    {"d int := 1;", "DECLARE d int := -1; BEGIN NULL; END; UPDATE account SET balance = balance + d WHERE id = k;", Unknown},
		"read, compute, write":         {"b numeric;", "SELECT balance INTO b FROM account WHERE id = k; b := b - p; UPDATE account SET balance = b WHERE id = k;", Needed},
		"read of a row that was moved": {"b numeric;", "SELECT balance INTO b FROM account WHERE id = k; k := k + 1; b := b - p; UPDATE account SET balance = b WHERE id = k;", None},
		"exception handler":            {"d int := 1;", "BEGIN d := 2; EXCEPTION WHEN OTHERS THEN d := -1; END; UPDATE account SET balance = balance + d WHERE id = k;", Unknown},
		"dynamic SQL":                  {"", "EXECUTE 'DELETE FROM account';", Unknown},
		"calls what decrements":        {"", "PERFORM take(k);", Needed},
		"generated key in a variable":  {"v uuid := gen_random_uuid();", "INSERT INTO entry (id, n) VALUES (v, 1);", None},
		"key from a parameter":         {"", "INSERT INTO account (id, balance) VALUES (k, 0);", Needed},
	} {
		text := shop + "CREATE FUNCTION take(who int) RETURNS void LANGUAGE sql AS $$ UPDATE account SET balance = balance - 1 WHERE id = who $$;\n" +
			"CREATE FUNCTION x(k int, p numeric) RETURNS void LANGUAGE plpgsql AS $$ DECLARE " + c.declare + " BEGIN " + c.body + " END $$;\n"
		r, err := Analyze(Input{Sources: []Source{{"shop.sql", text}}})
		if err != nil {
			t.Fatal(err)
		}
		if got := verdictOn(r, "x"); got != c.want {
			t.Errorf("%s: %s, want %s\n%s", name, got, c.want, r.Lines())
		}
	}
}
