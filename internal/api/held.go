package api

import (
	"fmt"
	"strings"

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
