package api

import (
	"context"

	"ringfence/internal/vpc"
)

type describeTagsInput struct {
	dryRun
	filters
	paging
}

type describeTagsOutput struct {
	Tags      []nounTagItem `aws:"tagSet"`
	NextToken string        `aws:"nextToken,omitempty"`
}

// nounTagItem is a tag and whose it is.
type nounTagItem struct {
	Noun         string `aws:"resourceId"`
	ResourceType string `aws:"resourceType"`
	Key          string `aws:"key"`
	Value        string `aws:"value"`
}

// order sorts tags by what they are of, then by their keys. No id has a space.
func (t nounTagItem) order() string { return t.ResourceType + " " + t.Noun + " " + t.Key }

// describeTags implements DescribeTags.
func (r *request) describeTags(ctx context.Context, in *describeTagsInput) (*describeTagsOutput, error) {
	v, err := r.view(ctx)
	if err != nil {
		return nil, err
	}
	var all []nounTagItem
	for _, kind := range taggables {
		for _, noun := range kind.list(r, v.Reader) {
			for _, t := range noun.tags {
				all = append(all, nounTagItem{noun.id, kind.resourceType, t.Key, t.Value})
			}
		}
	}
	page, next, err := filterPage(in.filters, in.paging, tagFilters, all, nounTagItem.order)
	if err != nil {
		return nil, err
	}
	return &describeTagsOutput{Tags: page, NextToken: next}, nil
}

// tagFilters are the filters of DescribeTags.
var tagFilters = filterTable[nounTagItem]{
	values: map[string]func(nounTagItem) []string{
		"key":           func(t nounTagItem) []string { return []string{t.Key} },
		"value":         func(t nounTagItem) []string { return []string{t.Value} },
		"resource-id":   func(t nounTagItem) []string { return []string{t.Noun} },
		"resource-type": func(t nounTagItem) []string { return []string{t.ResourceType} },
	},
	tags: func(t nounTagItem) []vpc.Tag { return []vpc.Tag{{Key: t.Key, Value: t.Value}} },
}

// tagActions are about tags, of whatever they are.
var tagActions = map[string]*action{
	"CreateTags": {
		handler: handle((*request).createTags), network: true,
		done: []string{"ResourceId.N", "Tag.N.Key", "Tag.N.Value", "DryRun"},
	},
	"DeleteTags": {
		handler: handle((*request).deleteTags), network: true,
		done: []string{"ResourceId.N", "Tag.N.Key", "Tag.N.Value", "DryRun"},
	},
	"DescribeTags": {
		handler: handle((*request).describeTags), network: true,
		done: listParams(),
	},
}
