package vpc

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// A Catalogue says what each image runs. Every well-formed image id has an
// entry: one that is not in the catalogue is taken as the base image.
type Catalogue struct{ images map[ImageID]Image }

// BaseImage is the image that unknown ids stand for.
const BaseImage ImageID = "ami-eca54085"

// NewCatalogue returns the catalogue of the built-in images, which are those of
// the examples in the EC2 User Guide 2012, "Using Security Groups".
func NewCatalogue() *Catalogue {
	ssh := Service{Kind: "ssh", Port: 22}
	c := &Catalogue{images: map[ImageID]Image{}}
	for _, image := range []Image{
		{ID: BaseImage, Name: "base", Description: "A host with SSH", Services: []Service{ssh}},
		{ID: "ami-fba54092", Name: "web", Description: "A web server", Services: []Service{ssh, {Kind: "http", Port: 80}}},
		{ID: "ami-e3a5408a", Name: "app", Description: "An application server", Services: []Service{ssh, {Kind: "http", Port: 8080}}},
		{ID: "ami-f1a54098", Name: "db", Description: "A database server", Services: []Service{ssh, {Kind: "tcp", Port: 3306}}},
	} {
		c.images[image.ID] = image
	}
	return c
}

// catalogueEntry is an image in a catalogue file.
type catalogueEntry struct {
	Name        string   `json:"name"`
	Description string   `json:"description"`
	Services    []string `json:"services"` // kind:port, such as http:80
	Command     []string `json:"command"`
	Root        string   `json:"root"`
}

// Add reads a catalogue file, which adds images and replaces those with the
// same id. It is JSON such as
//
//	{"ami-0123abcd": {"name": "proxy", "services": ["ssh:22", "http:3128"]}}
func (c *Catalogue) Add(file io.Reader) error {
	var entries map[ImageID]catalogueEntry
	d := json.NewDecoder(file)
	d.DisallowUnknownFields()
	if err := d.Decode(&entries); err != nil {
		return fmt.Errorf("read catalogue: %w", err)
	}
	for id, e := range entries {
		image := Image{ID: id, Name: e.Name, Description: e.Description, Command: e.Command, Root: e.Root}
		if !strings.HasPrefix(string(id), "ami-") {
			return fmt.Errorf("read catalogue: %q is no image id", id)
		}
		for _, s := range e.Services {
			service, err := parseService(s)
			if err != nil {
				return fmt.Errorf("read catalogue: %s: %w", id, err)
			}
			image.Services = append(image.Services, service)
		}
		c.images[id] = image
	}
	return nil
}

func parseService(s string) (Service, error) {
	kind, port, _ := strings.Cut(s, ":")
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 {
		return Service{}, fmt.Errorf("service %q has no port", s)
	}
	switch kind {
	case "ssh", "http", "tcp":
		return Service{Kind: kind, Port: uint16(n)}, nil
	}
	return Service{}, fmt.Errorf("service %q is none of ssh, http, tcp", s)
}

// Image returns what an image runs: the base image under the id asked for,
// when the catalogue does not have it.
func (c *Catalogue) Image(id ImageID) Image {
	if image, ok := c.images[id]; ok {
		return image
	}
	image := c.images[BaseImage]
	image.ID = id
	return image
}

// Images returns the catalogue by rising id.
func (c *Catalogue) Images() []Image {
	return slices.SortedFunc(maps.Values(c.images), func(a, b Image) int {
		return strings.Compare(string(a.ID), string(b.ID))
	})
}
