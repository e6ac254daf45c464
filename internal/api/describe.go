package api

import (
	"context"
	"fmt"
	"time"

	"ringfence/internal/store"
)

// named returns the nouns that a call names by their ids, each once; all of
// them when it names none.
func named[T comparable](ids []string, byID func(id string) (T, error), all func() []T) ([]T, error) {
	if len(ids) == 0 {
		return all(), nil
	}
	var list []T
	listed := map[T]bool{}
	for _, id := range ids {
		noun, err := byID(id)
		if err != nil {
			return nil, err
		}
		if !listed[noun] {
			listed[noun] = true
			list = append(list, noun)
		}
	}
	return list, nil
}

// filterPage returns the page that a call asks for of the items that pass its
// filters, and the token of the next page.
func filterPage[T any](fs filters, p paging, table filterTable[T], items []T, order func(T) string) (page []T, next string, err error) {
	match, err := table.match(fs.Filters)
	if err != nil {
		return nil, "", err
	}
	var matching []T
	for _, item := range items {
		if match(item) {
			matching = append(matching, item)
		}
	}
	return paginate(p, matching, order)
}

// byAge orders nouns as they were made.
func byAge[ID ~string](created time.Time, id ID) string {
	return fmt.Sprintf("%020d %s", created.UnixNano(), id)
}

// byNumber orders nouns as they were made, too.
func byNumber[N ~uint32](n N) string { return fmt.Sprintf("%010d", n) }

// do changes the store for an action that has nothing to tell.
func (r *request) do(ctx context.Context, f func(tx *store.Tx) error) (*returnOutput, error) {
	if err := r.update(ctx, f); err != nil {
		return nil, err
	}
	return &returnOutput{Return: true}, nil
}
