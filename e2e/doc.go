// Package e2e runs whole clusters: three barista processes with real PostgreSQL servers, seen only from outside, through
// their ports, files and processes. It holds tests alone. They need PostgreSQL, the built program and the extension
// (make build), and are skipped without; BARISTA_BIN names a program elsewhere than in bin/.
package e2e
