package config

// Auth says how the server knows its clients: the method of the pg_hba lines that Barista writes.
type Auth string

// The two ways of knowing a client. Trust asks nothing, and is the default of a node that only listens on
// loopback; SCRAM asks for the role's password.
const (
	Trust Auth = "trust"
	SCRAM Auth = "scram"
)
