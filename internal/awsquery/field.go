package awsquery

import (
	"fmt"
	"reflect"
	"strings"
	"sync"
	"time"
)

// A field is a struct field that is on the wire.
type field struct {
	name      string // of the parameter or the element
	index     []int  // for reflect.Value.FieldByIndex
	required  bool
	bare      bool
	omitEmpty bool
	since     string // API version, inclusive; "" for always
	until     string
}

// shown reports whether f is part of calls and answers in an API version. Versions are
// dates, so they order as strings.
func (f *field) shown(version string) bool {
	return f.since <= version && (f.until == "" || version <= f.until)
}

// knownFields are the fields of types that have been asked for: []field by
// reflect.Type. Types are part of the program, so there are few, and none changes.
var knownFields sync.Map

// fieldsOf lists the fields of t in their order. The caller must not change it.
func fieldsOf(t reflect.Type) []field {
	known, ok := knownFields.Load(t)
	if !ok {
		known, _ = knownFields.LoadOrStore(t, parseTags(t, nil))
	}
	return known.([]field)
}

// parseTags reads the tags of t, which is embedded at index. A tag that cannot be
// understood is a mistake of the programmer, and panics.
func parseTags(t reflect.Type, index []int) []field {
	var list []field
	for i := range t.NumField() {
		sf := t.Field(i)
		at := append(append([]int(nil), index...), i)
		tag, ok := sf.Tag.Lookup("aws")
		if !ok {
			if sf.Anonymous && sf.Type.Kind() == reflect.Struct {
				list = append(list, parseTags(sf.Type, at)...)
			}
			continue
		}
		name, options, _ := strings.Cut(tag, ",")
		f := field{name: name, index: at}
		for option := range strings.SplitSeq(options, ",") {
			key, value, _ := strings.Cut(option, "=")
			switch key {
			case "":
			case "required":
				f.required = true
			case "bare":
				f.bare = true
			case "omitempty":
				f.omitEmpty = true
			case "since":
				f.since = value
			case "until":
				f.until = value
			default:
				panic(fmt.Sprintf("awsquery: %s.%s has the unknown tag option %q", t, sf.Name, option))
			}
		}
		list = append(list, f)
	}
	return list
}

var (
	timeType  = reflect.TypeFor[time.Time]()
	bytesType = reflect.TypeFor[[]byte]()
)

// isList reports whether a value of type t is a list on the wire. Bytes are
// one value.
func isList(t reflect.Type) bool { return t.Kind() == reflect.Slice && t != bytesType }

// isStructure reports whether a value of type t has fields of its own.
func isStructure(t reflect.Type) bool { return t.Kind() == reflect.Struct && t != timeType }
