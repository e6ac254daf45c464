package api

import (
	"context"

	"ringfence/internal/vpc"
)

type describeImagesInput struct {
	dryRun
	filters
	paging
	ImageIDs     []string `aws:"ImageId,bare"`
	Owners       []string `aws:"Owner,bare"`
	ExecutableBy []string `aws:"ExecutableBy,bare"`

	// No image is deprecated or disabled, so these make no difference.
	IncludeDeprecated bool `aws:"IncludeDeprecated"`
	IncludeDisabled   bool `aws:"IncludeDisabled"`
}

type describeImagesOutput struct {
	Images    []imageItem `aws:"imagesSet"`
	NextToken string      `aws:"nextToken,omitempty"`
}

// imageItem is an image in an answer (EC2 API reference, Image).
type imageItem struct {
	ID                 vpc.ImageID       `aws:"imageId"`
	Location           string            `aws:"imageLocation"`
	State              string            `aws:"imageState"`
	OwnerID            vpc.AccountID     `aws:"imageOwnerId"`
	Public             bool              `aws:"isPublic"`
	ProductCodes       []productCodeItem `aws:"productCodes"`
	Architecture       string            `aws:"architecture"`
	Type               string            `aws:"imageType"`
	Kernel             string            `aws:"kernelId,omitempty"`
	Ramdisk            string            `aws:"ramdiskId,omitempty"`
	OwnerAlias         string            `aws:"imageOwnerAlias,since=2009-04-04"`
	Name               string            `aws:"name,since=2009-10-31"`
	Description        string            `aws:"description,since=2009-10-31"`
	RootDeviceType     string            `aws:"rootDeviceType,since=2009-10-31"`
	RootDeviceName     string            `aws:"rootDeviceName,since=2009-10-31"`
	BlockDevices       []imageDeviceItem `aws:"blockDeviceMapping,since=2009-10-31"`
	VirtualizationType string            `aws:"virtualizationType,since=2010-08-31"`
	Tags               []tagItem         `aws:"tagSet,since=2010-08-31"`
	Hypervisor         string            `aws:"hypervisor,since=2010-08-31"`
}

type imageDeviceItem struct {
	Device string `aws:"deviceName"`
}

// Images are Amazon's. The number is the account that owns Amazon's own images.
const (
	imageOwner      vpc.AccountID = "137112412989"
	imageOwnerAlias string        = "amazon"
)

// describeImages implements DescribeImages. Any well-formed id that is asked
// for exists: it is the base image under that id.
func (r *request) describeImages(ctx context.Context, in *describeImagesInput) (*describeImagesOutput, error) {
	match, err := imageFilters.match(in.Filters)
	if err != nil {
		return nil, err
	}
	images := r.catalogue.Images()
	if len(in.ImageIDs) > 0 {
		images = nil
		for _, id := range in.ImageIDs {
			if err := checkID(vpc.InvalidAMIIDMalformed, "ami", id); err != nil {
				return nil, err
			}
			images = append(images, r.catalogue.Image(vpc.ImageID(id)))
		}
	}
	var matching []imageItem
	for _, image := range images {
		item := newImageItem(image, r.Account.Platform)
		if containsAny(in.Owners, string(imageOwner), imageOwnerAlias) && containsAny(in.ExecutableBy, "all") && match(item) {
			matching = append(matching, item)
		}
	}
	page, next, err := paginate(in.paging, matching, func(i imageItem) string { return string(i.ID) })
	if err != nil {
		return nil, err
	}
	return &describeImagesOutput{Images: page, NextToken: next}, nil
}

// containsAny reports whether list has one of the values. An empty list asks
// for nothing in particular.
func containsAny(list []string, values ...string) bool {
	if len(list) == 0 {
		return true
	}
	for _, have := range list {
		for _, want := range values {
			if have == want {
				return true
			}
		}
	}
	return false
}

// newImageItem shows an image as accounts of a platform see it: what they launch
// it as by default.
func newImageItem(image vpc.Image, platform vpc.Platform) imageItem {
	item := imageItem{
		ID: image.ID, Location: imageOwnerAlias + "/" + image.Name, State: "available", OwnerID: imageOwner, Public: true,
		Architecture: architecture, Type: "machine",
		OwnerAlias: imageOwnerAlias, Name: image.Name, Description: image.Description,
		RootDeviceType: rootDeviceType, RootDeviceName: rootDevice,
		VirtualizationType: hvm, Hypervisor: hypervisor,
	}
	if platform == vpc.PlatformClassic {
		item.Kernel, item.Ramdisk, item.VirtualizationType = defaultKernel, defaultRamdisk, paravirtual
	}
	return item
}

// imageFilters are the filters of DescribeImages (EC2 API reference).
var imageFilters = filterTable[imageItem]{
	values: map[string]func(imageItem) []string{
		"architecture":        func(i imageItem) []string { return []string{i.Architecture} },
		"description":         func(i imageItem) []string { return []string{i.Description} },
		"hypervisor":          func(i imageItem) []string { return []string{i.Hypervisor} },
		"image-id":            func(i imageItem) []string { return []string{string(i.ID)} },
		"image-type":          func(i imageItem) []string { return []string{i.Type} },
		"is-public":           func(imageItem) []string { return []string{"true"} },
		"kernel-id":           func(i imageItem) []string { return present(i.Kernel) },
		"manifest-location":   func(i imageItem) []string { return []string{i.Location} },
		"name":                func(i imageItem) []string { return []string{i.Name} },
		"owner-alias":         func(i imageItem) []string { return []string{i.OwnerAlias} },
		"owner-id":            func(i imageItem) []string { return []string{string(i.OwnerID)} },
		"ramdisk-id":          func(i imageItem) []string { return present(i.Ramdisk) },
		"root-device-name":    func(i imageItem) []string { return []string{i.RootDeviceName} },
		"root-device-type":    func(i imageItem) []string { return []string{i.RootDeviceType} },
		"state":               func(i imageItem) []string { return []string{i.State} },
		"virtualization-type": func(i imageItem) []string { return []string{i.VirtualizationType} },
	},
	tags: func(imageItem) []vpc.Tag { return nil },
}
