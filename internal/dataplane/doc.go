// Package dataplane keeps the kernel's packet filter equal to a policy.Host.
//
// The programs in bpf/ filter; the maps they read are written here and nowhere
// else. Apply brings them from one revision to the next so that every packet
// in between is judged by the old rules or by the new ones. With a directory
// for pins everything outlives the process: the kernel goes on filtering by
// the last revision, and Open adopts it.
package dataplane
