package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"ringfence/internal/vpc"
)

// A ConnectionsRequest says which connections are meant: those of which all is
// true that it says. The zero value means all.
type ConnectionsRequest struct {
	Party string     `json:"party,omitempty"` // one end: an instance, a network interface or an address
	Peer  string     `json:"peer,omitempty"`  // the other end, or either if Party is "": ADDRESS or ADDRESS:PORT
	Proto string     `json:"proto,omitempty"` // tcp, udp, icmp, icmpv6 or a number
	Rule  vpc.RuleID `json:"rule,omitempty"`  // that has admitted it at one end

	// Cut asks to cut them: no packet of theirs passes any more, but one that
	// opens them anew and that rules admit.
	Cut bool `json:"cut,omitempty"`
}

// What becomes of the packets of a connection.
const (
	Opening   = "opening"   // nobody has answered yet
	Open      = "open"      // rules admit it
	Lingering = "lingering" // it goes on although a rule that admitted it is gone
	Closing   = "closing"   // TCP that has ended, until its last packets are over
	Cut       = "cut"       // nothing of it passes
)

// A Connection is one that the host remembers. Who calls an instance by its
// public address from the same network has two.
type Connection struct {
	Proto  string        `json:"proto"`
	State  string        `json:"state"`
	Client ConnectionEnd `json:"client"` // has sent the first packet
	Server ConnectionEnd `json:"server"`

	Idle    float64 `json:"idleSeconds"`    // since the last packet
	Timeout float64 `json:"timeoutSeconds"` // after which it is forgotten
}

// A ConnectionEnd is one end, with what it has sent.
type ConnectionEnd struct {
	Address   string          `json:"address"` // as rules see it
	Port      uint16          `json:"port"`    // of ICMP: the identifier, at the server type and code
	Instance  vpc.InstanceID  `json:"instance,omitempty"`
	Interface vpc.InterfaceID `json:"interface,omitempty"`
	Packets   uint32          `json:"packets"`
	Bytes     uint64          `json:"bytes"`

	// Rule has admitted it here: a rule of the sender's for what leaves, of the
	// receiver's for what comes in. "" on the internet side, and where everything
	// may leave.
	Rule     vpc.RuleID `json:"rule,omitempty"`
	RuleGone bool       `json:"ruleGone,omitempty"` // it is no longer in force
}

// Connections asks for connections and calls yield for each as it comes, in no
// order. There may be very many; an error may come after some.
func (c *Client) Connections(ctx context.Context, r ConnectionsRequest, yield func(*Connection) error) error {
	body, err := c.send(ctx, http.MethodPost, ConnectionsPath, r)
	if err != nil {
		return err
	}
	defer body.Close()
	for lines := json.NewDecoder(body); ; {
		var connection Connection
		err := lines.Decode(&connection)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read daemon's answer: %w", err)
		}
		if err := yield(&connection); err != nil {
			return err
		}
	}
}
