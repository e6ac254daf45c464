package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// An option is one of an old tool's. Values that begin with a dash are fine, as
// in -p -1, since an option knows whether it has one.
type option struct {
	short string // without its dash; "" for none
	long  string // without its dashes
	arg   string // what its value is called; "" when it has none
	about string
	param string // of the call that it stands for, see sendOption; "" for none
}

// String is how help texts and errors name o: -c, --vpc VPC.
func (o option) String() string {
	name := "--" + o.long
	if o.short != "" {
		name = "-" + o.short + ", " + name
	}
	return strings.TrimSpace(name + " " + o.arg)
}

// brief is how o is given: -c VPC.
func (o option) brief() string {
	name := "--" + o.long
	if o.short != "" {
		name = "-" + o.short
	}
	return strings.TrimSpace(name + " " + o.arg)
}

// arguments are what was given to a tool.
type arguments struct {
	positional []string
	values     map[string][]string // by long name
}

func (a *arguments) has(long string) bool     { return len(a.values[long]) > 0 }
func (a *arguments) all(long string) []string { return a.values[long] }

// last returns the value given last, "" for none: an option that is given twice
// counts once.
func (a *arguments) last(long string) string {
	if v := a.values[long]; len(v) > 0 {
		return v[len(v)-1]
	}
	return ""
}

// parseArguments sorts args into options, which may stand anywhere, and the
// rest. What follows -- is not looked at.
func parseArguments(options []option, args []string) (*arguments, error) {
	a := &arguments{values: map[string][]string{}}
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		if arg == "--" {
			a.positional = append(a.positional, args...)
			break
		}
		if arg == "-" || !strings.HasPrefix(arg, "-") {
			a.positional = append(a.positional, arg)
			continue
		}
		o, value, hasValue := findOption(options, arg)
		switch {
		case o == nil:
			return nil, usagef("Unknown option '%s' (-h for usage)", arg)
		case o.arg == "" && hasValue:
			return nil, usagef("Option '--%s' takes no value (-h for usage)", o.long)
		case o.arg != "" && !hasValue:
			if len(args) == 0 {
				return nil, usagef("Missing argument for option '%s' (-h for usage)", arg)
			}
			value, args = args[0], args[1:]
		}
		a.values[o.long] = append(a.values[o.long], value)
	}
	return a, nil
}

// findOption finds the option that arg, which begins with a dash, names. The
// value may be part of arg: --region=eu-west-1.
func findOption(options []option, arg string) (o *option, value string, hasValue bool) {
	name, isLong := strings.CutPrefix(arg, "--")
	if isLong {
		name, value, hasValue = strings.Cut(name, "=")
	} else {
		name = arg[1:]
	}
	if name == "?" {
		name = "h" // two names of one option, as with every Java tool
	}
	i := slices.IndexFunc(options, func(o option) bool {
		if isLong {
			return o.long == name
		}
		return o.short != "" && o.short == name
	})
	if i < 0 {
		return nil, "", false
	}
	return &options[i], value, hasValue
}

// readDash puts the words of stdin where a lone dash stands.
func (a *arguments) readDash(stdin io.Reader) error {
	i := slices.Index(a.positional, "-")
	if i < 0 {
		return nil
	}
	text, err := io.ReadAll(stdin)
	if err != nil {
		return fmt.Errorf("read standard input: %w", err)
	}
	a.positional = slices.Replace(a.positional, i, i+1, strings.Fields(string(text))...)
	return nil
}

// helpColumn is how wide the names of options are in a help text; what a longer one
// is about stands below it.
const helpColumn = 36

// writeOptions prints options for a help text.
func writeOptions(w io.Writer, options []option) {
	for _, o := range options {
		name := o.String()
		if o.short == "" {
			name = "    " + name
		}
		if len(name) > helpColumn {
			name += fmt.Sprintf("\n  %*s", helpColumn, "")
		}
		fmt.Fprintf(w, "  %-*s %s\n", helpColumn, name, o.about)
	}
}
