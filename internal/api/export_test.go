package api

import (
	"slices"
	"strings"

	"ringfence/internal/awsquery"
)

// ActionParameters are the parameters that an action of EC2 reads, as its table
// has them; Required are those without which it does nothing.
type ActionParameters struct{ All, Required []string }

// Parameters returns what every action of EC2 reads.
func Parameters() map[string]ActionParameters {
	all := map[string]ActionParameters{}
	for name, act := range actions[awsquery.EC2] {
		p := ActionParameters{All: slices.Concat(act.done, act.kept)}
		for f := range act.input.Fields() {
			if word, options, _ := strings.Cut(f.Tag.Get("aws"), ","); strings.Contains(options, "required") {
				p.Required = append(p.Required, word)
			}
		}
		all[name] = p
	}
	return all
}
