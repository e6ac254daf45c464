package api

import (
	"fmt"
	"strings"

	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

// maxHolders is how many of those who hold a noun a message names.
const maxHolders = 5

// listHolders names those who hold a noun.
func listHolders(holders []string) string {
	if more := len(holders) - maxHolders; more > 0 {
		holders = append(holders[:maxHolders:maxHolders], fmt.Sprintf("%d more", more))
	}
	return strings.Join(holders, ", ")
}

// checkFree refuses to delete a noun that others hold: in AWS's words, and then
// by whom.
func checkFree[ID ~string](kind string, id ID, holders []string) error {
	if len(holders) == 0 {
		return nil
	}
	return vpc.Errorf(vpc.DependencyViolation, "The %s '%s' has dependencies and cannot be deleted. It is held by %s.", kind, id, listHolders(holders))
}

// interfaceHolder names an interface that holds another noun, and the load
// balancer whose node it is.
func interfaceHolder(reader store.Reader, id vpc.InterfaceID, node vpc.LoadBalancerID) string {
	if lb := reader.LoadBalancer(node); lb != nil {
		return fmt.Sprintf("%s of the load balancer %s", id, lb.Name)
	}
	return string(id)
}

// idsOf are the ids of those nouns of a list that hold another.
func idsOf[Noun any, ID ~string](list []Noun, holds func(Noun) (ID, bool)) []string {
	var ids []string
	for _, noun := range list {
		if id, ok := holds(noun); ok {
			ids = append(ids, string(id))
		}
	}
	return ids
}
