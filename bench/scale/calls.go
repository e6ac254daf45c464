package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"time"

	"ringfence/internal/awsquery"
)

// running is a daemon that has been started.
type running struct {
	dir        string
	endpoint   string
	readyAfter time.Duration
	process    *exec.Cmd
	key        awsquery.Key
}

// readKey reads the keys of the account that has EC2-Classic.
func readKey(path string) (awsquery.Key, error) {
	f, err := os.Open(path)
	if err != nil {
		return awsquery.Key{}, err
	}
	defer f.Close()
	var key awsquery.Key
	classic := false
	for lines := bufio.NewScanner(f); lines.Scan(); {
		line := lines.Text()
		if strings.HasPrefix(line, "[") {
			classic = line == "[classic]"
		}
		name, value, _ := strings.Cut(line, " = ")
		switch {
		case classic && name == "aws_access_key_id":
			key.Access = value
		case classic && name == "aws_secret_access_key":
			key.Secret = value
		}
	}
	return key, nil
}

// call makes one call, with parameters in pairs.
func (d *running) call(ctx context.Context, action string, params []string, out any) error {
	form := url.Values{"Action": {action}, "Version": {"2016-11-15"}}
	for i := 0; i < len(params); i += 2 {
		form.Set(params[i], params[i+1])
	}
	body := form.Encode()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, d.endpoint, strings.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	awsquery.Sign(r, []byte(body), d.key, "us-east-1", awsquery.EC2, time.Now())
	w, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer w.Body.Close()
	answer, err := io.ReadAll(w.Body)
	if err != nil {
		return err
	}
	if w.StatusCode != http.StatusOK {
		return awsquery.DecodeError(w.StatusCode, answer)
	}
	_, err = awsquery.DecodeResponse(awsquery.EC2, action, answer, out)
	return err
}

func (d *running) makeGroups(ctx context.Context) error {
	for i := range *groups {
		name := fmt.Sprintf("g%d", i)
		if err := d.call(ctx, "CreateSecurityGroup", []string{"GroupName", name, "GroupDescription", "of a benchmark"}, &struct{}{}); err != nil {
			return err
		}
		params := []string{"GroupName", name}
		for j := range *rules - 1 {
			item := fmt.Sprintf("IpPermissions.%d.", j+1)
			params = append(params, item+"IpProtocol", "tcp", item+"FromPort", fmt.Sprint(1000+j), item+"ToPort", fmt.Sprint(1000+j))
			if j%10 == 0 {
				params = append(params, item+"Groups.1.GroupName", fmt.Sprintf("g%d", (i+j)%(i+1)))
			} else {
				params = append(params, item+"IpRanges.1.CidrIp", fmt.Sprintf("172.16.%d.%d/32", i, j))
			}
		}
		if err := d.call(ctx, "AuthorizeSecurityGroupIngress", params, &struct{}{}); err != nil {
			return err
		}
	}
	return nil
}

// launch starts the instances, a few of each group, and waits until all run.
func (d *running) launch(ctx context.Context) error {
	each := (*instances + *groups - 1) / *groups
	for i := 0; i*each < *instances; i++ {
		n := fmt.Sprint(min(each, *instances-i*each))
		params := []string{"ImageId", "ami-eca54085", "MinCount", n, "MaxCount", n, "SecurityGroup.1", fmt.Sprintf("g%d", i)}
		if err := d.call(ctx, "RunInstances", params, &struct{}{}); err != nil {
			return err
		}
	}
	for {
		list, err := d.describe(ctx, "running")
		if err != nil || len(list) == *instances {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// describe returns the public addresses of the instances in a state, those of
// the first group first.
func (d *running) describe(ctx context.Context, state string) ([]string, error) {
	var out struct {
		Reservations []struct {
			Instances []struct {
				Address string `aws:"ipAddress"`
			} `aws:"instancesSet"`
		} `aws:"reservationSet"`
	}
	err := d.call(ctx, "DescribeInstances", []string{"Filter.1.Name", "instance-state-name", "Filter.1.Value.1", state}, &out)
	var list []string
	for _, r := range out.Reservations {
		for _, i := range r.Instances {
			list = append(list, i.Address)
		}
	}
	return list, err
}

// publicAddress is that of an instance of group g0.
func (d *running) publicAddress(ctx context.Context) (netip.Addr, error) {
	var out struct {
		Reservations []struct {
			Instances []struct {
				Address string `aws:"ipAddress"`
			} `aws:"instancesSet"`
		} `aws:"reservationSet"`
	}
	if err := d.call(ctx, "DescribeInstances", []string{"Filter.1.Name", "group-name", "Filter.1.Value.1", "g0"}, &out); err != nil {
		return netip.Addr{}, err
	}
	return netip.ParseAddr(out.Reservations[0].Instances[0].Address)
}

func (d *running) authorize(ctx context.Context, group string, port uint16) error {
	return d.call(ctx, "AuthorizeSecurityGroupIngress", permission(group, port), &struct{}{})
}

func (d *running) revoke(ctx context.Context, group string, port uint16) error {
	return d.call(ctx, "RevokeSecurityGroupIngress", permission(group, port), &struct{}{})
}

func permission(group string, port uint16) []string {
	return []string{
		"GroupName", group, "IpPermissions.1.IpProtocol", "tcp", "IpPermissions.1.FromPort", fmt.Sprint(port),
		"IpPermissions.1.ToPort", fmt.Sprint(port), "IpPermissions.1.IpRanges.1.CidrIp", "203.0.113.7/32",
	}
}
