package api

// instanceActions are about instances and images.
var instanceActions = map[string]*action{
	"RunInstances": {
		handler: handle((*request).runInstances), network: true,
		done: []string{
			"ImageId", "MinCount", "MaxCount", "SecurityGroup.N", "SecurityGroupId.N", "SubnetId",
			"PrivateIpAddress", "Ipv6Address.N.Ipv6Address", "Ipv6AddressCount",
			"NetworkInterface.N.DeviceIndex", "NetworkInterface.N.NetworkInterfaceId", "NetworkInterface.N.SubnetId",
			"NetworkInterface.N.SecurityGroupId.N", "NetworkInterface.N.PrivateIpAddress",
			"NetworkInterface.N.PrivateIpAddresses.N.PrivateIpAddress", "NetworkInterface.N.PrivateIpAddresses.N.Primary",
			"NetworkInterface.N.SecondaryPrivateIpAddressCount",
			"NetworkInterface.N.Ipv6Addresses.N.Ipv6Address", "NetworkInterface.N.Ipv6AddressCount",
			"NetworkInterface.N.AssociatePublicIpAddress", "NetworkInterface.N.DeleteOnTermination",
			"NetworkInterface.N.ConnectionTrackingSpecification.TcpEstablishedTimeout",
			"NetworkInterface.N.ConnectionTrackingSpecification.UdpStreamTimeout",
			"NetworkInterface.N.ConnectionTrackingSpecification.UdpTimeout", "NetworkInterface.N.NetworkCardIndex",
			"InstanceType", "DisableApiTermination", "DisableApiStop", "InstanceInitiatedShutdownBehavior",
			"Placement.AvailabilityZone", "KeyName", "UserData", "MetadataOptions.HttpEndpoint", "MetadataOptions.HttpTokens",
			"MetadataOptions.InstanceMetadataTags", "ClientToken", "DryRun",
		},
		kept: []string{
			"CreditSpecification.CpuCredits", "CpuOptions.CoreCount", "CpuOptions.ThreadsPerCore", "IamInstanceProfile.Arn", "IamInstanceProfile.Name",
			"CapacityReservationSpecification.CapacityReservationPreference", "EnclaveOptions.Enabled",
			"HibernationOptions.Configured", "MaintenanceOptions.AutoRecovery",
			"MetadataOptions.HttpProtocolIpv6", "MetadataOptions.HttpPutResponseHopLimit",
			"PrivateDnsNameOptions.HostnameType", "PrivateDnsNameOptions.EnableResourceNameDnsARecord",
			"PrivateDnsNameOptions.EnableResourceNameDnsAAAARecord",
			"NetworkInterface.N.InterfaceType", "NetworkInterface.N.PrimaryIpv6", "EnablePrimaryIpv6",
			"NetworkInterface.N.Description", "Placement.Tenancy", "EbsOptimized", "KernelId", "RamdiskId", "Monitoring.Enabled",
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
	"MonitorInstances": {
		handler: handle((*request).monitorInstances),
		done:    []string{"DryRun"},
		kept:    []string{"InstanceId.N"},
	},
	"UnmonitorInstances": {
		handler: handle((*request).unmonitorInstances),
		done:    []string{"DryRun"},
		kept:    []string{"InstanceId.N"},
	},
	"ModifyInstanceAttribute": {
		handler: handle((*request).modifyInstance),
		done: []string{
			"InstanceId", "Attribute", "Value", "GroupId.N", "SourceDestCheck.Value", "InstanceType.Value", "UserData.Value",
			"DisableApiTermination.Value", "DisableApiStop.Value", "InstanceInitiatedShutdownBehavior.Value", "DryRun",
		},
		kept: []string{
			"Kernel.Value", "Ramdisk.Value", "EbsOptimized.Value",
			"BlockDeviceMapping.N.DeviceName", "BlockDeviceMapping.N.Ebs.DeleteOnTermination",
		},
	},
	"DescribeInstanceAttribute": {
		handler: handle((*request).describeInstanceAttribute),
		done:    []string{"InstanceId", "Attribute", "DryRun"},
	},
	"ResetInstanceAttribute": {
		handler: handle((*request).resetInstanceAttribute),
		done:    []string{"InstanceId", "Attribute", "DryRun"},
	},
	"DescribeInstanceStatus": {
		handler: handle((*request).describeInstanceStatus),
		done: []string{
			"InstanceId.N", "IncludeAllInstances", "Filter.N.Name", "Filter.N.Value.N", "MaxResults", "NextToken", "DryRun",
		},
	},
	"GetConsoleOutput": {
		handler: handle((*request).getConsoleOutput),
		done:    []string{"InstanceId", "Latest", "DryRun"},
	},
	"GetPasswordData": {
		handler: handle((*request).getPasswordData),
		done:    []string{"InstanceId", "DryRun"},
	},
	"DescribeInstanceTypes": {
		handler: handle((*request).describeInstanceTypes), pages: pageSize{5, 100},
		done: []string{"InstanceType.N", "Filter.N.Name", "Filter.N.Value.N", "MaxResults", "NextToken", "DryRun"},
	},
	"DescribeInstanceCreditSpecifications": {
		handler: handle((*request).describeCredits),
		done:    []string{"InstanceId.N", "Filter.N.Name", "Filter.N.Value.N", "MaxResults", "NextToken", "DryRun"},
	},
	"ModifyInstanceCreditSpecification": {
		handler: handle((*request).modifyCredits),
		done:    []string{"ClientToken", "DryRun"},
		kept:    []string{"InstanceCreditSpecification.N.InstanceId", "InstanceCreditSpecification.N.CpuCredits"},
	},
	"ModifyInstanceMetadataOptions": {
		handler: handle((*request).modifyMetadata),
		done:    []string{"InstanceId", "HttpEndpoint", "HttpTokens", "InstanceMetadataTags", "DryRun"},
		kept:    []string{"HttpProtocolIpv6", "HttpPutResponseHopLimit"},
	},
	"ModifyInstanceMaintenanceOptions": {
		handler: handle((*request).modifyMaintenance),
		done:    []string{"InstanceId", "DryRun"},
		kept:    []string{"AutoRecovery"},
	},
	"ModifyPrivateDnsNameOptions": {
		handler: handle((*request).modifyNames),
		done:    []string{"InstanceId", "DryRun"},
		kept:    []string{"PrivateDnsHostnameType", "EnableResourceNameDnsARecord", "EnableResourceNameDnsAAAARecord"},
	},
	"DescribeInstanceTypeOfferings": {
		handler: handle((*request).describeOfferings),
		done:    []string{"LocationType", "Filter.N.Name", "Filter.N.Value.N", "MaxResults", "NextToken", "DryRun"},
	},
	"DescribeVolumes": {
		handler: handle((*request).describeVolumes),
		done:    []string{"VolumeId.N", "Filter.N.Name", "Filter.N.Value.N", "MaxResults", "NextToken", "DryRun"},
	},
	"DescribeImages": {
		handler: handle((*request).describeImages),
		done: []string{
			"ImageId.N", "Owner.N", "ExecutableBy.N", "Filter.N.Name", "Filter.N.Value.N",
			"IncludeDeprecated", "IncludeDisabled", "MaxResults", "NextToken", "DryRun",
		},
	},
}
