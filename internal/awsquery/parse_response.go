package awsquery

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"reflect"
)

// DecodeResponse fills in the struct that out points to from the answer to
// action, and returns the request id. Elements that out has no field for are
// passed over.
func DecodeResponse(s Service, action string, body []byte, out any) (requestID string, err error) {
	root, err := parseXML(body)
	if err != nil {
		return "", fmt.Errorf("read answer to %s: %w", action, err)
	}
	if root.name != action+"Response" {
		return "", fmt.Errorf("read answer to %s: it is a document <%s>", action, root.name)
	}
	result := root
	if s == EC2 {
		requestID = root.find("requestId").trimmed()
	} else {
		requestID = root.find("ResponseMetadata").find("RequestId").trimmed()
		result = root.find(action + "Result")
	}
	if out == nil || result == nil {
		return requestID, nil
	}
	r := responseReader{service: s, fields: fields{}}
	if err := r.structure(reflect.ValueOf(out).Elem(), result); err != nil {
		return "", fmt.Errorf("read answer to %s: %w", action, err)
	}
	return requestID, nil
}

// A responseReader is one call of DecodeResponse.
type responseReader struct {
	service Service
	fields  fields
}

func (r *responseReader) structure(v reflect.Value, e *element) error {
	for _, f := range r.fields.of(v.Type()) {
		child := e.find(f.name)
		if child == nil {
			continue
		}
		if err := r.value(v.FieldByIndex(f.index), child); err != nil {
			return err
		}
	}
	return nil
}

func (r *responseReader) value(v reflect.Value, e *element) error {
	switch {
	case v.Kind() == reflect.Pointer:
		p := reflect.New(v.Type().Elem())
		v.Set(p)
		return r.value(p.Elem(), e)
	case isList(v.Type()):
		list := reflect.MakeSlice(v.Type(), 0, len(e.children))
		for _, child := range e.children {
			if child.name != r.service.itemElement() {
				continue
			}
			list = reflect.Append(list, reflect.Zero(v.Type().Elem()))
			if err := r.value(list.Index(list.Len()-1), child); err != nil {
				return err
			}
		}
		v.Set(list)
		return nil
	case isStructure(v.Type()):
		return r.structure(v, e)
	}
	text := e.text
	if v.Kind() != reflect.String {
		text = e.trimmed()
		if text == "" {
			return nil
		}
	}
	if err := setScalar(v, e.name, text); err != nil {
		return err
	}
	return nil
}

// An element is an XML element, without its namespace and attributes.
type element struct {
	name     string
	text     string
	children []*element
}

// find returns the first child of a name, nil when there is none or e is nil.
func (e *element) find(name string) *element {
	if e == nil {
		return nil
	}
	for _, child := range e.children {
		if child.name == name {
			return child
		}
	}
	return nil
}

// parseXML reads a document into its elements.
func parseXML(body []byte) (*element, error) {
	d := xml.NewDecoder(bytes.NewReader(body))
	document := &element{}
	open := []*element{document}
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		inner := open[len(open)-1]
		switch t := token.(type) {
		case xml.StartElement:
			child := &element{name: t.Name.Local}
			inner.children = append(inner.children, child)
			open = append(open, child)
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			inner.text += string(t)
		}
	}
	if len(document.children) != 1 {
		return nil, errors.New("it is not an XML document")
	}
	return document.children[0], nil
}
