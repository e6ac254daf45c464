package cli

import (
	"encoding/base64"
	"strings"

	"ringfence/internal/awsquery"
)

// instanceAttributes are the attributes that an instance shows, each by an
// option of its own.
var instanceAttributes = []option{
	{"t", "instance-type", "", "its type", "Attribute=instanceType"},
	{"", "kernel", "", "its kernel", "Attribute=kernel"},
	{"", "ramdisk", "", "its RAM disk", "Attribute=ramdisk"},
	{"", "user-data", "", "the data that it was launched with, in base64", "Attribute=userData"},
	{"", "disable-api-termination", "", "whether it is protected from termination", "Attribute=disableApiTermination"},
	{"", "instance-initiated-shutdown-behavior", "", "what becomes of it when it shuts down", "Attribute=instanceInitiatedShutdownBehavior"},
	{"", "root-device-name", "", "its root device", "Attribute=rootDeviceName"},
	{"b", "block-device-mapping", "", "its volumes", "Attribute=blockDeviceMapping"},
	{"g", "group-id", "", "its security groups", "Attribute=groupSet"},
	{"", "source-dest-check", "", "whether it has only packets of its own", "Attribute=sourceDestCheck"},
	{"", "product-code", "", "its product codes", "Attribute=productCodes"},
	{"", "ebs-optimized", "", "whether its way to volumes is its own", "Attribute=ebsOptimized"},
}

// instanceChanges are what can be changed about an instance.
var instanceChanges = []option{
	{"t", "instance-type", "TYPE", "its type; while it is stopped", "InstanceType.Value"},
	{"", "kernel", "KERNEL", "its kernel; while it is stopped", "Kernel.Value"},
	{"", "ramdisk", "RAMDISK", "its RAM disk; while it is stopped", "Ramdisk.Value"},
	{"", "user-data", "DATA", "its data; while it is stopped", "UserData.Value"},
	{"", "disable-api-termination", "BOOLEAN", "whether it is protected from termination", "DisableApiTermination.Value"},
	{"", "instance-initiated-shutdown-behavior", "BEHAVIOR", "stop or terminate", "InstanceInitiatedShutdownBehavior.Value"},
	{"b", "block-device-mapping", "NAME=[VOLUME]:DELETE", "whether a volume ends with it", ""},
	{"g", "group-id", "GROUP", "id of a security group, in a VPC; may be repeated", "GroupId.N"},
	{"", "source-dest-check", "BOOLEAN", "whether it has only packets of its own", "SourceDestCheck.Value"},
	{"", "ebs-optimized", "BOOLEAN", "whether its way to volumes is its own", "EbsOptimized.Value"},
}

// interfaceAttributes are those that a network interface shows.
var interfaceAttributes = []option{
	{"d", "description", "", "what it is for", "Attribute=description"},
	{"", "source-dest-check", "", "whether it has only packets of its own", "Attribute=sourceDestCheck"},
	{"g", "group-set", "", "its security groups", "Attribute=groupSet"},
	{"a", "attachment", "", "what it is attached to", "Attribute=attachment"},
}

var interfaceChanges = []option{
	{"d", "description", "DESCRIPTION", "what it is for", "Description.Value"},
	{"", "source-dest-check", "BOOLEAN", "whether it has only packets of its own", "SourceDestCheck.Value"},
	{"g", "group-id", "GROUP", "id of a security group; may be repeated", "SecurityGroupId.N"},
	{"a", "attachment", "ATTACHMENT", "an attachment, to be deleted with its instance or not", "Attachment.AttachmentId"},
}

// oneOf requires one of options, and no more.
func oneOf(options []option) []string {
	names := make([]string, len(options))
	for i, o := range options {
		names[i] = o.long
	}
	return []string{strings.Join(names, "|")}
}

// attributeRecords print an attribute, whichever the answer has: its name, whose
// it is, and its value.
func attributeRecords(owner string, attributes ...string) []record {
	var records []record
	for _, a := range attributes {
		records = append(records, record{kind: a, each: a, columns: untitled("^"+owner, "value")})
	}
	return append(records,
		record{each: "groupSet", inner: []record{{kind: "groupSet", each: "item", columns: untitled("^^"+owner, "groupId", "groupName")}}})
}

// setAttribute is the record of what was asked for.
func setAttribute(owner string) []record {
	return []record{{columns: untitled("$attribute", "$"+owner, "$value")}}
}

// noteAttribute keeps the name of the attribute that is changed, and its new
// value, for setAttribute.
func noteAttribute(c *toolCall, options []option) {
	for _, o := range options {
		if c.has(o.long) {
			name, _, _ := strings.Cut(o.param, ".")
			if o.param == "" {
				name = "BlockDeviceMapping"
			}
			c.values["attribute"] = []string{strings.ToLower(name[:1]) + name[1:]}
			c.values["value"] = c.all(o.long)
		}
	}
}

func prepareInstanceChange(c *toolCall, params awsquery.Params) error {
	noteAttribute(c, instanceChanges)
	if data, ok := params["UserData.Value"]; ok {
		params["UserData.Value"] = base64.StdEncoding.EncodeToString([]byte(data))
	}
	if !c.has("block-device-mapping") {
		return nil
	}
	mapping := c.last("block-device-mapping")
	name, spec, _ := strings.Cut(mapping, "=")
	volume, remove, ok := strings.Cut(spec, ":")
	if name == "" || !ok {
		return usagef("Invalid value '%s' for option '-b': expected NAME=[VOLUME]:DELETE, such as /dev/sda1=:false (-h for usage)", mapping)
	}
	params["BlockDeviceMapping.1.DeviceName"] = name
	params["BlockDeviceMapping.1.Ebs.DeleteOnTermination"] = remove
	if volume != "" {
		params["BlockDeviceMapping.1.Ebs.VolumeId"] = volume
	}
	return nil
}

func prepareInterfaceChange(c *toolCall, params awsquery.Params) error {
	noteAttribute(c, interfaceChanges)
	if c.has("attachment") != c.has("delete-on-termination") {
		return usagef("Options --attachment and --delete-on-termination go together (-h for usage)")
	}
	return nil
}

// attributeTools show and change attributes of instances and network interfaces.
var attributeTools = []*tool{
	{
		names:    []string{"ec2-describe-instance-attribute", "ec2dinatt"},
		about:    "show an attribute of an instance",
		example:  "ec2-describe-instance-attribute i-cfd732a6 --instance-type",
		action:   "DescribeInstanceAttribute",
		words:    []word{{"INSTANCE", "InstanceId", false}},
		options:  instanceAttributes,
		required: oneOf(instanceAttributes),
		records: append(
			attributeRecords("instanceId", "instanceType", "kernel", "ramdisk", "userData", "disableApiTermination",
				"instanceInitiatedShutdownBehavior", "rootDeviceName", "sourceDestCheck", "ebsOptimized"),
			record{each: "blockDeviceMapping", inner: []record{
				{kind: "BLOCKDEVICE", each: "item", columns: untitled("deviceName", "ebs.volumeId", "ebs.attachTime", "ebs.deleteOnTermination")},
			}},
			record{each: "productCodes", inner: []record{{kind: "productCodes", each: "item", columns: untitled("^^instanceId", "productCode")}}},
		),
	},
	{
		names:    []string{"ec2-modify-instance-attribute", "ec2minatt"},
		about:    "change an attribute of an instance",
		example:  "ec2-modify-instance-attribute i-cfd732a6 --disable-api-termination true",
		action:   "ModifyInstanceAttribute",
		words:    []word{{"INSTANCE", "InstanceId", false}},
		options:  instanceChanges,
		required: oneOf(instanceChanges),
		prepare:  prepareInstanceChange,
		records:  setAttribute("INSTANCE"),
	},
	{
		names:   []string{"ec2-reset-instance-attribute", "ec2rinatt"},
		about:   "set an attribute of an instance to its default",
		example: "ec2-reset-instance-attribute i-cfd732a6 --source-dest-check",
		action:  "ResetInstanceAttribute",
		words:   []word{{"INSTANCE", "InstanceId", false}},
		options: []option{
			{"", "kernel", "", "its kernel", "Attribute=kernel"},
			{"", "ramdisk", "", "its RAM disk", "Attribute=ramdisk"},
			{"", "source-dest-check", "", "whether it has only packets of its own", "Attribute=sourceDestCheck"},
		},
		required: []string{"kernel|ramdisk|source-dest-check"},
		records:  []record{returned},
	},
	{
		names:    []string{"ec2-describe-network-interface-attribute", "ec2dnicatt"},
		about:    "show an attribute of a network interface",
		example:  "ec2-describe-network-interface-attribute eni-b35da6da --description",
		action:   "DescribeNetworkInterfaceAttribute",
		words:    interfaceWord,
		options:  interfaceAttributes,
		required: oneOf(interfaceAttributes),
		records:  append(attributeRecords("networkInterfaceId", "description", "sourceDestCheck"), attachmentRecord),
	},
	{
		names:    []string{"ec2-modify-network-interface-attribute", "ec2mnicatt"},
		about:    "change an attribute of a network interface",
		example:  "ec2-modify-network-interface-attribute eni-b35da6da -d \"This is an ENI\"",
		action:   "ModifyNetworkInterfaceAttribute",
		words:    interfaceWord,
		options:  append(interfaceChanges, option{"", "delete-on-termination", "BOOLEAN", "whether it ends with the instance; with -a", "Attachment.DeleteOnTermination"}),
		required: oneOf(interfaceChanges),
		prepare:  prepareInterfaceChange,
		records:  setAttribute("INTERFACE"),
	},
	{
		names:    []string{"ec2-reset-network-interface-attribute", "ec2rnicatt"},
		about:    "set an attribute of a network interface to its default",
		example:  "ec2-reset-network-interface-attribute eni-b35da6da --source-dest-check",
		action:   "ResetNetworkInterfaceAttribute",
		words:    interfaceWord,
		options:  []option{{"", "source-dest-check", "", "whether it has only packets of its own", "SourceDestCheck"}},
		required: []string{"source-dest-check"},
		records:  []record{returned},
	},
}
