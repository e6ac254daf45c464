package awsquery

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ringfence/internal/vpc"
)

type describeOutput struct {
	Groups []groupItem `aws:"securityGroupInfo"`
	Next   *string     `aws:"nextToken"`
}

type groupItem struct {
	Owner   vpc.AccountID `aws:"ownerId"`
	ID      vpc.GroupID   `aws:"groupId,since=2011-01-01"`
	OldID   string        `aws:"oldId,until=2010-11-15,omitempty"`
	VPC     *string       `aws:"vpcId,since=2012-05-01"`
	Ports   []portItem    `aws:"ipPermissions"`
	Egress  []portItem    `aws:"ipPermissionsEgress,since=2012-05-01"`
	Tags    []string      `aws:"tagSet,omitempty"`
	Created time.Time     `aws:"created,omitempty"`
	Note    noteItem      `aws:"note"`
}

type portItem struct {
	From *int `aws:"fromPort"`
}

type noteItem struct {
	Text string `aws:"text,omitempty"`
	Good bool   `aws:"good,omitempty"`
}

func sampleGroups() *describeOutput {
	none, port := "", 0
	return &describeOutput{Groups: []groupItem{{
		Owner: "111122223333", ID: "sg-1", OldID: "web", VPC: &none, Ports: []portItem{{&port}, {}},
		Created: time.Date(2012, 5, 1, 12, 0, 0, 5e6, time.UTC), Note: noteItem{Text: "a<b>&\"é\n"},
	}}}
}

func TestEncodeResponse(t *testing.T) {
	tests := []struct {
		service         Service
		action, version string
		out             any
		want            string
	}{
		{EC2, "DescribeSecurityGroups", "2012-05-01", sampleGroups(),
			`<DescribeSecurityGroupsResponse xmlns="http://ec2.amazonaws.com/doc/2012-05-01/"><requestId>r-1</requestId>` +
				`<securityGroupInfo><item><ownerId>111122223333</ownerId><groupId>sg-1</groupId><vpcId/>` +
				`<ipPermissions><item><fromPort>0</fromPort></item><item/></ipPermissions><ipPermissionsEgress/>` +
				`<created>2012-05-01T12:00:00.005Z</created><note><text>a&lt;b&gt;&amp;&#34;é&#xA;</text></note></item>` +
				`</securityGroupInfo></DescribeSecurityGroupsResponse>`},
		// An older version has fewer elements, or others.
		{EC2, "DescribeSecurityGroups", "2010-11-15", &describeOutput{Groups: []groupItem{{Owner: "1", ID: "sg-1", OldID: "web"}}},
			`<DescribeSecurityGroupsResponse xmlns="http://ec2.amazonaws.com/doc/2010-11-15/"><requestId>r-1</requestId>` +
				`<securityGroupInfo><item><ownerId>1</ownerId><oldId>web</oldId><ipPermissions/><note/></item>` +
				`</securityGroupInfo></DescribeSecurityGroupsResponse>`},
		{EC2, "DescribeSecurityGroups", "2012-05-01", &describeOutput{},
			`<DescribeSecurityGroupsResponse xmlns="http://ec2.amazonaws.com/doc/2012-05-01/"><requestId>r-1</requestId>` +
				`<securityGroupInfo/></DescribeSecurityGroupsResponse>`},
		{ELB, "ApplySecurityGroupsToLoadBalancer", "2012-06-01", &struct {
			Groups []string `aws:"SecurityGroups"`
		}{[]string{"sg-1"}},
			`<ApplySecurityGroupsToLoadBalancerResponse xmlns="http://elasticloadbalancing.amazonaws.com/doc/2012-06-01/">` +
				`<ApplySecurityGroupsToLoadBalancerResult><SecurityGroups><member>sg-1</member></SecurityGroups>` +
				`</ApplySecurityGroupsToLoadBalancerResult><ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata>` +
				`</ApplySecurityGroupsToLoadBalancerResponse>`},
		{STS, "X", "2011-06-15", nil,
			`<XResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><XResult></XResult>` +
				`<ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata></XResponse>`},
		{IAM, "X", "2010-05-08", nil,
			`<XResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><XResult></XResult>` +
				`<ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata></XResponse>`},
	}
	for _, tt := range tests {
		got := string(EncodeResponse(tt.service, tt.action, tt.version, "r-1", tt.out))
		want := `<?xml version="1.0" encoding="UTF-8"?>` + "\n" + tt.want + "\n"
		if got != want {
			t.Errorf("%s %s %s\n got %s\nwant %s", tt.service, tt.action, tt.version, got, want)
		}
	}
}

// A client reads what the server wrote with the very same struct.
func TestDecodeResponse(t *testing.T) {
	want := sampleGroups()
	for _, s := range []Service{EC2, ELB, STS} {
		var got describeOutput
		id, err := DecodeResponse(s, "D", EncodeResponse(s, "D", "2016-11-15", "r-1", want), &got)
		if err != nil || id != "r-1" {
			t.Fatalf("%s: request id %q, error %v", s, id, err)
		}
		want := *want
		want.Groups[0].OldID = "" // not in this version
		want.Groups[0].Egress = []portItem{}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", s, diff)
		}
	}
}

func TestDecodeResponseRefuses(t *testing.T) {
	for _, body := range []string{
		"", "<html>", "<html></html>", "{}", `<DResponse><securityGroupInfo><item><created>noon</created></item></securityGroupInfo></DResponse>`,
	} {
		if _, err := DecodeResponse(EC2, "D", []byte(body), &describeOutput{}); err == nil {
			t.Errorf("%q is read as an answer", body)
		}
	}
}

func TestEncodeError(t *testing.T) {
	e := vpc.Errorf(vpc.InvalidGroupNotFound, "The security group '%s' does not exist", "a<b")
	tests := []struct {
		service Service
		err     *vpc.Error
		want    string
	}{
		{EC2, e, `<Response><Errors><Error><Code>InvalidGroup.NotFound</Code>` +
			`<Message>The security group &#39;a&lt;b&#39; does not exist</Message></Error></Errors><RequestID>r-1</RequestID></Response>`},
		{STS, e, `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>` +
			`<Code>InvalidGroup.NotFound</Code><Message>The security group &#39;a&lt;b&#39; does not exist</Message></Error>` +
			`<RequestId>r-1</RequestId></ErrorResponse>`},
		{STS, vpc.Errorf(vpc.InternalError, "x"), `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">` +
			`<Error><Type>Receiver</Type><Code>InternalError</Code><Message>x</Message></Error><RequestId>r-1</RequestId></ErrorResponse>`},
	}
	for _, tt := range tests {
		body := EncodeError(tt.service, "2011-06-15", "r-1", tt.err)
		_, got, _ := strings.Cut(string(body), "\n")
		if got != tt.want+"\n" {
			t.Errorf("%s\n got %s\nwant %s", tt.service, got, tt.want)
		}
		answered, ok := errors.AsType[*ResponseError](DecodeError(Status(tt.err.Code), body))
		if !ok || *answered.Err != *tt.err || answered.RequestID != "r-1" {
			t.Errorf("%s is read as %+v", body, answered)
		}
	}
}

func TestResponseErrorNamesWhoseFaultItIs(t *testing.T) {
	for code, want := range map[vpc.Code]string{
		vpc.InvalidGroupInUse:    "Client.InvalidGroup.InUse: m",
		vpc.RequestLimitExceeded: "Server.RequestLimitExceeded: m",
	} {
		err := DecodeError(Status(code), EncodeError(EC2, "", "r-1", vpc.Errorf(code, "m")))
		if err.Error() != want || vpc.CodeOf(err) != code {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestDecodeErrorOfNoAWSForm(t *testing.T) {
	for _, body := range []string{"", "<html><body>Bad Gateway</body></html>", "Not found", "<Response/>", "<ErrorResponse/>", "<Response>"} {
		err := DecodeError(http.StatusBadGateway, []byte(body))
		if _, ok := errors.AsType[*ResponseError](err); ok || err == nil {
			t.Errorf("%q is read as %v", body, err)
		}
	}
}

func TestModel(t *testing.T) {
	m, err := NewModel()
	if err != nil {
		t.Fatal(err)
	}
	parameters := []struct {
		service      Service
		action, name string
		want         bool
	}{
		{EC2, "CreateSecurityGroup", "GroupDescription", true},
		{EC2, "RunInstances", "NetworkInterface.1.SecurityGroupId.2", true},
		{EC2, "RunInstances", "Placement.AvailabilityZone", true},
		{EC2, "AuthorizeSecurityGroupIngress", "IpPermissions.1.Ipv6Ranges.12.CidrIpv6", true},
		{EC2, "AuthorizeSecurityGroupIngress", "IpPermissions.0.IpProtocol", false},
		{EC2, "AuthorizeSecurityGroupIngress", "IpPermissions.N.IpProtocol", false},
		{EC2, "AuthorizeSecurityGroupIngress", "IpPermissions.1.IpRanges.1CidrIp", false},
		{EC2, "CreateSecurityGroup", "Colour", false},
		{EC2, "NoSuchAction", "GroupName", false},
		{STS, "GetCallerIdentity", "GroupName", false},
	}
	for _, tt := range parameters {
		if got := m.HasParameter(tt.service, tt.action, tt.name); got != tt.want {
			t.Errorf("%s %s has %s: %t", tt.service, tt.action, tt.name, got)
		}
	}
	elements := []struct {
		service      Service
		action, path string
		want         bool
	}{
		{EC2, "DescribeSecurityGroups", "securityGroupInfo.item.ipPermissions.item.groups.item.userId", true},
		{EC2, "RunInstances", "instancesSet.item.instanceState.name", true},
		{EC2, "CreateSecurityGroup", "groupdId", false},
		{STS, "GetCallerIdentity", "Account", true},
	}
	for _, tt := range elements {
		if got := m.HasElement(tt.service, tt.action, tt.path); got != tt.want {
			t.Errorf("%s %s answers %s: %t", tt.service, tt.action, tt.path, got)
		}
	}
}
