#!/bin/sh
# github.com/pganalyze/pg_query_go/v6 v6.2.5: Deparse refuses a tree without ParseResult.Version. v6.2.2 took it.
#
# Programs that build statements as trees fill in Stmts. Since this patch release such a tree is refused as one of "version 0", so what was SQL becomes an error;
# the field has to be set to the number of the parser's PostgreSQL, which a parsed tree carries (170007 here). The changelog tells of a check of versions, not of this.
#
# Seen:
#   v6.2.2 without a version: SELECT 1
#   v6.2.5 without a version: refused
#   v6.2.5 with a parsed tree's version: SELECT 1
#
# Needs Go and a C compiler; each build takes a minute or two. Exits with 0 if it is still so, 1 if not.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
cat >main.go <<'GO'
package main

import (
	"fmt"

	pg_query "github.com/pganalyze/pg_query_go/v6"
)

func main() {
	parsed, err := pg_query.Parse("SELECT 1")
	if err != nil {
		panic(err)
	}
	for _, tree := range []*pg_query.ParseResult{{Stmts: parsed.Stmts}, {Version: parsed.Version, Stmts: parsed.Stmts}} {
		sql, err := pg_query.Deparse(tree)
		if err != nil {
			sql = "refused"
		}
		fmt.Println(sql)
	}
}
GO
try() {
	rm -f go.mod go.sum
	go mod init example.org/finding >/dev/null 2>&1
	go get "github.com/pganalyze/pg_query_go/v6@$1" >/dev/null 2>&1
	go run . | tr '\n' '|'
}
before=$(try v6.2.2)
after=$(try v6.2.5)
echo "v6.2.2 without a version: ${before%%|*}"
echo "v6.2.5 without a version: ${after%%|*}"
rest=${after#*|}
echo "v6.2.5 with a parsed tree's version: ${rest%%|*}"
[ "$before" = "SELECT 1|SELECT 1|" ] && [ "$after" = "refused|SELECT 1|" ]
