package cli

import (
	"context"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"ringfence/internal/admin"
)

func (c *command) explainCommand() *cobra.Command {
	var proto string
	cmd := &cobra.Command{
		Use:               "explain SRC DST[:PORT] [--proto PROTOCOL]",
		Short:             "Say what would become of a packet, and which rule decides",
		Long:              "Say what would become of a packet, and which rule decides.\n\nSRC and DST are addresses, or ids of instances or network interfaces; DST may be a public or\nprivate DNS name too. An instance stands for its first interface. SRC may be lb/NAME, a load\nbalancer of the instance's account: its nodes' health checks and requests to the instance.",
		Example:           "  ringfence explain 203.0.113.7 i-cfd732a6:22",
		GroupID:           "look",
		Args:              exactly(2),
		ValidArgsFunction: c.completes(1, instanceIDs),
		RunE: c.withDaemon(func(ctx context.Context, d *admin.Client, args []string) error {
			question := admin.ExplainRequest{Source: args[0], Proto: strings.ToLower(proto)}
			var err error
			if question.Destination, question.Port, err = splitPort(args[1]); err != nil {
				return err
			}
			if question.Port == 0 && !strings.HasPrefix(question.Source, "lb/") && (question.Proto == "tcp" || question.Proto == "udp") {
				return usagef("%s needs a port, as in: ringfence explain %s %s", question.Proto, args[0], net.JoinHostPort(question.Destination, "22"))
			}
			e, err := d.Explain(ctx, question)
			if err != nil {
				return err
			}
			return c.print(e, func(w io.Writer) error { return c.writeExplanation(w, e) })
		}),
	}
	cmd.Flags().StringVar(&proto, "proto", "tcp", "`protocol`: tcp, udp, icmp, icmpv6 or a number")
	return cmd
}

// splitPort takes a destination apart: i-1:22, 10.0.0.1:22, [2001:db8::1]:22, or
// one of these without a port. An IPv6 address with a port needs the brackets.
func splitPort(destination string) (host string, port uint16, err error) {
	if strings.Count(destination, ":") > 1 && !strings.HasPrefix(destination, "[") {
		return destination, 0, nil
	}
	if !strings.Contains(destination, ":") || strings.HasSuffix(destination, "]") {
		return strings.Trim(destination, "[]"), 0, nil
	}
	host, text, err := net.SplitHostPort(destination)
	n, err2 := strconv.ParseUint(text, 10, 16)
	if err != nil || err2 != nil {
		return "", 0, usagef("%q is no destination: give an instance or an address and a port, as in i-cfd732a6:22", destination)
	}
	return host, uint16(n), nil
}

// verdictColour is green for the verdicts that let a packet pass.
func verdictColour(verdict string) colour {
	if verdict == "drop" {
		return red
	}
	return green
}

func (c *command) writeExplanation(w io.Writer, e *admin.Explanation) error {
	for i, p := range e.Paths {
		if i > 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintf(w, "%s to port %d, from node %s in %s:\n", p.What, p.Port, p.Node, p.Zone)
		if err := c.writeExplanation(w, &p.Explanation); err != nil {
			return err
		}
	}
	if len(e.Paths) > 0 {
		return nil
	}
	t := newTable(w)
	fmt.Fprintf(t, "WHERE\tVERDICT\tRULE\tWHY\n")
	for _, s := range e.Steps {
		rule := string(s.Rule)
		if rule == "" {
			rule = "-"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", s.Where, s.Verdict, rule, s.Why)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(w, "\n%s: %s\n", c.env.paint(verdictColour(e.Verdict), e.Verdict), e.Reason)
	if e.Kernel != nil {
		c.writeOutcome(w, "the kernel says", e.Kernel)
	}
	if e.Answer != nil && e.Answer.Verdict == "drop" {
		c.writeOutcome(w, "the answer:", e.Answer)
	}
	return nil
}

func (c *command) writeOutcome(w io.Writer, of string, o *admin.Outcome) {
	by := ""
	if o.Rule != "" {
		by = " by " + string(o.Rule)
	}
	fmt.Fprintf(w, "%s %s: %s%s\n", of, c.env.paint(verdictColour(o.Verdict), o.Verdict), o.Reason, by)
}
