package api

import (
	"context"
	"slices"
	"strconv"
	"time"

	"ringfence/internal/vpc"
)

type describeVolumesInput struct {
	dryRun
	filters
	paging
	IDs []string `aws:"VolumeId,bare"`
}

type describeVolumesOutput struct {
	Volumes   []volumeItem `aws:"volumeSet"`
	NextToken string       `aws:"nextToken,omitempty"`
}

// volumeItem is a volume in an answer (EC2 API reference, Volume).
type volumeItem struct {
	ID          string                 `aws:"volumeId"`
	Size        int                    `aws:"size"` // GiB
	Snapshot    string                 `aws:"snapshotId"`
	Zone        vpc.Zone               `aws:"availabilityZone"`
	Status      string                 `aws:"status"`
	Created     time.Time              `aws:"createTime"`
	Attachments []volumeAttachmentItem `aws:"attachmentSet"`
	Type        string                 `aws:"volumeType,since=2012-07-20"`
	Encrypted   bool                   `aws:"encrypted,since=2014-05-01"`
	Tags        []tagItem              `aws:"tagSet"`
}

type volumeAttachmentItem struct {
	Volume              string         `aws:"volumeId"`
	Instance            vpc.InstanceID `aws:"instanceId"`
	Device              string         `aws:"device"`
	Status              string         `aws:"status"`
	Time                time.Time      `aws:"attachTime"`
	DeleteOnTermination bool           `aws:"deleteOnTermination"`
}

// describeVolumes implements DescribeVolumes. The volumes are those that
// instances say they have; they end with them.
func (r *request) describeVolumes(ctx context.Context, in *describeVolumesInput) (*describeVolumesOutput, error) {
	match, err := volumeFilters.match(in.Filters)
	if err != nil {
		return nil, err
	}
	v, err := r.view(ctx)
	if err != nil {
		return nil, err
	}
	var matching []volumeItem
	missing := slices.Clone(in.IDs)
	for _, i := range v.Instances(r.Region, r.Account.ID) {
		if i.State == vpc.Terminated {
			continue
		}
		for _, volume := range i.Volumes {
			missing = slices.DeleteFunc(missing, func(id string) bool { return id == volume.ID })
			item := newVolumeItem(i, volume)
			if match(item) && (len(in.IDs) == 0 || slices.Contains(in.IDs, volume.ID)) {
				matching = append(matching, item)
			}
		}
	}
	if len(missing) > 0 {
		return nil, vpc.Errorf(vpc.InvalidVolumeNotFound, "The volume '%s' does not exist.", missing[0])
	}
	page, next, err := paginate(in.paging, matching, func(v volumeItem) string { return v.ID })
	if err != nil {
		return nil, err
	}
	return &describeVolumesOutput{Volumes: page, NextToken: next}, nil
}

func newVolumeItem(i *vpc.Instance, v vpc.Volume) volumeItem {
	return volumeItem{
		ID: v.ID, Size: v.Size, Zone: i.Zone, Status: "in-use", Created: shownTime(i.LaunchTime), Type: v.Type,
		Attachments: []volumeAttachmentItem{{v.ID, i.ID, v.Device, attached, shownTime(i.LaunchTime), v.DeleteOnTermination}},
		Tags:        tagItems(v.Tags),
	}
}

// volumeFilters are the filters of DescribeVolumes (EC2 API reference).
var volumeFilters = filterTable[volumeItem]{tags: func(v volumeItem) []vpc.Tag { return vpcTags(v.Tags) }, values: map[string]func(volumeItem) []string{
	"volume-id":                        func(v volumeItem) []string { return []string{v.ID} },
	"volume-type":                      func(v volumeItem) []string { return []string{v.Type} },
	"availability-zone":                func(v volumeItem) []string { return []string{string(v.Zone)} },
	"availability-zone-id":             func(v volumeItem) []string { return []string{v.Zone.ID()} },
	"snapshot-id":                      func(v volumeItem) []string { return present(v.Snapshot) },
	"size":                             func(v volumeItem) []string { return []string{strconv.Itoa(v.Size)} },
	"status":                           func(v volumeItem) []string { return []string{v.Status} },
	"encrypted":                        func(v volumeItem) []string { return []string{strconv.FormatBool(v.Encrypted)} },
	"create-time":                      func(v volumeItem) []string { return []string{filterTime(v.Created)} },
	"attachment.instance-id":           func(v volumeItem) []string { return []string{string(v.Attachments[0].Instance)} },
	"attachment.attach-time":           func(v volumeItem) []string { return []string{filterTime(v.Attachments[0].Time)} },
	"attachment.device":                func(v volumeItem) []string { return []string{v.Attachments[0].Device} },
	"attachment.status":                func(v volumeItem) []string { return []string{v.Attachments[0].Status} },
	"attachment.delete-on-termination": func(v volumeItem) []string { return []string{strconv.FormatBool(v.Attachments[0].DeleteOnTermination)} },
}}
