package api

import (
	"context"

	"ringfence/internal/vpc"
)

// There are no prefix lists: those of Amazon are of services that packets do not
// reach from here, and rules and routes take none. The actions here say so.

type describePrefixListsInput struct {
	dryRun
	filters
	paging
	IDs []string `aws:"PrefixListId,bare"`
}

type describePrefixListsOutput struct {
	Lists     []prefixListItem `aws:"prefixListSet"`
	NextToken string           `aws:"nextToken,omitempty"`
}

type prefixListItem struct {
	ID   string `aws:"prefixListId"`
	Name string `aws:"prefixListName"`
}

// describePrefixLists implements DescribePrefixLists and
// DescribeManagedPrefixLists.
func (r *request) describePrefixLists(_ context.Context, in *describePrefixListsInput) (*describePrefixListsOutput, error) {
	if len(in.IDs) > 0 {
		return nil, checkPrefixList(in.IDs[0])
	}
	lists, next, err := filterPage(in.filters, in.paging, prefixListFilters, nil, func(l prefixListItem) string { return l.ID })
	return &describePrefixListsOutput{lists, next}, err
}

// checkPrefixList is the error for a prefix list.
func checkPrefixList(id string) error {
	if err := checkID(vpc.InvalidPrefixListIDMalformed, "pl", id); err != nil {
		return err
	}
	return errNoPrefixList(id)
}

var prefixListFilters = filterTable[prefixListItem]{
	values: map[string]func(prefixListItem) []string{
		"owner-id":         func(prefixListItem) []string { return nil },
		"prefix-list-id":   func(l prefixListItem) []string { return []string{l.ID} },
		"prefix-list-name": func(l prefixListItem) []string { return []string{l.Name} },
	},
	tags: func(prefixListItem) []vpc.Tag { return nil },
}

type prefixListEntriesInput struct {
	dryRun
	paging
	ID      string `aws:"PrefixListId,required"`
	Version int    `aws:"TargetVersion"`
}

type prefixListEntriesOutput struct {
	Entries []prefixListEntryItem `aws:"entrySet"`
}

type prefixListEntryItem struct {
	CIDR        string `aws:"cidr"`
	Description string `aws:"description"`
}

// getPrefixListEntries implements GetManagedPrefixListEntries.
func (r *request) getPrefixListEntries(_ context.Context, in *prefixListEntriesInput) (*prefixListEntriesOutput, error) {
	return nil, checkPrefixList(in.ID)
}

// prefixListActions are about prefix lists.
var prefixListActions = map[string]*action{
	"DescribePrefixLists": {
		handler: handle((*request).describePrefixLists),
		done:    listParams("PrefixListId.N"),
	},
	"DescribeManagedPrefixLists": {
		handler: handle((*request).describePrefixLists), pages: pageSize{1, 100},
		done: listParams("PrefixListId.N"),
	},
	"GetManagedPrefixListEntries": {
		handler: handle((*request).getPrefixListEntries), pages: pageSize{1, 100},
		done: append([]string{"PrefixListId", "TargetVersion", "DryRun"}, pageParams...),
	},
}
