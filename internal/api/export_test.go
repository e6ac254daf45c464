package api

import (
	"reflect"
	"slices"
	"strings"

	"ringfence/internal/awsquery"
)

// ActionParameters are the parameters that an action reads, with N where they
// have an index; Required are those without which it does nothing.
type ActionParameters struct {
	Service       awsquery.Service
	Version       string // the newest of the service
	All, Required []string
}

// Parameters returns what every action of every service reads. No two services
// have an action of one name but for those about tags, which are EC2's here.
func Parameters() map[string]ActionParameters {
	versions := map[awsquery.Service]string{
		awsquery.EC2: newestEC2Version, awsquery.ELB: elbVersion, awsquery.IAM: iamVersion, awsquery.STS: stsVersion,
	}
	all := map[string]ActionParameters{}
	for service, version := range versions {
		for name, act := range actions[service] {
			if _, taken := all[name]; taken && service != awsquery.EC2 {
				continue
			}
			p := ActionParameters{Service: service, Version: version}
			for _, parameter := range slices.Concat(act.done, act.kept) {
				if service != awsquery.EC2 {
					parameter = strings.ReplaceAll(parameter, ".N", ".member.N")
				}
				p.All = append(p.All, parameter)
			}
			p.Required = required(act.input)
			all[name] = p
		}
	}
	return all
}

// required are the parameters of an input that its tags call so.
func required(input reflect.Type) []string {
	var names []string
	for f := range input.Fields() {
		word, options, _ := strings.Cut(f.Tag.Get("aws"), ",")
		switch {
		case strings.Contains(options, "required"):
			names = append(names, word)
		case f.Anonymous && word == "":
			names = append(names, required(f.Type)...)
		}
	}
	return names
}
