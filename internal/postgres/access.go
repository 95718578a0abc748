package postgres

import (
	"fmt"
	"os/user"
	"slices"
	"strings"

	"github.com/baristadb/barista/internal/config"
)

// accessFile is pg_hba.conf. Only the server's own socket is served. The role barista belongs to barista's operating
// system users, and with it the right to copy the server; all others show what auth asks of them.
func (c Config) accessFile() string {
	method := "scram-sha-256"
	if c.Auth == config.Trust {
		method = "trust"
	}
	return "# Written by barista at every start of the server; changes made here are lost.\n" +
		"local all         " + Role + " peer map=" + Role + "\n" +
		"local replication " + Role + " peer map=" + Role + "\n" +
		"local replication all     reject\n" +
		"local all         all     " + method + "\n"
}

// identityFile is pg_ident.conf: who is barista.
func (c Config) identityFile() string {
	names := []string{"root", defaultAccount, c.Account.Name}
	if current, err := user.Current(); err == nil {
		names = append(names, current.Username)
	}
	slices.Sort(names)
	var text strings.Builder
	text.WriteString("# Written by barista at every start of the server; changes made here are lost.\n")
	for _, name := range slices.Compact(names) {
		if name != "" {
			fmt.Fprintf(&text, "%s \"%s\" %s\n", Role, name, Role)
		}
	}
	return text.String()
}
