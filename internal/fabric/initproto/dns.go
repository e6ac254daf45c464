package initproto

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// A Query is a DNS message on its way from a machine to the agent.
type Query struct {
	Network string // udp or tcp: how the asker came, which bounds the answer
	Message []byte // wire format (RFC 1035 §4)
}

// WriteQuery sends q over the agent's DNS socket: one byte for the network,
// the length in two bytes, the message. Answers have no network byte.
func WriteQuery(w io.Writer, q Query) error {
	if q.Network != "udp" && q.Network != "tcp" {
		return fmt.Errorf("DNS over %q", q.Network)
	}
	return writeSized(w, []byte{q.Network[0]}, q.Message)
}

// ReadQuery reads what WriteQuery has sent; io.EOF when there is no more.
func ReadQuery(r io.Reader) (Query, error) {
	var network [1]byte
	if _, err := io.ReadFull(r, network[:]); err != nil {
		return Query{}, err
	}
	names := map[byte]string{'u': "udp", 't': "tcp"}
	name, ok := names[network[0]]
	if !ok {
		return Query{}, fmt.Errorf("DNS over network %q", network[0])
	}
	message, err := ReadAnswer(r)
	return Query{Network: name, Message: message}, err
}

// WriteAnswer sends a DNS message after its length, as DNS over TCP does
// (RFC 1035 §4.2.2).
func WriteAnswer(w io.Writer, message []byte) error { return writeSized(w, nil, message) }

// ReadAnswer reads what WriteAnswer has sent.
func ReadAnswer(r io.Reader) ([]byte, error) {
	var length [2]byte
	if _, err := io.ReadFull(r, length[:]); err != nil {
		return nil, err
	}
	message := make([]byte, binary.BigEndian.Uint16(length[:]))
	_, err := io.ReadFull(r, message)
	return message, err
}

func writeSized(w io.Writer, prefix, message []byte) error {
	if len(message) > 0xffff {
		return errors.New("DNS message over 65535 bytes")
	}
	frame := binary.BigEndian.AppendUint16(prefix, uint16(len(message)))
	_, err := w.Write(append(frame, message...))
	return err
}
