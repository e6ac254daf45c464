package store

import (
	"slices"

	"ringfence/internal/vpc"
)

// PutAccount makes an account or replaces it, its keys included.
func (tx *Tx) PutAccount(a *vpc.Account) {
	if was := tx.Account(a.ID); was != nil && was.AccessKey != a.AccessKey {
		tx.remove(accessKeyKey(was.AccessKey))
	}
	tx.put(accountKey(a.ID), a)
	tx.put(accessKeyKey(a.AccessKey), &a.ID)
}

// PutGroup makes a group or replaces it. Its name in its network is the
// caller's to check.
func (tx *Tx) PutGroup(g *vpc.SecurityGroup) {
	if tx.get(groupKey(g.Region, g.Account, g.ID)) == nil {
		tx.put(nameKey(g.Region, g.Account, g.Network, g.Name), &g.ID)
		tx.put(homeKey(g.Region, string(g.ID)), &Home{Region: g.Region, Account: g.Account})
	}
	tx.put(groupKey(g.Region, g.Account, g.ID), g)
}

// DeleteGroup deletes a group and its rules. Whether it is in use is the
// caller's to check.
func (tx *Tx) DeleteGroup(g *vpc.SecurityGroup) {
	for _, r := range tx.Rules(g) {
		tx.DeleteRule(g, r)
	}
	tx.remove(groupKey(g.Region, g.Account, g.ID))
	tx.remove(nameKey(g.Region, g.Account, g.Network, g.Name))
	tx.remove(homeKey(g.Region, string(g.ID)))
}

// PutRule makes a rule of g or replaces it. A group that the rule names as its
// peer is kept from being deleted.
func (tx *Tx) PutRule(g *vpc.SecurityGroup, r *vpc.Rule) {
	tx.put(ruleKey(g.Region, g.Account, g.ID, r.ID), r)
	if peer := tx.peerOf(g, r); peer != nil {
		tx.put(refKey(peer.Region, peer.Account, peer.ID, string(r.ID)), &User{Rule: r.ID, Group: g.ID})
	}
}

// DeleteRule deletes a rule of g.
func (tx *Tx) DeleteRule(g *vpc.SecurityGroup, r *vpc.Rule) {
	tx.remove(ruleKey(g.Region, g.Account, g.ID, r.ID))
	if peer := tx.peerOf(g, r); peer != nil {
		tx.remove(refKey(peer.Region, peer.Account, peer.ID, string(r.ID)))
	}
}

func (tx *Tx) peerOf(g *vpc.SecurityGroup, r *vpc.Rule) *vpc.SecurityGroup {
	if r.Peer.Group == "" {
		return nil
	}
	return tx.Group(g.Region, r.Peer.Group)
}

// PutInterface makes an interface or replaces it. It holds its addresses, and
// keeps its groups from being deleted, until it is put without them.
func (tx *Tx) PutInterface(n *vpc.NetworkInterface) {
	tx.releaseInterface(tx.Interface(n.Region, n.Account, n.ID))
	for _, a := range n.Addresses {
		tx.put(ipKey(n.Region, n.Network, a), &n.ID)
	}
	for _, a := range n.Public {
		tx.put(publicKey(a), &n.ID)
	}
	for _, id := range n.Groups {
		if g := tx.Group(n.Region, id); g != nil {
			tx.put(refKey(g.Region, g.Account, g.ID, string(n.ID)), &User{Interface: n.ID, Instance: n.Instance, LoadBalancer: n.LoadBalancer})
		}
	}
	tx.put(interfaceKey(n.Region, n.Account, n.ID), n)
}

// DeleteInterface deletes an interface and frees its addresses. Its client
// token goes with it.
func (tx *Tx) DeleteInterface(n *vpc.NetworkInterface) {
	tx.releaseInterface(n)
	tx.remove(interfaceKey(n.Region, n.Account, n.ID))
	if n.ClientToken != "" {
		tx.remove(tokenKey(n.Region, n.Account, "CreateNetworkInterface", n.ClientToken))
	}
}

// releaseInterface gives back what n holds; nil holds nothing.
func (tx *Tx) releaseInterface(n *vpc.NetworkInterface) {
	if n == nil {
		return
	}
	for _, a := range n.Addresses {
		tx.remove(ipKey(n.Region, n.Network, a))
	}
	for _, a := range n.Public {
		tx.remove(publicKey(a))
	}
	tx.leaveGroups(n.Region, n.Groups, string(n.ID))
}

// leaveGroups removes the references of a user to groups. Where a group is at home
// needs no compare: it stays there as long as anybody uses it. Of members that
// leave at the same time none waits for another.
func (tx *Tx) leaveGroups(region vpc.Region, groups []vpc.GroupID, user string) {
	for _, id := range groups {
		if home, ok := tx.peek(homeKey(region, string(id))).(*Home); ok {
			tx.remove(refKey(region, home.Account, id, user))
		}
	}
}

// PutInstance makes an instance or replaces it. One that is stopped in
// EC2-Classic has no interface, and keeps its groups from being deleted itself.
func (tx *Tx) PutInstance(i *vpc.Instance) {
	k := instanceKey(i.Region, i.Account, i.ID)
	was, _ := tx.get(k).(*vpc.Instance)
	if was == nil {
		tx.put(homeKey(noRegion, string(i.ID)), &Home{Region: i.Region, Account: i.Account})
	} else if holdsGroups(was) && !holdsGroups(i) {
		tx.leaveGroups(was.Region, was.Groups, string(i.ID))
	}
	if holdsGroups(i) {
		for _, g := range tx.groupsOf(i) {
			tx.put(refKey(g.Region, g.Account, g.ID, string(i.ID)), &User{Instance: i.ID})
		}
	}
	tx.put(k, i)
}

// holdsGroups reports whether an instance is in groups without an interface.
func holdsGroups(i *vpc.Instance) bool { return i.Interface == "" && i.State != vpc.Terminated }

func (tx *Tx) groupsOf(i *vpc.Instance) []*vpc.SecurityGroup {
	var groups []*vpc.SecurityGroup
	for _, id := range i.Groups {
		if g := tx.Group(i.Region, id); g != nil {
			groups = append(groups, g)
		}
	}
	return groups
}

// DeleteInstance forgets an instance. Its reservation and client token go with
// the last instance of the reservation.
func (tx *Tx) DeleteInstance(i *vpc.Instance) {
	tx.remove(instanceKey(i.Region, i.Account, i.ID))
	tx.remove(homeKey(noRegion, string(i.ID)))
	if slices.ContainsFunc(tx.Instances(i.Region, i.Account), func(o *vpc.Instance) bool {
		return o.Reservation == i.Reservation
	}) {
		return
	}
	tx.remove(reservationKey(i.Region, i.Account, i.Reservation))
	if i.ClientToken != "" {
		tx.remove(tokenKey(i.Region, i.Account, "RunInstances", i.ClientToken))
	}
}

// PutReservation makes a reservation.
func (tx *Tx) PutReservation(r *vpc.Reservation) {
	tx.put(reservationKey(r.Region, r.Account, r.ID), r)
}

// PutVPC makes a VPC or replaces it. Its IPv6 blocks are held for it, until it
// is put without them. That there was a default VPC is never forgotten.
func (tx *Tx) PutVPC(v *vpc.VPC) {
	tx.releaseBlocks(tx.VPC(v.Region, v.Account, v.ID))
	for _, c := range v.IPv6 {
		tx.put(blockKey(c.CIDR.String()), &v.ID)
	}
	if v.Default {
		tx.put(defaultVPCKey(v.Region, v.Account), &v.ID)
	}
	tx.put(vpcKey(v.Region, v.Account, v.ID), v)
}

// DeleteVPC deletes a VPC. Whether it is in use is the caller's to check.
func (tx *Tx) DeleteVPC(v *vpc.VPC) {
	tx.releaseBlocks(v)
	tx.remove(vpcKey(v.Region, v.Account, v.ID))
}

// releaseBlocks gives back the IPv6 blocks of v; nil has none.
func (tx *Tx) releaseBlocks(v *vpc.VPC) {
	if v == nil {
		return
	}
	for _, c := range v.IPv6 {
		tx.remove(blockKey(c.CIDR.String()))
	}
}

// PutSubnet makes a subnet or replaces it.
func (tx *Tx) PutSubnet(s *vpc.Subnet) { tx.put(subnetKey(s.Region, s.Account, s.ID), s) }

// DeleteSubnet deletes a subnet. Whether it is in use is the caller's to check.
func (tx *Tx) DeleteSubnet(s *vpc.Subnet) { tx.remove(subnetKey(s.Region, s.Account, s.ID)) }

// PutGateway makes an internet gateway or replaces it.
func (tx *Tx) PutGateway(g *vpc.InternetGateway) { tx.put(gatewayKey(g.Region, g.Account, g.ID), g) }

// DeleteGateway deletes an internet gateway.
func (tx *Tx) DeleteGateway(g *vpc.InternetGateway) { tx.remove(gatewayKey(g.Region, g.Account, g.ID)) }

// PutRouteTable makes a route table or replaces it.
func (tx *Tx) PutRouteTable(t *vpc.RouteTable) {
	tx.put(routeTableKey(t.Region, t.Account, t.ID), t)
}

// DeleteRouteTable deletes a route table.
func (tx *Tx) DeleteRouteTable(t *vpc.RouteTable) {
	tx.remove(routeTableKey(t.Region, t.Account, t.ID))
	if t.ClientToken != "" {
		tx.remove(tokenKey(t.Region, t.Account, "CreateRouteTable", t.ClientToken))
	}
}

// PutAddress makes an Elastic IP address or replaces it. It is the account's
// until DeleteAddress, whether an interface has it or not: to give it to one is
// to put that too.
func (tx *Tx) PutAddress(a *vpc.Address) {
	tx.put(elasticKey(a.Public), &Home{Region: a.Region, Account: a.Account})
	tx.put(addressKey(a.Region, a.Account, a.Public.String()), a)
}

// DeleteAddress gives an Elastic IP address back.
func (tx *Tx) DeleteAddress(a *vpc.Address) {
	tx.remove(elasticKey(a.Public))
	tx.remove(addressKey(a.Region, a.Account, a.Public.String()))
}

// PutACL makes a network ACL or replaces it.
func (tx *Tx) PutACL(a *vpc.NetworkACL) { tx.put(aclKey(a.Region, a.Account, a.ID), a) }

// DeleteACL deletes a network ACL.
func (tx *Tx) DeleteACL(a *vpc.NetworkACL) {
	tx.remove(aclKey(a.Region, a.Account, a.ID))
	if a.ClientToken != "" {
		tx.remove(tokenKey(a.Region, a.Account, "CreateNetworkAcl", a.ClientToken))
	}
}

// PutKeyPair makes a key pair or replaces the one of its name.
func (tx *Tx) PutKeyPair(k *vpc.KeyPair) { tx.put(keyPairKey(k.Region, k.Account, k.Name), k) }

// DeleteKeyPair deletes a key pair. Instances keep its public key.
func (tx *Tx) DeleteKeyPair(k *vpc.KeyPair) { tx.remove(keyPairKey(k.Region, k.Account, k.Name)) }

// PutToken remembers what a call with a client token has done.
func (tx *Tx) PutToken(region vpc.Region, account vpc.AccountID, token string, t *Token) {
	tx.put(tokenKey(region, account, t.Action, token), t)
}
