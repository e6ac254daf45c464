package api

import (
	"encoding/base64"
	"slices"
	"strings"

	"ringfence/internal/vpc"
)

// paging is part of every input whose answer comes in pages.
type paging struct {
	MaxResults *int   `aws:"MaxResults"`
	NextToken  string `aws:"NextToken"`
}

// How many items a page may hold (EC2 API reference, DescribeSecurityGroups and
// DescribeInstances).
const minPage, maxPage = 5, 1000

// paginate returns the page that p asks for and the token of the next one, ""
// after the last. order gives each item a key of its own; items need not be
// sorted. A token is the key of the last item told, so pages stay right when
// items come and go between two calls.
func paginate[T any](p paging, items []T, order func(T) string) (page []T, next string, err error) {
	after := ""
	if p.NextToken != "" {
		key, err := base64.RawURLEncoding.DecodeString(p.NextToken)
		if err != nil || len(key) == 0 {
			return nil, "", vpc.Errorf(vpc.InvalidNextToken, "The token '%s' is invalid", p.NextToken)
		}
		after = string(key)
	}
	if p.MaxResults != nil && (*p.MaxResults < minPage || *p.MaxResults > maxPage) {
		return nil, "", vpc.Errorf(vpc.InvalidParameterValue,
			"Value ( %d ) for parameter maxResults is invalid. Expecting a value between %d and %d.", *p.MaxResults, minPage, maxPage)
	}
	slices.SortFunc(items, func(a, b T) int { return strings.Compare(order(a), order(b)) })
	from, _ := slices.BinarySearchFunc(items, after, func(item T, key string) int {
		if order(item) <= key {
			return -1
		}
		return 1
	})
	page = items[from:]
	if p.MaxResults != nil && len(page) > *p.MaxResults {
		page = page[:*p.MaxResults]
		next = base64.RawURLEncoding.EncodeToString([]byte(order(page[len(page)-1])))
	}
	return page, next, nil
}
