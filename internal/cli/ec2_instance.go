package cli

// The columns of an instance and of what is in it, as ec2-run-instances and
// ec2-describe-instances print them ("Amazon EC2 Command Line Reference",
// ec2-describe-instances).

var instanceRecord = record{
	kind: "INSTANCE",
	each: "instancesSet.item",
	columns: []column{
		{"ID", "instanceId"},
		{"AMI", "imageId"},
		{"Public DNS", "dnsName"},
		{"Private DNS", "privateDnsName"},
		{"State", "instanceState.name"},
		{"Key", "keyName"},
		{"AMI Index", "amiLaunchIndex"},
		{"Product Codes", "productCodes.item.productCode"},
		{"Type", "instanceType"},
		{"Launch Time", "launchTime|time"},
		{"Availability Zone", "placement.availabilityZone"},
		{"Kernel", "kernelId"},
		{"Ramdisk", "ramdiskId"},
		{"Platform", "platform"},
		{"Monitoring", "monitoring.state|monitoring"},
		{"Public IP", "ipAddress"},
		{"Private IP", "privateIpAddress"},
		{"VPC", "vpcId"},
		{"Subnet", "subnetId"},
		{"Root Device Type", "rootDeviceType"},
		{"Lifecycle", "instanceLifecycle"},
		{"Spot Request", "spotInstanceRequestId"},
		{"License", "="},
		{"Placement Group", "placement.groupName"},
		{"Virtualization Type", "virtualizationType"},
		{"Hypervisor", "hypervisor"},
		{"Client Token", "clientToken"},
		{"Groups", "groupSet.item.groupId"},
		{"Tenancy", "placement.tenancy"},
		{"EBS Optimized", "ebsOptimized"},
		{"IAM Profile", "iamInstanceProfile.arn"},
		{"Architecture", "architecture"},
	},
	inner: []record{
		{kind: "BLOCKDEVICE", each: "blockDeviceMapping.item", columns: untitled("deviceName", "ebs.volumeId", "ebs.attachTime")},
		{
			kind: "NIC", each: "networkInterfaceSet.item",
			columns: untitled("networkInterfaceId", "subnetId", "vpcId", "ownerId", "status", "privateIpAddress", "privateDnsName", "sourceDestCheck"),
			inner: []record{
				{kind: "NICATTACHMENT", each: "attachment", columns: untitled("attachmentId", "deviceIndex", "status", "attachTime|time", "deleteOnTermination")},
				{kind: "NICASSOCIATION", each: "association", columns: untitled("publicIp", "ipOwnerId", "^privateIpAddress")},
				{kind: "GROUP", each: "groupSet.item", columns: untitled("groupId", "groupName")},
				{kind: "PRIVATEIPADDRESS", each: "privateIpAddressesSet.item", columns: untitled("privateIpAddress", "privateDnsName", "association.publicIp")},
			},
		},
		tagRecord("instance", "instanceId"),
	},
}

// reservation returns the records of reservations at a path.
func reservation(path string) []record {
	return []record{{
		kind: "RESERVATION", each: path,
		columns: []column{{"ID", "reservationId"}, {"Owner", "ownerId"}, {"Groups", "groupSet.item.groupName or groupSet.item.groupId|spaced"}},
		inner:   []record{instanceRecord},
	}}
}

var instanceWords = []word{{"INSTANCE", "InstanceId.N", false}}

// instanceTools are those of whole instances, but for the one that launches them.
var instanceTools = []*tool{
	{
		names:   []string{"ec2-describe-instances", "ec2din"},
		about:   "list instances",
		example: "ec2-describe-instances -F instance-state-name=running",
		action:  "DescribeInstances",
		words:   []word{{"INSTANCE", "InstanceId.N", true}},
		options: []option{filterOption},
		records: reservation("reservationSet.item"),
	},
	{
		names:   []string{"ec2-terminate-instances", "ec2kill"},
		about:   "end instances for good",
		example: "ec2-terminate-instances i-cfd732a6",
		action:  "TerminateInstances",
		words:   instanceWords,
		records: stateChange,
	},
	{
		names:   []string{"ec2-start-instances", "ec2start"},
		about:   "start stopped instances",
		example: "ec2-start-instances i-cfd732a6",
		action:  "StartInstances",
		words:   instanceWords,
		records: stateChange,
	},
	{
		names:   []string{"ec2-stop-instances", "ec2stop"},
		about:   "stop instances; they can be started again",
		example: "ec2-stop-instances i-cfd732a6",
		action:  "StopInstances",
		words:   instanceWords,
		options: []option{{"f", "force", "", "do not wait for the instance to shut down", "Force"}},
		records: stateChange,
	},
	{
		names:   []string{"ec2-reboot-instances", "ec2reboot"},
		about:   "reboot instances",
		example: "ec2-reboot-instances i-cfd732a6",
		action:  "RebootInstances",
		words:   instanceWords,
		records: []record{returned},
	},
	{
		names:   []string{"ec2-monitor-instances", "ec2min"},
		about:   "monitor instances in detail",
		example: "ec2-monitor-instances i-cfd732a6",
		action:  "MonitorInstances",
		words:   instanceWords,
		records: monitoringChange,
	},
	{
		names:   []string{"ec2-unmonitor-instances", "ec2umin"},
		about:   "no longer monitor instances in detail",
		example: "ec2-unmonitor-instances i-cfd732a6",
		action:  "UnmonitorInstances",
		words:   instanceWords,
		records: monitoringChange,
	},
	{
		names:   []string{"ec2-describe-instance-status", "ec2dins"},
		about:   "say how instances are",
		example: "ec2-describe-instance-status i-cfd732a6",
		action:  "DescribeInstanceStatus",
		words:   []word{{"INSTANCE", "InstanceId.N", true}},
		options: []option{
			{"A", "include-all-instances", "", "those that do not run, too", "IncludeAllInstances"},
			filterOption,
		},
		records: []record{{
			kind: "INSTANCE", each: "instanceStatusSet.item",
			columns: []column{
				{"ID", "instanceId"}, {"Availability Zone", "availabilityZone"}, {"State", "instanceState.name"},
				{"State Code", "instanceState.code"}, {"Instance Status", "instanceStatus.status"}, {"System Status", "systemStatus.status"},
			},
			inner: []record{
				{kind: "SYSTEMSTATUS", each: "systemStatus.details.item", columns: untitled("name", "status", "impairedSince|time")},
				{kind: "INSTANCESTATUS", each: "instanceStatus.details.item", columns: untitled("name", "status", "impairedSince|time")},
				{kind: "EVENT", each: "eventsSet.item", columns: untitled("code", "notBefore|time", "notAfter|time", "description")},
			},
		}},
	},
}

// stateChange prints the state before and the state now.
var stateChange = []record{{
	kind: "INSTANCE", each: "instancesSet.item",
	columns: []column{{"ID", "instanceId"}, {"Previous State", "previousState.name"}, {"Current State", "currentState.name"}},
}}

var monitoringChange = []record{{each: "instancesSet.item", columns: untitled("instanceId", "monitoring.state|monitoring")}}
