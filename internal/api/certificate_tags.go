package api

import (
	"context"
	"slices"
	"strings"

	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

// certificateTags returns the tags of a certificate with those that a call adds.
// In keys case makes no difference (IAM User Guide, "Tags for IAM resources").
func certificateTags(has []vpc.Tag, given []tag) ([]vpc.Tag, error) {
	tags := slices.Clone(has)
	seen := map[string]bool{}
	for _, t := range given {
		if err := checkTag(t); err != nil {
			return nil, err
		}
		folded := strings.ToLower(t.Key)
		if seen[folded] {
			return nil, vpc.Errorf(vpc.InvalidInput, "Duplicate tag keys found. Please note that Tag keys are case insensitive.")
		}
		seen[folded] = true
		tags = slices.DeleteFunc(tags, func(old vpc.Tag) bool { return strings.EqualFold(old.Key, t.Key) })
		tags = append(tags, vpc.Tag(t))
	}
	if len(tags) > maxTags {
		return nil, vpc.Errorf(vpc.LimitExceeded, "The number of tags has reached the maximum limit.")
	}
	return tags, nil
}

type tagCertificateInput struct {
	certificateName
	Tags []tag `aws:"Tags,required"`
}

// tagCertificate implements TagServerCertificate.
func (r *request) tagCertificate(ctx context.Context, in *tagCertificateInput) (*emptyOutput, error) {
	return r.alterCertificate(ctx, in.Name, func(tx *store.Tx, c *vpc.ServerCertificate) (err error) {
		c.Tags, err = certificateTags(c.Tags, in.Tags)
		tx.PutCertificate(c)
		return err
	})
}

type untagCertificateInput struct {
	certificateName
	Keys []string `aws:"TagKeys,required"`
}

// untagCertificate implements UntagServerCertificate.
func (r *request) untagCertificate(ctx context.Context, in *untagCertificateInput) (*emptyOutput, error) {
	return r.alterCertificate(ctx, in.Name, func(tx *store.Tx, c *vpc.ServerCertificate) error {
		c.Tags = slices.DeleteFunc(slices.Clone(c.Tags), func(t vpc.Tag) bool {
			return slices.ContainsFunc(in.Keys, func(key string) bool { return strings.EqualFold(key, t.Key) })
		})
		tx.PutCertificate(c)
		return nil
	})
}

type listCertificateTagsInput struct {
	certificateName
	items
}

type listCertificateTagsOutput struct {
	Tags []tag `aws:"Tags"`
	truncated
}

// listCertificateTags implements ListServerCertificateTags.
func (r *request) listCertificateTags(ctx context.Context, in *listCertificateTagsInput) (*listCertificateTagsOutput, error) {
	c, err := r.viewedCertificate(ctx, in.Name)
	if err != nil {
		return nil, err
	}
	tags := slices.SortedFunc(slices.Values(tagsOf(c.Tags)), func(a, b tag) int { return strings.Compare(a.Key, b.Key) })
	page, rest, err := certificatePage(in.items, tags, func(t tag) string { return t.Key })
	return &listCertificateTagsOutput{page, rest}, err
}

// items is part of every input of IAM whose answer comes in pages.
type items struct {
	Marker   string `aws:"Marker"`
	MaxItems *int   `aws:"MaxItems"`
}

// truncated is part of every such answer.
type truncated struct {
	IsTruncated bool   `aws:"IsTruncated"`
	Marker      string `aws:"Marker,omitempty"`
}

// How many items a page of IAM may hold, and holds when the call does not say
// (IAM API reference, ListServerCertificates).
const maxItems, defaultItems = 1000, 100

// certificatePage returns the page that a call of IAM asks for, and what is left,
// see markPage.
func certificatePage[T any](in items, all []T, name func(T) string) ([]T, truncated, error) {
	size := defaultItems
	if in.MaxItems != nil {
		size = *in.MaxItems
	}
	if size < 1 || size > maxItems {
		return nil, truncated{}, errInvalid("MaxItems must be between 1 and %d", maxItems)
	}
	page, next, err := markPage(in.Marker, size, all, name)
	return page, truncated{next != "", next}, err
}
