package postgres

import (
	"strings"
	"testing"

	"github.com/baristadb/barista/internal/config"
)

func TestWrongSettings(t *testing.T) {
	// A name or value that the server would not take is a Mistake that tells which and what is allowed; settings of extensions pass.
	c := plain(t)
	c.Extension = &Extension{} // as a node has it
	for want, settings := range map[string]map[string]string{
		"": {"work_mem": "8MB", "pg_stat_statements.max": "lots", "nobody_knows.this": "1", "search_path": `a, "B"`, "event_source": `it's \ so`},
		`unrecognized configuration parameter "wrok_mem"`:                                               {"wrok_mem": "8MB", "work_mem": "8MB"},
		`invalid value for parameter "work_mem": "8 spoons"; Valid units for this parameter are`:        {"work_mem": "8 spoons"},
		`9999999 is outside the valid range for parameter "max_worker_processes" (0 .. 262143)`:         {"max_worker_processes": "9999999"},
		`parameter "block_size" cannot be changed`:                                                      {"block_size": "4096"},
		`shared_preload_libraries names no_such_library, and there is no `:                              {"shared_preload_libraries": "no_such_library"},
		`invalid value for parameter "TimeZone": "Mars/Base"`:                                           {"timezone": "Mars/Base"},
		`invalid value for parameter "log_statement": "some"; Available values: none, ddl, mod, all`:    {"log_statement": "some"},
		`parameter "autovacuum" requires a Boolean value`:                                               {"autovacuum": "sometimes"},
		`invalid value for parameter "default_transaction_isolation": "none"; Available values: serial`: {"default_transaction_isolation": "none"},
	} {
		c.Settings = settings
		err := c.checkSettings()
		if want == "" {
			if err != nil {
				t.Errorf("%v: %v", settings, err)
			}
			continue
		}
		if !config.IsMistake(err) || !strings.HasPrefix(err.Error(), "settings: ") || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v: %v; want a Mistake with %q", settings, err, want)
		}
	}
}
