package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"ringfence/internal/admin"
	"ringfence/internal/vpc"
)

func (c *command) connectionsCommand() *cobra.Command {
	var question admin.ConnectionsRequest
	cmd := &cobra.Command{
		Use:   "connections [INSTANCE] [--peer ADDRESS[:PORT]] [--proto PROTOCOL] [--rule RULE] [--cut]",
		Short: "List connections with the rules that admitted them, or cut them",
		Long: "List the connections that the host remembers, with the rules that admitted them: the client's\n" +
			"egress rule and the server's ingress rule. A rule that has gone since is marked.\n\n" +
			"INSTANCE is the id of an instance or of a network interface, or an address. States:\n" +
			"  opening    nobody has answered yet\n" +
			"  open       rules admit it\n" +
			"  lingering  it goes on although a rule that admitted it is gone\n" +
			"  closing    TCP that has ended, until its last packets are over\n" +
			"  cut        nothing of it passes\n\n" +
			"With --cut those that would be listed are cut, whatever rules say. A cut connection stays cut\n" +
			"until its client opens it anew, which rules decide as ever: for TCP that is a SYN, for other\n" +
			"protocols the client's next packet.",
		Example:           "  ringfence connections i-cfd732a6\n  ringfence connections i-cfd732a6 --peer 203.0.113.19 --cut",
		GroupID:           "look",
		Args:              between(0, 1),
		ValidArgsFunction: c.completes(1, instanceIDs),
		RunE: c.withDaemon(func(ctx context.Context, d *admin.Client, args []string) error {
			if len(args) > 0 {
				question.Party = args[0]
			}
			question.Proto = strings.ToLower(question.Proto)
			var out connectionWriter = &connectionTable{table: newTable(c.env.Stdout)}
			if c.output == "json" {
				out = &connectionArray{w: c.env.Stdout}
			}
			if err := d.Connections(ctx, question, out.write); err != nil {
				return err
			}
			return out.end()
		}),
	}
	cmd.Flags().StringVar(&question.Peer, "peer", "", "only those whose other end has this `address`, or address and port")
	cmd.Flags().StringVar(&question.Proto, "proto", "", "only those of a `protocol`: tcp, udp, icmp, icmpv6 or a number")
	cmd.Flags().StringVar((*string)(&question.Rule), "rule", "", "only those that this `rule` has admitted")
	cmd.Flags().BoolVar(&question.Cut, "cut", false, "cut them")
	return cmd
}

// A connectionWriter prints connections as they come: there may be more than
// one likes to have in memory.
type connectionWriter interface {
	write(*admin.Connection) error
	end() error
}

// tableLines are aligned at a time.
const tableLines = 1000

type connectionTable struct {
	table *tabwriter.Writer
	lines int
}

func (t *connectionTable) write(c *admin.Connection) error {
	if t.lines%tableLines == 0 {
		if err := t.table.Flush(); err != nil {
			return err
		}
		t.header()
	}
	t.lines++
	idle := time.Duration(c.Idle * float64(time.Second)).Round(time.Second)
	_, err := fmt.Fprintf(t.table, "%s\t%s\t%s\t%s\t%v\t%d/%d\t%d/%d\t%s\t%s\n", c.Proto, c.State, endText(c.Proto, &c.Client), endText(c.Proto, &c.Server),
		idle, c.Client.Packets, c.Server.Packets, c.Client.Bytes, c.Server.Bytes, ruleText(&c.Client), ruleText(&c.Server))
	return err
}

func (t *connectionTable) header() {
	fmt.Fprintf(t.table, "PROTO\tSTATE\tCLIENT\tSERVER\tIDLE\tPACKETS\tBYTES\tEGRESS RULE\tINGRESS RULE\n")
}

func (t *connectionTable) end() error {
	if t.lines == 0 {
		t.header()
	}
	return t.table.Flush()
}

func endText(proto string, e *admin.ConnectionEnd) string {
	s := e.Address
	if proto == vpc.TCP.String() || proto == vpc.UDP.String() {
		s = net.JoinHostPort(s, strconv.Itoa(int(e.Port)))
	}
	if who := firstNonEmpty(string(e.Instance), string(e.Interface)); who != "" {
		s += " (" + who + ")"
	}
	return s
}

func ruleText(e *admin.ConnectionEnd) string {
	switch {
	case e.Rule == "":
		return "-"
	case e.RuleGone:
		return string(e.Rule) + " (gone)"
	default:
		return string(e.Rule)
	}
}

// connectionArray prints JSON, one connection to a line.
type connectionArray struct {
	w     io.Writer
	began bool
}

func (a *connectionArray) write(c *admin.Connection) error {
	b, err := json.Marshal(c)
	if err != nil {
		return err
	}
	separator := "[\n"
	if a.began {
		separator = ",\n"
	}
	a.began = true
	_, err = fmt.Fprintf(a.w, "%s%s", separator, b)
	return err
}

func (a *connectionArray) end() error {
	text := "\n]\n"
	if !a.began {
		text = "[]\n"
	}
	_, err := io.WriteString(a.w, text)
	return err
}
