package awsquery

import (
	"reflect"
	"strconv"
)

// Encode returns the parameters of the struct that in points to: the inverse of
// Decode. Absent fields, which are nil pointers and the zero values of what is no
// pointer, are left out.
func Encode(s Service, in any) Params {
	e := encoder{service: s, params: Params{}}
	e.structure(reflect.ValueOf(in).Elem(), "")
	return e.params
}

// An encoder is one call of Encode.
type encoder struct {
	service Service
	params  Params
}

func (e *encoder) structure(v reflect.Value, prefix string) {
	for _, f := range fieldsOf(v.Type()) {
		value := v.FieldByIndex(f.index)
		if !value.IsZero() {
			e.value(value, prefix+f.name)
		}
	}
}

func (e *encoder) value(v reflect.Value, name string) {
	switch {
	case v.Kind() == reflect.Pointer:
		e.value(v.Elem(), name)
	case isList(v.Type()):
		word := e.service.listWord()
		if word != "" && v.Len() == 0 {
			e.params[name] = ""
			return
		}
		if word != "" {
			name += "." + word
		}
		for i := range v.Len() {
			e.value(v.Index(i), name+"."+strconv.Itoa(i+1))
		}
	case isStructure(v.Type()):
		e.structure(v, name+".")
	default:
		e.params[name] = scalarText(v)
	}
}
