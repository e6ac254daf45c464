package api

import (
	"regexp"
	"slices"

	"ringfence/internal/vpc"
)

// blockDeviceInput asks for a volume or for a disk of the host (EC2 API
// reference, BlockDeviceMapping). Volumes are shown; no disk is behind them, as
// an instance's files are all in one place.
type blockDeviceInput struct {
	Device      string      `aws:"DeviceName"`
	VirtualName string      `aws:"VirtualName"`
	NoDevice    *string     `aws:"NoDevice"`
	EBS         volumeInput `aws:"Ebs"`
}

type volumeInput struct {
	Size                *int   `aws:"VolumeSize"` // GiB
	Type                string `aws:"VolumeType"`
	DeleteOnTermination *bool  `aws:"DeleteOnTermination"`
}

// What a root volume is when nobody says otherwise.
const (
	rootSize    = 8 // GiB
	usualVolume = "standard"
)

const maxVolumeSize = 16384 // GiB (EC2 API reference, EbsBlockDevice)

var (
	hostDisk    = regexp.MustCompile(`^ephemeral[0-9]{1,2}$`)
	volumeTypes = []string{"", "standard", "io1", "io2", "gp2", "gp3", "sc1", "st1"}
)

// volumesFor are the volumes of an instance that is launched with a mapping,
// without their ids: the root's first, which every instance has.
func volumesFor(mapping []blockDeviceInput) ([]vpc.Volume, error) {
	volumes := []vpc.Volume{{Device: rootDevice, Size: rootSize, Type: usualVolume, DeleteOnTermination: true}}
	var seen []string
	for _, d := range mapping {
		if d.Device == "" {
			return nil, vpc.Errorf(vpc.MissingParameter, "The request must contain the parameter deviceName")
		}
		if slices.Contains(seen, d.Device) {
			return nil, vpc.Errorf(vpc.InvalidBlockDeviceMapping, "The device '%s' is used in more than one block-device mapping", d.Device)
		}
		seen = append(seen, d.Device)
		switch {
		case d.NoDevice != nil:
		case d.VirtualName != "":
			if !hostDisk.MatchString(d.VirtualName) {
				return nil, vpc.Errorf(vpc.InvalidBlockDeviceMapping, "Invalid device virtual name '%s'", d.VirtualName)
			}
		default:
			v, err := d.volume()
			if err != nil {
				return nil, err
			}
			if v.Device == rootDevice {
				volumes[0] = v
			} else {
				volumes = append(volumes, v)
			}
		}
	}
	return volumes, nil
}

func (d *blockDeviceInput) volume() (vpc.Volume, error) {
	v := vpc.Volume{Device: d.Device, Size: rootSize, Type: or(d.EBS.Type, usualVolume), DeleteOnTermination: true}
	switch {
	case d.EBS.Size == nil && d.Device != rootDevice: // an image says how large its root is
		return v, vpc.Errorf(vpc.MissingParameter, "The request must contain the parameter size or snapshotId")
	case d.EBS.Size != nil && (*d.EBS.Size < 1 || *d.EBS.Size > maxVolumeSize):
		return v, vpc.Errorf(vpc.InvalidParameterValue, "Value (%d) for parameter volumeSize is invalid. It must be from 1 to %d.", *d.EBS.Size, maxVolumeSize)
	case !slices.Contains(volumeTypes, d.EBS.Type):
		return v, vpc.Errorf(vpc.InvalidParameterValue, "Value (%s) for parameter volumeType is invalid.", d.EBS.Type)
	}
	if d.EBS.Size != nil {
		v.Size = *d.EBS.Size
	}
	if d.EBS.DeleteOnTermination != nil {
		v.DeleteOnTermination = *d.EBS.DeleteOnTermination
	}
	return v, nil
}

// volumeChangeInput asks for a change of a volume of an instance (EC2 API
// reference, InstanceBlockDeviceMappingSpecification).
type volumeChangeInput struct {
	Device string `aws:"DeviceName,required"`
	EBS    struct {
		DeleteOnTermination *bool `aws:"DeleteOnTermination"`
	} `aws:"Ebs"`
}

// changeVolumes changes the volumes of an instance, a copy.
func changeVolumes(i *vpc.Instance, changes []volumeChangeInput) error {
	i.Volumes = slices.Clone(i.Volumes)
	for _, c := range changes {
		at := slices.IndexFunc(i.Volumes, func(v vpc.Volume) bool { return v.Device == c.Device })
		if at < 0 {
			return vpc.Errorf(vpc.InvalidInstanceAttributeValue, "No device is currently mapped at %s", c.Device)
		}
		if c.EBS.DeleteOnTermination != nil {
			i.Volumes[at].DeleteOnTermination = *c.EBS.DeleteOnTermination
		}
	}
	return nil
}
