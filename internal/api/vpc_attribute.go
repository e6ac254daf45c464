package api

import (
	"context"

	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

// switchInput is a setting that is on or off; nil leaves it as it is.
type switchInput struct {
	Value *bool `aws:"Value"`
}

type switchItem struct {
	Value bool `aws:"value"`
}

type describeVPCAttributeInput struct {
	vpcInput
	Attribute string `aws:"Attribute,required"`
}

type describeVPCAttributeOutput struct {
	VPC          vpc.NetworkID `aws:"vpcId"`
	DNSSupport   *switchItem   `aws:"enableDnsSupport"`
	DNSHostnames *switchItem   `aws:"enableDnsHostnames"`
	UsageMetrics *switchItem   `aws:"enableNetworkAddressUsageMetrics"`
}

// describeVPCAttribute implements DescribeVpcAttribute.
func (r *request) describeVPCAttribute(ctx context.Context, in *describeVPCAttributeInput) (*describeVPCAttributeOutput, error) {
	view, err := r.view(ctx)
	if err != nil {
		return nil, err
	}
	v, err := r.vpcByID(view.Reader, in.VPC)
	if err != nil {
		return nil, err
	}
	out := &describeVPCAttributeOutput{VPC: v.ID}
	switch in.Attribute {
	case "enableDnsSupport":
		out.DNSSupport = &switchItem{v.DNSSupport}
	case "enableDnsHostnames":
		out.DNSHostnames = &switchItem{v.DNSHostnames}
	case "enableNetworkAddressUsageMetrics":
		out.UsageMetrics = &switchItem{v.UsageMetrics}
	default:
		return nil, vpc.Errorf(vpc.InvalidParameterValue, "Value (%s) for parameter attribute is invalid. Unknown attribute.", in.Attribute)
	}
	return out, nil
}

type modifyVPCAttributeInput struct {
	VPC          string      `aws:"VpcId,required"`
	DNSSupport   switchInput `aws:"EnableDnsSupport"`
	DNSHostnames switchInput `aws:"EnableDnsHostnames"`
	UsageMetrics switchInput `aws:"EnableNetworkAddressUsageMetrics"`
}

// modifyVPCAttribute implements ModifyVpcAttribute, which changes one attribute
// at a time.
func (r *request) modifyVPCAttribute(ctx context.Context, in *modifyVPCAttributeInput) (*returnOutput, error) {
	if err := oneSwitch(in.DNSSupport, in.DNSHostnames, in.UsageMetrics); err != nil {
		return nil, err
	}
	return r.do(ctx, func(tx *store.Tx) error {
		was, err := r.vpcByID(tx.Reader, in.VPC)
		if err != nil {
			return err
		}
		v := *was
		in.DNSSupport.set(&v.DNSSupport)
		in.DNSHostnames.set(&v.DNSHostnames)
		in.UsageMetrics.set(&v.UsageMetrics)
		if v.DNSHostnames && !was.DNSHostnames && !v.DNSSupport {
			return vpc.Errorf(vpc.InvalidParameterCombination, "DNS hostnames cannot be enabled for '%s' while its DNS support is disabled.", v.ID)
		}
		tx.PutVPC(&v)
		return nil
	})
}

func (s switchInput) set(setting *bool) {
	if s.Value != nil {
		*setting = *s.Value
	}
}

// oneSwitch refuses a call that changes none of its attributes, or several.
func oneSwitch(switches ...switchInput) error {
	given := 0
	for _, s := range switches {
		if s.Value != nil {
			given++
		}
	}
	switch given {
	case 0:
		return vpc.Errorf(vpc.MissingParameter, "The request must contain an attribute to modify")
	case 1:
		return nil
	default:
		return vpc.Errorf(vpc.InvalidParameterCombination, "Fields for multiple attribute types specified")
	}
}

type modifyVPCTenancyInput struct {
	vpcInput
	Tenancy string `aws:"InstanceTenancy,required"`
}

// modifyVPCTenancy implements ModifyVpcTenancy. The one change that EC2 knows is
// from dedicated to default.
func (r *request) modifyVPCTenancy(ctx context.Context, in *modifyVPCTenancyInput) (*returnOutput, error) {
	if in.Tenancy != defaultTenancy {
		return nil, vpc.Errorf(vpc.InvalidParameterValue, "The tenancy value %s is not supported.", in.Tenancy)
	}
	return r.do(ctx, func(tx *store.Tx) error {
		was, err := r.vpcByID(tx.Reader, in.VPC)
		if err != nil {
			return err
		}
		v := *was
		v.Tenancy = defaultTenancy
		tx.PutVPC(&v)
		return nil
	})
}
