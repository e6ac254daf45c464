// Package store keeps the nouns of package vpc, each at a revision.
//
// View reads a consistent snapshot from memory. Update runs a function as an
// optimistic transaction, together with others that wait: it is durable when
// Update returns, and it runs again when something that it has read was changed
// meanwhile. Watch tells what has changed since a revision.
//
// The nouns are kept in etcd, embedded in the process; no other package knows
// that. Every noun, every rule and every claim of uniqueness (a name, an
// address, a client token) is a key of its own; keys.go has the layout.
//
// Nouns that the store returns are shared between all readers: copy one to
// change it, then put the copy.
package store
