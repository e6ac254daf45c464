package fabric

import (
	"fmt"
	"sync"
	"testing"
)

// BenchmarkBoot is the time from nothing to listening services.
func BenchmarkBoot(b *testing.B) {
	for _, atOnce := range []int{1, 4, 16} {
		b.Run(fmt.Sprintf("atOnce=%d", atOnce), func(b *testing.B) {
			f := open(b)
			var wg sync.WaitGroup
			slots := make(chan struct{}, atOnce)
			for n := range b.N {
				slots <- struct{}{}
				wg.Go(func() {
					boot(b, f, instance(n+1))
					<-slots
				})
			}
			wg.Wait()
		})
	}
}
