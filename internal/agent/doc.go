// Package agent makes one host equal to what the server wants of it, and says
// how far it is.
//
// One loop takes the feed: the newest desired state goes to the kernel at once
// and to the instances' machines beside it, so that a slow boot never keeps a
// rule waiting. A failed step leaves the old policy in force, never an open
// door, and is tried again.
package agent
