package api

import (
	"context"
	"reflect"

	"ringfence/internal/awsquery"
	"ringfence/internal/vpc"
)

// An action is one entry of the API.
//
// Its parameters fall in three classes. Those done have their effect. Those
// kept have none on packets: they are validated, stored, and shown by Describe.
// All others of AWS's model are refused with UnsupportedOperation.
type action struct {
	handler
	network    bool // acts on the caller's default network
	done, kept []string
}

// actions is the whole API. A call whose action is not here is InvalidAction.
var actions = map[awsquery.Service]map[string]*action{
	awsquery.EC2: {
		"CreateSecurityGroup": {
			handler: handle((*request).createSecurityGroup), network: true,
			done: []string{"GroupName", "GroupDescription", "VpcId", "DryRun"},
			kept: []string{"TagSpecification.N.ResourceType", "TagSpecification.N.Tag.N.Key", "TagSpecification.N.Tag.N.Value"},
		},
		"DeleteSecurityGroup": {
			handler: handle((*request).deleteSecurityGroup), network: true,
			done: []string{"GroupName", "GroupId", "DryRun"},
		},
		"DescribeSecurityGroups": {
			handler: handle((*request).describeSecurityGroups), network: true,
			done: []string{"GroupName.N", "GroupId.N", "Filter.N.Name", "Filter.N.Value.N", "MaxResults", "NextToken", "DryRun"},
		},
		"AuthorizeSecurityGroupIngress": {
			handler: handle((*request).authorizeIngress), network: true,
			done: permissionParams,
			kept: []string{
				"IpPermissions.N.IpRanges.N.Description", "IpPermissions.N.Groups.N.Description",
				"TagSpecification.N.ResourceType", "TagSpecification.N.Tag.N.Key", "TagSpecification.N.Tag.N.Value",
			},
		},
		"RevokeSecurityGroupIngress": {
			handler: handle((*request).revokeIngress), network: true,
			done: append([]string{"SecurityGroupRuleId.N"}, permissionParams...),
			kept: []string{"IpPermissions.N.IpRanges.N.Description", "IpPermissions.N.Groups.N.Description"},
		},
		"RunInstances": {
			handler: handle((*request).runInstances), network: true,
			done: []string{
				"ImageId", "MinCount", "MaxCount", "SecurityGroup.N", "SecurityGroupId.N", "SubnetId",
				"Placement.AvailabilityZone", "UserData", "ClientToken", "DryRun",
			},
			kept: []string{
				"InstanceType", "KeyName", "KernelId", "RamdiskId", "Monitoring.Enabled",
				"BlockDeviceMapping.N.DeviceName", "BlockDeviceMapping.N.VirtualName", "BlockDeviceMapping.N.NoDevice",
				"BlockDeviceMapping.N.Ebs.VolumeSize", "BlockDeviceMapping.N.Ebs.VolumeType", "BlockDeviceMapping.N.Ebs.DeleteOnTermination",
				"TagSpecification.N.ResourceType", "TagSpecification.N.Tag.N.Key", "TagSpecification.N.Tag.N.Value",
			},
		},
		"DescribeInstances": {
			handler: handle((*request).describeInstances),
			done:    []string{"InstanceId.N", "Filter.N.Name", "Filter.N.Value.N", "MaxResults", "NextToken", "DryRun"},
		},
		"TerminateInstances": {
			handler: handle((*request).terminateInstances),
			done:    []string{"InstanceId.N", "DryRun"},
		},
		"StopInstances": {
			handler: handle((*request).stopInstances),
			done:    []string{"InstanceId.N", "Force", "DryRun"},
		},
		"StartInstances": {
			handler: handle((*request).startInstances),
			done:    []string{"InstanceId.N", "DryRun"},
		},
		"RebootInstances": {
			handler: handle((*request).rebootInstances),
			done:    []string{"InstanceId.N", "DryRun"},
		},
		"DescribeImages": {
			handler: handle((*request).describeImages),
			done: []string{
				"ImageId.N", "Owner.N", "ExecutableBy.N", "Filter.N.Name", "Filter.N.Value.N",
				"IncludeDeprecated", "IncludeDisabled", "MaxResults", "NextToken", "DryRun",
			},
		},
		"DescribeRegions": {
			handler: handle((*request).describeRegions),
			done:    []string{"RegionName.N", "Filter.N.Name", "Filter.N.Value.N", "AllRegions", "DryRun"},
		},
		"DescribeAvailabilityZones": {
			handler: handle((*request).describeAvailabilityZones),
			done: []string{
				"ZoneName.N", "ZoneId.N", "Filter.N.Name", "Filter.N.Value.N", "AllAvailabilityZones", "DryRun",
			},
		},
		"DescribeAccountAttributes": {
			handler: handle((*request).describeAccountAttributes),
			done:    []string{"AttributeName.N", "DryRun"},
		},
	},
	awsquery.STS: {
		"GetCallerIdentity": {handler: handle((*request).getCallerIdentity)},
	},
}

// permissionParams are the parameters that Authorize and Revoke share.
var permissionParams = []string{
	"GroupName", "GroupId", "IpProtocol", "FromPort", "ToPort", "CidrIp",
	"SourceSecurityGroupName", "SourceSecurityGroupOwnerId",
	"IpPermissions.N.IpProtocol", "IpPermissions.N.FromPort", "IpPermissions.N.ToPort",
	"IpPermissions.N.IpRanges.N.CidrIp",
	"IpPermissions.N.Groups.N.UserId", "IpPermissions.N.Groups.N.GroupName", "IpPermissions.N.Groups.N.GroupId",
	"DryRun",
}

// A handler is an action's function without its types.
type handler struct {
	input, output reflect.Type
	call          func(ctx context.Context, r *request, in any) (any, error)
}

func (h handler) newInput() any { return reflect.New(h.input).Interface() }

func handle[In, Out any](f func(*request, context.Context, *In) (*Out, error)) handler {
	return handler{
		input: reflect.TypeFor[In](), output: reflect.TypeFor[Out](),
		call: func(ctx context.Context, r *request, in any) (any, error) {
			out, err := f(r, ctx, in.(*In))
			if err != nil {
				return nil, err
			}
			return out, nil
		},
	}
}

// IsAction reports whether a service has an action.
func IsAction(s awsquery.Service, name string) bool { return actions[s][name] != nil }

func findAction(s awsquery.Service, call *awsquery.Call) (*action, error) {
	if call.Action == "" {
		return nil, vpc.Errorf(vpc.MissingAction, "The request must contain the parameter Action")
	}
	if act, ok := actions[s][call.Action]; ok {
		return act, nil
	}
	return nil, vpc.Errorf(vpc.InvalidAction, "The action %s is not valid for this web service.", call.Action)
}
