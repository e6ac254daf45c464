package api

import (
	"context"

	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

// timeoutsInput asks for other timeouts of idle flows (EC2 API reference,
// ConnectionTrackingSpecificationRequest).
type timeoutsInput struct {
	TCPEstablished *int `aws:"TcpEstablishedTimeout"`
	UDPStream      *int `aws:"UdpStreamTimeout"`
	UDP            *int `aws:"UdpTimeout"`
}

func (in *timeoutsInput) isSet() bool { return *in != timeoutsInput{} }

// timeouts checks the timeouts of a call; those not given are the default.
func (in *timeoutsInput) timeouts() (vpc.ConnectionTimeouts, error) {
	var t vpc.ConnectionTimeouts
	for _, f := range []struct {
		name        string
		given       *int
		least, most int // seconds
		to          *int
	}{
		{"TcpEstablishedTimeout", in.TCPEstablished, 60, 432000, &t.TCPEstablished},
		{"UdpStreamTimeout", in.UDPStream, 60, 180, &t.UDPStream},
		{"UdpTimeout", in.UDP, 30, 60, &t.UDP},
	} {
		if f.given == nil {
			continue
		}
		if *f.given < f.least || *f.given > f.most {
			return t, vpc.Errorf(vpc.InvalidParameterValue, "Value (%d) for parameter %s is invalid. Expecting a value between %d and %d.", *f.given, f.name, f.least, f.most)
		}
		*f.to = *f.given
	}
	return t, nil
}

type modifyInterfaceInput struct {
	interfaceInput
	GroupIDs        []string              `aws:"SecurityGroupId,bare"`
	Description     textInput             `aws:"Description"`
	SourceDestCheck boolInput             `aws:"SourceDestCheck"`
	Attachment      attachmentChangeInput `aws:"Attachment"`
	Timeouts        timeoutsInput         `aws:"ConnectionTrackingSpecification"`
	PrimaryIPv6     *bool                 `aws:"EnablePrimaryIpv6"`
}

// textInput and boolInput are new values of attributes; nil changes nothing.
type textInput struct {
	Value *string `aws:"Value"`
}

type boolInput struct {
	Value *bool `aws:"Value"`
}

type attachmentChangeInput struct {
	ID                  vpc.AttachmentID `aws:"AttachmentId"`
	DeleteOnTermination *bool            `aws:"DeleteOnTermination"`
}

// modifyInterface implements ModifyNetworkInterfaceAttribute, one attribute at a
// time.
func (r *request) modifyInterface(ctx context.Context, in *modifyInterfaceInput) (*returnOutput, error) {
	attachment := in.Attachment != attachmentChangeInput{}
	if err := checkOneAttribute(len(in.GroupIDs) > 0, in.Description.Value != nil, in.SourceDestCheck.Value != nil, attachment, in.Timeouts.isSet(), in.PrimaryIPv6 != nil); err != nil {
		return nil, err
	}
	if err := checkPrimaryIPv6(in.PrimaryIPv6 != nil && *in.PrimaryIPv6); err != nil {
		return nil, err
	}
	timeouts, err := in.Timeouts.timeouts()
	if err != nil {
		return nil, err
	}
	return r.changeInterface(ctx, in.ID, func(tx *store.Tx, n *vpc.NetworkInterface) error {
		switch {
		case len(in.GroupIDs) > 0:
			if err := r.regroup(tx, n, in.GroupIDs); err != nil {
				return err
			}
		case in.Description.Value != nil:
			n.Description = *in.Description.Value
		case in.SourceDestCheck.Value != nil:
			n.NoSourceDestCheck = !*in.SourceDestCheck.Value
		case attachment:
			if err := in.Attachment.change(n); err != nil {
				return err
			}
		case in.Timeouts.isSet():
			n.Timeouts = timeouts
		}
		putInterface(tx, n)
		return nil
	})
}

// checkOneAttribute refuses a call that changes no attribute, or several.
func checkOneAttribute(given ...bool) error {
	count := 0
	for _, g := range given {
		if g {
			count++
		}
	}
	switch count {
	case 0:
		return vpc.Errorf(vpc.InvalidParameterCombination, "No attributes specified.")
	case 1:
		return nil
	}
	return vpc.Errorf(vpc.InvalidParameterCombination, "Fields for multiple attribute types specified")
}

// regroup replaces the groups of an interface, a copy, by those with ids.
func (r *request) regroup(tx *store.Tx, n *vpc.NetworkInterface, ids []string) error {
	groups, err := r.interfaceGroups(tx.Reader, n.Network, ids, func(vpc.GroupID) error {
		return vpc.Errorf(vpc.InvalidGroupNotFound, "You have specified two resources that belong to different networks.")
	})
	if err != nil {
		return err
	}
	n.Groups, n.Identity = groups, tx.Intern(groups)
	return nil
}

// change changes the attachment of an interface, a copy.
func (in *attachmentChangeInput) change(n *vpc.NetworkInterface) error {
	switch {
	case in.ID == "" || in.DeleteOnTermination == nil:
		return vpc.Errorf(vpc.MissingParameter, "The request must contain the parameters attachment.attachmentId and attachment.deleteOnTermination")
	case n.Attachment == nil || n.Attachment.ID != in.ID:
		return errNoAttachment(string(in.ID))
	}
	a := *n.Attachment
	a.DeleteOnTermination = *in.DeleteOnTermination
	n.Attachment = &a
	return nil
}

type resetInterfaceInput struct {
	interfaceInput
	SourceDestCheck string `aws:"SourceDestCheck"`
}

// resetInterface implements ResetNetworkInterfaceAttribute. The only attribute
// that can be reset is the source/destination check.
func (r *request) resetInterface(ctx context.Context, in *resetInterfaceInput) (*returnOutput, error) {
	if in.SourceDestCheck == "" {
		return nil, vpc.Errorf(vpc.MissingParameter, "The request must contain the parameter sourceDestCheck")
	}
	return r.changeInterface(ctx, in.ID, func(tx *store.Tx, n *vpc.NetworkInterface) error {
		n.NoSourceDestCheck = false
		putInterface(tx, n)
		return nil
	})
}
