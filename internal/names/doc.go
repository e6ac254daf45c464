// Package names answers what machines want to know: DNS names of instances, and
// an instance's metadata about itself.
//
// A public name means the private address to those who are in the same network
// and the public address to all others (EC2 User Guide 2012, "Instance
// Addresses"). Who asks is a View; package fabric knows it by the socket that a
// question comes through. Answers are made from what a Directory says, and
// nothing is kept.
package names
