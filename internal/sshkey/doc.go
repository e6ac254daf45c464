// Package sshkey makes and reads the keys of key pairs, and tells keys apart as
// EC2 does (EC2 User Guide, "Amazon EC2 key pairs").
//
// It keeps nothing: a private key is made, told to its owner, and forgotten.
package sshkey
