package scenario

import (
	"ringfence/internal/policy"
	"ringfence/internal/vpc"
)

// A Dialogue is an honest conversation, on a client port that no other has: what
// becomes of it depends on rules and places alone.
type Dialogue struct {
	client, server policy.Port
	sent           [4]policy.Frame
}

// firstDialoguePort is above the ports that other traffic comes from.
const firstDialoguePort = 42000

// Dialogue makes one between two random hosts of the world.
func (t *Traffic) Dialogue() *Dialogue {
	c := t.converse()
	for c.client == c.server || c.proto == 47 { // without ports there is one dialogue of two hosts
		c = t.converse()
	}
	c.clientPort = firstDialoguePort + t.dialogues%(1<<16-firstDialoguePort)
	t.dialogues++
	d := &Dialogue{client: c.client, server: c.server}
	flags := [4]policy.TCPFlags{policy.SYN, policy.SYN | policy.ACK, policy.ACK, policy.ACK}
	for i := range d.sent {
		f := policy.Frame{Proto: c.proto, Flags: flags[i], ICMPType: c.icmpType, ICMPID: c.clientPort, Payload: make([]byte, 8)}
		if i%2 == 0 {
			f.SrcMAC, f.Src, f.Dst, f.SrcPort, f.DstPort = t.macOf(c.client), c.clientAddr, c.serverAddr, c.clientPort, c.serverPort
		} else {
			f.SrcMAC, f.Src, f.Dst, f.SrcPort, f.DstPort = t.macOf(c.server), c.serverSeen, c.clientSeen, c.serverPort, c.clientPort
			f.ICMPType = replies[c.icmpType]
		}
		f.DstMAC = vpc.MACOf(f.Dst)
		d.sent[i] = f
	}
	return d
}

// Frame returns the frame of a turn and the port that it comes by. Turn 0
// opens, even turns are the client's, odd ones the server's.
func (d *Dialogue) Frame(turn int) (policy.Port, []byte) {
	i, port := turn, d.client
	if turn > 3 {
		i = 2 + turn%2
	}
	if i%2 == 1 {
		port = d.server
	}
	return port, d.sent[i].Bytes()
}
