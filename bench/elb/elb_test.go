package main

import "testing"

func TestEveryProxyComesEquallyOftenAfterEveryOther(t *testing.T) {
	after := make(map[[2]string]int)
	for i := range 6 {
		turn := inTurn(i)
		for j := 1; j < len(turn); j++ {
			after[[2]string{turn[j-1].name, turn[j].name}]++
		}
	}
	for _, a := range proxies {
		for _, b := range proxies {
			if n := after[[2]string{a.name, b.name}]; a.name != b.name && n != 2 {
				t.Errorf("%s comes %d times after %s, not 2", b.name, n, a.name)
			}
		}
	}
}
