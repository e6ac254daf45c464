package api

import (
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"slices"

	"ringfence/internal/vpc"
)

// paging is part of every input whose answer comes in pages.
type paging struct {
	MaxResults *int   `aws:"MaxResults"`
	NextToken  string `aws:"NextToken"`
}

// A pageSize is how few and how many items a caller may have on a page.
type pageSize struct{ least, most int }

// usualPages are those of most actions (EC2 API reference, DescribeVpcs).
var usualPages = pageSize{5, 1000}

// checkPage refuses pages that are smaller or larger than an action's are.
func (p paging) checkPage(size pageSize) error {
	if size == (pageSize{}) {
		size = usualPages
	}
	if p.MaxResults != nil && (*p.MaxResults < size.least || *p.MaxResults > size.most) {
		return vpc.Errorf(vpc.InvalidParameterValue,
			"Value ( %d ) for parameter maxResults is invalid. Expecting a value between %d and %d.", *p.MaxResults, size.least, size.most)
	}
	return nil
}

// errNamedInPages refuses pages of nouns that the call names in a parameter.
func errNamedInPages(parameter string) error {
	return vpc.Errorf(vpc.InvalidParameterCombination, "The parameter %s cannot be used with the parameter maxResults", parameter)
}

// paginate returns the page that p asks for and the token of the next one, ""
// after the last. order gives each item a key of its own; items need not be
// sorted. A token is the key of the last item told, so pages stay right when
// items come and go between two calls.
func paginate[T any](p paging, items []T, order func(T) string) (page []T, next string, err error) {
	after := ""
	if p.NextToken != "" {
		key, ok := keyOfToken(p.NextToken)
		if !ok {
			return nil, "", vpc.Errorf(vpc.InvalidNextToken, "The token '%s' is invalid", p.NextToken)
		}
		after = key
	}
	byKey := make(map[string]T, len(items))
	var keys []string // of the items that were not told yet
	for _, item := range items {
		if key := order(item); key > after {
			byKey[key] = item
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	if p.MaxResults != nil && len(keys) > *p.MaxResults {
		keys = keys[:*p.MaxResults]
		next = tokenAfter(keys[len(keys)-1])
	}
	page = make([]T, len(keys))
	for i, key := range keys {
		page[i] = byKey[key]
	}
	return page, next, nil
}

// tokenAfter returns the token of the page behind the item with that key. The
// key's checksum is in it, so that no word that a caller made up is a token.
func tokenAfter(key string) string {
	sum := binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE([]byte(key)))
	return base64.RawURLEncoding.EncodeToString(append(sum, key...))
}

// keyOfToken undoes tokenAfter; ok says that tokenAfter made the token.
func keyOfToken(token string) (key string, ok bool) {
	b, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(b) < 4 {
		return "", false
	}
	key = string(b[4:])
	return key, tokenAfter(key) == token
}
