// Package scenario is the language in which ringfence's behaviour is written
// down and tested, and the three oracles that are asked: policy.Decide in Go,
// the BPF programs by test runs, and real packets between real namespaces.
//
// A scenario makes groups, rules and instances, by the words of the EC2 tools
// where those have any, then sends packets one by one and says what becomes of
// each:
//
//	# Whoever is in web reaches the application servers.
//	ec2-create-group web
//	ec2-create-group app
//	ec2-authorize app -P tcp -p 8080 -o web
//	attach i-1 10.254.0.10 203.0.113.40 web
//	attach i-2 10.254.0.20 203.0.113.41 app
//
//	packet tcp i-1:40000 > i-2:8080 syn
//	verdict accept i-2 admitted 'app tcp 8080 from web'
//
// The verbs are in verbs.go, and those about VPCs in verbs_vpc.go, with an
// example above each; packets are described at parsePacket. Time passes only by wait. Scenarios are in the directory
// test, and Play plays one.
//
// Beside them a World is random, and so is its Traffic: what nobody thought of
// writing down is compared between the oracles, too.
package scenario
