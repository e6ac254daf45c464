package api

import (
	"slices"

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

// How long tags may be, and how many a noun may have (EC2 User Guide, "Tag
// restrictions").
const maxTagKey, maxTagValue, maxTags = 127, 255, 50

// tagsFor returns the tags for a type of noun. Tags for another type are a
// fault of the caller: no such noun is made.
func tagsFor(resourceType string, specs []tagSpecification) ([]vpc.Tag, error) {
	var tags []vpc.Tag
	for _, s := range specs {
		if s.ResourceType != resourceType {
			return nil, vpc.Errorf(vpc.InvalidParameterValue, "'%s' is not a valid taggable resource type for this operation.", s.ResourceType)
		}
		for _, t := range s.Tags {
			switch {
			case t.Key == "":
				return nil, vpc.Errorf(vpc.InvalidParameterValue, "Tag key cannot be null or empty.")
			case len(t.Key) > maxTagKey:
				return nil, vpc.Errorf(vpc.InvalidParameterValue, "Tag key exceeds the maximum length of %d characters", maxTagKey)
			case len(t.Value) > maxTagValue:
				return nil, vpc.Errorf(vpc.InvalidParameterValue, "Tag value exceeds the maximum length of %d characters", maxTagValue)
			case slices.ContainsFunc(tags, func(o vpc.Tag) bool { return o.Key == t.Key }):
				return nil, vpc.Errorf(vpc.InvalidParameterValue, "Duplicate tag key '%s' specified.", t.Key)
			}
			tags = append(tags, vpc.Tag(t))
		}
	}
	if len(tags) > maxTags {
		return nil, vpc.Errorf(vpc.InvalidParameterValue, "A resource can have at most %d tags.", maxTags)
	}
	return tags, nil
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
