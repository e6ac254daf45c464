// Package fabric makes what packets travel through and between: network
// namespaces, pairs of virtual Ethernet devices, and the machines behind them.
// It is a mechanism. It is told addresses, names and numbers, and knows no
// group, rule or account; what may pass is decided by programs that package
// dataplane attaches to the ports made here.
//
//	dataplane namespace NAME-dp            a machine
//	┌──────────────────────────┐    ┌──────────────────────┐
//	│ no address, no route,    │    │ eth0  10.254.0.5/16  │
//	│ no forwarding            │    │ lo    resolver,      │
//	│   port ══════════════════╪════╪═►     metadata       │
//	│   port ══════► NAME0 in the   │ init (package guest) │
//	└──────────────  host's own     └──────────────────────┘
//
// A machine is born closed: Prepare makes its ports down, the caller attaches
// their programs, Boot sets the ports up and starts the init. Ports come and go
// while it runs, see SetPort. With every program
// gone nothing in the dataplane namespace answers or forwards a packet.
//
// Machines outlive the daemon. All that is needed to find one again, or to
// remove what is left of one, is in its directory and in names that carry the
// fabric's own name; see Adopt and Clean.
//
// Linux only; most of it needs root.
package fabric
