package api

import (
	"time"

	"ringfence/internal/awsquery"
	"ringfence/internal/vpc"
)

// The API versions that services are spoken in. Versions are dates, so they
// order as strings; a call of EC2 may have any date between its two, and is
// understood and answered as that day's EC2 did. The tags of inputs and outputs
// say from when a parameter or an element is, this file does so of actions.
const (
	oldestEC2Version = "2008-02-01"
	newestEC2Version = "2016-11-15"
	elbVersion       = "2012-06-01"
	iamVersion       = "2010-05-08"
	stsVersion       = "2011-06-15"
)

func checkVersion(s awsquery.Service, version string) error {
	switch {
	case version == "":
		return vpc.Errorf(vpc.MissingParameter, "The request must contain the parameter Version")
	case s == awsquery.EC2 && isEC2Version(version):
		return nil
	case s == awsquery.ELB && version == elbVersion, s == awsquery.IAM && version == iamVersion, s == awsquery.STS && version == stsVersion:
		return nil
	}
	return vpc.Errorf(vpc.NoSuchVersion, "The requested version (%s) of service %s does not exist", version, s)
}

func isEC2Version(version string) bool {
	_, err := time.Parse(time.DateOnly, version)
	return err == nil && oldestEC2Version <= version && version <= newestEC2Version
}

// introduced are the actions that EC2 did not have from the start, by the first
// API version with them (EC2 User Guide, "Document History"; EC2 API references
// 2008-02-01, 2010-08-31, 2010-11-15 and 2011-02-28). An action that is not
// listed is in every version.
var introduced = map[string][]string{
	"2008-12-01": {"DescribeRegions"},
	"2009-07-15": {
		"AssociateDhcpOptions", "CreateSubnet", "CreateVpc", "DeleteSubnet", "DeleteVpc", "DescribeDhcpOptions", "DescribeSubnets", "DescribeVpcs",
	},
	"2009-10-31": {"DescribeInstanceAttribute", "ModifyInstanceAttribute", "ResetInstanceAttribute", "StartInstances", "StopInstances"},
	"2010-08-31": {"CreateTags", "DeleteTags", "DescribeTags"},
	"2011-01-01": {
		"AssociateRouteTable", "AttachInternetGateway", "AuthorizeSecurityGroupEgress", "CreateInternetGateway", "CreateNetworkAcl",
		"CreateNetworkAclEntry", "CreateRoute", "CreateRouteTable", "DeleteInternetGateway", "DeleteNetworkAcl", "DeleteNetworkAclEntry",
		"DeleteRoute", "DeleteRouteTable", "DescribeInternetGateways", "DescribeNetworkAcls", "DescribeRouteTables", "DetachInternetGateway",
		"DisassociateRouteTable", "ReplaceNetworkAclAssociation", "ReplaceNetworkAclEntry", "ReplaceRoute", "ReplaceRouteTableAssociation",
		"RevokeSecurityGroupEgress",
	},
	"2011-11-01": {"DescribeInstanceStatus"},
	"2016-11-15": {
		"DescribeSecurityGroupRules", "GetSecurityGroupsForVpc", "ModifySecurityGroupRules",
		"UpdateSecurityGroupRuleDescriptionsEgress", "UpdateSecurityGroupRuleDescriptionsIngress",
	},
}

// firstVersions is introduced the other way round.
var firstVersions = func() map[string]string {
	first := map[string]string{}
	for version, names := range introduced {
		for _, name := range names {
			first[name] = version
		}
	}
	return first
}()
