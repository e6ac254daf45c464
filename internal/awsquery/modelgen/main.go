// Modelgen trims AWS's published API models to what package awsquery embeds:
// the names of the parameters and of the response elements of some actions.
//
// It reads the models of github.com/aws/aws-sdk-go (Apache-2.0), which is not
// among ringfence's dependencies. To run it again, outside of any module:
//
//	dir=$(go mod download -json github.com/aws/aws-sdk-go@v1.55.8 | jq -r .Dir)
//
// and then in ringfence's:
//
//	go run ./internal/awsquery/modelgen $dir/models/apis > internal/awsquery/model.json
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// wanted are the models and, of each, the actions.
var wanted = []struct {
	service string
	file    string
	actions []string
}{
	{"ec2", "ec2/2016-11-15/api-2.json", []string{
		"AllocateAddress", "AssignIpv6Addresses", "AssignPrivateIpAddresses", "AssociateAddress", "AssociateDhcpOptions",
		"AssociateRouteTable", "AssociateSubnetCidrBlock", "AssociateVpcCidrBlock", "AttachInternetGateway",
		"AttachNetworkInterface", "AuthorizeSecurityGroupEgress", "AuthorizeSecurityGroupIngress", "CreateDefaultSubnet",
		"CreateDefaultVpc", "CreateInternetGateway", "CreateKeyPair", "CreateNetworkAcl", "CreateNetworkAclEntry", "CreateNetworkInterface",
		"CreateRoute", "CreateRouteTable", "CreateSecurityGroup", "CreateSubnet", "CreateTags", "CreateVpc",
		"DeleteInternetGateway", "DeleteKeyPair", "DeleteNetworkAcl", "DeleteNetworkAclEntry", "DeleteNetworkInterface", "DeleteRoute",
		"DeleteRouteTable", "DeleteSecurityGroup", "DeleteSubnet", "DeleteTags", "DeleteVpc", "DescribeAccountAttributes",
		"DescribeAddresses", "DescribeAddressesAttribute", "DescribeAvailabilityZones", "DescribeDhcpOptions",
		"DescribeImages", "DescribeInstanceAttribute", "DescribeInstanceCreditSpecifications", "DescribeInstanceStatus",
		"DescribeInstanceTypeOfferings", "DescribeInstanceTypes", "DescribeInstances", "DescribeInternetGateways", "DescribeKeyPairs", "DescribeManagedPrefixLists",
		"DescribeNetworkAcls", "DescribeNetworkInterfaceAttribute", "DescribeNetworkInterfaces", "DescribePrefixLists",
		"DescribeRegions", "DescribeRouteTables", "DescribeSecurityGroupReferences", "DescribeSecurityGroupRules",
		"DescribeSecurityGroups", "DescribeStaleSecurityGroups", "DescribeSubnets", "DescribeTags", "DescribeVolumes",
		"DescribeVpcAttribute", "DescribeVpcClassicLink", "DescribeVpcClassicLinkDnsSupport", "DescribeVpcs",
		"DetachInternetGateway", "DetachNetworkInterface", "DisassociateAddress", "DisassociateRouteTable",
		"DisassociateSubnetCidrBlock", "DisassociateVpcCidrBlock", "GetConsoleOutput", "GetManagedPrefixListEntries", "GetPasswordData", "GetSecurityGroupsForVpc", "ImportKeyPair",
		"ModifyInstanceAttribute", "ModifyInstanceCreditSpecification", "ModifyInstanceMaintenanceOptions", "ModifyInstanceMetadataOptions",
		"ModifyNetworkInterfaceAttribute", "ModifyPrivateDnsNameOptions", "ModifySecurityGroupRules", "ModifySubnetAttribute",
		"ModifyVpcAttribute", "ModifyVpcTenancy", "MonitorInstances", "RebootInstances", "ReleaseAddress", "ReplaceNetworkAclAssociation",
		"ReplaceNetworkAclEntry", "ReplaceRoute", "ReplaceRouteTableAssociation", "ResetInstanceAttribute",
		"ResetNetworkInterfaceAttribute", "RevokeSecurityGroupEgress", "RevokeSecurityGroupIngress", "RunInstances",
		"StartInstances", "StopInstances", "TerminateInstances", "UnassignIpv6Addresses", "UnassignPrivateIpAddresses", "UnmonitorInstances",
		"UpdateSecurityGroupRuleDescriptionsEgress", "UpdateSecurityGroupRuleDescriptionsIngress",
	}},
	{"elasticloadbalancing", "elasticloadbalancing/2012-06-01/api-2.json", []string{
		"AddTags", "ApplySecurityGroupsToLoadBalancer", "AttachLoadBalancerToSubnets", "ConfigureHealthCheck",
		"CreateAppCookieStickinessPolicy", "CreateLBCookieStickinessPolicy", "CreateLoadBalancer",
		"CreateLoadBalancerListeners", "CreateLoadBalancerPolicy", "DeleteLoadBalancer", "DeleteLoadBalancerListeners",
		"DeleteLoadBalancerPolicy", "DeregisterInstancesFromLoadBalancer", "DescribeAccountLimits",
		"DescribeInstanceHealth", "DescribeLoadBalancerAttributes", "DescribeLoadBalancerPolicies",
		"DescribeLoadBalancerPolicyTypes", "DescribeLoadBalancers", "DescribeTags", "DetachLoadBalancerFromSubnets",
		"DisableAvailabilityZonesForLoadBalancer", "EnableAvailabilityZonesForLoadBalancer",
		"ModifyLoadBalancerAttributes", "RegisterInstancesWithLoadBalancer", "RemoveTags",
		"SetLoadBalancerListenerSSLCertificate", "SetLoadBalancerPoliciesForBackendServer",
		"SetLoadBalancerPoliciesOfListener",
	}},
	{"iam", "iam/2010-05-08/api-2.json", []string{
		"DeleteServerCertificate", "GetServerCertificate", "ListServerCertificates", "ListServerCertificateTags",
		"TagServerCertificate", "UntagServerCertificate", "UpdateServerCertificate", "UploadServerCertificate",
	}},
	{"sts", "sts/2011-06-15/api-2.json", []string{"GetCallerIdentity"}},
}

const notice = "Derived from models/apis of github.com/aws/aws-sdk-go v1.55.8, " +
	"Copyright Amazon.com, Inc. or its affiliates, licensed under the Apache License, Version 2.0. " +
	"Changed: only the names of parameters and elements of some actions are kept. Made by internal/awsquery/modelgen."

// An action is what is kept of an operation: paths such as Filter.N.Name.
type action struct {
	Parameters []string `json:"parameters"`
	Elements   []string `json:"elements"`
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "modelgen:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("give the directory models/apis of aws-sdk-go")
	}
	services := map[string]map[string]action{}
	for _, w := range wanted {
		m, err := readModel(filepath.Join(args[0], w.file))
		if err != nil {
			return err
		}
		services[w.service] = map[string]action{}
		for _, name := range w.actions {
			op, ok := m.Operations[name]
			if !ok {
				return fmt.Errorf("%s has no operation %s", w.file, name)
			}
			a := action{Parameters: []string{}, Elements: []string{}}
			m.parameters(op.Input.Shape, "", nil, &a.Parameters)
			m.elements(op.Output.Shape, "", nil, &a.Elements)
			services[w.service][name] = a
		}
	}
	out := json.NewEncoder(os.Stdout)
	out.SetIndent("", " ")
	return out.Encode(map[string]any{"notice": notice, "services": services})
}

// A model is the part of api-2.json that is looked at.
type model struct {
	Metadata   struct{ Protocol string }
	Operations map[string]struct{ Input, Output ref }
	Shapes     map[string]shape
}

type shape struct {
	Type      string
	Flattened bool
	Members   map[string]ref
	Member    ref
}

type ref struct {
	Shape        string
	LocationName string
	QueryName    string
	Flattened    bool
}

func readModel(file string) (*model, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var m model
	if err := json.Unmarshal(b, &m); err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	return &m, nil
}

// parameters appends the names below a shape. A shape within itself is cut.
func (m *model) parameters(name, path string, within []string, to *[]string) {
	s := m.Shapes[name]
	switch {
	case slices.Contains(within, name):
	case s.Type == "structure":
		for _, member := range sorted(s.Members) {
			r := s.Members[member]
			m.parameters(r.Shape, join(path, m.parameterName(member, r)), append(within, name), to)
		}
	case s.Type == "list":
		if m.Metadata.Protocol == "query" && !s.Flattened {
			path = join(path, "member")
		}
		m.parameters(s.Member.Shape, join(path, "N"), append(within, name), to)
	case path != "":
		*to = append(*to, path)
	}
}

// parameterName is what a member is called in a form. EC2 has the rule of the
// protocol ec2: queryName, else locationName with its first letter raised.
func (m *model) parameterName(member string, r ref) string {
	switch {
	case m.Metadata.Protocol == "ec2" && r.QueryName != "":
		return r.QueryName
	case r.LocationName == "":
		return member
	case m.Metadata.Protocol == "ec2":
		return strings.ToUpper(r.LocationName[:1]) + r.LocationName[1:]
	default:
		return r.LocationName
	}
}

// elements appends the paths of the elements below a shape, those of lists too.
func (m *model) elements(name, path string, within []string, to *[]string) {
	s := m.Shapes[name]
	if path != "" {
		*to = append(*to, path)
	}
	if slices.Contains(within, name) {
		return
	}
	within = append(within, name)
	switch s.Type {
	case "structure":
		for _, member := range sorted(s.Members) {
			r := s.Members[member]
			element := member
			if r.LocationName != "" {
				element = r.LocationName
			}
			m.elements(r.Shape, join(path, element), within, to)
		}
	case "list":
		item := "member"
		if s.Member.LocationName != "" {
			item = s.Member.LocationName
		}
		m.elements(s.Member.Shape, join(path, item), within, to)
	}
}

func join(path, step string) string {
	if path == "" {
		return step
	}
	return path + "." + step
}

func sorted(members map[string]ref) []string {
	names := make([]string, 0, len(members))
	for name := range members {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
