// Package guest is what runs as process 1 of a machine: an instance, a host on
// the internet side, or a load balancer's node. Main makes the machine's file
// system, runs the services of its image, answers its DNS and metadata questions
// by asking the agent, and runs the commands that come over the exec socket (see
// package initproto).
//
// Package fabric starts it, in namespaces of its own, from a copy of the
// daemon's binary. It outlives the daemon: while no agent is there, only DNS
// and metadata go without an answer.
//
// Linux only.
package guest
