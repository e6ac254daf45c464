package cli

import (
	"slices"
	"strings"
	"time"

	"ringfence/internal/awsquery"
)

// A record describes lines that a tool prints of an answer.
type record struct {
	kind    string   // the first field; a record without any prints only what is in it
	each    string   // path of the elements that a line is printed for; "" is the enclosing record's
	columns []column // the other fields
	inner   []record // printed behind each line, of what is in its element

	// Of ELB's tools, by titles: the columns of a table, all of them for nil, and
	// those of the long form that are there only if one of the lines has a text.
	table, rare []string
	none        string // printed when there is no line
}

// A column is a field of a record. Its path leads from the record's element to
// the field's text; several texts are joined by commas. In a path,
//
//	^PATH         starts at the element of the enclosing record;
//	$NAME         is the word or the option of that name, as it was given;
//	=TEXT         is TEXT itself;
//	A or B        is the first of the two that is not empty;
//	PATH?YES:NO   is YES for true, NO for what is not;
//	PATH{a=A,b=B} is {a=…,b=…} for each element, with the texts at A and B in it,
//	              and without c=… for c?=C if there is none at C;
//	PATH|FORMAT   is written by one of formats.
type column struct {
	title string // for --headers; a record whose first column has none has no header
	path  string
}

// untitled returns columns without titles.
func untitled(paths ...string) []column {
	columns := make([]column, len(paths))
	for i, p := range paths {
		columns[i].path = p
	}
	return columns
}

// formats write the texts of a field.
var formats = map[string]func(texts []string) string{
	"spaced":     func(texts []string) string { return strings.Join(texts, ", ") },
	"time":       joined(toolTime),
	"protocol":   joined(toolProtocol),
	"monitoring": joined(func(state string) string { return "monitoring-" + firstNonEmpty(state, "disabled") }),
}

// joined writes texts as one.
func joined(write func(text string) string) func(texts []string) string {
	return func(texts []string) string { return write(strings.Join(texts, ",")) }
}

// toolTime writes a time of the API as the tools of 2012 do, without fractions
// of a second and with a numeric zone. What is no time stays as it is.
func toolTime(text string) string {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return text
	}
	return t.UTC().Format("2006-01-02T15:04:05-0700")
}

// toolProtocol names the protocols that network ACLs number (IANA), and all.
func toolProtocol(number string) string {
	switch number {
	case "-1":
		return "all"
	case "1":
		return "icmp"
	case "6":
		return "tcp"
	case "17":
		return "udp"
	}
	return number
}

// tagRecord describes TAG lines behind the line of a resource.
func tagRecord(kind, id string) record {
	return record{kind: "TAG", each: "tagSet.item", columns: untitled("="+kind, "^"+id, "key", "value")}
}

// returned is the record of a call that answers only whether it was done.
var returned = record{kind: "RETURN", columns: untitled("return")}

// print prints records of an answer, headers first if they are wanted.
func (c *toolCall) print(records []record, answer *awsquery.Element) {
	if c.has("headers") {
		c.printHeaders(records)
	}
	c.printRecords(records, &scope{call: c, element: answer})
}

func (c *toolCall) printHeaders(records []record) {
	for _, r := range records {
		if len(r.columns) > 0 && r.columns[0].title != "" {
			fields := []string{r.kind}
			for _, col := range r.columns {
				fields = append(fields, col.title)
			}
			c.out.add(fields...)
		}
		c.printHeaders(r.inner)
	}
}

func (c *toolCall) printRecords(records []record, s *scope) {
	for _, r := range records {
		if r.kind == "TAG" && c.has("hide-tags") {
			continue
		}
		for _, e := range find(s.element, r.each) {
			inner := &scope{call: c, element: e, outer: s}
			if len(r.columns) > 0 {
				c.out.add(inner.fields(r)...)
			}
			c.printRecords(r.inner, inner)
		}
	}
}

// A scope is the element that a record is printed of, and the one around it.
type scope struct {
	call    *toolCall
	element *awsquery.Element
	outer   *scope
}

func (s *scope) fields(r record) []string {
	var fields []string
	if r.kind != "" {
		fields = append(fields, r.kind)
	}
	for _, col := range r.columns {
		fields = append(fields, s.field(col.path))
	}
	return fields
}

// field returns the text of a column, see column.
func (s *scope) field(path string) string {
	if each, parts, ok := strings.Cut(strings.TrimSuffix(path, "}"), "{"); ok {
		return s.structures(each, parts)
	}
	path, format, formatted := strings.Cut(path, "|")
	path, choice, chosen := strings.Cut(path, "?")
	var texts []string
	for _, alternative := range strings.Split(path, " or ") {
		if texts = s.texts(alternative); len(texts) > 0 {
			break
		}
	}
	switch {
	case formatted:
		return formats[format](texts)
	case chosen:
		yes, no, _ := strings.Cut(choice, ":")
		if slices.Equal(texts, []string{"true"}) {
			return yes
		}
		return no
	}
	return strings.Join(texts, ",")
}

// structures returns the elements at a path, each as the parts of it that are
// named.
func (s *scope) structures(path, parts string) string {
	var all []string
	for _, e := range find(s.element, path) {
		inner := &scope{call: s.call, element: e, outer: s}
		var texts []string
		for part := range strings.SplitSeq(parts, ",") {
			name, at, _ := strings.Cut(part, "=")
			name, optional := strings.CutSuffix(name, "?")
			if text := inner.field(at); text != "" || !optional {
				texts = append(texts, name+"="+text)
			}
		}
		all = append(all, "{"+strings.Join(texts, ",")+"}")
	}
	return strings.Join(all, ",")
}

// texts returns the texts that a path leads to, without those that are empty.
func (s *scope) texts(path string) []string {
	if rest, ok := strings.CutPrefix(path, "^"); ok {
		return s.outer.texts(rest)
	}
	var texts []string
	if name, ok := strings.CutPrefix(path, "$"); ok {
		texts = s.call.all(name)
	} else if text, ok := strings.CutPrefix(path, "="); ok {
		texts = []string{text}
	} else {
		for _, e := range find(s.element, path) {
			texts = append(texts, e.Text)
		}
	}
	return slices.DeleteFunc(slices.Clone(texts), func(t string) bool { return t == "" })
}

// find returns the elements that a path such as vpcSet.item leads to from e,
// which is itself at the end of the path "".
func find(e *awsquery.Element, path string) []*awsquery.Element {
	found := []*awsquery.Element{e}
	if path == "" {
		return found
	}
	for step := range strings.SplitSeq(path, ".") {
		var next []*awsquery.Element
		for _, f := range found {
			for _, child := range f.Children {
				if child.Name == step {
					next = append(next, child)
				}
			}
		}
		found = next
	}
	return found
}
