// Package sdk calls a daemon by aws-sdk-go-v2, in the orders in which
// infrastructure tools call: create, read, read again and find nothing changed,
// update in place, destroy what depends on others first. It is a module of its
// own because the SDK takes a minute to compile; TestGoSDK of ringfence/test
// starts a daemon and runs it.
package sdk
