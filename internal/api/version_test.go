package api_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"ringfence/internal/awsquery"
	"ringfence/internal/vpc"
)

// dayBefore is the last API version without what a version has brought.
func dayBefore(t *testing.T, version string) string {
	t.Helper()
	day, err := time.Parse(time.DateOnly, version)
	if err != nil {
		t.Fatal(err)
	}
	return day.AddDate(0, 0, -1).Format(time.DateOnly)
}

// An element of an answer begins with a version, and never ends.
func TestEachVersionHasItsElements(t *testing.T) {
	w := fresh(t)
	c := w.caller(t, albert)
	vpcGroup := c.newGroup("inside", "VpcId="+c.newVPC("10.0.0.0/16"))
	c.ok("AuthorizeSecurityGroupIngress", "GroupName=default", "IpPermissions.1.IpProtocol=tcp", "IpPermissions.1.FromPort=80",
		"IpPermissions.1.ToPort=80", "IpPermissions.1.IpRanges.1.CidrIp=0.0.0.0/0", "IpPermissions.1.IpRanges.1.Description=all")
	c.ok("CreateSecurityGroup", "GroupName=tagged", "GroupDescription=d", "TagSpecification.1.ResourceType=security-group",
		"TagSpecification.1.Tag.1.Key=tier", "TagSpecification.1.Tag.1.Value=web")
	instance := text(c.ok("RunInstances", "ImageId=ami-eca54085", "MinCount=1", "MaxCount=1"), "instanceId")
	c.ok("AllocateAddress")

	group := []string{"DescribeSecurityGroups", "GroupName.1=default"}
	tagged := []string{"DescribeSecurityGroups", "GroupName.1=tagged"}
	inVPC := []string{"DescribeSecurityGroups", "GroupId.1=" + vpcGroup}
	instances := []string{"DescribeInstances", "InstanceId.1=" + instance}
	add := []string{"AuthorizeSecurityGroupIngress", "GroupName=tagged", "IpProtocol=tcp", "FromPort=1", "ToPort=1", "CidrIp=10.0.0.0/8"}
	remove := []string{"RevokeSecurityGroupIngress", "GroupName=tagged", "IpProtocol=tcp", "FromPort=1", "ToPort=1", "CidrIp=10.0.0.0/8"}
	tests := []struct {
		since   string
		call    []string
		element string
	}{
		// Groups: names only, then ids and VPCs, then IPv6 and descriptions.
		{"2010-08-31", tagged, "<tagSet><item><key>tier</key><value>web</value></item></tagSet>"},
		{"2011-01-01", group, "<groupId>sg-"},
		{"2011-01-01", inVPC, "<vpcId>vpc-"},
		{"2011-01-01", inVPC, "<ipPermissionsEgress><item><ipProtocol>-1</ipProtocol>"},
		{"2012-05-01", group, "<vpcId/>"},
		{"2012-05-01", group, "<ipPermissionsEgress/>"},
		{"2012-05-01", group, "<tagSet/>"},
		{"2016-11-15", group, "<ipv6Ranges/>"},
		{"2016-11-15", group, "<prefixListIds/>"},
		{"2016-11-15", group, "<description>all</description>"},
		{"2016-11-15", inVPC, "<securityGroupArn>"},
		{"2016-11-15", add, "<securityGroupRuleSet>"},
		{"2016-11-15", remove, "<revokedSecurityGroupRuleSet"},
		// Instances.
		{"2009-04-04", instances, "<monitoring>"},
		{"2009-10-31", instances, "<rootDeviceType>"},
		{"2010-08-31", instances, "<clientToken/>"},
		{"2010-08-31", instances, "<tagSet/>"},
		{"2011-01-01", instances, "<groupName>default</groupName>"},
		{"2011-07-15", instances, "</monitoring><groupSet>"},
		{"2011-11-15", instances, "<networkInterfaceSet/>"},
		{"2012-07-20", instances, "<ebsOptimized>"},
		{"2011-01-01", []string{"DescribeAddresses"}, "<domain>standard</domain>"},
	}
	for _, tt := range tests {
		for version, want := range map[string]bool{dayBefore(t, tt.since): false, tt.since: true, "2016-11-15": true} {
			c.version = version
			status, body := c.call(tt.call[0], tt.call[1:]...)
			if version < tt.since && strings.Contains(strings.Join(tt.call, " "), "GroupId.1") {
				// The group of a VPC cannot be named yet, only listed.
				status, body = c.call(tt.call[0])
			}
			if status != http.StatusOK || strings.Contains(body, tt.element) != want {
				t.Errorf("%s: %q has %s: %v, want %v; %d\n%s", version, tt.call, tt.element, !want, want, status, body)
			}
			if !strings.Contains(body, fmt.Sprintf(`xmlns="http://ec2.amazonaws.com/doc/%s/"`, version)) {
				t.Errorf("%s: another namespace: %s", version, body)
			}
			if tt.call[0] == add[0] && status == http.StatusOK {
				c.version = "2016-11-15"
				c.ok(remove[0], remove[1:]...)
			}
		}
	}

	// Before groups had ids, their name stood where the id is now.
	c.version = "2010-12-31"
	if body := c.ok("DescribeInstances"); !strings.Contains(body, "<groupSet><item><groupId>default</groupId></item></groupSet>") {
		t.Errorf("groups of an instance in %s: %s", c.version, body)
	}
}

// A parameter begins with a version. Before, it is no more known than one that
// never was.
func TestEachVersionHasItsParameters(t *testing.T) {
	w := fresh(t)
	c := w.caller(t, albert)
	tests := []struct{ since, action, parameter string }{
		{"2009-04-04", "RunInstances", "Monitoring.Enabled=true"},
		{"2009-07-15", "RunInstances", "SubnetId=subnet-00000000"},
		{"2009-10-31", "RunInstances", "DisableApiTermination=true"},
		{"2010-06-15", "AuthorizeSecurityGroupIngress", "IpPermissions.1.IpProtocol=tcp"},
		{"2010-06-15", "RevokeSecurityGroupIngress", "IpPermissions.1.IpRanges.1.CidrIp=10.0.0.0/8"},
		{"2010-08-31", "DescribeSecurityGroups", "Filter.1.Name=group-name"},
		{"2010-08-31", "RunInstances", "ClientToken=t"},
		{"2011-01-01", "RunInstances", "SecurityGroupId.1=sg-00000000"},
		{"2011-01-01", "CreateSecurityGroup", "VpcId=vpc-00000000"},
		{"2011-01-01", "DeleteSecurityGroup", "GroupId=sg-00000000"},
		{"2011-01-01", "DescribeSecurityGroups", "GroupId.1=sg-00000000"},
		{"2011-01-01", "AuthorizeSecurityGroupIngress", "IpPermissions.1.Groups.1.GroupId=sg-00000000"},
		{"2011-11-15", "RunInstances", "NetworkInterface.1.DeviceIndex=0"},
		{"2013-06-15", "DescribeSecurityGroups", "DryRun=true"},
		{"2016-11-15", "AuthorizeSecurityGroupIngress", "IpPermissions.1.Ipv6Ranges.1.CidrIpv6=::/0"},
		{"2016-11-15", "AuthorizeSecurityGroupIngress", "IpPermissions.1.PrefixListIds.1.PrefixListId=pl-00000000"},
		{"2016-11-15", "AuthorizeSecurityGroupIngress", "IpPermissions.1.IpRanges.1.Description=d"},
		{"2016-11-15", "RevokeSecurityGroupIngress", "SecurityGroupRuleId.1=sgr-00000000000000000"},
		{"2016-11-15", "CreateSecurityGroup", "TagSpecification.1.ResourceType=security-group"},
		{"2016-11-15", "RunInstances", "TagSpecification.1.ResourceType=instance"},
	}
	for _, tt := range tests {
		for version, unknown := range map[string]bool{dayBefore(t, tt.since): true, tt.since: false} {
			c.version = version
			if code := c.code(tt.action, tt.parameter); (code == vpc.UnknownParameter) != unknown {
				t.Errorf("%s %s %s: %q", version, tt.action, tt.parameter, code)
			}
		}
	}
}

// An action begins with a version; before, it is invalid.
func TestEachVersionHasItsActions(t *testing.T) {
	w := fresh(t)
	c := w.caller(t, albert)
	for action, since := range map[string]string{
		"DescribeRegions": "2008-12-01", "CreateVpc": "2009-07-15", "StopInstances": "2009-10-31", "DescribeTags": "2010-08-31",
		"AuthorizeSecurityGroupEgress": "2011-01-01", "DescribeInstanceStatus": "2011-11-01", "DescribeSecurityGroupRules": "2016-11-15",
	} {
		for version, invalid := range map[string]bool{dayBefore(t, since): true, since: false} {
			c.version = version
			if code := c.code(action); (code == vpc.InvalidAction) != invalid {
				t.Errorf("%s %s: %q", version, action, code)
			}
		}
	}
	for version, want := range map[string]vpc.Code{
		"": vpc.MissingParameter, "2008-02-01": "", "2008-01-31": vpc.NoSuchVersion, "2016-11-15": "", "2016-11-16": vpc.NoSuchVersion,
		"2012-05-32": vpc.NoSuchVersion, "2012-5-1": vpc.NoSuchVersion, "latest": vpc.NoSuchVersion,
	} {
		c.version = version
		if code := c.code("DescribeSecurityGroups"); code != want {
			t.Errorf("version %q: %q, want %q", version, code, want)
		}
	}
}

// The libraries and tools of a year sign with version 2 and send that year's
// API version. A group of theirs is made, opened, launched into and deleted.
func TestClientsOfTheirTime(t *testing.T) {
	for _, version := range []string{"2008-02-01", "2009-10-31", "2010-08-31", "2011-05-15", "2012-07-20", "2014-02-01"} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			t.Run(version+" "+method, func(t *testing.T) {
				w := fresh(t)
				c := w.caller(t, albert)
				c.version, c.sign = version, signVersion2(method)
				c.ok("CreateSecurityGroup", "GroupName=web servers", "GroupDescription=Mary's")
				c.ok("AuthorizeSecurityGroupIngress", "GroupName=web servers", "IpProtocol=tcp", "FromPort=80", "ToPort=80", "CidrIp=0.0.0.0/0")
				c.ok("AuthorizeSecurityGroupIngress", "GroupName=web servers", "SourceSecurityGroupName=default", "SourceSecurityGroupOwnerId="+string(albert))
				permissions := 4
				if version >= "2010-08-31" {
					permissions++
					c.ok("AuthorizeSecurityGroupIngress", "GroupName=web servers", "IpPermissions.1.IpProtocol=udp", "IpPermissions.1.FromPort=53",
						"IpPermissions.1.ToPort=53", "IpPermissions.1.Groups.1.UserId="+string(albert), "IpPermissions.1.Groups.1.GroupName=default")
				}
				groups := c.ok("DescribeSecurityGroups", "GroupName.1=web servers")
				if strings.Count(groups, "<ipProtocol>") != permissions || strings.Contains(groups, "sg-") != (version >= "2011-01-01") {
					t.Errorf("want %d permissions in %s", permissions, groups)
				}
				launched := c.ok("RunInstances", "ImageId=ami-eca54085", "MinCount=1", "MaxCount=2", "SecurityGroup.1=web servers",
					"InstanceType=m1.small", "Placement.AvailabilityZone=us-east-1b")
				ids := []string{"InstanceId.1=" + text(launched, "instanceId")}
				if c.ok("DescribeInstances", ids...) == "" || c.code("DeleteSecurityGroup", "GroupName=web servers") != vpc.InvalidGroupInUse {
					t.Error("the group of an instance can be deleted")
				}
				c.ok("TerminateInstances", ids...)
			})
		}
	}
}

// signVersion2 makes calls by a method, signed with version 2 (AWS General
// Reference, "Signature Version 2 signing process").
func signVersion2(method string) func(*caller, awsquery.Params) *http.Request {
	return func(c *caller, params awsquery.Params) *http.Request {
		params["AWSAccessKeyId"], params["SignatureVersion"], params["SignatureMethod"] = c.key.Access, "2", "HmacSHA256"
		params["Timestamp"] = time.Now().UTC().Format("2006-01-02T15:04:05Z")
		h := hmac.New(sha256.New, []byte(c.key.Secret))
		h.Write([]byte(method + "\n" + strings.TrimPrefix(c.world.http.URL, "http://") + "\n/\n" + params.Encode()))
		params["Signature"] = base64.StdEncoding.EncodeToString(h.Sum(nil))
		url, body := c.world.http.URL+"/", params.Encode()
		if method == http.MethodGet {
			url, body = url+"?"+body, ""
		}
		r, err := http.NewRequestWithContext(c.t.Context(), method, url, strings.NewReader(body))
		if err != nil {
			c.t.Fatal(err)
		}
		return r
	}
}
