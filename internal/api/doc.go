// Package api is the actions of the query APIs: one function each, one table
// of them all (actions.go), one file per noun.
//
// An action reads a view of the store, or changes the store in one
// transaction, and returns a struct that package awsquery writes as XML. What
// is checked, and in which words a fault is told, follows the EC2 API
// reference of the caller's API version.
//
// The caller has been authenticated before: a Caller is who calls and where.
package api
