package awsquery

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"ringfence/internal/vpc"
)

// authorizeInput has every kind of field that a form can have.
type authorizeInput struct {
	dryRun
	GroupName   string       `aws:"GroupName,required"`
	GroupID     *vpc.GroupID `aws:"GroupId"`
	Permissions []permission `aws:"IpPermissions"`
	Names       []string     `aws:"Name,bare"`
	Placement   *placement   `aws:"Placement"`
	Count       int32        `aws:"Count"`
	Size        *uint16      `aws:"Size"`
	Data        []byte       `aws:"Data"`
	At          time.Time    `aws:"At"`
	Private     string       // no tag: not on the wire
}

type dryRun struct {
	DryRun bool `aws:"DryRun"`
}

type permission struct {
	Protocol *string `aws:"IpProtocol"`
	FromPort *int    `aws:"FromPort"`
	Ranges   []cidr  `aws:"IpRanges"`
}

type cidr struct {
	CIDR string `aws:"CidrIp,required"`
}

type placement struct {
	Zone vpc.Zone `aws:"AvailabilityZone"`
}

func params(t *testing.T, form string) Params {
	t.Helper()
	pairs, err := parseForm(form)
	if err != nil {
		t.Fatal(err)
	}
	p := Params{}
	for _, pair := range pairs {
		p[pair.name] = pair.value
	}
	return p
}

func TestDecode(t *testing.T) {
	port, tcp, id, empty, size := 22, "tcp", vpc.GroupID("sg-1"), "", uint16(65535)
	tests := []struct {
		service Service
		form    string
		want    authorizeInput
		unknown []string
		err     string
	}{
		// Each kind of value.
		{EC2, "GroupName=a&Count=-7&Size=65535&DryRun=TRUE&Data=aGk%3D&At=2012-05-01T12:00:00Z",
			authorizeInput{GroupName: "a", Count: -7, Size: &size, dryRun: dryRun{true}, Data: []byte("hi"),
				At: time.Date(2012, 5, 1, 12, 0, 0, 0, time.UTC)}, nil, ""},
		{EC2, "GroupName=a&GroupId=sg-1&Placement.AvailabilityZone=us-east-1a",
			authorizeInput{GroupName: "a", GroupID: &id, Placement: &placement{"us-east-1a"}}, nil, ""},

		// Lists in lists; an empty value is a value.
		{EC2, "GroupName=a&IpPermissions.1.IpProtocol=tcp&IpPermissions.1.FromPort=22" +
			"&IpPermissions.1.IpRanges.1.CidrIp=x&IpPermissions.1.IpRanges.2.CidrIp=y&IpPermissions.2.IpProtocol=",
			authorizeInput{GroupName: "a", Permissions: []permission{
				{Protocol: &tcp, FromPort: &port, Ranges: []cidr{{"x"}, {"y"}}}, {Protocol: &empty}}}, nil, ""},
		{STS, "GroupName=a&IpPermissions.member.1.IpRanges.member.1.CidrIp=x",
			authorizeInput{GroupName: "a", Permissions: []permission{{Ranges: []cidr{{"x"}}}}}, nil, ""},

		// Indexes may have gaps, and order as numbers.
		{EC2, "GroupName=a&Name.10=ten&Name.9=nine&Name.70000=last",
			authorizeInput{GroupName: "a", Names: []string{"nine", "ten", "last"}}, nil, ""},

		// A name without an index is index 1 where the tag says so, and not elsewhere.
		{EC2, "GroupName=a&Name=x&Name.2=y", authorizeInput{GroupName: "a", Names: []string{"x", "y"}}, nil, ""},
		{EC2, "GroupName=a&Name=x&Name.1=y", authorizeInput{}, nil,
			"InvalidParameterCombination: The parameter Name cannot be used with the parameter Name.1"},
		{EC2, "GroupName=a&IpPermissions=x", authorizeInput{GroupName: "a"}, []string{"IpPermissions"}, ""},
		{ELB, "GroupName=a&Name=x", authorizeInput{GroupName: "a", Names: []string{"x"}}, nil, ""},

		// The query dialect writes an empty list as a name without a value.
		{ELB, "GroupName=a&Name=", authorizeInput{GroupName: "a", Names: []string{}}, nil, ""},

		// Neither dialect understands the other's lists.
		{EC2, "GroupName=a&Name.member.1=x", authorizeInput{GroupName: "a"}, []string{"Name.member.1"}, ""},
		{ELB, "GroupName=a&Name.1=x", authorizeInput{GroupName: "a"}, []string{"Name.1"}, ""},

		// What is no index is no known name either.
		{EC2, "GroupName=a&Name.0=x&Name.01=x&Name.-1=x&Name.1x=x&Name.=x&Name.+1=x&Name.9999999999=x",
			authorizeInput{GroupName: "a"},
			[]string{"Name.", "Name. 1", "Name.-1", "Name.0", "Name.01", "Name.1x", "Name.9999999999"}, ""},
		{EC2, "GroupName=a&IpPermissions.1.IpRanges.1CidrIp=x", authorizeInput{GroupName: "a"},
			[]string{"IpPermissions.1.IpRanges.1CidrIp"}, ""},
		{EC2, "GroupName=a&groupname=b&Private=c&.x=1&=2", authorizeInput{GroupName: "a"},
			[]string{"", ".x", "Private", "groupname"}, ""},
		{EC2, "GroupName=a&GroupName.x=1", authorizeInput{GroupName: "a"}, []string{"GroupName.x"}, ""},

		// Required: neither absent nor empty. What is unknown is told as well.
		{EC2, "", authorizeInput{}, nil, "MissingParameter: The request must contain the parameter groupName"},
		{EC2, "GroupName=", authorizeInput{}, nil, "MissingParameter: The request must contain the parameter groupName"},
		{EC2, "Zz=1", authorizeInput{}, []string{"Zz"}, "MissingParameter: The request must contain the parameter groupName"},
		{ELB, "", authorizeInput{}, nil,
			"ValidationError: 1 validation error detected: Value null at 'groupName' failed to satisfy constraint: Member must not be null"},
		{EC2, "GroupName=a&IpPermissions.1.IpRanges.1.CidrIp=", authorizeInput{}, nil,
			"MissingParameter: The request must contain the parameter ipPermissions.1.IpRanges.1.CidrIp"},

		// Values of the wrong kind.
		{EC2, "GroupName=a&DryRun=yes", authorizeInput{}, nil,
			"InvalidParameterValue: Value (yes) for parameter DryRun is invalid. Expected true or false."},
		{EC2, "GroupName=a&Count=99999999999", authorizeInput{}, nil,
			"InvalidParameterValue: Value (99999999999) for parameter Count is invalid. Expected an integer."},
		{EC2, "GroupName=a&Size=-1", authorizeInput{}, nil,
			"InvalidParameterValue: Value (-1) for parameter Size is invalid. Expected an integer of 0 or more."},
		{EC2, "GroupName=a&IpPermissions.3.FromPort=ssh", authorizeInput{}, nil,
			"InvalidParameterValue: Value (ssh) for parameter IpPermissions.3.FromPort is invalid. Expected an integer."},
		{EC2, "GroupName=a&Data=*", authorizeInput{}, nil,
			"InvalidParameterValue: Value (*) for parameter Data is invalid. Expected base64."},
		{EC2, "GroupName=a&At=noon", authorizeInput{}, nil,
			"InvalidParameterValue: Value (noon) for parameter At is invalid. Expected a time such as 2012-05-01T12:00:00Z."},
	}
	for _, tt := range tests {
		var got authorizeInput
		unknown, err := Decode(tt.service, "2012-05-01", params(t, tt.form), &got)
		if !slices.Equal(unknown, tt.unknown) {
			t.Errorf("%s %s\n got unknown %q\nwant unknown %q", tt.service, tt.form, unknown, tt.unknown)
		}
		if fmt.Sprint(err) != cmpOr(tt.err, "<nil>") {
			t.Errorf("%s %s\n got error %v\nwant error %v", tt.service, tt.form, err, tt.err)
		}
		if tt.err == "" && !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s %s\n got %+v\nwant %+v", tt.service, tt.form, got, tt.want)
		}
	}
}

func cmpOr(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func TestListIsBounded(t *testing.T) {
	p := Params{"GroupName": "a"}
	for i := range MaxListLength {
		p[fmt.Sprintf("Name.%d", i+1)] = "x"
	}
	var in authorizeInput
	if _, err := Decode(EC2, "2012-05-01", p, &in); err != nil || len(in.Names) != MaxListLength {
		t.Errorf("%d values: %d decoded, error %v", MaxListLength, len(in.Names), err)
	}
	p["Name.5000"] = "x"
	_, err := Decode(EC2, "2012-05-01", p, &in)
	if vpc.CodeOf(err) != vpc.InvalidParameterValue {
		t.Errorf("one more: error %v", err)
	}
}

// Encode is the inverse of Decode, in both dialects.
func TestEncodeThenDecode(t *testing.T) {
	text := rapid.StringMatching(`[ -~é世]{1,8}`)
	rapid.Check(t, func(t *rapid.T) {
		want := authorizeInput{
			GroupName: text.Draw(t, "name"),
			dryRun:    dryRun{rapid.Bool().Draw(t, "dry run")},
			Count:     rapid.Int32().Draw(t, "count"),
			Data:      rapid.SliceOfN(rapid.Byte(), 1, 9).Draw(t, "data"),
			Names:     rapid.SliceOfN(text, 1, 12).Draw(t, "names"),
			At:        time.UnixMilli(rapid.Int64Range(1, 4e12).Draw(t, "at")).UTC(),
			GroupID:   rapid.Ptr(rapid.Just(vpc.GroupID("")), true).Draw(t, "id"),
		}
		for range rapid.IntRange(0, 3).Draw(t, "permissions") {
			want.Permissions = append(want.Permissions, permission{
				FromPort: rapid.Ptr(rapid.Int(), false).Draw(t, "port"),
				Ranges:   []cidr{{text.Draw(t, "cidr")}},
			})
		}
		for _, s := range []Service{EC2, ELB} {
			r := httptest.NewRequest("POST", "/?Action=A", nil)
			call, err := ParseCall(r, []byte(Encode(s, &want).Encode()))
			if err != nil {
				t.Fatal(err)
			}
			var got authorizeInput
			unknown, err := Decode(s, "2012-05-01", call.Params, &got)
			if err != nil || unknown != nil {
				t.Fatalf("unknown %q, error %v", unknown, err)
			}
			if diff := cmp.Diff(want, got, cmp.AllowUnexported(authorizeInput{}), cmp.AllowUnexported(dryRun{})); diff != "" {
				t.Fatal(diff)
			}
		}
	})
}

// Whatever a caller sends, it is decoded, unknown or an error of the caller's.
func FuzzDecode(f *testing.F) {
	f.Add("Action=A&GroupName=a&Name.1=x", "IpPermissions.1.IpRanges.1.CidrIp=x")
	f.Add("Name=&Name.member.1=x", "GroupName=%zz")
	f.Add("a.b.c....=1&.=2&..=3", "Name.1.1.1=x&Name.1=y&Placement=z")
	f.Fuzz(func(t *testing.T, query, body string) {
		r := httptest.NewRequest("POST", "/", nil)
		r.URL.RawQuery = query
		call, err := ParseCall(r, []byte(body))
		if err != nil {
			mustBeCallersFault(t, err)
			return
		}
		for _, s := range []Service{EC2, ELB} {
			var in authorizeInput
			unknown, err := Decode(s, "2012-05-01", call.Params, &in)
			if err != nil {
				mustBeCallersFault(t, err)
			}
			for _, name := range unknown {
				if _, ok := call.Params[name]; !ok {
					t.Errorf("%q is unknown, and not in %q", name, call.Params)
				}
			}
		}
	})
}

func mustBeCallersFault(t *testing.T, err error) {
	t.Helper()
	if _, ok := errors.AsType[*vpc.Error](err); !ok {
		t.Errorf("%v is no *vpc.Error", err)
	}
}

func TestParseCall(t *testing.T) {
	tests := []struct {
		method, query, body string
		want                string // the parameters that are left
		err                 string
	}{
		{"GET", "Action=A&Version=V&GroupName=a+b%2B", "", "GroupName=a%20b%2B", ""},
		{"POST", "", "Action=A&Version=V&GroupName=a", "GroupName=a", ""},
		{"POST", "Action=A&X=1", "Version=V&Y=2", "X=1&Y=2", ""},
		{"GET", "Action=A&Version=V", "X=1", "", ""},
		// The signature's parameters are not the action's.
		{"GET", "Action=A&Version=V&AWSAccessKeyId=k&Signature=s&SignatureMethod=m&SignatureVersion=2&Timestamp=t" +
			"&Expires=e&SecurityToken=s&X-Amz-Date=d&Z=1", "", "Z=1", ""},
		{"GET", "Action=A&Version=V&X=1&X=2", "", "", "MalformedQueryString: The parameter X is given more than once"},
		{"POST", "Action=A&Version=V&X=1", "X=1", "", "MalformedQueryString: The parameter X is given more than once"},
		{"GET", "Action=A&Version=V&X-Amz-Colour=d", "", "X-Amz-Colour=d", ""},
		{"GET", "Action=A&Version=V&X=%ff", "", "", `MalformedQueryString: The parameter "X=%ff" is not in UTF-8`},
		{"POST", "Action=A&Version=V", strings.Repeat("&", maxParams), "", "MalformedQueryString: The request has more than 20000 parameters"},
		{"GET", "Action=A&Version=V&X=%zz", "", "", `MalformedQueryString: The query string contains a syntax error: "X=%zz"`},
	}
	for _, tt := range tests {
		r := httptest.NewRequest(tt.method, "/", strings.NewReader(tt.body))
		r.URL.RawQuery = tt.query
		call, err := ParseCall(r, []byte(tt.body))
		if err != nil || tt.err != "" {
			if fmt.Sprint(err) != tt.err {
				t.Errorf("%s %s %s\n got error %v\nwant error %v", tt.method, tt.query, tt.body, err, tt.err)
			}
			continue
		}
		if call.Action != "A" || call.Version != "V" || call.Params.Encode() != tt.want {
			t.Errorf("%s %s %s: got %+v", tt.method, tt.query, tt.body, call)
		}
	}
}
