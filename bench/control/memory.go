package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"ringfence/bench/internal/daemon"
	"ringfence/bench/internal/result"
)

const (
	memoryRules = 100 // of each of manyGroups

	subnetBits = 16     // the largest that there is
	perSubnet  = 65_000 // interfaces; some addresses are nobody's
	makeAtOnce = 16
	megabyte   = 1e6

	// fillingTakes bounds the time in which interfaces are made.
	fillingTakes = 3 * time.Minute

	plenty = "=1000000" // of a quota
)

// memory is what the daemon needs: empty, then with groups of 100 rules, then
// also with interfaces, none of which is on this host. How many there are is in
// the rows' place for rules.
func memory(ctx context.Context) (rows []result.Row, err error) {
	d, err := daemon.Start(ctx, *binary, "ctl", "--limit", "interfaces"+plenty, "--limit", "classic-groups"+plenty)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, d.Stop()) }()
	report := func(name string, rules int) {
		mb := float64(d.RSS()) / megabyte
		rows = append(rows, result.Row{Measure: "memory", Variant: name, Rules: rules, Unit: "MB", Median: mb, Min: mb, Max: mb, Rounds: 1})
	}
	report("empty", 0)

	classic := daemon.NewClient(d.Endpoint, d.Keys[daemon.Classic], 1)
	defer classic.Close()
	for i := range manyGroups {
		if err := classic.MakeGroup(ctx, fmt.Sprintf("g%d", i), memoryRules); err != nil {
			return nil, err
		}
	}
	report("groups", manyGroups)

	client := daemon.NewClient(d.Endpoint, d.Keys[daemon.Default], makeAtOnce)
	defer client.Close()
	made := 0
	for until := time.Now().Add(fillingTakes); made < *interfaces && time.Now().Before(until); {
		n, err := fillSubnet(ctx, client, made/perSubnet, min(perSubnet, *interfaces-made), until)
		if err != nil {
			return nil, err
		}
		made += n
	}
	report("interfaces", made)
	return rows, nil
}

// fillSubnet makes a VPC with one subnet, and until a moment interfaces in it. It
// returns how many.
func fillSubnet(ctx context.Context, client *daemon.Client, number, n int, until time.Time) (int, error) {
	block := fmt.Sprintf("10.%d.0.0/%d", number, subnetBits)
	var network struct {
		VPC struct {
			ID string `aws:"vpcId"`
		} `aws:"vpc"`
	}
	if err := client.Call(ctx, "CreateVpc", []string{"CidrBlock", block}, &network); err != nil {
		return 0, err
	}
	var subnet struct {
		Subnet struct {
			ID string `aws:"subnetId"`
		} `aws:"subnet"`
	}
	if err := client.Call(ctx, "CreateSubnet", []string{"CidrBlock", block, "VpcId", network.VPC.ID}, &subnet); err != nil {
		return 0, err
	}
	var makers sync.WaitGroup
	var made atomic.Int64
	errs := make([]error, makeAtOnce)
	for i := range makeAtOnce {
		makers.Go(func() {
			for j := i; j < n && errs[i] == nil && time.Now().Before(until); j += makeAtOnce {
				made.Add(1)
				errs[i] = client.Call(ctx, "CreateNetworkInterface", []string{"SubnetId", subnet.Subnet.ID}, &daemon.Nothing{})
			}
		})
	}
	makers.Wait()
	return int(made.Load()), errors.Join(errs...)
}
