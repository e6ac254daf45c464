package api

import (
	"slices"
	"strings"
	"unicode/utf8"

	"ringfence/internal/vpc"
)

// A tagSpecification gives tags to the nouns of one type that a call makes.
type tagSpecification struct {
	ResourceType string `aws:"ResourceType,required"`
	Tags         []tag  `aws:"Tag"`
}

type tag struct {
	Key   string `aws:"Key"`
	Value string `aws:"Value"`
}

// tagItem is a tag in an answer.
type tagItem struct {
	Key   string `aws:"key"`
	Value string `aws:"value"`
}

// How many characters tags may have, and how many of them a noun (EC2 User
// Guide, "Tag restrictions").
const maxTagKey, maxTagValue, maxTags = 128, 256, 50

// reservedTags is how the keys begin that only AWS gives, in any case.
const reservedTags = "aws:"

// tagsFor returns the tags for a type of noun. Tags for another type are a
// fault of the caller: no such noun is made.
func tagsFor(resourceType string, specs []tagSpecification) ([]vpc.Tag, error) {
	tags, err := tagsForEach(specs, resourceType)
	return tags[resourceType], err
}

// tagsForEach returns the tags for each of the types of nouns that a call makes.
func tagsForEach(specs []tagSpecification, resourceTypes ...string) (map[string][]vpc.Tag, error) {
	given := map[string][]vpc.Tag{}
	for _, s := range specs {
		if !slices.Contains(resourceTypes, s.ResourceType) {
			return nil, vpc.Errorf(vpc.InvalidParameterValue, "'%s' is not a valid taggable resource type for this operation.", s.ResourceType)
		}
		if _, ok := given[s.ResourceType]; ok {
			return nil, vpc.Errorf(vpc.InvalidParameterValue, "The same resource type may not be specified more than once in tag specifications")
		}
		tags, err := newTags(s.Tags)
		if err != nil {
			return nil, err
		}
		if err := checkTagLimit(tags); err != nil {
			return nil, err
		}
		given[s.ResourceType] = tags
	}
	return given, nil
}

// newTags checks each of the tags that a call gives. A key may be there once.
func newTags(given []tag) ([]vpc.Tag, error) {
	var tags []vpc.Tag
	seen := map[string]bool{}
	for _, t := range given {
		switch {
		case t.Key == "":
			return nil, vpc.Errorf(vpc.InvalidParameterValue, "Tag key cannot be null or empty.")
		case utf8.RuneCountInString(t.Key) > maxTagKey:
			return nil, vpc.Errorf(vpc.InvalidParameterValue, "Tag key exceeds the maximum length of %d characters", maxTagKey)
		case utf8.RuneCountInString(t.Value) > maxTagValue:
			return nil, vpc.Errorf(vpc.InvalidParameterValue, "Tag value exceeds the maximum length of %d characters", maxTagValue)
		case isReserved(t.Key):
			return nil, vpc.Errorf(vpc.InvalidParameterValue, "Tag keys starting with 'aws:' are reserved for internal use")
		case seen[t.Key]:
			return nil, vpc.Errorf(vpc.InvalidParameterValue, "Duplicate tag key '%s' specified.", t.Key)
		}
		seen[t.Key] = true
		tags = append(tags, vpc.Tag(t))
	}
	return tags, nil
}

func isReserved(key string) bool {
	return len(key) >= len(reservedTags) && strings.EqualFold(key[:len(reservedTags)], reservedTags)
}

// checkTagLimit refuses so many tags on one noun.
func checkTagLimit(tags []vpc.Tag) error {
	if len(tags) > maxTags {
		return vpc.Errorf(vpc.TagLimitExceeded, "The maximum number of Tags for a resource has been reached.")
	}
	return nil
}

func vpcTags(items []tagItem) []vpc.Tag {
	tags := make([]vpc.Tag, len(items))
	for i, t := range items {
		tags[i] = vpc.Tag(t)
	}
	return tags
}

func tagItems(tags []vpc.Tag) []tagItem {
	items := make([]tagItem, len(tags))
	for i, t := range tags {
		items[i] = tagItem(t)
	}
	return items
}
