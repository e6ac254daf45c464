// Package initproto is how the world speaks to a machine's init: what it is,
// run a command in it, end it.
//
// The init of a machine listens on a Unix stream socket, SocketPath. A client
// connects, sends one request and reads the answers. Everything sent is a
// Message: a length of four bytes, big-endian, and that much JSON. Files are
// passed beside a message (SCM_RIGHTS), so a command reads and writes the
// caller's own files and no byte of theirs goes through the socket.
//
// An init lives longer than the daemon that started it, and may be older than
// the client that speaks to it: fields are added to messages, never changed,
// and unknown ones are ignored.
package initproto
