package doors

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/baristadb/barista/e2e/harness"
	"github.com/baristadb/barista/internal/config"
	"github.com/baristadb/barista/internal/devcluster"
)

func TestNothingSecretIsLogged(t *testing.T) {
	// Where the servers log every statement with its parameters, a password stands in the log of the server that its client talked to, as on a plain
	// PostgreSQL, and in no other; its verifier stands in none.
	c := harness.StartCluster(t, devcluster.Options{Change: func(cfg *config.Config) {
		cfg.Settings = map[string]string{
			"log_statement": "all", "log_min_duration_statement": "0", "log_error_verbosity": "verbose",
			"log_parameter_max_length": "-1", "log_parameter_max_length_on_error": "-1",
		}
	}})
	leader := c.AwaitLeader(t)
	harness.Run(t, c.Connect(t, leader), "CREATE ROLE guarded LOGIN PASSWORD 'first-secret'",
		"BEGIN; ALTER ROLE guarded PASSWORD 'second-secret'; COMMIT",
		"DO $$ BEGIN EXECUTE $a$ALTER ROLE guarded PASSWORD 'third-secret'$a$; END $$")
	c.VerifyAll(t)
	const stored = "SELECT rolpassword FROM pg_authid WHERE rolname = 'guarded'"
	verifier := harness.One[string](t, c.Connect(t, leader), stored)
	if !strings.HasPrefix(verifier, "SCRAM-SHA-256$") {
		t.Fatalf("the verifier is %q", verifier)
	}
	for _, k := range c.All() {
		if got := harness.One[string](t, c.Local(t, k), stored); got != verifier {
			t.Errorf("n%d stores another verifier", k)
		}
		node := c.Node(k)
		server, barista := harness.ReadFile(t, node.Config.ServerLogFile()), harness.ReadFile(t, node.Config.LogFile())
		if k == leader && !strings.Contains(server, "first-secret") {
			t.Error("the leader's server does not log what its clients send: nothing is shown")
		}
		for _, secret := range []string{"first-secret", "second-secret", "third-secret", verifier[:40]} {
			for _, form := range []string{secret, hex.EncodeToString([]byte(secret))} {
				if strings.Contains(barista, form) {
					t.Errorf("n%d's barista logs %s", k, secret)
				}
				if strings.Contains(server, form) && (k != leader || secret == verifier[:40]) {
					t.Errorf("n%d's server logs %s", k, secret)
				}
			}
		}
	}
}
