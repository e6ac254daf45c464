// Compare prints two files of results side by side, such as those of make bench
// before and after a change:
//
//	go run ./bench/compare before.json bench/out/result.json
package main

import (
	"flag"
	"fmt"
	"os"

	"ringfence/bench/internal/result"
)

func main() {
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: compare BEFORE.json AFTER.json\n"+
			"A * marks ratios whose 95 % intervals do not touch.")
	}
	flag.Parse()
	if flag.NArg() != 2 {
		flag.Usage()
		os.Exit(2)
	}
	if err := compare(flag.Arg(0), flag.Arg(1)); err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
}

func compare(before, after string) error {
	a, err := result.Read(before)
	if err != nil {
		return err
	}
	b, err := result.Read(after)
	if err != nil {
		return err
	}
	return result.Compare(os.Stdout, "before", a, "after", b)
}
