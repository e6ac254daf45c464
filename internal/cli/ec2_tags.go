package cli

import (
	"context"
	"fmt"
	"strings"

	"ringfence/internal/awsquery"
)

// resourceTypes are the types of resources that tags tell, by the beginning of
// an id (EC2 API Reference, TagSpecification).
var resourceTypes = map[string]string{
	"acl": "network-acl", "ami": "image", "dopt": "dhcp-options", "eipalloc": "elastic-ip", "eni": "network-interface",
	"i": "instance", "igw": "internet-gateway", "key": "key-pair", "rtb": "route-table", "sg": "security-group",
	"sgr": "security-group-rule", "subnet": "subnet", "vol": "volume", "vpc": "vpc",
}

// resourceType is "" for an id of no known kind.
func resourceType(id string) string {
	prefix, _, _ := strings.Cut(id, "-")
	return resourceTypes[prefix]
}

// tagTool returns a tool that sends tags of resources and prints what it has sent.
func tagTool(action, about, tagHelp string, names ...string) *tool {
	return &tool{
		names:    names,
		about:    about,
		example:  names[0] + " i-cfd732a6 sg-ed5b6c99 --tag stack=test",
		action:   action,
		words:    []word{{"RESOURCE", "ResourceId.N", false}},
		options:  []option{{"", "tag", "KEY[=VALUE]", tagHelp, ""}},
		required: []string{"tag"},
		prepare:  sendTags,
		run:      runTags,
	}
}

func sendTags(c *toolCall, params awsquery.Params) error {
	for i, text := range c.all("tag") {
		key, value, hasValue := strings.Cut(text, "=")
		prefix := fmt.Sprintf("Tag.%d.", i+1)
		params[prefix+"Key"] = key
		if hasValue || c.tool.action == "CreateTags" {
			params[prefix+"Value"] = value
		}
	}
	return nil
}

func runTags(ctx context.Context, c *toolCall) error {
	if _, err := c.ask(ctx); err != nil {
		return err
	}
	if c.has("headers") {
		c.out.add("TAG", "Resource ID", "Resource Type", "Key", "Value")
	}
	for _, id := range c.all("RESOURCE") {
		for _, text := range c.all("tag") {
			key, value, _ := strings.Cut(text, "=")
			c.out.add("TAG", id, resourceType(id), key, value)
		}
	}
	return nil
}

// tagTools are those of tags.
var tagTools = []*tool{
	tagTool("CreateTags", "tag resources", "a tag; may be repeated", "ec2-create-tags", "ec2addtag"),
	tagTool("DeleteTags", "remove tags from resources", "a tag, whatever its value, or only with this one; may be repeated", "ec2-delete-tags", "ec2deltag"),
	{
		names:   []string{"ec2-describe-tags", "ec2dtag"},
		about:   "list tags",
		example: "ec2-describe-tags -F resource-type=instance",
		action:  "DescribeTags",
		options: []option{filterOption},
		records: []record{{
			kind: "TAG", each: "tagSet.item",
			columns: []column{{"Resource ID", "resourceId"}, {"Resource Type", "resourceType"}, {"Key", "key"}, {"Value", "value"}},
		}},
	},
}
