package api

import (
	"context"

	"ringfence/internal/vpc"
)

type describeOfferingsInput struct {
	dryRun
	filters
	paging
	LocationType string `aws:"LocationType"`
}

type describeOfferingsOutput struct {
	Offerings []offeringItem `aws:"instanceTypeOfferingSet"`
	NextToken string         `aws:"nextToken,omitempty"`
}

type offeringItem struct {
	Type         string `aws:"instanceType"`
	LocationType string `aws:"locationType"`
	Location     string `aws:"location"`
}

// describeOfferings implements DescribeInstanceTypeOfferings. All types are to
// be had everywhere.
func (r *request) describeOfferings(_ context.Context, in *describeOfferingsInput) (*describeOfferingsOutput, error) {
	kind := or(in.LocationType, "region")
	var places []string
	switch kind {
	case "region":
		places = []string{string(r.Region)}
	case "availability-zone":
		places = each(zonesOf(r.Region), func(z vpc.Zone) string { return string(z) })
	case "availability-zone-id":
		places = each(zonesOf(r.Region), vpc.Zone.ID)
	default:
		return nil, vpc.Errorf(vpc.InvalidParameterValue, "Invalid value '%s' for LocationType.", kind)
	}
	var all []offeringItem
	for name := range instanceTypes {
		for _, place := range places {
			all = append(all, offeringItem{name, kind, place})
		}
	}
	page, next, err := filterPage(in.filters, in.paging, offeringFilters, all, func(o offeringItem) string { return o.Type + " " + o.Location })
	return &describeOfferingsOutput{page, next}, err
}

var offeringFilters = filterTable[offeringItem]{values: map[string]func(offeringItem) []string{
	"instance-type": func(o offeringItem) []string { return []string{o.Type} },
	"location":      func(o offeringItem) []string { return []string{o.Location} },
}}
