package cli

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// A recordWriter writes what an old tool prints: lines of fields with a tab
// between any two, the kind of the record first.
type recordWriter struct {
	w     *bufio.Writer
	empty string // printed for an empty field
}

// emptyField is what stands for a field that is empty, if anything does.
const emptyField = "(nil)"

func newRecordWriter(w io.Writer, showEmpty bool) *recordWriter {
	r := &recordWriter{w: bufio.NewWriter(w)}
	if showEmpty {
		r.empty = emptyField
	}
	return r
}

// separators are not part of a field, whatever a user has named a thing.
var separators = strings.NewReplacer("\t", " ", "\n", " ", "\r", " ")

// add prints a record.
func (r *recordWriter) add(fields ...string) {
	for i, f := range fields {
		if f == "" {
			f = r.empty
		}
		fields[i] = separators.Replace(f)
	}
	fmt.Fprintln(r.w, strings.Join(fields, "\t")) // flush returns its error
}

// text prints what is no record.
func (r *recordWriter) text(s string) {
	_, _ = r.w.WriteString(s) // flush returns its error
}

// flush prints what is left, and says whether all could be printed.
func (r *recordWriter) flush() error {
	if err := r.w.Flush(); err != nil {
		return fmt.Errorf("print result: %w", err)
	}
	return nil
}

// addTags prints the tags of a resource, unless the user wants none.
func (c *toolCall) addTags(kind, id string, tags []tagAnswer) {
	if c.has("hide-tags") {
		return
	}
	for _, t := range tags {
		c.out.add("TAG", kind, id, t.Key, t.Value)
	}
}
