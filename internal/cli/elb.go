package cli

import (
	"bufio"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"unicode/utf8"

	"ringfence/internal/awsquery"
	"ringfence/internal/vpc"
)

// elbSuite is the ELB tools (ELB Developer Guide 2012, "Installing the command
// line interface", and the tools' own help, 1.0.17).
var elbSuite = &suite{
	service: awsquery.ELB, version: "2012-06-01", options: elbOptions,
	urlVariable: "AWS_ELB_URL", regionVariable: "EC2_REGION", keyOptions: keyNames{elbOptions[0], elbOptions[1]},
	run: runELB, message: elbMessage,
}

// elbOptions are understood by every ELB tool.
var elbOptions = []option{
	{"I", "access-key-id", "KEY", "access key (AWS_ACCESS_KEY)", ""},
	{"S", "secret-key", "KEY", "secret key (AWS_SECRET_KEY)", ""},
	{"", "aws-credential-file", "FILE", "file with AWSAccessKeyId=… and AWSSecretKey=… (AWS_CREDENTIAL_FILE)", ""},
	{"C", "ec2-cert-file-path", "FILE", "not used: calls are signed with -I and -S", ""},
	{"K", "ec2-private-key-file-path", "FILE", "not used: calls are signed with -I and -S", ""},
	{"U", "url", "URL", "endpoint (AWS_ELB_URL)", ""},
	{"", "region", "REGION", "region, instead of the endpoint's (EC2_REGION)", ""},
	{"", "connection-timeout", "SECONDS", "time to connect, default 30", ""},
	{"", "headers", "", "print column headers", ""},
	{"", "show-table", "", "print the main columns, aligned; this is the default", ""},
	{"", "show-long", "", "print all columns, with the delimiter between any two", ""},
	{"", "delimiter", "CHARACTER", "the delimiter, default a comma", ""},
	{"", "show-xml", "", "print the answer as it came", ""},
	{"", "quiet", "", "print nothing", ""},
	{"", "show-request", "", "print the URL that is called", ""},
	{"", "show-empty-fields", "", "print (nil) for empty columns in a table; --show-long always does", ""},
	{"", "data-dir", "DIRECTORY", "data directory of the daemon to use without -U and -I (RINGFENCE_DATA_DIR)", ""},
	{"h", "help", "", "print this text; -? does too", ""},
}

// elbMessage is how the ELB tools tell an error: their name, what kind it is,
// and the words of the service.
func elbMessage(t *tool, err error) string {
	text := err.Error()
	if e, ok := errors.AsType[*awsquery.ResponseError](err); ok {
		text = string(e.Err.Code) + "-" + e.Err.Message
		if e.Err.Code == vpc.ValidationError {
			text = "Malformed input-" + e.Err.Message
		}
	} else if _, ok := errors.AsType[*usageError](err); ok {
		text = "Malformed input-" + err.Error()
	}
	return t.name() + ":  " + text
}

// runELB asks for confirmation where the tool wants one, makes its call, and
// prints the answer in the form that is asked for.
func runELB(ctx context.Context, c *toolCall) error {
	params, err := c.params()
	if err != nil {
		return err
	}
	form, err := c.form()
	if err != nil {
		return err
	}
	if err := c.confirm(); err != nil {
		return err
	}
	body, err := c.api.send(ctx, c.tool.action, params)
	if err != nil {
		return err
	}
	if c.has("show-request") {
		c.out.text(c.api.endpoint.String() + "?" + params.Encode() + "\n")
	}
	answer, _, err := awsquery.ParseResponse(awsquery.ELB, c.tool.action, body)
	if err != nil {
		return err
	}
	switch {
	case form == "quiet":
		return nil
	case form == "show-xml":
		c.out.text(strings.TrimRight(string(body), "\n") + "\n")
	case c.tool.done != "":
		c.out.text(c.tool.done + "\n")
	default:
		return c.printSheet(answer, form == "show-long")
	}
	return nil
}

// form is the one form in which the answer is to be printed.
func (c *toolCall) form() (string, error) {
	form := "show-table"
	given := 0
	for _, f := range []string{"show-table", "show-long", "show-xml", "quiet"} {
		if c.has(f) {
			form = f
			given++
		}
	}
	if given > 1 {
		return "", usagef("Options --show-table, --show-long, --show-xml and --quiet exclude each other (-h for usage)")
	}
	if d := c.last("delimiter"); c.has("delimiter") && (utf8.RuneCountInString(d) != 1 || strings.ContainsAny(d, "\"\r\n\uFFFD")) {
		return "", usagef("Invalid value '%s' for option '--delimiter': expected one character (-h for usage)", d)
	}
	return form, nil
}

// confirm asks whether the tool may do what it is about to, unless the user has
// said so already.
func (c *toolCall) confirm() error {
	if c.tool.warning == "" || c.has("force") {
		return nil
	}
	fmt.Fprintf(c.env.Stderr, "%s [Ny] ", c.tool.warning)
	answer, err := bufio.NewReader(c.env.Stdin).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read answer: %w", err)
	}
	if !strings.EqualFold(strings.TrimSpace(answer), "y") {
		return errors.New("nothing was changed")
	}
	return nil
}

// printSheet prints the one record of the tool: as a table, or in the long form.
func (c *toolCall) printSheet(answer *awsquery.Element, long bool) error {
	r := c.tool.records[0]
	var rows [][]string
	for _, e := range find(answer, r.each) {
		s := &scope{call: c, element: e}
		rows = append(rows, s.fields(r))
	}
	titles := []string{r.kind}
	for _, col := range r.columns {
		titles = append(titles, col.title)
	}
	rows = slices.Insert(rows, 0, titles)
	rows = keepColumns(rows, func(i int, title string) bool {
		switch {
		case i == 0:
			return true
		case !long:
			return r.table == nil || slices.Contains(r.table, title)
		case !slices.Contains(r.rare, title):
			return true
		}
		return slices.ContainsFunc(rows[1:], func(row []string) bool { return row[i] != "" })
	})
	if len(rows) == 1 && r.none != "" {
		c.out.text(r.none + "\n")
		return nil
	}
	if !c.has("headers") {
		rows = rows[1:]
	}
	if long {
		return c.writeLong(rows)
	}
	return c.writeTable(rows)
}

// keepColumns returns rows, of which the first has the titles, without the
// columns that keep is false for.
func keepColumns(rows [][]string, keep func(i int, title string) bool) [][]string {
	kept := make([][]string, len(rows))
	for i, title := range rows[0] {
		if keep(i, title) {
			for n, row := range rows {
				kept[n] = append(kept[n], row[i])
			}
		}
	}
	return kept
}

// writeLong writes rows with a delimiter between any two fields, and quotes
// around those that have it in them (RFC 4180).
func (c *toolCall) writeLong(rows [][]string) error {
	w := csv.NewWriter(c.out.w)
	if c.has("delimiter") {
		w.Comma, _ = utf8.DecodeRuneInString(c.last("delimiter"))
	}
	for _, row := range rows {
		for i, field := range row {
			if field == "" {
				row[i] = emptyField
			}
		}
		if err := w.Write(row); err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}

// writeTable writes rows with their columns aligned.
func (c *toolCall) writeTable(rows [][]string) error {
	w := tabwriter.NewWriter(c.out.w, 0, 8, 2, ' ', 0)
	for _, row := range rows {
		for i, field := range row {
			if field == "" {
				field = c.out.empty
			}
			row[i] = separators.Replace(field)
		}
		fmt.Fprintln(w, strings.Join(row, "\t")) // Flush returns its error
	}
	return w.Flush()
}

// splitList splits each of values at its commas, as ELB's tools take lists.
func splitList(values []string) []string {
	var list []string
	for _, v := range values {
		for part := range strings.SplitSeq(v, ",") {
			if part = strings.TrimSpace(part); part != "" {
				list = append(list, part)
			}
		}
	}
	return list
}
