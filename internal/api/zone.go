package api

import (
	"strings"

	"ringfence/internal/vpc"
)

// zone returns the availability zone that a call names by its name or its id;
// the first of the region when it names none.
func (r *request) zone(name, id string) (vpc.Zone, error) {
	zones := zonesOf(r.Region)
	if name == "" && id == "" {
		return zones[0], nil
	}
	if name != "" && id != "" {
		return "", vpc.Errorf(vpc.InvalidParameterCombination, "The parameter availabilityZone cannot be used with the parameter availabilityZoneId")
	}
	for _, z := range zones {
		if string(z) == name || z.ID() == id {
			return z, nil
		}
	}
	parameter := "availabilityZone"
	if id != "" {
		parameter = "availabilityZoneId"
	}
	return "", vpc.Errorf(vpc.InvalidParameterValue, "Value (%s) for parameter %s is invalid. Subnets can currently only be created in the following availability zones: %s.",
		name+id, parameter, strings.Join(each(zones, func(z vpc.Zone) string { return string(z) }), ", "))
}
