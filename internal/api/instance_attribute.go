package api

import (
	"context"
	"encoding/base64"

	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

type modifyInstanceInput struct {
	dryRun
	ID              string              `aws:"InstanceId,required"`
	Attribute       string              `aws:"Attribute"` // with Value, instead of the fields below
	Value           string              `aws:"Value"`
	GroupIDs        []string            `aws:"GroupId,bare"`
	SourceDestCheck boolInput           `aws:"SourceDestCheck"`
	Type            textInput           `aws:"InstanceType"`
	Kernel          textInput           `aws:"Kernel"`
	Ramdisk         textInput           `aws:"Ramdisk"`
	UserData        textInput           `aws:"UserData"`
	KeepAlive       boolInput           `aws:"DisableApiTermination"`
	KeepRunning     boolInput           `aws:"DisableApiStop"`
	AtShutdown      textInput           `aws:"InstanceInitiatedShutdownBehavior"`
	EBSOptimized    boolInput           `aws:"EbsOptimized"`
	BlockDevices    []volumeChangeInput `aws:"BlockDeviceMapping"`
}

// modifyInstance implements ModifyInstanceAttribute, one attribute at a time.
func (r *request) modifyInstance(ctx context.Context, in *modifyInstanceInput) (*returnOutput, error) {
	if err := in.nameAttribute(); err != nil {
		return nil, err
	}
	if err := checkOneAttribute(
		len(in.GroupIDs) > 0, in.SourceDestCheck.Value != nil, in.Type.Value != nil, in.Kernel.Value != nil, in.Ramdisk.Value != nil,
		in.UserData.Value != nil, in.KeepAlive.Value != nil, in.KeepRunning.Value != nil, in.AtShutdown.Value != nil,
		in.EBSOptimized.Value != nil, len(in.BlockDevices) > 0,
	); err != nil {
		return nil, err
	}
	return r.changeInstance(ctx, in.ID, func(tx *store.Tx, i *vpc.Instance) error {
		switch {
		case len(in.GroupIDs) > 0:
			return r.changeOnlyInterface(tx, i, func(n *vpc.NetworkInterface) error { return r.regroup(tx, n, in.GroupIDs) })
		case in.SourceDestCheck.Value != nil:
			return r.changeOnlyInterface(tx, i, func(n *vpc.NetworkInterface) error {
				n.NoSourceDestCheck = !*in.SourceDestCheck.Value
				return nil
			})
		case in.KeepAlive.Value != nil:
			i.KeepAlive = *in.KeepAlive.Value
		case in.KeepRunning.Value != nil:
			i.KeepRunning = *in.KeepRunning.Value
		case in.AtShutdown.Value != nil:
			if s := *in.AtShutdown.Value; s != stopAtShutdown && s != terminateAtShutdown {
				return errShutdownBehavior(s)
			}
			i.TerminateAtShutdown = *in.AtShutdown.Value == terminateAtShutdown
		case len(in.BlockDevices) > 0:
			return changeVolumes(i, in.BlockDevices)
		default:
			return in.changeStopped(tx, i)
		}
		return nil
	})
}

// nameAttribute moves the value of an attribute that is named into its field.
func (in *modifyInstanceInput) nameAttribute() error {
	fields := map[string]*textInput{
		"instanceType": &in.Type, "kernel": &in.Kernel, "ramdisk": &in.Ramdisk, "userData": &in.UserData,
		"instanceInitiatedShutdownBehavior": &in.AtShutdown,
	}
	flags := map[string]*boolInput{
		"disableApiTermination": &in.KeepAlive, "disableApiStop": &in.KeepRunning,
		"sourceDestCheck": &in.SourceDestCheck, "ebsOptimized": &in.EBSOptimized,
	}
	switch {
	case in.Attribute == "" && in.Value == "":
	case in.Attribute == "" || in.Value == "":
		return vpc.Errorf(vpc.MissingParameter, "The request must contain both the parameters attribute and value")
	case fields[in.Attribute] != nil:
		fields[in.Attribute].Value = &in.Value
	case flags[in.Attribute] != nil:
		if in.Value != "true" && in.Value != "false" {
			return vpc.Errorf(vpc.InvalidParameterValue, "Value (%s) for parameter value is invalid. It must be true or false.", in.Value)
		}
		flags[in.Attribute].Value = new(in.Value == "true")
	default:
		return errAttribute(in.Attribute)
	}
	return nil
}

// changeStopped changes what can only be changed while an instance is stopped.
func (in *modifyInstanceInput) changeStopped(tx *store.Tx, i *vpc.Instance) error {
	if i.State != vpc.Stopped {
		return errNotStopped(i)
	}
	switch {
	case in.Type.Value != nil:
		return changeType(tx, i, *in.Type.Value)
	case in.Kernel.Value != nil:
		i.Kernel = *in.Kernel.Value
	case in.Ramdisk.Value != nil:
		i.Ramdisk = *in.Ramdisk.Value
	case in.EBSOptimized.Value != nil:
		i.EBSOptimized = *in.EBSOptimized.Value
	default:
		data, err := decodeUserData(*in.UserData.Value)
		if err != nil {
			return err
		}
		i.UserData = data
	}
	return nil
}

// changeType changes the type of an instance, a copy, which must have room for
// the interfaces that it has.
func changeType(tx *store.Tx, i *vpc.Instance, name string) error {
	if !typeName.MatchString(name) {
		return errInstanceType(name)
	}
	i.Type = name
	if i.Network == vpc.ClassicNetwork {
		return nil
	}
	if err := checkInterfaceCount(name, 1+len(i.Secondary)); err != nil {
		return err
	}
	for _, n := range interfacesOf(tx.Reader, i) {
		if err := checkAddressCount(name, len(ipv4Of(n)), len(ipv6Of(n))); err != nil {
			return err
		}
	}
	return nil
}

// changeInstance applies change to a copy of an instance that has not ended,
// and puts it.
func (r *request) changeInstance(ctx context.Context, id string, change func(*store.Tx, *vpc.Instance) error) (*returnOutput, error) {
	err := r.update(ctx, func(tx *store.Tx) error {
		found, err := r.instances(tx.Reader, []string{id})
		if err != nil {
			return err
		}
		i := *found[0]
		if i.State == vpc.Terminated {
			return vpc.Errorf(vpc.IncorrectInstanceState, "The instance '%s' is terminated.", i.ID)
		}
		if err := change(tx, &i); err != nil {
			return err
		}
		tx.PutInstance(&i)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &returnOutput{Return: true}, nil
}

// changeOnlyInterface applies change to a copy of the one interface of an
// instance, itself a copy, and puts the interface.
func (r *request) changeOnlyInterface(tx *store.Tx, i *vpc.Instance, change func(*vpc.NetworkInterface) error) error {
	was, err := onlyInterface(tx.Reader, i)
	if err != nil {
		return err
	}
	n := *was
	if err := change(&n); err != nil {
		return err
	}
	tx.PutInterface(&n)
	showInterface(i, &n)
	return nil
}

// onlyInterface returns the interface of an instance in a VPC that has one.
func onlyInterface(reader store.Reader, i *vpc.Instance) (*vpc.NetworkInterface, error) {
	n := reader.Interface(i.Region, i.Account, i.Interface)
	switch {
	case i.Network == vpc.ClassicNetwork:
		return nil, vpc.Errorf(vpc.InvalidParameterCombination, "The instance '%s' is in EC2-Classic: its security groups and its source/destination check cannot be changed.", i.ID)
	case n == nil:
		return nil, vpc.Errorf(vpc.IncorrectInstanceState, "The instance '%s' has no network interface.", i.ID)
	case len(i.Secondary) > 0:
		return nil, errManyInterfaces(i)
	}
	return n, nil
}

func errManyInterfaces(i *vpc.Instance) error {
	return vpc.Errorf(vpc.InvalidInstanceID, "There are multiple interfaces attached to instance '%s'. Please specify an interface ID for the operation instead.", i.ID)
}

func errNotStopped(i *vpc.Instance) error {
	return vpc.Errorf(vpc.IncorrectInstanceState, "The instance '%s' is not in the 'stopped' state.", i.ID)
}

// What an instance does when it shuts down by itself (EC2 API reference,
// RunInstances).
const (
	stopAtShutdown      = "stop"
	terminateAtShutdown = "terminate"
)

func errShutdownBehavior(s string) error {
	return vpc.Errorf(vpc.InvalidParameterValue, "Value (%s) for parameter instanceInitiatedShutdownBehavior is invalid. It must be stop or terminate.", s)
}

type instanceAttributeInput struct {
	dryRun
	ID        string `aws:"InstanceId,required"`
	Attribute string `aws:"Attribute,required"`
}

type describeInstanceAttributeOutput struct {
	ID              vpc.InstanceID     `aws:"instanceId"`
	Type            *textItem          `aws:"instanceType"`
	Kernel          *textItem          `aws:"kernel"`
	Ramdisk         *textItem          `aws:"ramdisk"`
	UserData        *optionalTextItem  `aws:"userData"`
	KeepAlive       *boolItem          `aws:"disableApiTermination"`
	KeepRunning     *boolItem          `aws:"disableApiStop"`
	AtShutdown      *textItem          `aws:"instanceInitiatedShutdownBehavior"`
	RootDevice      *textItem          `aws:"rootDeviceName"`
	BlockDevices    *[]blockDeviceItem `aws:"blockDeviceMapping"`
	ProductCodes    *[]productCodeItem `aws:"productCodes"`
	SourceDestCheck *boolItem          `aws:"sourceDestCheck"`
	Groups          *[]groupItem       `aws:"groupSet"`
	EBSOptimized    *boolItem          `aws:"ebsOptimized"`
}

// optionalTextItem has no value where there is none.
type optionalTextItem struct {
	Value string `aws:"value,omitempty"`
}

// describeInstanceAttribute implements DescribeInstanceAttribute.
func (r *request) describeInstanceAttribute(ctx context.Context, in *instanceAttributeInput) (*describeInstanceAttributeOutput, error) {
	v, err := r.view(ctx)
	if err != nil {
		return nil, err
	}
	found, err := r.instances(v.Reader, []string{in.ID})
	if err != nil {
		return nil, err
	}
	i, item := found[0], newInstanceItem(v.Reader, found[0])
	out := &describeInstanceAttributeOutput{ID: i.ID}
	switch in.Attribute {
	case "instanceType":
		out.Type = &textItem{i.Type}
	case "kernel":
		out.Kernel = &textItem{i.Kernel}
	case "ramdisk":
		out.Ramdisk = &textItem{i.Ramdisk}
	case "userData":
		out.UserData = &optionalTextItem{base64.StdEncoding.EncodeToString(i.UserData)}
	case "disableApiTermination":
		out.KeepAlive = &boolItem{i.KeepAlive}
	case "disableApiStop":
		out.KeepRunning = &boolItem{i.KeepRunning}
	case "instanceInitiatedShutdownBehavior":
		out.AtShutdown = &textItem{stopAtShutdown}
		if i.TerminateAtShutdown {
			out.AtShutdown.Value = terminateAtShutdown
		}
	case "rootDeviceName":
		out.RootDevice = &textItem{rootDevice}
	case "blockDeviceMapping":
		out.BlockDevices = &item.BlockDevices
	case "productCodes":
		out.ProductCodes = &item.ProductCodes
	case "sourceDestCheck":
		n, err := onlyInterface(v.Reader, i)
		if err != nil {
			return nil, err
		}
		out.SourceDestCheck = &boolItem{!n.NoSourceDestCheck}
	case "groupSet":
		out.Groups = &item.Groups
	case "ebsOptimized":
		out.EBSOptimized = &boolItem{i.EBSOptimized}
	default:
		return nil, errAttribute(in.Attribute)
	}
	return out, nil
}

// resetInstanceAttribute implements ResetInstanceAttribute.
func (r *request) resetInstanceAttribute(ctx context.Context, in *instanceAttributeInput) (*returnOutput, error) {
	return r.changeInstance(ctx, in.ID, func(tx *store.Tx, i *vpc.Instance) error {
		switch in.Attribute {
		case "sourceDestCheck":
			return r.changeOnlyInterface(tx, i, func(n *vpc.NetworkInterface) error {
				n.NoSourceDestCheck = false
				return nil
			})
		case "kernel", "ramdisk":
			if i.State != vpc.Stopped {
				return errNotStopped(i)
			}
			kernel, ramdisk := usualKernel(i.Type)
			if in.Attribute == "kernel" {
				i.Kernel = kernel
			} else {
				i.Ramdisk = ramdisk
			}
			return nil
		}
		return errAttribute(in.Attribute)
	})
}
