package initproto

import (
	"os"
	"path/filepath"
)

// A Hello says who answers on a socket.
type Hello struct {
	Instance   string // the machine's id
	Generation int    // of the boot that this init is
	BootID     string // random, different for every init that was ever started
	PID        int    // of the init, as the host counts
}

// A Command is to be run inside a machine.
type Command struct {
	Args []string // Args[0] is looked up in the machine's PATH
	Env  []string // KEY=value; added to the machine's own, and stronger
	Dir  string   // "" is the home directory of root, or / when there is none

	// TTY gives the command a terminal of its own, which Stdin and Stdout are
	// joined to. Stderr is not used then.
	TTY  bool
	Size WindowSize // of that terminal; the zero value is the size of Stdin's

	// The files that the command gets; nil is /dev/null.
	Stdin  *os.File `json:"-"`
	Stdout *os.File `json:"-"`
	Stderr *os.File `json:"-"`

	// Signals that arrive here while the command runs are sent on to its
	// process group. May be nil.
	Signals <-chan os.Signal `json:"-"`
}

// A WindowSize is how many characters a terminal shows.
type WindowSize struct{ Rows, Columns uint16 }

// Statuses that say that a command did not run, as a shell has them (POSIX,
// "Exit Status for Commands"). A command killed by signal n has SignalStatus+n.
const (
	StatusCannotRun = 126
	StatusNotFound  = 127
	SignalStatus    = 128
)

// An Exit is how a command ended.
type Exit struct {
	Status int
	Reason string // why it could not be run at all; "" when it ran
}

// A Message is one thing said, in either direction. Exactly one field is set
// (invariant).
type Message struct {
	// From the client. Exec comes with three files, or none for a TTY.
	Ask      bool     `json:",omitempty"` // who are you? answered by Hello
	Exec     *Command `json:",omitempty"` // answered by Started, later Exit; or by Exit
	Signal   int      `json:",omitempty"` // for the command that Exec started
	Shutdown bool     `json:",omitempty"` // answered by the end of the connection

	// From the init. Started comes with the terminal, if one was asked for.
	Hello   *Hello `json:",omitempty"`
	Started bool   `json:",omitempty"`
	Exit    *Exit  `json:",omitempty"`
}

// The names of the sockets in RunDir.
const (
	InitSocket     = "init.sock"     // served by the init, for this package
	MetadataSocket = "metadata.sock" // served by the agent: instance metadata, HTTP
	DNSSocket      = "dns.sock"      // served by the agent: DNS, see WriteQuery
)

// MachineDir holds all that a host keeps of a machine.
func MachineDir(dataDir, machine string) string {
	return filepath.Join(dataDir, "instances", machine)
}

// RunDir is the part of MachineDir that the machine itself sees.
func RunDir(dataDir, machine string) string {
	return filepath.Join(MachineDir(dataDir, machine), "run")
}

// SocketPath is where the init of a machine listens.
func SocketPath(dataDir, machine string) string {
	return filepath.Join(RunDir(dataDir, machine), InitSocket)
}
