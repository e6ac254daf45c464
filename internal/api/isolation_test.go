package api_test

import (
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"ringfence/internal/api"
	"ringfence/internal/awsquery"
	"ringfence/internal/vpc"
)

// dave is an account of today, as carol's is.
const dave vpc.AccountID = "444455556666"

// nouns are an account's own: one of each kind, by the last word of the
// parameters that name it.
type nouns map[string]string

// makeNouns makes an account everything that a call can name.
func (c *caller) makeNouns() nouns {
	c.t.Helper()
	n := nouns{}
	n["VpcId"] = text(c.ok("CreateVpc", "CidrBlock=10.0.0.0/16", "AmazonProvidedIpv6CidrBlock=true"), "vpcId")
	n["SubnetId"] = text(c.ok("CreateSubnet", "VpcId="+n["VpcId"], "CidrBlock=10.0.1.0/24"), "subnetId")
	n["GroupId"] = c.newGroup("isolated", "VpcId="+n["VpcId"])
	n["SecurityGroupRuleId"] = text(c.ok("DescribeSecurityGroupRules", "Filter.1.Name=group-id", "Filter.1.Value.1="+n["GroupId"]), "securityGroupRuleId")
	n["NetworkInterfaceId"] = text(c.ok("CreateNetworkInterface", "SubnetId="+n["SubnetId"]), "networkInterfaceId")
	n["NetworkAclId"] = c.newACL(n["VpcId"])
	n["RouteTableId"] = text(c.ok("CreateRouteTable", "VpcId="+n["VpcId"]), "routeTableId")
	n["AssociationId"] = text(c.ok("AssociateRouteTable", "RouteTableId="+n["RouteTableId"], "SubnetId="+n["SubnetId"]), "associationId")
	n["InternetGatewayId"] = text(c.ok("CreateInternetGateway"), "internetGatewayId")
	c.ok("AttachInternetGateway", "InternetGatewayId="+n["InternetGatewayId"], "VpcId="+n["VpcId"])
	n["InstanceId"] = text(c.ok("RunInstances", "ImageId=ami-eca54085", "MinCount=1", "MaxCount=1", "SubnetId="+n["SubnetId"]), "instanceId")
	if err := c.world.server.Report(c.t.Context(), &vpc.Report{Instance: vpc.InstanceID(n["InstanceId"]), Generation: 1, State: vpc.Running}); err != nil {
		c.t.Fatal(err)
	}
	n["AttachmentId"] = text(c.ok("AttachNetworkInterface", "NetworkInterfaceId="+n["NetworkInterfaceId"], "InstanceId="+n["InstanceId"], "DeviceIndex=1"), "attachmentId")
	n["VolumeId"] = text(c.ok("DescribeVolumes"), "volumeId")
	address := c.ok("AllocateAddress", "Domain=vpc")
	n["AllocationId"], n["PublicIp"] = text(address, "allocationId"), text(address, "publicIp")
	key := c.ok("CreateKeyPair", "KeyName=key-of-"+n["VpcId"])
	n["KeyName"], n["KeyPairId"] = "key-of-"+n["VpcId"], text(key, "keyPairId")

	n["SecurityGroupId"], n["ReferencedGroupId"], n["GatewayId"] = n["GroupId"], n["GroupId"], n["InternetGatewayId"]
	n["ResourceId"], n["VpcIds"] = n["InstanceId"], n["VpcId"]

	c.service, c.version = awsquery.ELB, "2012-06-01"
	balancer := strings.ReplaceAll(n["VpcId"], "vpc-", "lb-")
	c.ok("CreateLoadBalancer", "LoadBalancerName="+balancer, "AvailabilityZones.member.1=us-east-1a",
		"Listeners.member.1.Protocol=HTTP", "Listeners.member.1.LoadBalancerPort=80", "Listeners.member.1.InstancePort=80")
	c.service, c.version = awsquery.EC2, "2016-11-15"
	n["LoadBalancerName"], n["LoadBalancerNames"] = balancer, balancer
	n["Subnets"], n["SecurityGroups"] = n["SubnetId"], n["GroupId"]
	for name, value := range n {
		if value == "" {
			c.t.Fatalf("no noun for %s", name)
		}
	}
	return n
}

// named are parameters whose values are not an account's nouns: everybody has
// them, or nobody.
var named = []string{
	"ImageId", "KernelId", "RamdiskId", "SSLCertificateId", "ZoneId", "AvailabilityZoneId", "DhcpOptionsId", "PrefixListId", "UserId", "SourceSecurityGroupOwnerId",
}

// newNames name what is not there yet.
var newNames = []string{"CreateKeyPair KeyName", "ImportKeyPair KeyName", "DeleteKeyPair KeyName", "CreateLoadBalancer LoadBalancerName"}

// besides are what calls need, other than what their inputs call required, to
// come as far as looking for the noun that they name: all calls of an action, or
// those that name a noun by one parameter.
var besides = map[string][]string{
	"ConfigureHealthCheck": {
		"HealthCheck.Target=TCP:80", "HealthCheck.Interval=30", "HealthCheck.Timeout=5", "HealthCheck.UnhealthyThreshold=2", "HealthCheck.HealthyThreshold=2",
	},
	"CreateLoadBalancer":                                      {"Listeners.member.1.Protocol=TCP", "Listeners.member.1.LoadBalancerPort=8080", "Listeners.member.1.InstancePort=80"},
	"CreateLoadBalancerListeners":                             {"Listeners.member.1.Protocol=TCP", "Listeners.member.1.LoadBalancerPort=8080", "Listeners.member.1.InstancePort=80"},
	"ModifyLoadBalancerAttributes":                            {"LoadBalancerAttributes.CrossZoneLoadBalancing.Enabled=true"},
	"AssociateVpcCidrBlock":                                   {"CidrBlock=10.7.0.0/16"},
	"AttachNetworkInterface":                                  {"NetworkInterfaceId=own", "DeviceIndex=1"},
	"AttachInternetGateway":                                   {"InternetGatewayId=own"},
	"DetachInternetGateway":                                   {"InternetGatewayId=own"},
	"AuthorizeSecurityGroupEgress":                            {"IpPermissions.1.IpProtocol=tcp", "IpPermissions.1.FromPort=1", "IpPermissions.1.ToPort=1"},
	"AuthorizeSecurityGroupIngress":                           {"GroupId=own", "IpPermissions.1.IpProtocol=tcp", "IpPermissions.1.FromPort=1", "IpPermissions.1.ToPort=1"},
	"RevokeSecurityGroupEgress":                               {"IpPermissions.1.IpProtocol=tcp", "IpPermissions.1.FromPort=1", "IpPermissions.1.ToPort=1"},
	"RevokeSecurityGroupIngress":                              {"GroupId=own", "IpPermissions.1.IpProtocol=tcp", "IpPermissions.1.FromPort=1", "IpPermissions.1.ToPort=1"},
	"UpdateSecurityGroupRuleDescriptionsEgress":               {"GroupId=own"},
	"UpdateSecurityGroupRuleDescriptionsIngress":              {"GroupId=own"},
	"CreateNetworkAclEntry":                                   {"NetworkAclId=own", "RuleNumber=7", "CidrBlock=10.0.0.0/8", "Egress=false"},
	"DeleteNetworkAclEntry":                                   {"NetworkAclId=own", "RuleNumber=7", "Egress=false"},
	"ReplaceNetworkAclEntry":                                  {"NetworkAclId=own", "RuleNumber=7", "CidrBlock=10.0.0.0/8", "Egress=false"},
	"CreateRoute":                                             {"DestinationCidrBlock=198.51.100.0/24"},
	"ReplaceRoute":                                            {"DestinationCidrBlock=198.51.100.0/24"},
	"DeleteRoute":                                             {"DestinationCidrBlock=198.51.100.0/24"},
	"CreateTags":                                              {"Tag.1.Key=k", "Tag.1.Value=v"},
	"DeleteTags":                                              {"Tag.1.Key=k"},
	"ModifyVpcAttribute":                                      {"EnableDnsSupport.Value=true"},
	"ModifySubnetAttribute":                                   {"MapPublicIpOnLaunch.Value=true"},
	"ModifyInstanceAttribute":                                 {"SourceDestCheck.Value=true"},
	"ModifyNetworkInterfaceAttribute":                         {"NetworkInterfaceId=own", "Description.Value=d"},
	"DescribeVpcAttribute":                                    {"VpcId=own"},
	"ReplaceRouteTableAssociation":                            {"AssociationId=own"},
	"AssociateAddress":                                        {"AllocationId=own"},
	"AssociateAddress AllocationId":                           {"InstanceId=own"},
	"AssociateAddress PublicIp":                               {"InstanceId=own"},
	"ModifyInstanceAttribute GroupId.N":                       {},
	"ModifyNetworkInterfaceAttribute SecurityGroupId.N":       {"NetworkInterfaceId=own"},
	"ModifyNetworkInterfaceAttribute Attachment.AttachmentId": {"NetworkInterfaceId=own", "Attachment.DeleteOnTermination=true"},
	"RevokeSecurityGroupIngress SecurityGroupRuleId.N":        {"GroupId=own"},
	"RevokeSecurityGroupEgress SecurityGroupRuleId.N":         {},
	"RunInstances NetworkInterface.N.NetworkInterfaceId":      {"NetworkInterface.1.DeviceIndex=0"},
	"RunInstances NetworkInterface.N.SubnetId":                {"NetworkInterface.1.DeviceIndex=0"},
	"RunInstances NetworkInterface.N.SecurityGroupId.N":       {"NetworkInterface.1.DeviceIndex=0", "NetworkInterface.1.SubnetId=own"},
	"UpdateSecurityGroupRuleDescriptionsIngress IpPermissions.N.Groups.N.GroupId": {"GroupId=own", "IpPermissions.1.IpProtocol=-1"},
	"UpdateSecurityGroupRuleDescriptionsEgress IpPermissions.N.Groups.N.GroupId":  {"GroupId=own", "IpPermissions.1.IpProtocol=-1"},
	"AuthorizeSecurityGroupIngress IpPermissions.N.Groups.N.VpcId":                {"GroupId=own", "IpPermissions.1.IpProtocol=-1", "IpPermissions.1.Groups.1.GroupId=own"},
	"AuthorizeSecurityGroupEgress IpPermissions.N.Groups.N.VpcId":                 {"IpPermissions.1.IpProtocol=-1", "IpPermissions.1.Groups.1.GroupId=own"},
	"ModifyInstanceMetadataOptions":                                               {"HttpTokens=optional"},
	"ModifyInstanceCreditSpecification":                                           {"InstanceCreditSpecification.1.CpuCredits=standard"},
	"ResetNetworkInterfaceAttribute":                                              {"SourceDestCheck=true"},
	"AddTags":                                                                     {"Tags.member.1.Key=k"},
	"RemoveTags":                                                                  {"Tags.member.1.Key=k"},
	"SetLoadBalancerListenerSSLCertificate":                                       {"SSLCertificateId=arn:aws:iam::123456789012:server-certificate/x"},
	"SetLoadBalancerPoliciesForBackendServer":                                     {"PolicyNames.member.1=p"},
	"SetLoadBalancerPoliciesOfListener":                                           {"PolicyNames.member.1=p"},
	"RegisterInstancesWithLoadBalancer":                                           {"Instances.member.1.InstanceId=own"},
	"DeregisterInstancesFromLoadBalancer":                                         {"Instances.member.1.InstanceId=own"},
	"AssignIpv6Addresses":                                                         {"Ipv6AddressCount=1"},
	"AssignPrivateIpAddresses":                                                    {"SecondaryPrivateIpAddressCount=1"},
	"ModifySecurityGroupRules": {
		"SecurityGroupRule.1.SecurityGroupRuleId=own", "SecurityGroupRule.1.SecurityGroupRule.IpProtocol=-1",
	},
}

// values are what required parameters have that are no nouns.
var values = map[string]string{
	"Attribute": "instanceType", "CidrBlock": "10.0.9.0/24", "Ipv6CidrBlock": "2001:db8::/64", "Ipv6Addresses": "2001:db8::1",
	"PrivateIpAddress": "10.0.1.9", "Protocol": "-1", "RuleAction": "allow", "ImageId": "ami-eca54085", "MinCount": "1", "MaxCount": "1",
	"InstanceTenancy": "default", "AvailabilityZones": "us-east-1a", "LoadBalancerPorts": "80", "LoadBalancerPort": "80", "InstancePort": "80",
	"GroupName": "new", "GroupDescription": "d", "DhcpOptionsId": "default", "PolicyName": "p", "CookieName": "c", "PolicyTypeName": "ProxyProtocolPolicyType",
}

// callNaming returns the parameters of a call that names noun by parameter and
// is otherwise about the caller's own.
func callNaming(p api.ActionParameters, action, parameter, noun string, own nouns) []string {
	set := map[string]string{}
	for _, name := range p.Required {
		value, ok := values[name]
		if !ok {
			value = own[name]
		}
		for _, list := range []string{name + ".N", name + ".member.N"} {
			if slices.Contains(p.All, list) {
				name = strings.TrimSuffix(list, "N") + "1"
			}
		}
		if value != "" {
			set[name] = value
		}
	}
	more, ok := besides[action+" "+parameter]
	if !ok {
		more = besides[action]
	}
	for _, pair := range more {
		name, value, _ := strings.Cut(pair, "=")
		if value == "own" {
			value = own[lastWord(name)]
		}
		set[name] = value
	}
	set[anyIndex.ReplaceAllString(parameter, ".1")] = noun
	var pairs []string
	for name, value := range set {
		pairs = append(pairs, name+"="+value)
	}
	return pairs
}

// anyIndex stands for the index of a list in a table of parameters.
var anyIndex = regexp.MustCompile(`\.N\b`)

// lastWord is the word of a parameter that says what it names.
func lastWord(parameter string) string {
	parameter = strings.TrimSuffix(strings.TrimSuffix(parameter, ".N"), ".member")
	return parameter[strings.LastIndexByte(parameter, '.')+1:]
}

// absent is a noun of the same kind as another, which nobody has.
func absent(noun string) string {
	switch {
	case strings.HasPrefix(noun, "key-of-"):
		return "key-of-nobody"
	case strings.HasPrefix(noun, "lb-"):
		return "lb-nobody"
	}
	if i := strings.LastIndexByte(noun, '-'); i >= 0 {
		return noun[:i+1] + strings.Repeat("0", len(noun)-i-1)
	}
	return "203.0.113.250"
}

// Whatever an action is told of another account's noun, it answers as if the
// noun did not exist.
func TestNobodyElsesNounsExist(t *testing.T) {
	w := fresh(t)
	theirs := w.caller(t, carol).makeNouns()
	for _, stranger := range []vpc.AccountID{albert, dave} {
		c := w.caller(t, stranger)
		own := c.makeNouns()
		for action, p := range api.Parameters() {
			for _, parameter := range p.All {
				word := lastWord(parameter)
				noun := theirs[word]
				switch {
				case noun == "" && strings.HasSuffix(word, "Id") && !slices.Contains(named, word):
					t.Errorf("%s %s: say in this test which noun that is", action, parameter)
				case noun == "" || slices.Contains(newNames, action+" "+word):
					continue
				}
				c.service, c.version = p.Service, p.Version
				status, told := c.call(action, callNaming(p, action, parameter, noun, own)...)
				_, want := c.call(action, callNaming(p, action, parameter, absent(noun), own)...)
				if masked(told, noun) != masked(want, absent(noun)) {
					t.Errorf("%s by %s with %s=%s\n got %d %s\nwant %s", action, stranger, parameter, noun, status, told, want)
				}
			}
		}
	}
	checkUntouched(t, w, theirs)
}

// checkUntouched checks that carol still has what she has made.
func checkUntouched(t *testing.T, w *world, theirs nouns) {
	t.Helper()
	c := w.caller(t, carol)
	for action, word := range map[string]string{
		"DescribeVpcs": "VpcId", "DescribeSubnets": "SubnetId", "DescribeSecurityGroups": "GroupId", "DescribeNetworkInterfaces": "NetworkInterfaceId",
		"DescribeNetworkAcls": "NetworkAclId", "DescribeRouteTables": "RouteTableId", "DescribeInternetGateways": "InternetGatewayId",
		"DescribeInstances": "InstanceId", "DescribeAddresses": "AllocationId", "DescribeKeyPairs": "KeyPairId",
	} {
		if body := c.ok(action, word+".1="+theirs[word]); strings.Contains(body, "<key>k</key>") || strings.Contains(body, "<name>shutting-down</name>") {
			t.Errorf("%s: a stranger has changed it: %s", action, body)
		}
	}
	c.service, c.version = awsquery.ELB, "2012-06-01"
	c.ok("DescribeLoadBalancers", "LoadBalancerNames.member.1="+theirs["LoadBalancerName"])
}

var answerID = regexp.MustCompile(`(?i)<requestId>[^<]*</requestId>`)

// masked is an answer without what differs between two that say the same.
func masked(body, noun string) string {
	return strings.ReplaceAll(answerID.ReplaceAllString(body, ""), noun, "NOUN")
}

// No answer to a call that lists something has anything of another account.
func TestNobodyElsesNounsAreListed(t *testing.T) {
	w := fresh(t)
	theirs := slices.Collect(maps.Values(w.caller(t, carol).makeNouns()))
	for _, stranger := range []vpc.AccountID{albert, dave} {
		c := w.caller(t, stranger)
		c.makeNouns()
		for action, p := range api.Parameters() {
			if !strings.HasPrefix(action, "Describe") || len(p.Required) > 0 {
				continue
			}
			c.service, c.version = p.Service, p.Version
			status, body := c.call(action)
			if status != http.StatusOK && status != http.StatusBadRequest {
				t.Errorf("%s by %s: %d %s", action, stranger, status, body)
			}
			for _, noun := range theirs {
				if strings.Contains(body, noun) || strings.Contains(body, string(carol)) {
					t.Errorf("%s by %s lists %s of %s: %s", action, stranger, noun, carol, body)
				}
			}
		}
	}
}
