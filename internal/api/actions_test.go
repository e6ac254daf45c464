package api

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"ringfence/internal/awsquery"
	"ringfence/internal/vpc"
)

// Each action's table of parameters names exactly what its input has.
func TestTablesNameEveryParameter(t *testing.T) {
	for service, byName := range actions {
		for name, act := range byName {
			var fields []string
			wireNames(act.input, "", "N", &fields)
			listed := slices.Concat(act.done, act.kept)
			slices.Sort(listed)
			slices.Sort(fields)
			if !slices.Equal(listed, fields) {
				t.Errorf("%s %s:\nlisted %q\nread   %q", service, name, listed, fields)
			}
		}
	}
}

// Every parameter and every element is one of AWS's, by the models of EC2
// 2016-11-15, ELB 2012-06-01, IAM 2010-05-08 and STS 2011-06-15.
func TestNamesAreAWSs(t *testing.T) {
	model, err := awsquery.NewModel()
	if err != nil {
		t.Fatal(err)
	}
	for service, byName := range actions {
		for name, act := range byName {
			for _, p := range slices.Concat(act.done, act.kept) {
				if !model.HasParameter(service, name, indexed(service, p)) {
					t.Errorf("%s %s has no parameter %s", service, name, p)
				}
			}
			list := "item"
			if service != awsquery.EC2 {
				list = "member"
			}
			var elements []string
			wireNames(act.output, "", list, &elements)
			for _, e := range elements {
				if !model.HasElement(service, name, e) && !isReturn(service, e) && !notInModel(name, e) {
					t.Errorf("%s %s answers no element %s", service, name, e)
				}
			}
		}
	}
}

// indexed puts indexes into a table's name of a parameter, as the service's
// lists have them.
func indexed(service awsquery.Service, p string) string {
	index := "1"
	if service != awsquery.EC2 {
		index = "member.1"
	}
	steps := strings.Split(p, ".")
	for i := range steps {
		if steps[i] == "N" {
			steps[i] = index
		}
	}
	return strings.Join(steps, ".")
}

// isReturn reports whether an element is the word of EC2's actions that they
// have done something. The model leaves it out where they answer nothing else,
// their samples in the EC2 API reference do not.
func isReturn(service awsquery.Service, element string) bool {
	return service == awsquery.EC2 && element == "return"
}

// notInModel are elements that answers had before the model's time, or have
// since (EC2 User Guide 2012, samples; EC2 API reference of today).
func notInModel(action, element string) bool {
	names := []string{
		"CreateSecurityGroup securityGroupArn",
		"DeleteSecurityGroup groupId",
		"DescribeSecurityGroups securityGroupInfo.item.securityGroupArn",
	}
	return slices.Contains(names, action+" "+element) ||
		element == "securityGroupRuleSet.item.securityGroupRuleArn" ||
		strings.HasPrefix(action, "RevokeSecurityGroup") && slices.Contains(revokedElements, element)
}

// revokedElements are what answers tell of revoked rules.
var revokedElements = []string{
	"revokedSecurityGroupRuleSet.item.securityGroupRuleId",
	"revokedSecurityGroupRuleSet.item.groupId",
	"revokedSecurityGroupRuleSet.item.isEgress",
	"revokedSecurityGroupRuleSet.item.ipProtocol",
	"revokedSecurityGroupRuleSet.item.fromPort",
	"revokedSecurityGroupRuleSet.item.toPort",
	"revokedSecurityGroupRuleSet.item.cidrIpv4",
	"revokedSecurityGroupRuleSet.item.cidrIpv6",
	"revokedSecurityGroupRuleSet.item.referencedGroupId",
	"revokedSecurityGroupRuleSet.item.description",
}

// wireNames appends the names of the simple values of a type; step stands for
// a place in a list.
func wireNames(t reflect.Type, prefix, step string, to *[]string) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t.Kind() == reflect.Slice && t.Elem().Kind() != reflect.Uint8:
		wireNames(t.Elem(), prefix+"."+step, step, to)
	case t.Kind() == reflect.Struct && t != reflect.TypeFor[time.Time]():
		for f := range t.Fields() {
			tag, ok := f.Tag.Lookup("aws")
			if !ok {
				wireNames(f.Type, prefix, step, to)
				continue
			}
			name, _, _ := strings.Cut(tag, ",")
			if prefix != "" {
				name = prefix + "." + name
			}
			wireNames(f.Type, name, step, to)
		}
	case !slices.Contains(*to, prefix):
		*to = append(*to, prefix)
	}
}

func TestZonesHaveTheIDsOfAWS(t *testing.T) {
	for zone, want := range map[vpc.Zone]string{
		"us-east-1a": "use1-az1", "eu-west-1b": "euw1-az2", "ap-southeast-2c": "apse2-az3", "ap-northeast-1a": "apne1-az1",
		"sa-east-1a": "sae1-az1", "eu-central-1a": "euc1-az1", "us-gov-west-1a": "usgw1-az1",
	} {
		if got := zone.ID(); got != want {
			t.Errorf("%s has id %s, want %s", zone, got, want)
		}
	}
}
