// Package vpc holds the nouns of ringfence: accounts, security groups, rules,
// network interfaces, subnets, network ACLs and instances, what makes each of
// them valid, and the error that a caller is shown when one is not.
//
// Nothing here has behaviour over time. The store keeps these nouns, the API
// changes them, package policy turns them into what a host enforces. Only the
// standard library is imported.
package vpc
