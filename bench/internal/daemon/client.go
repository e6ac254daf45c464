package daemon

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"ringfence/internal/awsquery"
)

// A caller signs calls of an EC2 endpoint, ours or another.
type caller struct {
	endpoint string
	key      awsquery.Key
}

// A Client calls an EC2 endpoint. It is safe for concurrent use.
type Client struct {
	caller
	http *http.Client
}

// NewClient returns a client that keeps some connections open.
func NewClient(endpoint string, key awsquery.Key, connections int) *Client {
	return &Client{caller{endpoint, key}, &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: connections, MaxConnsPerHost: connections}}}
}

// Close closes the connections that are kept.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Nothing takes no part of an answer.
type Nothing struct{}

// Call makes one call, with parameters in pairs, and decodes the answer.
func (c *Client) Call(ctx context.Context, action string, params []string, out any) error {
	r, err := c.request(ctx, action, params)
	if err != nil {
		return err
	}
	w, err := c.http.Do(r)
	if err != nil {
		return err
	}
	defer w.Body.Close()
	answer, err := io.ReadAll(w.Body)
	if err != nil {
		return err
	}
	return read(action, w.StatusCode, answer, out)
}

// request is a signed call, with parameters in pairs.
func (c caller) request(ctx context.Context, action string, params []string) (*http.Request, error) {
	form := url.Values{"Action": {action}, "Version": {"2016-11-15"}}
	for i := 0; i < len(params); i += 2 {
		form.Set(params[i], params[i+1])
	}
	body := form.Encode()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.endpoint, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	awsquery.Sign(r, []byte(body), c.key, "us-east-1", awsquery.EC2, time.Now())
	return r, nil
}

// read decodes the answer to a call.
func read(action string, status int, answer []byte, out any) error {
	if status != http.StatusOK {
		return fmt.Errorf("%s: %w", action, awsquery.DecodeError(status, answer))
	}
	if _, ok := out.(*Nothing); ok {
		return nil
	}
	_, err := awsquery.DecodeResponse(awsquery.EC2, action, answer, out)
	return err
}

// readKeys reads the keys of each account, by the name of its profile.
func readKeys(path string) (map[string]awsquery.Key, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	keys := make(map[string]awsquery.Key)
	profile := ""
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		line := lines.Text()
		if strings.HasPrefix(line, "[") {
			profile = strings.Trim(line, "[]")
		}
		key := keys[profile]
		switch name, value, _ := strings.Cut(line, " = "); name {
		case "aws_access_key_id":
			key.Access = value
		case "aws_secret_access_key":
			key.Secret = value
		}
		keys[profile] = key
	}
	return keys, lines.Err()
}

// Launch starts instances of a group, and does not wait for them.
func (c *Client) Launch(ctx context.Context, group string, n int) error {
	count := fmt.Sprint(n)
	params := []string{"ImageId", "ami-eca54085", "MinCount", count, "MaxCount", count, "SecurityGroup.1", group}
	return c.Call(ctx, "RunInstances", params, &Nothing{})
}

// AwaitRunning waits until at least so many instances of a group run, or of all
// for "", and returns their public addresses.
func (c *Client) AwaitRunning(ctx context.Context, group string, n int) ([]string, error) {
	params := []string{"Filter.1.Name", "instance-state-name", "Filter.1.Value.1", "running"}
	if group != "" {
		params = append(params, "Filter.2.Name", "group-name", "Filter.2.Value.1", group)
	}
	for {
		var out struct {
			Reservations []struct {
				Instances []struct {
					Address string `aws:"ipAddress"`
				} `aws:"instancesSet"`
			} `aws:"reservationSet"`
		}
		if err := c.Call(ctx, "DescribeInstances", params, &out); err != nil {
			return nil, err
		}
		var list []string
		for _, r := range out.Reservations {
			for _, i := range r.Instances {
				list = append(list, i.Address)
			}
		}
		if len(list) >= n {
			return list, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// MakeGroup makes a group with some TCP rules, each for one address and port.
func (c *Client) MakeGroup(ctx context.Context, name string, rules int) error {
	if err := c.Call(ctx, "CreateSecurityGroup", []string{"GroupName", name, "GroupDescription", "of a benchmark"}, &Nothing{}); err != nil {
		return err
	}
	if rules == 0 {
		return nil
	}
	params := []string{"GroupName", name}
	for i := range rules {
		params = append(params, Permission(i+1, "tcp", uint16(1000+i), fmt.Sprintf("172.16.%d.%d/32", i>>8, i&0xff))...)
	}
	return c.Call(ctx, "AuthorizeSecurityGroupIngress", params, &Nothing{})
}

// Authorize admits a block to a port of a group.
func (c *Client) Authorize(ctx context.Context, group, proto string, port uint16, block string) error {
	return c.Call(ctx, "AuthorizeSecurityGroupIngress", append(Permission(1, proto, port, block), "GroupName", group), &Nothing{})
}

// Revoke takes back what Authorize has done.
func (c *Client) Revoke(ctx context.Context, group, proto string, port uint16, block string) error {
	return c.Call(ctx, "RevokeSecurityGroupIngress", append(Permission(1, proto, port, block), "GroupName", group), &Nothing{})
}

// Permission is the parameters of a rule that admits a block to a port, number
// so many of a call.
func Permission(number int, proto string, port uint16, block string) []string {
	item := fmt.Sprintf("IpPermissions.%d.", number)
	return []string{
		item + "IpProtocol", proto, item + "FromPort", fmt.Sprint(port), item + "ToPort", fmt.Sprint(port),
		item + "IpRanges.1.CidrIp", block,
	}
}
