package api

import "slices"

// interfaceActions are about network interfaces.
var interfaceActions = map[string]*action{
	"CreateNetworkInterface": {
		handler: handle((*request).createNetworkInterface), network: true,
		done: []string{
			"SubnetId", "SecurityGroupId.N", "PrivateIpAddress",
			"PrivateIpAddresses.N.PrivateIpAddress", "PrivateIpAddresses.N.Primary", "SecondaryPrivateIpAddressCount",
			"Ipv6Addresses.N.Ipv6Address", "Ipv6AddressCount",
			"ConnectionTrackingSpecification.TcpEstablishedTimeout", "ConnectionTrackingSpecification.UdpStreamTimeout",
			"ConnectionTrackingSpecification.UdpTimeout", "ClientToken", "DryRun",
		},
		kept: slices.Concat([]string{"Description", "InterfaceType", "EnablePrimaryIpv6"}, tagParams),
	},
	"DeleteNetworkInterface": {
		handler: handle((*request).deleteNetworkInterface),
		done:    []string{"NetworkInterfaceId", "DryRun"},
	},
	"DescribeNetworkInterfaces": {
		handler: handle((*request).describeNetworkInterfaces),
		done:    []string{"NetworkInterfaceId.N", "Filter.N.Name", "Filter.N.Value.N", "MaxResults", "NextToken", "DryRun"},
	},
	"DescribeNetworkInterfaceAttribute": {
		handler: handle((*request).describeInterfaceAttribute),
		done:    []string{"NetworkInterfaceId", "Attribute", "DryRun"},
	},
	"ModifyNetworkInterfaceAttribute": {
		handler: handle((*request).modifyInterface),
		done: []string{
			"NetworkInterfaceId", "SecurityGroupId.N", "SourceDestCheck.Value",
			"Attachment.AttachmentId", "Attachment.DeleteOnTermination",
			"ConnectionTrackingSpecification.TcpEstablishedTimeout", "ConnectionTrackingSpecification.UdpStreamTimeout",
			"ConnectionTrackingSpecification.UdpTimeout", "DryRun",
		},
		kept: []string{"Description.Value", "EnablePrimaryIpv6"},
	},
	"ResetNetworkInterfaceAttribute": {
		handler: handle((*request).resetInterface),
		done:    []string{"NetworkInterfaceId", "SourceDestCheck", "DryRun"},
	},
	"AttachNetworkInterface": {
		handler: handle((*request).attachInterface),
		done:    []string{"NetworkInterfaceId", "InstanceId", "DeviceIndex", "NetworkCardIndex", "DryRun"},
	},
	"DetachNetworkInterface": {
		handler: handle((*request).detachInterface),
		done:    []string{"AttachmentId", "Force", "DryRun"},
	},
	"AssignPrivateIpAddresses": {
		handler: handle((*request).assignAddresses),
		done:    []string{"NetworkInterfaceId", "PrivateIpAddress.N", "SecondaryPrivateIpAddressCount", "AllowReassignment"},
	},
	"UnassignPrivateIpAddresses": {
		handler: handle((*request).unassignAddresses),
		done:    []string{"NetworkInterfaceId", "PrivateIpAddress.N"},
	},
	"AssignIpv6Addresses": {
		handler: handle((*request).assignIPv6),
		done:    []string{"NetworkInterfaceId", "Ipv6Addresses.N", "Ipv6AddressCount"},
	},
	"UnassignIpv6Addresses": {
		handler: handle((*request).unassignIPv6),
		done:    []string{"NetworkInterfaceId", "Ipv6Addresses.N"},
	},
}

// tagParams are the parameters by which a call gives tags to what it makes.
var tagParams = []string{"TagSpecification.N.ResourceType", "TagSpecification.N.Tag.N.Key", "TagSpecification.N.Tag.N.Value"}
