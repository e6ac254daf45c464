package api

import (
	"context"
	"slices"

	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

type createTagsInput struct {
	dryRun
	IDs  []string `aws:"ResourceId,bare"`
	Tags []tag    `aws:"Tag"`
}

// createTags implements CreateTags. A key that a noun has gets the new value.
func (r *request) createTags(ctx context.Context, in *createTagsInput) (*returnOutput, error) {
	if len(in.Tags) == 0 {
		return nil, vpc.Errorf(vpc.MissingParameter, "The request must contain the parameter tagSet")
	}
	added, err := newTags(in.Tags)
	if err != nil {
		return nil, err
	}
	return r.retag(ctx, in.IDs, func(was []vpc.Tag) ([]vpc.Tag, error) {
		tags := withTags(was, added)
		return tags, checkTagLimit(tags)
	})
}

// withTags returns tags with others added, or in the place of those of the same
// keys.
func withTags(was, added []vpc.Tag) []vpc.Tag {
	tags := slices.Clone(was)
	for _, t := range added {
		at := slices.IndexFunc(tags, func(o vpc.Tag) bool { return o.Key == t.Key })
		if at < 0 {
			tags = append(tags, t)
		} else {
			tags[at] = t
		}
	}
	return tags
}

type deleteTagsInput struct {
	dryRun
	IDs  []string     `aws:"ResourceId,bare"`
	Tags []deletedTag `aws:"Tag"`
}

// A deletedTag is a tag with any value when Value is nil.
type deletedTag struct {
	Key   string  `aws:"Key,required"`
	Value *string `aws:"Value"`
}

// deleteTags implements DeleteTags. A call that names no tags deletes all; one
// that a noun does not have is no error.
func (r *request) deleteTags(ctx context.Context, in *deleteTagsInput) (*returnOutput, error) {
	for _, d := range in.Tags {
		if isReserved(d.Key) {
			return nil, vpc.Errorf(vpc.InvalidParameterValue, "Tag keys starting with 'aws:' are reserved for internal use")
		}
	}
	return r.retag(ctx, in.IDs, func(was []vpc.Tag) ([]vpc.Tag, error) {
		return slices.DeleteFunc(slices.Clone(was), func(t vpc.Tag) bool {
			return len(in.Tags) == 0 || slices.ContainsFunc(in.Tags, func(d deletedTag) bool {
				return d.Key == t.Key && (d.Value == nil || *d.Value == t.Value)
			})
		}), nil
	})
}

// retag changes the tags of all nouns that a call names, or of none.
func (r *request) retag(ctx context.Context, ids []string, change func([]vpc.Tag) ([]vpc.Tag, error)) (*returnOutput, error) {
	if len(ids) == 0 {
		return nil, vpc.Errorf(vpc.MissingParameter, "The request must contain the parameter resourceIdSet")
	}
	v, err := r.view(ctx)
	if err != nil {
		return nil, err
	}
	groups := r.groupsOfRules(v.Reader, ids)
	return r.do(ctx, func(tx *store.Tx) error {
		t := &tagger{request: r, tx: tx, groups: groups}
		for _, id := range ids {
			kind, err := taggableWithID(id)
			if err != nil {
				return err
			}
			if err := kind.retag(t, id, change); err != nil {
				return err
			}
		}
		return nil
	})
}
