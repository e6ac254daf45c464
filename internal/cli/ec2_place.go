package cli

// placeTools tell what there is to use: regions, zones, images, volumes, quotas.
var placeTools = []*tool{
	{
		names:   []string{"ec2-describe-regions", "ec2dre"},
		about:   "list regions",
		example: "ec2-describe-regions",
		action:  "DescribeRegions",
		words:   []word{{"REGION", "RegionName.N", true}},
		options: []option{filterOption},
		records: []record{{
			kind: "REGION", each: "regionInfo.item",
			columns: []column{{"Name", "regionName"}, {"Endpoint", "regionEndpoint"}},
		}},
	},
	{
		names:   []string{"ec2-describe-availability-zones", "ec2daz"},
		about:   "list availability zones of a region",
		example: "ec2-describe-availability-zones --region us-east-1",
		action:  "DescribeAvailabilityZones",
		words:   []word{{"ZONE", "ZoneName.N", true}},
		options: []option{filterOption},
		records: []record{{
			kind: "AVAILABILITYZONE", each: "availabilityZoneInfo.item",
			columns: []column{{"Name", "zoneName"}, {"State", "zoneState"}, {"Region", "regionName"}, {"Messages", "messageSet.item.message"}},
		}},
	},
	{
		names:   []string{"ec2-describe-images", "ec2dim"},
		about:   "list images",
		example: "ec2-describe-images ami-eca54085",
		action:  "DescribeImages",
		words:   []word{{"AMI", "ImageId.N", true}},
		options: []option{
			{"o", "owner", "OWNER", "those of an account, amazon or self; may be repeated", "Owner.N"},
			{"x", "executable-by", "USER", "those that an account, self or all may launch; may be repeated", "ExecutableBy.N"},
			filterOption,
		},
		records: []record{{
			kind: "IMAGE", each: "imagesSet.item",
			columns: []column{
				{"ID", "imageId"}, {"Name", "imageLocation"}, {"Owner", "imageOwnerAlias or imageOwnerId"}, {"State", "imageState"},
				{"Accessibility", "isPublic?public:private"}, {"Product Codes", "productCodes.item.productCode"},
				{"Architecture", "architecture"}, {"Image Type", "imageType"}, {"Kernel", "kernelId"}, {"Ramdisk", "ramdiskId"},
				{"Platform", "platform"}, {"Root Device Type", "rootDeviceType"}, {"Virtualization Type", "virtualizationType"},
				{"Hypervisor", "hypervisor"},
			},
			inner: []record{
				{
					kind: "BLOCKDEVICEMAPPING", each: "blockDeviceMapping.item",
					columns: untitled("deviceName", "virtualName", "ebs.snapshotId", "ebs.volumeSize", "ebs.deleteOnTermination", "ebs.volumeType"),
				},
				tagRecord("image", "imageId"),
			},
		}},
	},
	{
		names:   []string{"ec2-describe-volumes", "ec2dvol"},
		about:   "list volumes",
		example: "ec2-describe-volumes -F attachment.instance-id=i-cfd732a6",
		action:  "DescribeVolumes",
		words:   []word{{"VOLUME", "VolumeId.N", true}},
		options: []option{filterOption},
		records: []record{{
			kind: "VOLUME", each: "volumeSet.item",
			columns: []column{
				{"ID", "volumeId"}, {"Size", "size"}, {"Snapshot", "snapshotId"}, {"Availability Zone", "availabilityZone"},
				{"State", "status"}, {"Creation Time", "createTime|time"}, {"Type", "volumeType"}, {"IOPS", "iops"},
			},
			inner: []record{
				{
					kind: "ATTACHMENT", each: "attachmentSet.item",
					columns: untitled("volumeId", "instanceId", "device", "status", "attachTime|time", "deleteOnTermination"),
				},
				tagRecord("volume", "volumeId"),
			},
		}},
	},
	{
		names:   []string{"ec2-describe-account-attributes", "ec2daa"},
		about:   "show what an account has: its platforms, its default VPC, its quotas",
		example: "ec2-describe-account-attributes supported-platforms",
		action:  "DescribeAccountAttributes",
		words:   []word{{"ATTRIBUTE", "AttributeName.N", true}},
		records: []record{{
			kind: "ACCOUNTATTRIBUTE", each: "accountAttributeSet.item", columns: []column{{"Name", "attributeName"}},
			inner: []record{{kind: "VALUE", each: "attributeValueSet.item", columns: untitled("attributeValue")}},
		}},
	},
}
