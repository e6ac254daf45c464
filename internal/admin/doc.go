// Package admin is the local administration of a daemon: what the ringfence
// command asks and ringfenced answers, as JSON over HTTP on a Unix socket in the
// daemon's data directory. Who may open the socket may do all of it.
//
//	GET  /status               Status
//	GET  /accounts             []Account
//	POST /accounts             NewAccount → Account
//	POST /accounts/{id}/keys   → Account, with new keys
//	POST /outside              OutsideRequest → Outside
//	POST /explain              ExplainRequest → Explanation
//	POST /connections          ConnectionsRequest → a Connection on each line
//	POST /watch                WatchRequest → a Verdict on each line, for as long as one reads
//	GET  /instances/{id}/exec  Exec
//
// A call that fails has a status of 400 or more and a Failure. The types are the
// server's too.
package admin
