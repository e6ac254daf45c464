package awsquery

import (
	"cmp"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"ringfence/internal/vpc"
)

// MaxListLength is how many values a list parameter may have. AWS has bounds of
// this order, each action its own.
const MaxListLength = 1000

// maxDepth bounds the recursion over a name: no parameter of AWS has as many dots.
const maxDepth = 16

// Decode fills in the struct that in points to from params, as an API version
// understands them.
//
// The names that in has no field for come back in unknown, sorted, also when
// there is an error: the caller decides whether such a name is part of AWS's
// model, and which of the faults to tell first. The error is a *vpc.Error, the
// first fault in the order of in's fields.
func Decode(s Service, version string, params Params, in any) (unknown []string, err error) {
	root := &node{}
	for name, value := range params {
		if strings.Count(name, ".") > maxDepth {
			unknown = append(unknown, name)
			continue
		}
		root.add(name, value)
	}
	d := decoder{service: s, version: version}
	d.structure(reflect.ValueOf(in).Elem(), root, "")
	root.unused(&unknown)
	slices.Sort(unknown)
	if d.fault != nil {
		return unknown, d.fault
	}
	return unknown, nil
}

// A node is a step of a parameter's name. IpPermissions.1.FromPort is a node in
// a node in a node.
type node struct {
	children map[string]*node
	given    bool   // there is a value here
	used     bool   // and a field has taken it
	name     string // of the parameter, valid iff given
	value    string // valid iff given
}

func (n *node) add(name, value string) {
	for step := range strings.SplitSeq(name, ".") {
		next := n.children[step]
		if next == nil {
			next = &node{}
			if n.children == nil {
				n.children = map[string]*node{}
			}
			n.children[step] = next
		}
		n = next
	}
	n.given, n.name, n.value = true, name, value
}

// take returns the value of n and marks it as used. A nil node has none.
func (n *node) take() (value string, given bool) {
	if n == nil || !n.given {
		return "", false
	}
	n.used = true
	return n.value, true
}

// child returns a child, nil when n is nil or has none of that name.
func (n *node) child(name string) *node {
	if n == nil {
		return nil
	}
	return n.children[name]
}

// unused appends the names of the parameters that no field has taken.
func (n *node) unused(to *[]string) {
	if n.given && !n.used {
		*to = append(*to, n.name)
	}
	for _, child := range n.children {
		child.unused(to)
	}
}

// A decoder is one call of Decode. After a fault it goes on, so that all that
// is known is marked as used.
type decoder struct {
	service Service
	version string
	fault   *vpc.Error
}

func (d *decoder) fail(err *vpc.Error) {
	if d.fault == nil {
		d.fault = err
	}
}

// structure fills in the fields of v from n. prefix is the name of n, with a
// dot at its end.
func (d *decoder) structure(v reflect.Value, n *node, prefix string) {
	for _, f := range fieldsOf(v.Type()) {
		if !f.shown(d.version) {
			continue
		}
		name := prefix + f.name
		child := n.child(f.name)
		if !child.hasValue() {
			if f.required {
				d.fail(null(d.service, name))
			}
			if child == nil {
				continue
			}
		}
		d.value(v.FieldByIndex(f.index), child, name, f.bare)
	}
}

// hasValue reports whether something other than an empty string is given at n
// or below it.
func (n *node) hasValue() bool {
	if n == nil {
		return false
	}
	if n.given && n.value != "" {
		return true
	}
	for _, child := range n.children {
		if child.hasValue() {
			return true
		}
	}
	return false
}

func (d *decoder) value(v reflect.Value, n *node, name string, bare bool) {
	switch {
	case v.Kind() == reflect.Pointer:
		p := reflect.New(v.Type().Elem())
		d.value(p.Elem(), n, name, bare)
		if n.touched() {
			v.Set(p)
		}
	case isList(v.Type()):
		d.list(v, n, name, bare)
	case isStructure(v.Type()):
		d.structure(v, n, name+".")
	default:
		if text, given := n.take(); given {
			if err := setScalar(v, name, text); err != nil {
				d.fail(err)
			}
		}
	}
}

// touched reports whether a field has taken a value at n or below it.
func (n *node) touched() bool {
	if n.used {
		return true
	}
	for _, child := range n.children {
		if child.touched() {
			return true
		}
	}
	return false
}

// list fills in a list by rising index. Indexes may have gaps, as in AWS.
func (d *decoder) list(v reflect.Value, n *node, name string, bare bool) {
	type element struct {
		index int
		node  *node
		name  string
	}
	var elements []element

	word := d.service.listWord()
	switch {
	case n.given && n.value == "" && word != "":
		// The query dialect sends an empty list as Name= with no value.
		n.used = true
		v.Set(reflect.MakeSlice(v.Type(), 0, 0))
	case n.given && bare:
		n.used = true
		elements = append(elements, element{1, &node{given: true, name: name, value: n.value}, name})
	}
	indexed := n
	if word != "" {
		indexed = n.child(word)
		name += "." + word
	}
	if indexed != nil {
		for step, child := range indexed.children {
			if index, ok := listIndex(step); ok {
				elements = append(elements, element{index, child, name + "." + step})
			}
		}
	}
	if len(elements) == 0 {
		return
	}
	slices.SortFunc(elements, func(a, b element) int { return cmp.Compare(a.index, b.index) })
	if len(elements) > 1 && elements[0].index == elements[1].index {
		d.fail(vpc.Errorf(vpc.InvalidParameterCombination, "The parameter %s cannot be used with the parameter %s", elements[0].name, elements[1].name))
	}
	if len(elements) > MaxListLength {
		d.fail(vpc.Errorf(vpc.InvalidParameterValue, "The parameter %s has %d values; at most %d are accepted.", name, len(elements), MaxListLength))
	}
	list := reflect.MakeSlice(v.Type(), len(elements), len(elements))
	taken := 0
	for _, e := range elements {
		d.value(list.Index(taken), e.node, e.name, false)
		if e.node.touched() {
			taken++
		}
	}
	if taken > 0 {
		v.Set(list.Slice(0, taken))
	}
}

// listIndex parses an index, which counts from 1 and has no leading zeros.
func listIndex(step string) (index int, ok bool) {
	if len(step) == 0 || len(step) > 9 || step[0] < '1' || step[0] > '9' {
		return 0, false
	}
	index, err := strconv.Atoi(step)
	return index, err == nil
}

// null is the error for a required parameter of an action that is not there:
// EC2's own one, or that of the services which check calls against their model.
func null(s Service, name string) *vpc.Error {
	if s == EC2 {
		return missing(s, name)
	}
	return vpc.Errorf(vpc.ValidationError,
		"1 validation error detected: Value null at '%s' failed to satisfy constraint: Member must not be null", lowered(name))
}

// missing is the error for a parameter without which a call is none. EC2 writes
// its name with a small letter.
func missing(s Service, name string) *vpc.Error {
	if s == EC2 {
		name = lowered(name)
	}
	return vpc.Errorf(vpc.MissingParameter, "The request must contain the parameter %s", name)
}

// lowered is name with a small first letter.
func lowered(name string) string {
	r, size := utf8.DecodeRuneInString(name)
	return string(unicode.ToLower(r)) + name[size:]
}
