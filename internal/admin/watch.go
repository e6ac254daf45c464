package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"ringfence/internal/vpc"
)

// A WatchRequest says whose packets are watched: an instance's, or a network
// interface's.
type WatchRequest struct {
	Party string `json:"party"`
	Drops bool   `json:"drops,omitempty"` // only what is dropped
}

// A Verdict is what becomes of a packet that no connection covered, or of one that
// was dropped. Or it is a gap: then Lost is not 0, and all else is.
type Verdict struct {
	Time        time.Time  `json:"time,omitzero"`
	Direction   string     `json:"direction,omitempty"` // in or out
	Verdict     string     `json:"verdict,omitempty"`   // allow or drop
	Proto       string     `json:"proto,omitempty"`     // "" for a frame that was dropped before it was read
	Source      string     `json:"src,omitempty"`       // likewise; the address as rules see it, with the port if it has one
	Destination string     `json:"dst,omitempty"`
	Rule        vpc.RuleID `json:"rule,omitempty"`
	Reason      string     `json:"reason,omitempty"`
	Bytes       int        `json:"bytes,omitempty"` // of the frame

	Interface vpc.InterfaceID `json:"interface,omitempty"` // that is watched
	DecidedAt vpc.InterfaceID `json:"decidedAt,omitempty"` // the other end, where that has dropped it

	Lost uint64 `json:"lost,omitempty"` // how many were too many to be told
}

// Watch asks for verdicts and calls yield for each as it comes, until ctx is done,
// yield fails, or the daemon has no more to tell, which is io.EOF. It calls began
// once nothing is missed any more.
func (c *Client) Watch(ctx context.Context, r WatchRequest, began func(), yield func(*Verdict) error) error {
	body, err := c.send(ctx, http.MethodPost, WatchPath, r)
	if err != nil {
		return err
	}
	defer body.Close()
	began()
	for lines := json.NewDecoder(body); ; {
		var v Verdict
		err := lines.Decode(&v)
		switch {
		case errors.Is(err, io.EOF):
			return io.EOF
		case err != nil:
			return fmt.Errorf("read daemon's answer: %w", err)
		}
		if err := yield(&v); err != nil {
			return err
		}
	}
}
