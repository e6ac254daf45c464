package api

// regionActions are about what is there before anybody makes anything.
var regionActions = map[string]*action{
	"DescribeRegions": {
		handler: handle((*request).describeRegions),
		done:    []string{"RegionName.N", "Filter.N.Name", "Filter.N.Value.N", "AllRegions", "DryRun"},
	},
	"DescribeAvailabilityZones": {
		handler: handle((*request).describeAvailabilityZones),
		done: []string{
			"ZoneName.N", "ZoneId.N", "Filter.N.Name", "Filter.N.Value.N", "AllAvailabilityZones", "DryRun",
		},
	},
	"DescribeAccountAttributes": {
		handler: handle((*request).describeAccountAttributes), network: true,
		done: []string{"AttributeName.N", "DryRun"},
	},
}
