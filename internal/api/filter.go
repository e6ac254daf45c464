package api

import (
	"slices"
	"strings"

	"ringfence/internal/vpc"
)

// A filter keeps items that have one of the values; an item must pass all
// filters (EC2 User Guide, "Listing and filtering your resources").
type filter struct {
	Name   string   `aws:"Name"`
	Values []string `aws:"Value"`
}

// filters is part of every input that has the parameter.
type filters struct {
	Filters []filter `aws:"Filter,since=2010-08-31"`
}

// maxFilterValues is how many values the filters of one call may have together
// (EC2 API reference, FilterLimitExceeded).
const maxFilterValues = 200

// names reports whether a filter with a name is among them.
func (fs filters) names(name string) bool {
	return slices.ContainsFunc(fs.Filters, func(f filter) bool { return f.Name == name })
}

// A filterTable says what values an item has for each filter of an action.
type filterTable[T any] struct {
	values map[string]func(T) []string
	tags   func(T) []vpc.Tag // nil: the items have no tags
}

// match returns a function that reports whether an item passes all filters.
func (t filterTable[T]) match(fs []filter) (func(T) bool, error) {
	type test struct {
		values   func(T) []string
		patterns []pattern
	}
	var tests []test
	total := 0
	for _, f := range fs {
		values := t.lookup(f.Name)
		if values == nil {
			return nil, vpc.Errorf(vpc.InvalidParameterValue, "The filter '%s' is invalid", f.Name)
		}
		if total += len(f.Values); total > maxFilterValues {
			return nil, vpc.Errorf(vpc.FilterLimitExceeded, "The maximum number of filter values specified on a single call is %d", maxFilterValues)
		}
		tests = append(tests, test{values, patternsOf(f.Values)})
	}
	return func(item T) bool {
		for _, test := range tests {
			if !slices.ContainsFunc(test.values(item), func(value string) bool {
				return slices.ContainsFunc(test.patterns, func(p pattern) bool { return p.matches(value) })
			}) {
				return false
			}
		}
		return true
	}, nil
}

func (t filterTable[T]) lookup(name string) func(T) []string {
	if values, ok := t.values[name]; ok {
		return values
	}
	if t.tags == nil {
		return nil
	}
	switch key, ok := strings.CutPrefix(name, "tag:"); {
	case ok:
		return func(item T) []string { return tagValues(t.tags(item), key) }
	case name == "tag-key":
		return func(item T) []string { return tagStrings(t.tags(item), func(g vpc.Tag) string { return g.Key }) }
	case name == "tag-value":
		return func(item T) []string { return tagStrings(t.tags(item), func(g vpc.Tag) string { return g.Value }) }
	}
	return nil
}

func tagValues(tags []vpc.Tag, key string) []string {
	for _, t := range tags {
		if t.Key == key {
			return []string{t.Value}
		}
	}
	return nil
}

func tagStrings(tags []vpc.Tag, part func(vpc.Tag) string) []string {
	list := make([]string, len(tags))
	for i, t := range tags {
		list[i] = part(t)
	}
	return list
}

// A pattern is a filter's value, in characters: * is any number of them, ? is
// one, and \ makes the next one mean itself.
type pattern []rune

// patternsOf reads a filter's values once, for all items.
func patternsOf(values []string) []pattern {
	patterns := make([]pattern, len(values))
	for i, value := range values {
		patterns[i] = pattern(value)
	}
	return patterns
}

// matches reports whether p matches all of s.
func (p pattern) matches(s string) bool {
	text := []rune(s)
	i, j := 0, 0
	star, mark := -1, 0 // the last * in p, and how much of text it may begin after
	for j < len(text) {
		switch width := p[i:].matchOne(text[j]); {
		case width > 0:
			i, j = i+width, j+1
		case i < len(p) && p[i] == '*':
			star, mark = i, j
			i++
		case star >= 0:
			mark++
			i, j = star+1, mark
		default:
			return false
		}
	}
	for i < len(p) && p[i] == '*' {
		i++
	}
	return i == len(p)
}

// matchOne returns how much of p matches one character; 0 when its beginning
// does not, or is a *.
func (p pattern) matchOne(c rune) int {
	switch {
	case len(p) == 0 || p[0] == '*':
		return 0
	case p[0] == '?':
		return 1
	case p[0] == '\\' && len(p) > 1:
		if p[1] == c {
			return 2
		}
		return 0
	case p[0] == c:
		return 1
	}
	return 0
}
