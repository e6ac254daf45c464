// Package server puts the store and the API behind HTTP.
//
// One port answers the query APIs of all services: GET or POST, with the
// service and the region from the signature, or from a path such as /eu-west-1/
// when the signature has neither. /metrics and /healthz are for monitoring. A
// Unix socket in the data directory is for the ringfence command (package
// admin). Agents in the same process call Subscribe and Report.
package server
