package api

import (
	"context"
	"regexp"
	"slices"

	"ringfence/internal/vpc"
)

// regionsShown are the regions that DescribeRegions lists: those that had
// EC2-Classic (EC2 User Guide 2019, "EC2-Classic"). Others work all the same.
var regionsShown = []vpc.Region{
	"ap-northeast-1", "ap-southeast-1", "ap-southeast-2", "eu-west-1", "sa-east-1", "us-east-1", "us-west-1", "us-west-2",
}

var regionName = regexp.MustCompile(`^[a-z]{2}(-[a-z]+){1,2}-[1-9][0-9]?$`)

// IsRegion reports whether r has the form of a region's name. Every such name
// is a region, and empty at first.
func IsRegion(r vpc.Region) bool { return regionName.MatchString(string(r)) }

// zonesOf returns the availability zones of a region. An instance launched
// without one is in the first.
func zonesOf(r vpc.Region) []vpc.Zone {
	return []vpc.Zone{vpc.Zone(r) + "a", vpc.Zone(r) + "b", vpc.Zone(r) + "c"}
}

type describeRegionsInput struct {
	dryRun
	filters
	RegionNames []vpc.Region `aws:"RegionName,bare"`
	AllRegions  bool         `aws:"AllRegions"` // all are opted in to
}

type describeRegionsOutput struct {
	Regions []regionItem `aws:"regionInfo"`
}

type regionItem struct {
	Name     vpc.Region `aws:"regionName"`
	Endpoint string     `aws:"regionEndpoint"`
	OptIn    string     `aws:"optInStatus,since=2016-11-15"`
}

var regionFilters = filterTable[regionItem]{values: map[string]func(regionItem) []string{
	"region-name":   func(r regionItem) []string { return []string{string(r.Name)} },
	"endpoint":      func(r regionItem) []string { return []string{r.Endpoint} },
	"opt-in-status": func(r regionItem) []string { return []string{r.OptIn} },
}}

// describeRegions implements DescribeRegions.
func (r *request) describeRegions(_ context.Context, in *describeRegionsInput) (*describeRegionsOutput, error) {
	match, err := regionFilters.match(in.Filters)
	if err != nil {
		return nil, err
	}
	names := in.RegionNames
	if len(names) == 0 {
		names = regionsShown
	}
	out := &describeRegionsOutput{}
	for _, name := range names {
		if !IsRegion(name) {
			return nil, vpc.Errorf(vpc.InvalidParameterValue, "Invalid region provided: %s", name)
		}
		item := regionItem{Name: name, Endpoint: "ec2." + string(name) + ".amazonaws.com", OptIn: "opt-in-not-required"}
		if match(item) {
			out.Regions = append(out.Regions, item)
		}
	}
	return out, nil
}

type describeAvailabilityZonesInput struct {
	dryRun
	filters
	ZoneNames []vpc.Zone `aws:"ZoneName,bare"`
	ZoneIDs   []string   `aws:"ZoneId,bare"`
	AllZones  bool       `aws:"AllAvailabilityZones"` // all are opted in to
}

type describeAvailabilityZonesOutput struct {
	Zones []zoneItem `aws:"availabilityZoneInfo"`
}

type zoneItem struct {
	Name     vpc.Zone      `aws:"zoneName"`
	State    string        `aws:"zoneState"`
	Region   vpc.Region    `aws:"regionName"`
	Messages []messageItem `aws:"messageSet,since=2009-11-30"`
	ID       string        `aws:"zoneId,since=2016-11-15"`
	Type     string        `aws:"zoneType,since=2016-11-15"`
	OptIn    string        `aws:"optInStatus,since=2016-11-15"`
	Group    vpc.Region    `aws:"groupName,since=2016-11-15"`
	Border   vpc.Region    `aws:"networkBorderGroup,since=2016-11-15"`
}

type messageItem struct {
	Message string `aws:"message"`
}

var zoneFilters = filterTable[zoneItem]{values: map[string]func(zoneItem) []string{
	"zone-name":     func(z zoneItem) []string { return []string{string(z.Name)} },
	"zone-id":       func(z zoneItem) []string { return []string{z.ID} },
	"zone-type":     func(z zoneItem) []string { return []string{z.Type} },
	"state":         func(z zoneItem) []string { return []string{z.State} },
	"region-name":   func(z zoneItem) []string { return []string{string(z.Region)} },
	"group-name":    func(z zoneItem) []string { return []string{string(z.Group)} },
	"opt-in-status": func(z zoneItem) []string { return []string{z.OptIn} },
	"message":       func(zoneItem) []string { return nil },
}}

// describeAvailabilityZones implements DescribeAvailabilityZones.
func (r *request) describeAvailabilityZones(_ context.Context, in *describeAvailabilityZonesInput) (*describeAvailabilityZonesOutput, error) {
	match, err := zoneFilters.match(in.Filters)
	if err != nil {
		return nil, err
	}
	zones := zonesOf(r.Region)
	for _, name := range in.ZoneNames {
		if !slices.Contains(zones, name) {
			return nil, vpc.Errorf(vpc.InvalidParameterValue, "Invalid availability zone: [%s]", name)
		}
	}
	out := &describeAvailabilityZonesOutput{}
	for _, name := range zones {
		item := zoneItem{
			Name: name, State: "available", Region: r.Region, ID: name.ID(), Type: "availability-zone",
			OptIn: "opt-in-not-required", Group: r.Region, Border: r.Region,
		}
		if len(in.ZoneNames) > 0 && !slices.Contains(in.ZoneNames, name) || len(in.ZoneIDs) > 0 && !slices.Contains(in.ZoneIDs, item.ID) {
			continue
		}
		if match(item) {
			out.Zones = append(out.Zones, item)
		}
	}
	return out, nil
}
