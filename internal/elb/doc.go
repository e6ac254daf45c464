// Package elb runs the nodes of load balancers. A node takes connections on the
// listeners' ports of its network interface and passes them to instances.
//
// Nouns become a Spec, which is all that one node needs to know, and a Spec
// becomes a configuration of HAProxy: both are pure functions. A Node drives one
// HAProxy: it reloads it without losing a connection when the Spec changes, and
// tells it over its socket which instances are in service. Who is in service is
// found out here and not by HAProxy, since Classic load balancers have rules of
// their own for it; so are the end of draining and the access log.
//
//	agent ── Spec ──►  Node ── configuration, commands ──►  HAProxy
//	      ◄─ health ─    │                                    ▲  │
//	                     └── health checks ──►  instances ◄───┘  │
//	                                    clients ─────────────────┘
//
// A Node is a process of its own in the namespaces of its machine, and outlives
// the daemon: see Main. The agent speaks to it by a Client.
//
// Linux only.
package elb
