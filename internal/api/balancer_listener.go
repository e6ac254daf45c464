package api

import (
	"context"
	"slices"

	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

type listenerInput struct {
	Protocol         string `aws:"Protocol,required"`
	Port             int    `aws:"LoadBalancerPort,required"`
	InstanceProtocol string `aws:"InstanceProtocol"`
	InstancePort     int    `aws:"InstancePort,required"`
	Certificate      string `aws:"SSLCertificateId"`
}

const lastPort = 65535

// classicPorts are the ports below 1024 that a load balancer in EC2-Classic may
// listen on (ELB Developer Guide, "Listeners for your load balancer").
var classicPorts = []int{25, 80, 443, 465, 587}

// listener checks a listener by itself.
func (in *listenerInput) listener(classic bool) (vpc.Listener, error) {
	l := vpc.Listener{Certificate: in.Certificate}
	var err error
	if l.Protocol, err = listenerProtocol(in.Protocol); err != nil {
		return l, err
	}
	l.InstanceProtocol = plainProtocol(l.Protocol)
	if in.InstanceProtocol != "" {
		if l.InstanceProtocol, err = listenerProtocol(in.InstanceProtocol); err != nil {
			return l, err
		}
	}
	switch {
	case l.Protocol.IsHTTP() != l.InstanceProtocol.IsHTTP():
		return l, errInvalid("The Protocol %s and the InstanceProtocol %s must be both of layer 7, HTTP and HTTPS, or both of layer 4, TCP and SSL", l.Protocol, l.InstanceProtocol)
	case classic && !slices.Contains(classicPorts, in.Port) && (in.Port < 1024 || in.Port > lastPort):
		return l, errInvalid("EC2-Classic load balancer port must be either 25, 80, 443, 465, 587 or 1024~65535 inclusive")
	case in.Port < 1 || in.Port > lastPort:
		return l, errInvalid("Load balancer port must be between 1 and %d, inclusive", lastPort)
	case in.InstancePort < 1 || in.InstancePort > lastPort:
		return l, errInvalid("Instance port must be between 1 and %d, inclusive", lastPort)
	case l.Protocol.IsSecure() && in.Certificate == "":
		return l, errInvalid("Secure Listeners need to specify a SSLCertificateId")
	case !l.Protocol.IsSecure() && in.Certificate != "":
		return l, errInvalid("SSLCertificateId can be specified only for HTTPS and SSL listeners, not for %s", l.Protocol)
	}
	l.Port, l.InstancePort = uint16(in.Port), uint16(in.InstancePort)
	return l, nil
}

// listenerProtocol reads a protocol, in which case makes no difference.
func listenerProtocol(name string) (vpc.ListenerProtocol, error) {
	p, ok := vpc.ListenerProtocolNamed(name)
	if !ok {
		return "", vpc.Errorf(vpc.UnsupportedProtocol, "The protocol '%s' is not supported. It must be HTTP, HTTPS, TCP or SSL.", name)
	}
	return p, nil
}

// plainProtocol is what instances speak behind a listener that does not say.
func plainProtocol(p vpc.ListenerProtocol) vpc.ListenerProtocol {
	if p.IsHTTP() {
		return vpc.ListenHTTP
	}
	return vpc.ListenTCP
}

// addListener adds a listener to a load balancer, a copy. One that is there
// already changes nothing. A secure one gets the default policy.
func (r *request) addListener(tx *store.Tx, lb *vpc.LoadBalancer, in listenerInput) error {
	l, err := in.listener(lb.IsClassic())
	if err != nil {
		return err
	}
	for _, other := range lb.Listeners {
		switch {
		case other.Port == l.Port && sameListener(other, l):
			return nil
		case other.Port == l.Port:
			return vpc.Errorf(vpc.DuplicateListener, "A listener already exists for %s with LoadBalancerPort %d, but with a different InstancePort, Protocol, or SSLCertificateId", lb.Name, l.Port)
		case other.InstancePort == l.InstancePort && other.InstanceProtocol.IsSecure() != l.InstanceProtocol.IsSecure():
			return errConfiguration("There is another listener with the InstancePort %d whose InstanceProtocol is %s: both must be secure, or neither", l.InstancePort, other.InstanceProtocol)
		}
	}
	if len(lb.Listeners) >= r.limit(listenersPerBalancer) {
		return errConfiguration("A load balancer can have at most %d listeners.", r.limit(listenersPerBalancer))
	}
	if l.Protocol.IsSecure() {
		if err := r.checkCertificate(tx.Reader, l.Certificate); err != nil {
			return err
		}
		l.Policies = []string{vpc.DefaultTLSPolicy}
		if findPolicy(lb, vpc.DefaultTLSPolicy) == nil {
			lb.Policies = append(slices.Clone(lb.Policies), *vpc.PredefinedTLSPolicy(vpc.DefaultTLSPolicy))
		}
	}
	lb.Listeners = append(slices.Clone(lb.Listeners), l)
	return nil
}

// sameListener reports whether two listeners are defined alike. Their policies
// do not count.
func sameListener(a, b vpc.Listener) bool {
	return a.Protocol == b.Protocol && a.InstanceProtocol == b.InstanceProtocol && a.InstancePort == b.InstancePort && a.Certificate == b.Certificate
}

func (r *request) checkCertificate(reader store.Reader, arn string) error {
	if reader.CertificateWithARN(r.Account.ID, arn) == nil {
		return vpc.Errorf(vpc.CertificateNotFound, "Server Certificate not found for the key: %s", arn)
	}
	return nil
}

type createListenersInput struct {
	balancerName
	Listeners []listenerInput `aws:"Listeners"`
}

// createListeners implements CreateLoadBalancerListeners. Groups are not
// touched: a new port stays closed until a rule opens it.
func (r *request) createListeners(ctx context.Context, in *createListenersInput) (*emptyOutput, error) {
	if len(in.Listeners) == 0 {
		return nil, errInvalid("Listeners cannot be empty")
	}
	return r.alterBalancer(ctx, in.Name, func(tx *store.Tx, lb *vpc.LoadBalancer) error {
		for _, l := range in.Listeners {
			if err := r.addListener(tx, lb, l); err != nil {
				return err
			}
		}
		return nil
	})
}

type deleteListenersInput struct {
	balancerName
	Ports []int `aws:"LoadBalancerPorts,required"`
}

// deleteListeners implements DeleteLoadBalancerListeners. A port without a
// listener is left so.
func (r *request) deleteListeners(ctx context.Context, in *deleteListenersInput) (*emptyOutput, error) {
	return r.alterBalancer(ctx, in.Name, func(_ *store.Tx, lb *vpc.LoadBalancer) error {
		lb.Listeners = slices.DeleteFunc(slices.Clone(lb.Listeners), func(l vpc.Listener) bool {
			return slices.Contains(in.Ports, int(l.Port))
		})
		dropBackendPolicies(lb)
		return nil
	})
}

type setCertificateInput struct {
	balancerName
	Port        int    `aws:"LoadBalancerPort,required"`
	Certificate string `aws:"SSLCertificateId,required"`
}

// setCertificate implements SetLoadBalancerListenerSSLCertificate.
func (r *request) setCertificate(ctx context.Context, in *setCertificateInput) (*emptyOutput, error) {
	return r.changeListener(ctx, in.Name, in.Port, func(tx *store.Tx, _ *vpc.LoadBalancer, l *vpc.Listener) error {
		if !l.Protocol.IsSecure() {
			return errConfiguration("The listener on port %d speaks %s and shows no certificate.", l.Port, l.Protocol)
		}
		l.Certificate = in.Certificate
		return r.checkCertificate(tx.Reader, in.Certificate)
	})
}

// changeListener applies change to a listener of a load balancer, a copy.
func (r *request) changeListener(ctx context.Context, name string, port int, change func(*store.Tx, *vpc.LoadBalancer, *vpc.Listener) error) (*emptyOutput, error) {
	return r.alterBalancer(ctx, name, func(tx *store.Tx, lb *vpc.LoadBalancer) error {
		i := slices.IndexFunc(lb.Listeners, func(l vpc.Listener) bool { return int(l.Port) == port })
		if i < 0 {
			return vpc.Errorf(vpc.ListenerNotFound, "There is no listener on port %d of the load balancer '%s'", port, lb.Name)
		}
		lb.Listeners = slices.Clone(lb.Listeners)
		return change(tx, lb, &lb.Listeners[i])
	})
}
