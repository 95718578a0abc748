package postgres

import (
	"fmt"

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

// identityFile is pg_ident.conf: who is barista. That is the account that runs the server, under which barista itself and PostgreSQL's own
// programs run too; root can become that account, and needs no line.
func (c Config) identityFile() string {
	return "# Written by barista at every start of the server; changes made here are lost.\n" +
		fmt.Sprintf("%s \"%s\" %s\n", Role, c.Account.Name, Role)
}
