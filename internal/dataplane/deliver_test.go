package dataplane_test

import (
	"bytes"
	"net/netip"
	"testing"

	"ringfence/internal/dataplane"
	"ringfence/internal/fabric"
	"ringfence/internal/policy"
	"ringfence/internal/vpc"
)

// TestDeliveredFrames holds a conversation and compares each frame that is
// delivered, byte for byte, with the one that the receiver should get: the first
// packets go the whole way, the later ones the short one.
func TestDeliveredFrames(t *testing.T) {
	needRoot(t)
	const alice, bob, carol, outside, outside6 policy.Port = 11, 12, 13, 14, 15
	router := [6]byte{0x02, 0x52, 0, 0, 0, 1}
	a, b, c := netip.MustParseAddr("10.0.1.10"), netip.MustParseAddr("10.0.1.11"), netip.MustParseAddr("10.0.2.12")
	second, public, public2 := netip.MustParseAddr("10.0.1.20"), netip.MustParseAddr("203.0.113.40"), netip.MustParseAddr("203.0.113.41")
	a6, b6, c6 := netip.MustParseAddr("2001:db8:0:101::10"), netip.MustParseAddr("2001:db8:0:101::11"), netip.MustParseAddr("2001:db8:0:102::12")
	host, host6 := netip.MustParseAddr("203.0.113.7"), netip.MustParseAddr("2001:db8:8000::7")
	macs := map[policy.Port][6]byte{alice: vpc.MACOf(a), bob: vpc.MACOf(b), carol: vpc.MACOf(c), outside: vpc.MACOf(host), outside6: vpc.MACOf(host6)}

	// Addresses as the client has them, and as the server has them.
	tests := []struct {
		what           string
		client, server policy.Port
		src, dst       netip.Addr
		seen, served   netip.Addr
		routed         bool
	}{
		{"within a subnet", alice, bob, a, b, a, b, false},
		{"from a secondary address", alice, bob, second, b, second, b, false},
		{"between subnets", alice, carol, a, c, a, c, true},
		{"within a subnet, IPv6", alice, bob, a6, b6, a6, b6, false},
		{"between subnets, IPv6", alice, carol, a6, c6, a6, c6, true},
		{"to the internet", alice, outside, a, host, public, host, true},
		{"to the internet from a secondary address", alice, outside, second, host, public2, host, true},
		{"to the internet, IPv6", alice, outside6, a6, host6, a6, host6, true},
		{"from the internet", outside, alice, host, public, host, a, true},
		{"from the internet to a secondary address", outside, alice, host, public2, host, second, true},
		{"from the internet, IPv6", outside6, carol, host6, c6, host6, c6, true},
	}
	err := fabric.Scratch([]int{int(alice), int(bob), int(carol), int(outside), int(outside6)}, func() error {
		d, err := dataplane.Open(dataplane.Options{MaxFlows: 1024})
		if err != nil {
			return err
		}
		defer d.Close()
		feed := openVPC()
		feed.Interfaces = []*vpc.NetworkInterface{inVPC(0, 2, a, second, a6), inVPC(1, 2, b, b6), inVPC(2, 3, c, c6)}
		feed.Interfaces[0].Public = map[netip.Addr]netip.Addr{a: public, second: public2}
		h := policy.NewHost(policy.RevokeAWS)
		if err := d.Apply(h, h.Apply(feed)); err != nil {
			return err
		}
		for port, plug := range map[policy.Port]policy.Plug{
			alice: {Interface: "eni-0"}, bob: {Interface: "eni-1"}, carol: {Interface: "eni-2"}, outside: {Outside: host}, outside6: {Outside: host6},
		} {
			h.Connect(port, plug)
			if err := d.Connect(h, port); err != nil {
				return err
			}
		}
		flags := []policy.TCPFlags{policy.SYN, policy.SYN | policy.ACK, policy.ACK, policy.ACK, policy.PSH | policy.ACK, policy.PSH | policy.ACK}
		for i, tt := range tests {
			for _, proto := range []vpc.Proto{vpc.TCP, vpc.UDP, 47} {
				for turn, f := range flags {
					sent := policy.Frame{
						SrcMAC: macs[tt.client], DstMAC: router, Src: tt.src, Dst: tt.dst, Proto: proto,
						SrcPort: uint16(40000 + i), DstPort: 443, Flags: f, Payload: []byte("some words"),
					}
					want, from, to := sent, tt.client, tt.server
					want.Src, want.Dst = tt.seen, tt.served
					if turn%2 == 1 {
						from, to = to, from
						sent.Src, sent.Dst, want.Src, want.Dst = tt.served, tt.seen, tt.dst, tt.src
						sent.SrcPort, sent.DstPort = sent.DstPort, sent.SrcPort
						want.SrcPort, want.DstPort = sent.SrcPort, sent.DstPort
						sent.SrcMAC = macs[from]
					}
					want.DstMAC = macs[to]
					if want.SrcMAC = macs[from]; tt.routed {
						want.SrcMAC = router
					}
					v, got, err := d.Run(from, sent.Bytes())
					if err != nil {
						return err
					}
					if !v.Accept || v.To != to || !bytes.Equal(got, want.Bytes()) {
						t.Errorf("%s, %v, turn %d: %v to %d\n got %x\nwant %x", tt.what, proto, turn, v.Reason, v.To, got, want.Bytes())
					}
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// openVPC is a VPC with a gateway, without interfaces, whose group sg-1 admits
// everything.
func openVPC() *vpc.Feed {
	f := &vpc.Feed{
		Revision: 1, Whole: true,
		VPCs: []*vpc.VPC{{
			ID: "vpc-1", Number: 2, CIDRs: []vpc.CIDRAssociation{{CIDR: netip.MustParsePrefix("10.0.0.0/16")}},
			IPv6: []vpc.CIDRAssociation{{CIDR: netip.MustParsePrefix("2001:db8:0:100::/56")}},
		}},
		Subnets: []*vpc.Subnet{
			{ID: "subnet-2", Number: 2, Network: "vpc-1", NetworkNo: 2}, {ID: "subnet-3", Number: 3, Network: "vpc-1", NetworkNo: 2},
		},
		Gateways: []*vpc.InternetGateway{{ID: "igw-1", Network: "vpc-1"}},
		RouteTables: []*vpc.RouteTable{{ID: "rtb-1", Network: "vpc-1", Associations: []vpc.RouteTableAssociation{{}}, Routes: []vpc.Route{
			{Destination: netip.MustParsePrefix("0.0.0.0/0"), Gateway: "igw-1"}, {Destination: netip.MustParsePrefix("::/0"), Gateway: "igw-1"},
		}}},
	}
	for _, everybody := range []string{"0.0.0.0/0", "::/0"} {
		for _, id := range []vpc.RuleID{"sgr-in", "sgr-out"} {
			f.Rules = append(f.Rules, &vpc.Rule{
				ID: id + vpc.RuleID(everybody), Group: "sg-1", Egress: id == "sgr-out", Proto: vpc.AnyProto, Peer: vpc.Peer{CIDR: netip.MustParsePrefix(everybody)},
			})
		}
	}
	return f
}

// inVPC is an interface in a subnet of openVPC.
func inVPC(i int, subnet vpc.SubnetNumber, addrs ...netip.Addr) *vpc.NetworkInterface {
	return &vpc.NetworkInterface{
		ID: vpc.InterfaceID("eni-" + string(rune('0'+i))), Number: vpc.InterfaceNumber(i + 1), Network: "vpc-1", NetworkNo: 2, SubnetNo: subnet,
		Groups: []vpc.GroupID{"sg-1"}, Identity: 1, Addresses: addrs,
	}
}
