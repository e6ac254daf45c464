package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// A tour is a worked example of the EC2 User Guide of 2012 ("Using Security
// Groups"), played with the commands that its reader would type.
type tour struct {
	name, about string
	programs    []string // that it needs beside this one
	play        func(*guide)
}

func tours() []*tour {
	return []*tour{
		{"first", "Albert's default group: a port scan before and after one rule", []string{"nmap"}, playFirst},
		{"three-tier", "Mary's web, application and database servers, and her own SSH session", []string{"nmap", "telnet", "ssh"}, playThreeTier},
	}
}

// tourProfile is that of the account which has EC2-Classic.
const tourProfile = "classic"

func (c *command) tourCommand() *cobra.Command {
	var keep bool
	cmd := &cobra.Command{
		Use:   "tour [NAME] [--keep]",
		Short: "Play an example of the EC2 User Guide, or list those there are",
		Long: "Play an example of the EC2 User Guide of 2012 against the daemon on this machine, with the\n" +
			"commands that its reader would type and what they print. The tour stops, with status 1, where a\n" +
			"result is not what the guide says. Afterwards it removes what it has made. Without NAME the\n" +
			"tours are listed.",
		Example: "  ringfence tour three-tier",
		GroupID: "use",
		Args:    between(0, 1),
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return slices.Sorted(maps.Keys(tourList())), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return c.print(tourList(), writeTours)
			}
			for _, t := range tours() {
				if t.name == args[0] {
					return c.playTour(cmd.Context(), t, keep)
				}
			}
			return usagef("there is no tour %q: see ringfence tour", args[0])
		},
	}
	cmd.Flags().BoolVar(&keep, "keep", false, "leave what the tour has made")
	return cmd
}

// tourList is as the command prints it.
func tourList() map[string]string {
	list := make(map[string]string)
	for _, t := range tours() {
		list[t.name] = t.about
	}
	return list
}

func writeTours(w io.Writer) error {
	t := newTable(w)
	fmt.Fprintf(t, "TOUR\tABOUT\n")
	for _, tour := range tours() {
		fmt.Fprintf(t, "%s\t%s\n", tour.name, tour.about)
	}
	return t.Flush()
}

func (c *command) playTour(ctx context.Context, t *tour, keep bool) error {
	g, err := c.newGuide(ctx, t)
	if err != nil {
		return err
	}
	g.say("What follows is typed after: eval \"$(ringfence env --profile " + tourProfile + ")\"")
	t.play(g)
	if g.err == nil {
		g.say("Everything was as the guide says.")
	}
	g.endSessions()
	if keep {
		g.tellLeft()
		return g.err
	}
	return errors.Join(g.err, g.cleanUp())
}

// playFirst is "Albert".
func playFirst(g *guide) {
	const home, elsewhere = "203.0.113.7", "203.0.113.8"
	g.say("Albert launches an instance. He names no group, so it is in default.")
	reservation, albert := g.launch("ec2-run-instances", "ami-eca54085")
	g.expect(strings.HasSuffix(reservation, "\tdefault"), "the reservation is in the group default")

	g.say("Members of default reach each other, and nobody else reaches them.")
	rules := g.rulesOf("default")
	if len(rules) > 0 && strings.Contains(rules[len(rules)-1], home+"/32") {
		g.run("ec2-revoke", "default", "-P", "tcp", "-p", "22", "-s", home+"/32") // of an earlier tour
		rules = g.rulesOf("default")
	}
	for _, rule := range []string{"icmp\t-1\t-1", "tcp\t0\t65535", "udp\t0\t65535"} {
		g.expect(hasRule(rules, "ALLOWS\t"+rule+"\tFROM\tUSER\t111122223333\tNAME default"), "default admits %s from itself", strings.ReplaceAll(rule, "\t", " "))
	}
	g.scan(outsideAt(home), albert.dns(), "1-100")

	g.say("He opens SSH to his own address. The instance is left alone.")
	g.run("ec2-authorize", "default", "-P", "tcp", "-p", "22", "-s", home+"/32")
	g.undo("ec2-revoke", "default", "-P", "tcp", "-p", "22", "-s", home+"/32")
	g.scan(outsideAt(home), albert.dns(), "1-100", "22")
	g.scan(outsideAt(elsewhere), albert.dns(), "22")
}

// playThreeTier is "Mary".
func playThreeTier(g *guide) {
	const mary, anybody = "203.0.113.19", "203.0.113.7"
	const account = "111122223333"
	g.say("Mary's web servers: everybody may reach port 80, and nothing else.")
	g.createGroup("apache", "Mary's Apache group")
	g.expect(len(g.rulesOf("apache")) == 0, "a new group admits nothing")
	g.run("ec2-authorize", "apache", "-P", "tcp", "-p", "80", "-s", "0.0.0.0/0")
	g.expect(hasRule(g.rulesOf("apache"), "ALLOWS\ttcp\t80\t80\tFROM\tCIDR\t0.0.0.0/0"), "port 80 is open to everybody")
	g.createKey("mary")
	_, web := g.launch("ec2-run-instances", "ami-fba54092", "-n", "7", "-g", "apache", "-k", "mary")
	g.expect(len(web) == 7, "seven web servers run")
	g.scan(outsideAt(anybody), web.dns(), "1-100", "80")
	g.dial(outsideAt(anybody), web.dns(), "80", true)

	g.say("Her application servers: whoever is in apache may reach all of their ports.")
	g.createGroup("appserver", "Mary's app server")
	_, app := g.launch("ec2-run", "ami-e3a5408a", "-n", "20", "-g", "appserver")
	g.expect(len(app) == 20, "twenty application servers run")
	g.run("ec2-authorize", "appserver", "-o", "apache", "-u", account)
	rules := g.rulesOf("appserver")
	g.expect(len(rules) == 3 && hasRule(rules, "ALLOWS\ttcp\t0\t65535\tFROM\tUSER\t"+account+"\tNAME apache"), "one command gives three rules: tcp, udp and icmp from apache")
	g.scan(outsideAt(anybody), app.dns(), "1-100")

	g.say("By their public name a web server reaches them: inside, it means the private address. By the\n" +
		"public address it does not, since a group means private addresses.")
	g.dial(insideOf(web), app.dns(), "8080", true)
	g.dial(insideOf(web), app.public(), "8080", false)
	g.say("The other way is closed, and application servers are closed to each other.")
	g.dial(insideOf(app), web.dns(), "22", false)
	g.dial(insideOf(app), app.others().dns(), "8080", false)

	g.say("For a look at a log, Mary lets herself in by SSH.")
	g.run("ec2-authorize", "apache", "-P", "tcp", "-p", "22", "-s", mary+"/32")
	g.scan(outsideAt(mary), web.dns(), "22", "22")
	g.scan(outsideAt(anybody), web.dns(), "22")
	session := g.login(outsideAt(mary), web)
	g.say("She revokes the rule: nobody gets in any more, and the session that is open stays so.")
	g.run("ec2-revoke", "apache", "-P", "tcp", "-p", "22", "-s", mary+"/32")
	g.scan(outsideAt(mary), web.dns(), "22")
	g.answers(session)
	g.run("ringfence", "connections", web.id(), "--peer", mary)

	g.say("Her databases are for the application servers alone.")
	g.createGroup("db", "Mary's database")
	_, db := g.launch("ec2-run-instances", "ami-f1a54098", "-n", "2", "-g", "db")
	g.run("ec2-authorize", "db", "-o", "appserver", "-u", account)
	g.dial(insideOf(app), db.dns(), "3306", true)
	g.dial(insideOf(web), db.dns(), "3306", false)
	g.dial(outsideAt(anybody), db.dns(), "3306", false)

	g.say("A server that comes later is covered by the rules that there are.")
	_, later := g.launch("ec2-run-instances", "ami-e3a5408a", "-g", "appserver")
	g.dial(insideOf(later), db.dns(), "3306", true)
	g.dial(insideOf(web), later.dns(), "8080", true)
}
