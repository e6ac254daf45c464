package cli

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"ringfence/internal/awsquery"
)

// A word is what is given to a tool without an option.
type word struct {
	name     string
	param    string // of the call; NAME.N takes all words that are left, .N too but is no parameter
	optional bool
}

// callAndPrint runs a tool that is described by its action: its words and options
// become parameters, and its records are printed of the answer.
func callAndPrint(ctx context.Context, c *toolCall) error {
	answer, err := c.ask(ctx)
	if err != nil {
		return err
	}
	c.print(c.tool.records, answer)
	return nil
}

// ask calls the tool's action, and returns the answer.
func (c *toolCall) ask(ctx context.Context) (*awsquery.Element, error) {
	params, err := c.params()
	if err != nil {
		return nil, err
	}
	return c.api.ask(ctx, c.tool.action, params)
}

// params are the parameters that words and options stand for.
func (c *toolCall) params() (awsquery.Params, error) {
	t := c.tool
	params := awsquery.Params{}
	if c.has("auth-dry-run") {
		params["DryRun"] = "true"
	}
	if err := c.sendWords(params, t.words); err != nil {
		return nil, err
	}
	if err := c.require(); err != nil {
		return nil, err
	}
	for _, o := range t.options {
		if o.param != "" && c.has(o.long) {
			c.sendOption(params, o)
		}
	}
	if err := c.sendFilters(params); err != nil {
		return nil, err
	}
	if t.prepare != nil {
		if err := t.prepare(c, params); err != nil {
			return nil, err
		}
	}
	return params, nil
}

// sendWords makes parameters of words, and keeps each under its name for the
// records.
func (c *toolCall) sendWords(params awsquery.Params, words []word) error {
	rest := c.positional
	if c.has(balancerOption.long) { // the first word, by an option
		rest = slices.Concat(c.all(balancerOption.long), rest)
	}
	for _, w := range words {
		if len(rest) == 0 {
			if w.optional {
				return nil
			}
			return missingParameter(w.name)
		}
		if strings.Contains(w.param, ".N") {
			if w.param != ".N" {
				setList(params, w.param, rest)
			}
			c.values[w.name] = rest
			return nil
		}
		if w.param != "" {
			params[w.param] = rest[0]
		}
		c.values[w.name] = rest[:1]
		rest = rest[1:]
	}
	if len(rest) > 0 {
		return usagef("Unexpected argument '%s' (-h for usage)", rest[0])
	}
	return nil
}

// require checks that there is an option of each of the tool's alternatives.
func (c *toolCall) require() error {
	for _, alternatives := range c.tool.required {
		var given, names []string
		for _, long := range strings.Split(alternatives, "|") {
			o := c.tool.option(long)
			names = append(names, o.String())
			if c.has(long) {
				given = append(given, "--"+long)
			}
		}
		switch {
		case len(given) == 0:
			return missingOption(strings.Join(names, " or "))
		case len(given) > 1:
			return usagef("Options %s exclude each other (-h for usage)", strings.Join(given, " and "))
		}
	}
	return nil
}

// sendOption makes a parameter of an option: NAME.N has all values, a list of
// ELB's those between commas too; NAME=VALUE is what a flag stands for, true
// unless it says so.
func (c *toolCall) sendOption(params awsquery.Params, o option) {
	if strings.Contains(o.param, ".N") {
		values := c.all(o.long)
		if c.api.suite.service == awsquery.ELB {
			values = splitList(values)
		}
		setList(params, o.param, values)
		return
	}
	name, value, fixed := strings.Cut(o.param, "=")
	switch {
	case fixed:
	case o.arg == "":
		value = "true"
	default:
		value = c.last(o.long)
	}
	params[name] = value
}

// setList sets a parameter to each of values, with an index where its name has
// the letter N.
func setList(params awsquery.Params, name string, values []string) {
	for i, v := range values {
		params[strings.Replace(name, ".N", "."+strconv.Itoa(i+1), 1)] = v
	}
}

func (c *toolCall) sendFilters(params awsquery.Params) error {
	filters, err := c.filters()
	for i, f := range filters {
		prefix := "Filter." + strconv.Itoa(i+1)
		params[prefix+".Name"] = f.Name
		setList(params, prefix+".Value.N", f.Values)
	}
	return err
}

// usage is t's synopsis: the one that it has, or what its words and options say.
func (t *tool) usage() string {
	if t.synopsis != "" {
		return t.name() + " " + t.synopsis
	}
	parts := []string{t.name()}
	for _, w := range t.words {
		name := w.name
		if strings.HasSuffix(w.param, ".N") {
			name += " ..."
		}
		if w.optional {
			name = "[" + name + "]"
		}
		parts = append(parts, name)
	}
	needed := 0
	for _, alternatives := range t.required {
		var texts []string
		for _, long := range strings.Split(alternatives, "|") {
			texts = append(texts, t.option(long).brief())
			needed++
		}
		text := strings.Join(texts, " | ")
		if len(texts) > 1 {
			text = "(" + text + ")"
		}
		parts = append(parts, text)
	}
	if len(t.options) > needed {
		parts = append(parts, "[options]")
	}
	return strings.Join(parts, " ")
}
