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
	w := newResponseWriter(s, version)
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

// usualAnswer is how many bytes are set aside for an answer at first: few are longer.
const usualAnswer = 4 << 10

// A responseWriter is one call of EncodeResponse.
type responseWriter struct {
	bytes.Buffer
	service Service
	version string
}

func newResponseWriter(s Service, version string) *responseWriter {
	w := &responseWriter{service: s, version: version}
	w.Grow(usualAnswer)
	w.WriteString(xml.Header)
	return w
}

func (w *responseWriter) body(out any) {
	if out != nil {
		w.structure(reflect.ValueOf(out).Elem())
	}
}

func (w *responseWriter) structure(v reflect.Value) {
	fields := fieldsOf(v.Type())
	for i := range fields {
		f := &fields[i]
		if !f.shown(w.version) {
			continue
		}
		value := v.FieldByIndex(f.index)
		switch {
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
	start := w.Len()
	w.open(name)
	content := w.Len()
	switch {
	case isList(v.Type()):
		for i := range v.Len() {
			w.value(w.service.itemElement(), v.Index(i))
		}
	case isStructure(v.Type()):
		w.structure(v)
	case v.Kind() == reflect.String:
		w.text(v.String())
	default:
		w.Write(appendScalar(w.AvailableBuffer(), v)) // has nothing to escape
	}
	w.close(name, start, content)
}

// element writes an element that holds text.
func (w *responseWriter) element(name, text string) {
	start := w.Len()
	w.open(name)
	content := w.Len()
	w.text(text)
	w.close(name, start, content)
}

func (w *responseWriter) open(name string) {
	w.WriteByte('<')
	w.WriteString(name)
	w.WriteByte('>')
}

// close ends an element that begins at start and whose content does at content.
func (w *responseWriter) close(name string, start, content int) {
	if w.Len() == content {
		w.Truncate(start)
		w.WriteByte('<')
		w.WriteString(name)
		w.WriteString("/>")
		return
	}
	w.WriteString("</")
	w.WriteString(name)
	w.WriteByte('>')
}

func (w *responseWriter) text(s string) {
	if isPlain(s) {
		w.WriteString(s)
		return
	}
	// A bytes.Buffer takes every write.
	_ = xml.EscapeText(&w.Buffer, []byte(s))
}

// isPlain reports whether s is the same in XML.
func isPlain(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c < ' ', c > '~', c == '"', c == '\'', c == '&', c == '<', c == '>':
			return false
		}
	}
	return true
}
