package api

import (
	"context"
	"regexp"
	"slices"
	"unicode/utf8"

	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

// How many tags a load balancer may have, and how many characters each (ELB API
// reference, AddTags and Tag).
const maxBalancerTags, maxBalancerTagKey, maxBalancerTagValue = 10, 128, 256

var tagPattern = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`)

// checkTag refuses what is no tag to ELB, nor to IAM, whose tags have the same
// form.
func checkTag(t tag) error {
	switch {
	case t.Key == "" || utf8.RuneCountInString(t.Key) > maxBalancerTagKey || !tagPattern.MatchString(t.Key):
		return errInvalid("The tag key '%.200s' must have 1 to %d letters, digits, spaces and _.:/=+-@", t.Key, maxBalancerTagKey)
	case utf8.RuneCountInString(t.Value) > maxBalancerTagValue || !tagPattern.MatchString(t.Value):
		return errInvalid("The value of the tag '%s' must have up to %d letters, digits, spaces and _.:/=+-@", t.Key, maxBalancerTagValue)
	case isReserved(t.Key):
		return errInvalid("Tag keys starting with 'aws:' are reserved for internal use")
	}
	return nil
}

// tagsOf are tags as ELB and IAM answer them.
func tagsOf(tags []vpc.Tag) []tag { return each(tags, func(t vpc.Tag) tag { return tag(t) }) }

// balancerTags returns the tags of a load balancer with those that a call adds.
// A key that is there already gets the new value.
func balancerTags(has []vpc.Tag, given []tag) ([]vpc.Tag, error) {
	tags := slices.Clone(has)
	seen := map[string]bool{}
	for _, t := range given {
		if err := checkTag(t); err != nil {
			return nil, err
		}
		if seen[t.Key] {
			return nil, vpc.Errorf(vpc.DuplicateTagKeys, "Tag key was specified more than once: %s", t.Key)
		}
		seen[t.Key] = true
		if i := slices.IndexFunc(tags, func(old vpc.Tag) bool { return old.Key == t.Key }); i >= 0 {
			tags[i].Value = t.Value
		} else {
			tags = append(tags, vpc.Tag(t))
		}
	}
	if len(tags) > maxBalancerTags {
		return nil, vpc.Errorf(vpc.TooManyTags, "The quota for the number of tags that can be assigned to a load balancer has been reached: %d", maxBalancerTags)
	}
	return tags, nil
}

type addBalancerTagsInput struct {
	Names []string `aws:"LoadBalancerNames,required,bare"`
	Tags  []tag    `aws:"Tags,required"`
}

// addBalancerTags implements AddTags.
func (r *request) addBalancerTags(ctx context.Context, in *addBalancerTagsInput) (*emptyOutput, error) {
	return r.changeBalancerTags(ctx, in.Names, func(tags []vpc.Tag) ([]vpc.Tag, error) { return balancerTags(tags, in.Tags) })
}

type removeBalancerTagsInput struct {
	Names []string      `aws:"LoadBalancerNames,required,bare"`
	Tags  []tagKeyInput `aws:"Tags,required"`
}

type tagKeyInput struct {
	Key string `aws:"Key"`
}

// removeBalancerTags implements RemoveTags. A key that is not there is left so.
func (r *request) removeBalancerTags(ctx context.Context, in *removeBalancerTagsInput) (*emptyOutput, error) {
	return r.changeBalancerTags(ctx, in.Names, func(tags []vpc.Tag) ([]vpc.Tag, error) {
		return slices.DeleteFunc(slices.Clone(tags), func(t vpc.Tag) bool { return slices.Contains(in.Tags, tagKeyInput{t.Key}) }), nil
	})
}

// changeBalancerTags changes the tags of one load balancer: the API takes a list
// of exactly one.
func (r *request) changeBalancerTags(ctx context.Context, names []string, change func([]vpc.Tag) ([]vpc.Tag, error)) (*emptyOutput, error) {
	if len(names) != 1 {
		return nil, errInvalid("LoadBalancerNames must have exactly one name")
	}
	return r.alterBalancer(ctx, names[0], func(_ *store.Tx, lb *vpc.LoadBalancer) (err error) {
		lb.Tags, err = change(lb.Tags)
		return err
	})
}

type describeBalancerTagsInput struct {
	Names []string `aws:"LoadBalancerNames,required,bare"`
}

type describeBalancerTagsOutput struct {
	Descriptions []tagDescriptionItem `aws:"TagDescriptions"`
}

type tagDescriptionItem struct {
	Name string `aws:"LoadBalancerName"`
	Tags []tag  `aws:"Tags"`
}

// maxTagged is how many load balancers a call may ask about (ELB API reference,
// DescribeTags).
const maxTagged = 20

// describeBalancerTags implements DescribeTags.
func (r *request) describeBalancerTags(ctx context.Context, in *describeBalancerTagsInput) (*describeBalancerTagsOutput, error) {
	if len(in.Names) > maxTagged {
		return nil, errInvalid("LoadBalancerNames must have at most %d names", maxTagged)
	}
	v, err := r.view(ctx)
	if err != nil {
		return nil, err
	}
	out := &describeBalancerTagsOutput{}
	for _, name := range in.Names {
		lb, err := r.balancer(v.Reader, name)
		if err != nil {
			return nil, err
		}
		out.Descriptions = append(out.Descriptions, tagDescriptionItem{lb.Name, tagsOf(lb.Tags)})
	}
	return out, nil
}
