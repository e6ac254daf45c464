package fabric

import (
	"errors"
	"sync"
)

// atOnce is how many machines are handled at the same time. Most of what there
// is to do is waiting.
const atOnce = 32

// each calls fn for 0 to n-1, several at a time, and returns all errors.
func each(n int, fn func(i int) error) error {
	var wg sync.WaitGroup
	slots := make(chan struct{}, atOnce)
	errs := make([]error, n) // one for each call, so nothing is shared
	for i := range n {
		slots <- struct{}{}
		wg.Go(func() {
			errs[i] = fn(i)
			<-slots
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}
