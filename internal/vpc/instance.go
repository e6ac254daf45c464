package vpc

import (
	"net/netip"
	"time"
)

// An Instance is a machine of a user. Its network side is its interfaces.
type Instance struct {
	ID          InstanceID
	Account     AccountID
	Region      Region
	Zone        Zone
	Reservation ReservationID
	LaunchIndex int
	Image       ImageID
	Type        string
	KeyName     string
	PublicKey   string // of that key pair at the launch: a line of authorized_keys; "" is none
	Kernel      string
	Ramdisk     string
	UserData    []byte
	ClientToken string
	Monitoring  bool
	LaunchTime  time.Time
	State       InstanceState
	StateReason StateReason
	StateSince  time.Time // when State was reached
	Network     NetworkID
	Interface   InterfaceID   // of device index 0; "" once terminated
	Secondary   []InterfaceID // the other ones that are attached
	Groups      []GroupID     // of Interface; in EC2-Classic as launched, in the order of the call
	PrivateAddr netip.Addr    // invalid when stopped in EC2-Classic, and once terminated
	PublicAddr  netip.Addr    // invalid when it has none
	LastPublic  netip.Addr    // that it had until it was stopped: a start gives another
	Volumes     []Volume      // the root's first; shown by Describe
	Tags        []Tag

	EBSOptimized        bool   // shown, without effect
	CPUCredits          string // standard or unlimited: shown, without effect; "": as its type has
	Metadata            MetadataOptions
	Profile             string // ARN of its IAM instance profile: shown, without effect
	NoAutoRecovery      bool   // shown, without effect
	NoCapacity          bool   // uses no capacity reservations: shown, without effect
	KeepAlive           bool   // cannot be terminated by the API
	KeepRunning         bool   // cannot be stopped by the API
	TerminateAtShutdown bool   // when it shuts down by itself it ends, and does not only stop

	// Generation counts the instance's boots: a start or a reboot raises it,
	// and the agent boots the instance anew when it sees a higher one.
	Generation int
}

// MetadataOptions say how an instance reads its metadata.
type MetadataOptions struct {
	TokensRequired bool // only with a session token
	Disabled       bool // not at all
	Tags           bool // with the instance's tags
	HopLimit       int  // shown, without effect; 0 means 1
}

// A Volume is a disk that an instance says it has. No disk is behind it.
type Volume struct {
	ID                  string // vol-
	Device              string // such as /dev/sda1
	Size                int    // GiB
	Type                string // such as gp2
	DeleteOnTermination bool
	Tags                []Tag
}

// A Console is the last that an instance's programs have said.
type Console struct {
	Text []byte
	At   time.Time // of its end; the zero value for no text
}

// A Reservation is what one RunInstances call has launched.
type Reservation struct {
	ID      ReservationID
	Account AccountID
	Region  Region
	Groups  []GroupID // EC2-Classic; empty in a VPC
}

// An InstanceState is a step in an instance's life. Its value is the code that
// the API prints (EC2 API reference, InstanceState).
type InstanceState int

const (
	Pending      InstanceState = 0
	Running      InstanceState = 16
	ShuttingDown InstanceState = 32
	Terminated   InstanceState = 48
	Stopping     InstanceState = 64
	Stopped      InstanceState = 80
)

func (s InstanceState) String() string {
	switch s {
	case Pending:
		return "pending"
	case Running:
		return "running"
	case ShuttingDown:
		return "shutting-down"
	case Terminated:
		return "terminated"
	case Stopping:
		return "stopping"
	case Stopped:
		return "stopped"
	}
	return "unknown"
}

// A StateReason says why an instance is in its state (EC2 API reference,
// StateReason), such as Client.UserInitiatedShutdown.
type StateReason struct{ Code, Message string }

// An Image decides what an instance runs.
type Image struct {
	ID          ImageID
	Name        string
	Description string
	Services    []Service
	Command     []string // run at boot beside the services; may be empty
	Root        string   // directory used as root file system; "" is the host's own
}

// A Service is a server that an instance's init runs itself.
type Service struct {
	Kind string // ssh, http or tcp
	Port uint16
}
