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
	result, requestID, err := ParseResponse(s, action, body)
	if err != nil || out == nil || result == nil {
		return requestID, err
	}
	r := responseReader{service: s}
	if err := r.structure(reflect.ValueOf(out).Elem(), result); err != nil {
		return "", fmt.Errorf("read answer to %s: %w", action, err)
	}
	return requestID, nil
}

// ParseResponse returns the element of the answer to action that has the results
// in it, nil when there is none, and the request id.
func ParseResponse(s Service, action string, body []byte) (result *Element, requestID string, err error) {
	root, err := parseXML(body)
	if err != nil {
		return nil, "", fmt.Errorf("read answer to %s: %w", action, err)
	}
	if root.Name != action+"Response" {
		return nil, "", fmt.Errorf("read answer to %s: it is a document <%s>", action, root.Name)
	}
	if s == EC2 {
		return root, root.Find("requestId").Trimmed(), nil
	}
	return root.Find(action + "Result"), root.Find("ResponseMetadata").Find("RequestId").Trimmed(), nil
}

// A responseReader is one call of DecodeResponse.
type responseReader struct {
	service Service
}

func (r *responseReader) structure(v reflect.Value, e *Element) error {
	for _, f := range fieldsOf(v.Type()) {
		child := e.Find(f.name)
		if child == nil {
			continue
		}
		if err := r.value(v.FieldByIndex(f.index), child); err != nil {
			return err
		}
	}
	return nil
}

func (r *responseReader) value(v reflect.Value, e *Element) error {
	switch {
	case v.Kind() == reflect.Pointer:
		p := reflect.New(v.Type().Elem())
		v.Set(p)
		return r.value(p.Elem(), e)
	case isList(v.Type()):
		list := reflect.MakeSlice(v.Type(), 0, len(e.Children))
		for _, child := range e.Children {
			if child.Name != r.service.itemElement() {
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
	text := e.Text
	if v.Kind() != reflect.String {
		text = e.Trimmed()
		if text == "" {
			return nil
		}
	}
	if err := setScalar(v, e.Name, text); err != nil {
		return err
	}
	return nil
}

// An Element is an XML element, without its namespace and attributes.
type Element struct {
	Name     string
	Text     string
	Children []*Element
}

// Find returns the first child of a name, nil when there is none or e is nil.
func (e *Element) Find(name string) *Element {
	if e == nil {
		return nil
	}
	for _, child := range e.Children {
		if child.Name == name {
			return child
		}
	}
	return nil
}

// parseXML reads a document into its elements.
func parseXML(body []byte) (*Element, error) {
	d := xml.NewDecoder(bytes.NewReader(body))
	document := &Element{}
	open := []*Element{document}
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
			child := &Element{Name: t.Name.Local}
			inner.Children = append(inner.Children, child)
			open = append(open, child)
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			inner.Text += string(t)
		}
	}
	if len(document.Children) != 1 {
		return nil, errors.New("it is not an XML document")
	}
	return document.Children[0], nil
}
