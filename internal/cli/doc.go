// Package cli is the ringfence command, and the EC2 command line tools of 2012.
//
// Main runs what it is called as: ec2-authorize through a link of that name is
// the old tool, ringfence is everything else. The old tools speak the Query API
// and nothing else, so they work against any endpoint; their syntax and output
// are fixed by those who have scripts for them, so they have a flag parser of
// their own (tool.go). The other commands ask the daemon of this machine, see
// package admin.
//
// What a command may touch is in its Env. What it prints to Stdout is its
// result, in a form that scripts rely on; everything said to a person goes to
// Stderr. Messages begin with a small letter and say what to do next.
package cli
