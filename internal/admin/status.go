package admin

import (
	"slices"
	"strings"
)

// Role is what a node does in its cluster.
type Role string

// The roles. A leader whose gate is not open, or whose lease has run out, is a Follower with a detail.
const (
	Leader      Role = "leader"
	Follower    Role = "follower"
	CatchingUp  Role = "catching-up" // it has no vote yet, or its server does not run or applies what it has missed
	Stopped     Role = "stopped"     // it takes part no more until somebody looks: after a divergence, for example
	Unreachable Role = "unreachable" // said by others, never by itself
)

// ServerState is what a node's PostgreSQL server does.
type ServerState string

// The states of a server.
const (
	ServerRunning    ServerState = "running"
	ServerStarting   ServerState = "starting"   // also after a crash, between two attempts
	ServerRebuilding ServerState = "rebuilding" // its data come from a peer by a base backup
	ServerStopped    ServerState = "stopped"    // on purpose
	ServerFailed     ServerState = "failed"     // it ends each time that it is started
)

// Reason says in Barista's own words why a node is as it is. Everybody may read it.
type Reason string

// The reasons.
const (
	Opening   Reason = "opening"
	Suspended Reason = "suspended"
	Closing   Reason = "closing"
	Diverged  Reason = "diverged" // its server holds something else than the log says
	Removed   Reason = "removed from the cluster"
	Outdated  Reason = "its folder is an older copy" // it has forgotten votes, and waits to join as a new incarnation
	Returning Reason = "returning"                   // it was started, and waits until enough peers know of that
	Rival     Reason = "there is another cluster with the same secret"
	Different Reason = "its log is not that of the others"
	NoAnswer  Reason = "no answer"

	// Troubles: see Troubles.
	NoRoom      Reason = "there is little room on its disks"
	ServerFails Reason = "its server fails"
	NoBackup    Reason = "it gets no base backup"
	ApplyFails  Reason = "its server does not apply what was agreed on"
)

// open returns the reason if it is one of those above; another node may have said anything.
func (r Reason) open() Reason {
	switch r {
	case Opening, Suspended, Closing, Diverged, Removed, Outdated, Returning, Rival, Different, NoAnswer, NoRoom, ServerFails, NoBackup, ApplyFails:
		return r
	}
	return ""
}

// Status is what a node says of itself. Its JSON form is a contract: fields are added, never changed.
type Status struct {
	Name   string `json:"name"`
	Role   Role   `json:"role"`
	Reason Reason `json:"reason,omitempty"` // of a follower: opening, suspended or closing, else empty; of others: why
	// Trouble is what keeps it from doing its part just now, and NeedsHelp says that this does not pass by itself.
	Trouble   Reason `json:"trouble,omitempty"`
	NeedsHelp bool   `json:"needs_help,omitempty"`
	// Detail is reason and trouble with what else is known, such as an error of the server. That may hold text of users' code, names of
	// their tables and keys of their rows: it is for the operator.
	Detail string `json:"detail,omitempty"`
	// Unfit says why it would not take the lead if it was asked to; empty when it would. That is for the operator, like Detail.
	Unfit string `json:"unfit,omitempty"`
	// Unguarded is how many unique indexes and exclusion constraints are set aside on it: if it leads, their tables cannot be written.
	Unguarded int `json:"unguarded,omitempty"`

	Ballot  string      `json:"ballot,omitempty"` // the highest that it has promised, as round.node
	Epoch   string      `json:"epoch,omitempty"`  // the greatest opened, as round.node
	Member  string      `json:"member,omitempty"` // voter, learner or spare; empty: it is no member
	Leader  string      `json:"leader,omitempty"` // the name of the leader as far as it knows
	Index   uint64      `json:"index"`            // last index that it knows to be chosen
	Chosen  string      `json:"chosen,omitempty"` // position of the last chosen change set, as index.ordinal
	Applied string      `json:"applied,omitempty"`
	Lag     uint64      `json:"lag"` // entries that are chosen and not applied here
	Server  ServerState `json:"server,omitempty"`
	// LeaseMS is for how many milliseconds it may still serve reads as the leader; 0 on others.
	LeaseMS int64 `json:"lease_ms"`
	// Sessions is how many clients are connected through this node's front doors.
	Sessions int `json:"sessions"`
	// MaxTransaction is how many bytes the changes of one transaction may take while this node leads: where nodes differ, somebody has to mend it.
	MaxTransaction int64    `json:"max_transaction,omitempty"`
	Members        []Member `json:"members,omitempty"`
}

// Open returns what of a status everybody may see. It is put together, not cut out: what is added to Status is not in it until somebody
// decides so.
func (s Status) Open() Status {
	return Status{
		Name: s.Name, Role: s.Role, Reason: s.Reason.open(), Trouble: s.Trouble.open(), NeedsHelp: s.NeedsHelp,
		Detail: Sentence(string(s.Reason.open()), string(s.Trouble.open())), Ballot: s.Ballot, Epoch: s.Epoch,
		Member: s.Member, Leader: s.Leader, Index: s.Index, Chosen: s.Chosen, Applied: s.Applied, Lag: s.Lag, Server: s.Server,
		LeaseMS: s.LeaseMS, Sessions: s.Sessions, MaxTransaction: s.MaxTransaction, Members: s.Members, Unguarded: s.Unguarded,
	}
}

// Member is one entry of the membership as a node knows it.
type Member struct {
	Node    uint16 `json:"node"`
	Name    string `json:"name"`
	Address string `json:"address"` // of its peer port
	Voter   bool   `json:"voter"`
	Spare   bool   `json:"spare,omitempty"` // a learner until it is recruited
}

// Standing returns what the member is: a voter, a learner that is to become one, or a spare.
func (m Member) Standing() string {
	switch {
	case m.Voter:
		return "voter"
	case m.Spare:
		return "spare"
	}
	return "learner"
}

// Membership is who belongs to the cluster, as a node knows it.
type Membership struct {
	Version  uint32     `json:"version"` // grows by one with each change
	Members  []Member   `json:"members"`
	Expected []Expected `json:"expected,omitempty"` // nodes that may join and have not
	Removed  []string   `json:"removed,omitempty"`  // names of nodes that may not join
}

// Expected is a node that may join.
type Expected struct {
	Name  string `json:"name"`
	Spare bool   `json:"spare,omitempty"`
}

// Sentence joins what is known of a node; what is empty is left out.
func Sentence(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(part string) bool { return part == "" }), "; ")
}

// Healthy reports whether the node needs no help: its server runs, or is on its way to run by itself. A node that merely follows,
// catches up, is rebuilt, or loses its leader is healthy, and so is one that had a trouble which passed by itself.
func (s Status) Healthy() bool {
	if s.Role == Stopped || s.Role == Unreachable || s.NeedsHelp {
		return false
	}
	switch s.Server {
	case ServerRunning, ServerStarting, ServerRebuilding:
		return true
	default:
		return false
	}
}

// Primary reports whether the node leads with an open gate and a valid lease.
func (s Status) Primary() bool {
	return s.Role == Leader && s.Reason == "" && s.Server == ServerRunning && s.LeaseMS > 0
}

// Replica reports whether the node follows, and its server runs and is caught up. One that is about to lead, or was cut off while it
// led, is no replica: its reads wait. Nor is one that needs help: what it shows may be old. Little room alone makes nothing old.
func (s Status) Replica() bool {
	return s.Role == Follower && s.Reason == "" && s.Server == ServerRunning && (!s.NeedsHelp || s.Trouble == NoRoom)
}
