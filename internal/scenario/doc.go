// Package scenario is the language in which ringfence's behaviour is written
// down and tested, and the three oracles that are asked: policy.Decide in Go,
// the BPF programs by test runs, and real packets between real namespaces.
package scenario
