package cli

import (
	"slices"
	"strings"
)

// onlyPositional returns the one argument that is not an option. name is for
// the error.
func (c *toolCall) onlyPositional(name string) (string, error) {
	switch len(c.positional) {
	case 0:
		return "", missingParameter(name)
	case 1:
		return c.positional[0], nil
	}
	return "", usagef("Unexpected argument '%s' (-h for usage)", c.positional[1])
}

func missingParameter(name string) error {
	return usagef("Required parameter '%s' missing (-h for usage)", name)
}

func missingOption(o string) error {
	return usagef("Required option '%s' missing (-h for usage)", o)
}

// dryRun is part of every action's input.
type dryRun struct {
	DryRun bool `aws:"DryRun"`
}

func (c *toolCall) dryRun() dryRun { return dryRun{c.has("auth-dry-run")} }

// A filter narrows what a Describe action returns to objects that have one of
// its values.
type filter struct {
	Name   string   `aws:"Name"`
	Values []string `aws:"Value"`
}

// filterOption is the option that filters reads.
var filterOption = option{"F", "filter", "NAME=VALUE", "only those that match; may be repeated", ""}

// filters collects -F name=value. Values of one name are alternatives.
func (c *toolCall) filters() ([]filter, error) {
	var list []filter
	for _, f := range c.all("filter") {
		name, value, ok := strings.Cut(f, "=")
		if !ok || name == "" {
			return nil, usagef("Invalid filter '%s': expected name=value (-h for usage)", f)
		}
		i := slices.IndexFunc(list, func(f filter) bool { return f.Name == name })
		if i < 0 {
			list = append(list, filter{Name: name})
			i = len(list) - 1
		}
		list[i].Values = append(list[i].Values, value)
	}
	return list, nil
}
