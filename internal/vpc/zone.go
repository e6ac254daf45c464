package vpc

import "strings"

// ID is an id for a zone that is the same for all accounts, such as use1-az1 for
// us-east-1a (EC2 User Guide, "Availability Zone IDs").
func (z Zone) ID() string {
	if z == "" {
		return ""
	}
	region, letter := string(z[:len(z)-1]), z[len(z)-1]
	parts := strings.Split(region, "-")
	id := parts[0]
	for _, part := range parts[1:] {
		id += directions.Replace(part)
	}
	return id + "-az" + string(letter-'a'+'1')
}

// directions are short in the ids of zones.
var directions = strings.NewReplacer("north", "n", "east", "e", "south", "s", "west", "w", "central", "c", "gov", "g")
