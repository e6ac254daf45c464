package store

import (
	"slices"
	"testing"

	"ringfence/internal/vpc"
)

func certificate(name string) *vpc.ServerCertificate {
	return &vpc.ServerCertificate{Account: albert, Name: name, ARN: "arn:aws:iam::111122223333:server-certificate/" + name}
}

// balancer returns a load balancer that shows certificates.
func balancer(r vpc.Region, id string, certificates ...*vpc.ServerCertificate) *vpc.LoadBalancer {
	lb := &vpc.LoadBalancer{ID: vpc.LoadBalancerID(id), Account: albert, Region: r, Name: "name of " + id}
	for _, c := range certificates {
		lb.Listeners = append(lb.Listeners, vpc.Listener{Protocol: vpc.ListenHTTPS, Certificate: c.ARN})
	}
	return lb
}

func TestALoadBalancerIsFoundByNameAndByID(t *testing.T) {
	r := regionOf(t)
	id := "elb-" + string(r)
	lb := balancer(r, id)
	update(t, shared, func(tx *Tx) error { tx.PutLoadBalancer(lb); return nil })
	v := view(t, shared)
	if v.LoadBalancer(lb.ID) == nil || v.LoadBalancerNamed(r, albert, lb.Name) == nil || len(v.LoadBalancers(r, albert)) != 1 {
		t.Error("the load balancer is not found")
	}
	if v.LoadBalancerNamed(r, "444455556666", lb.Name) != nil {
		t.Error("another account has found the load balancer")
	}
	update(t, shared, func(tx *Tx) error { tx.DeleteLoadBalancer(lb); return nil })
	v = view(t, shared)
	if v.LoadBalancer(lb.ID) != nil || v.LoadBalancerNamed(r, albert, lb.Name) != nil || len(v.LoadBalancers(r, albert)) != 0 {
		t.Error("the load balancer is still there")
	}
}

// A certificate knows which load balancers of any region show it, so that it is
// not deleted under them.
func TestACertificateKnowsItsUsers(t *testing.T) {
	r := regionOf(t)
	shop, blog := certificate("Shop-"+string(r)), certificate("blog-"+string(r))
	first, second := "elb-1-"+string(r), "elb-2-"+string(r)
	users := func(c *vpc.ServerCertificate) []vpc.LoadBalancerID {
		var ids []vpc.LoadBalancerID
		for _, id := range view(t, shared).CertificateUsers(c) {
			ids = append(ids, *id)
		}
		return ids
	}
	steps := []struct {
		does       string
		write      func(tx *Tx)
		shop, blog []vpc.LoadBalancerID
	}{
		{"two listeners show one certificate", func(tx *Tx) {
			tx.PutCertificate(shop)
			tx.PutCertificate(blog)
			tx.PutLoadBalancer(balancer(r, first, shop, shop))
		}, []vpc.LoadBalancerID{vpc.LoadBalancerID(first)}, nil},
		{"another load balancer of another region shows both", func(tx *Tx) { tx.PutLoadBalancer(balancer(r+"b", second, shop, blog)) },
			[]vpc.LoadBalancerID{vpc.LoadBalancerID(first), vpc.LoadBalancerID(second)}, []vpc.LoadBalancerID{vpc.LoadBalancerID(second)}},
		{"the first changes its certificate", func(tx *Tx) { tx.PutLoadBalancer(balancer(r, first, blog)) },
			[]vpc.LoadBalancerID{vpc.LoadBalancerID(second)}, []vpc.LoadBalancerID{vpc.LoadBalancerID(first), vpc.LoadBalancerID(second)}},
		{"the second is deleted", func(tx *Tx) { tx.DeleteLoadBalancer(tx.LoadBalancer(vpc.LoadBalancerID(second))) },
			nil, []vpc.LoadBalancerID{vpc.LoadBalancerID(first)}},
	}
	for _, s := range steps {
		update(t, shared, func(tx *Tx) error { s.write(tx); return nil })
		if got := users(shop); !slices.Equal(got, s.shop) {
			t.Errorf("%s: the shop's certificate is used by %q, want %q", s.does, got, s.shop)
		}
		if got := users(blog); !slices.Equal(got, s.blog) {
			t.Errorf("%s: the blog's certificate is used by %q, want %q", s.does, got, s.blog)
		}
	}
}

// Agents are told of load balancers and certificates, and when they are gone.
func TestTheFeedHasLoadBalancers(t *testing.T) {
	s := openIn(t, t.TempDir())
	defer s.Close()
	shop, lb := certificate("shop"), balancer("r", "elb-1")
	w := s.Watch()
	next(t, w)
	update(t, s, func(tx *Tx) error { tx.PutCertificate(shop); tx.PutLoadBalancer(lb); return nil })
	if f := next(t, w); len(f.LoadBalancers) != 1 || len(f.Certificates) != 1 {
		t.Errorf("feed %+v, want a load balancer and a certificate", f)
	}
	update(t, s, func(tx *Tx) error { tx.DeleteCertificate(shop); tx.DeleteLoadBalancer(lb); return nil })
	if f := next(t, w); !slices.Equal(f.GoneLoadBalancers, []vpc.LoadBalancerID{lb.ID}) || !slices.Equal(f.GoneCertificates, []string{shop.ARN}) {
		t.Errorf("feed %+v, want both gone", f)
	}
}

// A certificate that moves to another path has another ARN: the old one is gone,
// unless it has moved back meanwhile.
func TestTheFeedTellsOfOldARNs(t *testing.T) {
	s := openIn(t, t.TempDir())
	defer s.Close()
	w := s.Watch()
	move := func(arns ...string) *vpc.Feed {
		for _, arn := range arns {
			c := *certificate("shop")
			c.ARN = arn
			update(t, s, func(tx *Tx) error { tx.PutCertificate(&c); return nil })
		}
		view(t, s) // until the watcher's source has all of it
		return next(t, w)
	}
	move("arn:/shop")
	f := move("arn:/west/shop", "arn:/east/shop", "arn:/west/shop")
	slices.Sort(f.GoneCertificates)
	if want := []string{"arn:/east/shop", "arn:/shop", "arn:/west/shop"}; !slices.Equal(f.GoneCertificates, want) {
		t.Errorf("%q are gone, want %q", f.GoneCertificates, want)
	}
	if len(f.Certificates) != 1 || f.Certificates[0].ARN != "arn:/west/shop" {
		t.Errorf("certificates %+v, want the one at its newest path", f.Certificates)
	}
}
