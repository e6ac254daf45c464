package api

import (
	"context"
	"slices"
	"time"

	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

// maxDevice is the highest index of a device that an interface is attached as.
const maxDevice = 31

type attachInterfaceInput struct {
	interfaceInput
	InstanceID string `aws:"InstanceId,required"`
	Device     *int   `aws:"DeviceIndex"`
	Card       int    `aws:"NetworkCardIndex"` // every instance has one card, 0
}

type attachInterfaceOutput struct {
	ID   vpc.AttachmentID `aws:"attachmentId"`
	Card int              `aws:"networkCardIndex,since=2016-11-15"`
}

// attachInterface implements AttachNetworkInterface. An interface that is
// attached by itself outlives the instance, unless it is modified.
func (r *request) attachInterface(ctx context.Context, in *attachInterfaceInput) (*attachInterfaceOutput, error) {
	switch {
	case in.Device == nil:
		return nil, vpc.Errorf(vpc.MissingParameter, "The request must contain the parameter deviceIndex")
	case *in.Device < 0 || *in.Device > maxDevice:
		return nil, vpc.Errorf(vpc.InvalidParameterValue, "Invalid value '%d' for deviceIndex. It must be from 0 to %d.", *in.Device, maxDevice)
	case in.Card != 0:
		return nil, vpc.Errorf(vpc.InvalidParameterValue, "Invalid value '%d' for networkCardIndex. The instance has one network card, 0.", in.Card)
	}
	out := &attachInterfaceOutput{}
	_, err := r.changeInterface(ctx, in.ID, func(tx *store.Tx, n *vpc.NetworkInterface) error {
		instances, err := r.instances(tx.Reader, []string{in.InstanceID})
		if err != nil {
			return err
		}
		i := *instances[0]
		if err := r.checkAttachable(tx, &i, n, *in.Device); err != nil {
			return err
		}
		r.attach(n, &i, *in.Device, false)
		i.Secondary = append(slices.Clone(i.Secondary), n.ID)
		tx.PutInterface(n)
		tx.PutInstance(&i)
		out.ID = n.Attachment.ID
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// attach attaches an interface, a copy that is the caller's to put.
func (r *request) attach(n *vpc.NetworkInterface, i *vpc.Instance, device int, deleteOnTermination bool) {
	n.Instance, n.Detached = i.ID, nil
	n.Attachment = &vpc.Attachment{
		ID: vpc.AttachmentID(newID("eni-attach", r.Account.Era)), Device: device,
		Time: time.Now().UTC(), DeleteOnTermination: deleteOnTermination,
	}
}

// checkAttachable refuses to attach an interface to an instance that cannot
// have it.
func (r *request) checkAttachable(tx *store.Tx, i *vpc.Instance, n *vpc.NetworkInterface, device int) error {
	switch {
	case n.Instance != "":
		return errInUse(n)
	case i.State != vpc.Running && i.State != vpc.Stopped:
		return vpc.Errorf(vpc.IncorrectInstanceState, "The instance '%s' is not in the 'running' or 'stopped' state.", i.ID)
	case i.Network == vpc.ClassicNetwork:
		return vpc.Errorf(vpc.InvalidParameterCombination, "Network interfaces cannot be attached to an instance in EC2-Classic.")
	case i.Network != n.Network:
		return vpc.Errorf(vpc.InvalidParameterCombination, "You may not attach a network interface to an instance if they are not in the same VPC")
	case i.Zone != n.Zone:
		return vpc.Errorf(vpc.InvalidParameterCombination, "You may not attach a network interface to an instance if they are not in the same availability zone")
	}
	if device == 0 {
		return errDeviceTaken(i, device)
	}
	for _, id := range i.Secondary {
		if other := tx.Interface(i.Region, i.Account, id); other != nil && other.Attachment.Device == device {
			return errDeviceTaken(i, device)
		}
	}
	if err := checkInterfaceCount(i.Type, 2+len(i.Secondary)); err != nil {
		return err
	}
	return checkAddressCount(i.Type, len(ipv4Of(n)), len(ipv6Of(n)))
}

func errInUse(n *vpc.NetworkInterface) error {
	return vpc.Errorf(vpc.InvalidNetworkInterfaceInUse, "Interface: [%s] in use.", n.ID)
}

func errDeviceTaken(i *vpc.Instance, device int) error {
	return vpc.Errorf(vpc.InvalidParameterValue, "Instance '%s' already has an interface attached at device index '%d'.", i.ID, device)
}

type detachInterfaceInput struct {
	dryRun
	ID    string `aws:"AttachmentId,required"`
	Force bool   `aws:"Force"` // the instance is never asked first
}

// detachInterface implements DetachNetworkInterface. The interface keeps its
// addresses and groups.
func (r *request) detachInterface(ctx context.Context, in *detachInterfaceInput) (*returnOutput, error) {
	if isID(nodeAttachmentPrefix, in.ID) {
		return nil, vpc.Errorf(vpc.OperationNotPermitted, "You are not allowed to manage '%s' attachments.", nodeAttachmentPrefix)
	}
	err := r.update(ctx, func(tx *store.Tx) error {
		was := r.interfaceAttachedBy(tx.Reader, vpc.AttachmentID(in.ID))
		switch {
		case was == nil:
			return errNoAttachment(in.ID)
		case was.Requester != "":
			return errManaged(was)
		case was.Attachment.Device == 0:
			return vpc.Errorf(vpc.OperationNotPermitted, "The network interface at device index 0 and networkCard index 0 cannot be detached.")
		}
		i := *tx.Instance(was.Instance)
		if i.State != vpc.Running && i.State != vpc.Stopped {
			return vpc.Errorf(vpc.IncorrectInstanceState, "The instance '%s' is not in the 'running' or 'stopped' state.", i.ID)
		}
		n := *was
		n.Detach()
		i.Secondary = slices.DeleteFunc(slices.Clone(i.Secondary), func(id vpc.InterfaceID) bool { return id == n.ID })
		tx.PutInterface(&n)
		tx.PutInstance(&i)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &returnOutput{Return: true}, nil
}

// interfaceAttachedBy finds the interface of the caller with an attachment.
func (r *request) interfaceAttachedBy(reader store.Reader, id vpc.AttachmentID) *vpc.NetworkInterface {
	for _, n := range reader.Interfaces(r.Region, r.Account.ID) {
		if n.Attachment != nil && n.Attachment.ID == id {
			return n
		}
	}
	return nil
}

func errNoAttachment(id string) error {
	return vpc.Errorf(vpc.InvalidAttachmentIDNotFound, "The networkInterfaceAttachment ID '%s' does not exist", id)
}
