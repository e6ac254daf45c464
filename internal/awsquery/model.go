package awsquery

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

//go:embed model.json
var modelJSON []byte

// A Model lists what AWS's published models of the services know about some
// actions (EC2 of 2016-11-15, ELB of 2012-06-01, IAM of 2010-05-08, STS of
// 2011-06-15). It tells a parameter that AWS has and ringfence has not from one
// that nobody has.
type Model struct {
	services map[Service]map[string]modelAction
}

// A modelAction holds sorted paths, in which N stands for an index.
type modelAction struct {
	Parameters []string `json:"parameters"`
	Elements   []string `json:"elements"`
}

// NewModel reads the embedded model.
func NewModel() (*Model, error) {
	var file struct {
		Services map[Service]map[string]modelAction `json:"services"`
	}
	if err := json.Unmarshal(modelJSON, &file); err != nil {
		return nil, fmt.Errorf("read AWS model: %w", err)
	}
	for _, actions := range file.Services {
		for _, a := range actions {
			slices.Sort(a.Parameters)
			slices.Sort(a.Elements)
		}
	}
	return &Model{services: file.Services}, nil
}

// HasParameter reports whether an action has a parameter, such as
// NetworkInterface.1.SubnetId. It is false for an action that the model lacks.
func (m *Model) HasParameter(s Service, action, name string) bool {
	steps := strings.Split(name, ".")
	for i, step := range steps {
		if _, ok := listIndex(step); ok {
			steps[i] = "N"
		} else if step == "N" {
			return false // the model's word for an index, and nobody's name
		}
	}
	_, found := slices.BinarySearch(m.services[s][action].Parameters, strings.Join(steps, "."))
	return found
}

// HasElement reports whether an action's answer has an element, such as
// securityGroupInfo.item.groupId.
func (m *Model) HasElement(s Service, action, path string) bool {
	_, found := slices.BinarySearch(m.services[s][action].Elements, path)
	return found
}
