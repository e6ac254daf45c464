package names

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"ringfence/internal/vpc"
)

// list lists what is directly in a directory of tree, directories with a slash,
// but without in ""; the result "" says that there is no such directory. Public
// keys are listed by number and name.
func list(tree map[string]string, directory string) string {
	var names []string
	for path := range tree {
		if rest, ok := strings.CutPrefix(path, directory); ok {
			name, _, deeper := strings.Cut(rest, "/")
			switch {
			case directory == publicKeys:
				line := strings.Fields(tree[path])
				name += "=" + strings.Join(line[2:], " ") // behind type and key
			case deeper && directory != "":
				name += "/"
			}
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return strings.Join(slices.Compact(names), "\n")
}

// Paths that are served in ways of their own.
const (
	publicKeys = "meta-data/public-keys/"
	userData   = "user-data"
)

// metadataTree is all the metadata of s, by path below the version (EC2 User
// Guide, "Instance metadata categories"). What has no value is not there.
func metadataTree(s Subject) map[string]string {
	i, first := s.Instance, s.Interfaces[0]
	values := map[string]string{
		"ami-id":                         string(i.Image),
		"ami-launch-index":               fmt.Sprint(i.LaunchIndex),
		"ami-manifest-path":              "(unknown)",
		"events/maintenance/history":     "[]",
		"events/maintenance/scheduled":   "[]",
		"hostname":                       first.localName(),
		"instance-action":                "none",
		"instance-id":                    string(i.ID),
		"instance-life-cycle":            "on-demand",
		"instance-type":                  i.Type,
		"ipv6":                           firstOf(first.ipv6()),
		"kernel-id":                      i.Kernel,
		"local-hostname":                 first.localName(),
		"local-ipv4":                     first.Primary().String(),
		"mac":                            first.hardware(),
		"metrics/vhostmd":                `<?xml version="1.0" encoding="UTF-8"?>`,
		"placement/availability-zone":    string(i.Zone),
		"placement/availability-zone-id": i.Zone.ID(),
		"placement/region":               string(i.Region),
		"profile":                        "default-paravirtual",
		"public-hostname":                first.publicName(s.VPC),
		"public-ipv4":                    firstOf(first.public()),
		"public-keys/0/openssh-key":      i.PublicKey,
		"ramdisk-id":                     i.Ramdisk,
		"reservation-id":                 string(i.Reservation),
		"security-groups":                strings.Join(first.GroupNames, "\n"),
		"services/domain":                "amazonaws.com",
		"services/partition":             "aws",
	}
	for n, v := range i.Volumes {
		device := strings.TrimPrefix(v.Device, "/dev/")
		if n == 0 {
			values["block-device-mapping/ami"], values["block-device-mapping/root"] = device, v.Device
		} else {
			values[fmt.Sprintf("block-device-mapping/ebs%d", n)] = device
		}
	}
	for _, n := range s.Interfaces {
		for name, value := range n.metadata(s.VPC) {
			values["network/interfaces/macs/"+n.hardware()+"/"+name] = value
		}
	}
	tree := map[string]string{"dynamic/instance-identity/document": identityDocument(s)}
	for path, value := range values {
		if value != "" {
			tree["meta-data/"+path] = value
		}
	}
	if i.Metadata.Tags {
		for _, t := range i.Tags {
			tree["meta-data/tags/instance/"+t.Key] = t.Value
		}
	}
	if len(i.UserData) > 0 {
		tree[userData] = string(i.UserData)
	}
	return tree
}

// identityDocument says who an instance is (EC2 User Guide, "Instance identity
// documents"). It has no signature beside it: nobody here signs for AWS.
func identityDocument(s Subject) string {
	i := s.Instance
	text, err := json.MarshalIndent(struct {
		Account      vpc.AccountID  `json:"accountId"`
		Architecture string         `json:"architecture"`
		Zone         vpc.Zone       `json:"availabilityZone"`
		Billing      []string       `json:"billingProducts"`
		DevPay       []string       `json:"devpayProductCodes"`
		Marketplace  []string       `json:"marketplaceProductCodes"`
		Image        vpc.ImageID    `json:"imageId"`
		ID           vpc.InstanceID `json:"instanceId"`
		Type         string         `json:"instanceType"`
		Kernel       *string        `json:"kernelId"`
		Pending      time.Time      `json:"pendingTime"`
		Private      netip.Addr     `json:"privateIp"`
		Ramdisk      *string        `json:"ramdiskId"`
		Region       vpc.Region     `json:"region"`
		Version      string         `json:"version"`
	}{
		Account: i.Account, Architecture: "x86_64", Zone: i.Zone, Image: i.Image, ID: i.ID, Type: i.Type,
		Kernel: nullable(i.Kernel), Pending: i.LaunchTime.Truncate(time.Second), Private: s.Interfaces[0].Primary(), Ramdisk: nullable(i.Ramdisk),
		Region: i.Region, Version: "2017-09-30",
	}, "", "  ")
	if err != nil {
		panic(err) // a launch has a year that RFC 3339 can write
	}
	return string(text)
}

func nullable(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
