// Package policy decides what happens to packets.
//
// A Host holds what one host must enforce; Apply brings it from one revision
// to the next. Decide says what becomes of a packet, given the flows that are
// already known, and why. Compile turns a set of rules into the bit vectors
// that the kernel looks up. All are pure: no clock, no lock, no I/O, and the
// same input gives the same result.
//
// Decide is the specification. The BPF programs in dataplane/bpf do the same
// thing faster; package scenario holds them to it.
package policy
