package awsquery

import (
	"bytes"
	"encoding/xml"
	"reflect"
)

// EncodeResponse returns the answer to action as XML. version is the API version
// that the caller asked for: it is in the namespace, and fields that it does
// not have are left out. out points to a struct, or is nil for an answer that is
// nothing but a request id.
func EncodeResponse(s Service, action, version, requestID string, out any) []byte {
	w := responseWriter{service: s, version: version, fields: fields{}}
	w.WriteString(xml.Header)
	w.WriteString("<" + action + `Response xmlns="`)
	w.text(s.namespace(version))
	w.WriteString(`">`)
	if s == EC2 {
		w.element("requestId", requestID)
		w.body(out)
	} else {
		w.WriteString("<" + action + "Result>")
		w.body(out)
		w.WriteString("</" + action + "Result><ResponseMetadata>")
		w.element("RequestId", requestID)
		w.WriteString("</ResponseMetadata>")
	}
	w.WriteString("</" + action + "Response>\n")
	return w.Bytes()
}

// A responseWriter is one call of EncodeResponse.
type responseWriter struct {
	bytes.Buffer
	service Service
	version string
	fields  fields
}

func (w *responseWriter) body(out any) {
	if out != nil {
		w.structure(reflect.ValueOf(out).Elem())
	}
}

func (w *responseWriter) structure(v reflect.Value) {
	for _, f := range w.fields.of(v.Type()) {
		value := v.FieldByIndex(f.index)
		switch {
		case !f.shown(w.version):
		case value.Kind() == reflect.Pointer && value.IsNil():
		case f.omitEmpty && (value.IsZero() || isList(value.Type()) && value.Len() == 0):
		default:
			w.value(f.name, value)
		}
	}
}

// value writes an element. One that would be empty is written as <name/>.
func (w *responseWriter) value(name string, v reflect.Value) {
	if v.Kind() == reflect.Pointer {
		w.value(name, v.Elem())
		return
	}
	if !isList(v.Type()) && !isStructure(v.Type()) {
		w.element(name, scalarText(v))
		return
	}
	start := w.Len()
	w.WriteString("<" + name + ">")
	content := w.Len()
	if isList(v.Type()) {
		for i := range v.Len() {
			w.value(w.service.itemElement(), v.Index(i))
		}
	} else {
		w.structure(v)
	}
	if w.Len() == content {
		w.Truncate(start)
		w.WriteString("<" + name + "/>")
		return
	}
	w.WriteString("</" + name + ">")
}

// element writes an element that holds text.
func (w *responseWriter) element(name, text string) {
	if text == "" {
		w.WriteString("<" + name + "/>")
		return
	}
	w.WriteString("<" + name + ">")
	w.text(text)
	w.WriteString("</" + name + ">")
}

func (w *responseWriter) text(s string) {
	// A bytes.Buffer takes every write.
	_ = xml.EscapeText(&w.Buffer, []byte(s))
}
