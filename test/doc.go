// Package test holds the scenarios that state what ringfence does to packets,
// and the tests of the whole: real daemons, real machines, real clients.
package test
