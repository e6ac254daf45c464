package awsquery

import (
	"encoding/base64"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"ringfence/internal/vpc"
)

// timeLayout is how AWS writes times: UTC, milliseconds.
const timeLayout = "2006-01-02T15:04:05.000Z"

// timeLayouts are how callers write them. One without a zone is UTC.
var timeLayouts = []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02"}

// setScalar parses text into v, a field of a simple type. name is for the error.
func setScalar(v reflect.Value, name, text string) *vpc.Error {
	invalid := func(expected string) *vpc.Error {
		return vpc.Errorf(vpc.InvalidParameterValue, "Value (%s) for parameter %s is invalid. Expected %s.", text, name, expected)
	}
	switch {
	case v.Type() == timeType:
		t, err := parseTime(text)
		if err != nil {
			return invalid("a time such as 2012-05-01T12:00:00Z")
		}
		v.Set(reflect.ValueOf(t))
	case v.Type() == bytesType:
		b, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return invalid("base64")
		}
		v.SetBytes(b)
	case v.Kind() == reflect.String:
		v.SetString(text)
	case v.Kind() == reflect.Bool:
		switch {
		case strings.EqualFold(text, "true"):
			v.SetBool(true)
		case strings.EqualFold(text, "false"):
			v.SetBool(false)
		default:
			return invalid("true or false")
		}
	case v.CanInt():
		n, err := strconv.ParseInt(text, 10, v.Type().Bits())
		if err != nil {
			return invalid("an integer")
		}
		v.SetInt(n)
	case v.CanUint():
		n, err := strconv.ParseUint(text, 10, v.Type().Bits())
		if err != nil {
			return invalid("an integer of 0 or more")
		}
		v.SetUint(n)
	default:
		panic(fmt.Sprintf("awsquery: %s has the type %s", name, v.Type()))
	}
	return nil
}

// scalarText returns v, a field of a simple type, as it is on the wire.
func scalarText(v reflect.Value) string { return string(appendScalar(nil, v)) }

// appendScalar appends to b what scalarText returns.
func appendScalar(b []byte, v reflect.Value) []byte {
	switch {
	case v.Kind() == reflect.String:
		return append(b, v.String()...)
	case v.Kind() == reflect.Bool:
		return strconv.AppendBool(b, v.Bool())
	case v.CanInt():
		return strconv.AppendInt(b, v.Int(), 10)
	case v.CanUint():
		return strconv.AppendUint(b, v.Uint(), 10)
	case v.Type() == bytesType:
		return base64.StdEncoding.AppendEncode(b, v.Bytes())
	case v.Type() == timeType:
		t := v.Interface().(time.Time)
		if t.IsZero() {
			return b
		}
		return t.UTC().AppendFormat(b, timeLayout)
	}
	panic(fmt.Sprintf("awsquery: a field has the type %s", v.Type()))
}

func parseTime(text string) (time.Time, error) {
	var first error
	for _, layout := range timeLayouts {
		t, err := time.Parse(layout, text)
		if err == nil {
			return t.UTC(), nil
		}
		if first == nil {
			first = err
		}
	}
	return time.Time{}, first
}
