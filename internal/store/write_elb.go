package store

import (
	"maps"
	"slices"

	"ringfence/internal/vpc"
)

// PutLoadBalancer makes a load balancer or replaces it. It keeps the
// certificates of its listeners from being deleted, until it is put without
// them. Its interfaces are the caller's to put; its name is the caller's to
// check.
func (tx *Tx) PutLoadBalancer(lb *vpc.LoadBalancer) {
	k := loadBalancerKey(lb.Region, lb.Account, lb.ID)
	was, _ := tx.get(k).(*vpc.LoadBalancer)
	if was == nil {
		tx.put(loadBalancerNameKey(lb.Region, lb.Account, lb.Name), &lb.ID)
		tx.put(homeKey(noRegion, string(lb.ID)), &Home{Region: lb.Region, Account: lb.Account})
	}
	used := tx.certificateUses(lb)
	for _, u := range tx.certificateUses(was) {
		if !slices.Contains(used, u) {
			tx.remove(u)
		}
	}
	for _, u := range used {
		tx.put(u, &lb.ID)
	}
	tx.put(k, lb)
}

// DeleteLoadBalancer deletes a load balancer. Its interfaces are the caller's
// to delete.
func (tx *Tx) DeleteLoadBalancer(lb *vpc.LoadBalancer) {
	for _, u := range tx.certificateUses(lb) {
		tx.remove(u)
	}
	tx.remove(loadBalancerNameKey(lb.Region, lb.Account, lb.Name))
	tx.remove(homeKey(noRegion, string(lb.ID)))
	tx.remove(loadBalancerKey(lb.Region, lb.Account, lb.ID))
}

// certificateUses returns the keys that keep lb's certificates, sorted; nil has
// none.
func (tx *Tx) certificateUses(lb *vpc.LoadBalancer) []string {
	if lb == nil {
		return nil
	}
	keys := map[string]bool{}
	for _, l := range lb.Listeners {
		if c := tx.CertificateWithARN(lb.Account, l.Certificate); c != nil {
			keys[certificateUseKey(c.Account, c.Name, lb.ID)] = true
		}
	}
	return slices.Sorted(maps.Keys(keys))
}

// PutCertificate makes a server certificate or replaces it.
func (tx *Tx) PutCertificate(c *vpc.ServerCertificate) {
	tx.put(certificateKey(c.Account, c.Name), c)
}

// DeleteCertificate deletes a server certificate. Whether it is in use is the
// caller's to check.
func (tx *Tx) DeleteCertificate(c *vpc.ServerCertificate) {
	tx.remove(certificateKey(c.Account, c.Name))
}
