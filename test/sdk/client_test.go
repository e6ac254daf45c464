package sdk

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"
)

// connect returns a client for the daemon that the environment names.
func connect(t *testing.T) *ec2.Client {
	t.Helper()
	if os.Getenv("AWS_ENDPOINT_URL") == "" {
		t.Skip("needs a daemon: run TestGoSDK of ringfence/test, or set the environment by ringfence env")
	}
	c, err := config.LoadDefaultConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return ec2.NewFromConfig(c)
}

// must returns a call's answer; the call must succeed.
func must[Out any](t *testing.T) func(*Out, error) *Out {
	return func(out *Out, err error) *Out {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
}

// refused checks that a call was refused with a code.
func refused(t *testing.T, code string, err error) {
	t.Helper()
	var failure smithy.APIError
	if !errors.As(err, &failure) || failure.ErrorCode() != code {
		t.Errorf("got %v, want %s", err, code)
	}
}

// tagged gives a noun of a type the name of the test.
func tagged(t *testing.T, resource types.ResourceType) []types.TagSpecification {
	return []types.TagSpecification{{ResourceType: resource, Tags: []types.Tag{{Key: aws.String("Name"), Value: aws.String(t.Name())}}}}
}

// name returns the value of the tag Name.
func name(tags []types.Tag) string {
	for _, tag := range tags {
		if aws.ToString(tag.Key) == "Name" {
			return aws.ToString(tag.Value)
		}
	}
	return ""
}

func filter(name string, values ...string) types.Filter {
	return types.Filter{Name: &name, Values: values}
}

// patience bounds every wait.
const patience = time.Minute

// newVPC makes a VPC that is deleted after the test.
func newVPC(t *testing.T, c *ec2.Client, block string) string {
	t.Helper()
	id := *must[ec2.CreateVpcOutput](t)(c.CreateVpc(t.Context(), &ec2.CreateVpcInput{CidrBlock: &block})).Vpc.VpcId
	t.Cleanup(func() {
		if _, err := c.DeleteVpc(context.Background(), &ec2.DeleteVpcInput{VpcId: &id}); err != nil {
			t.Errorf("delete VPC: %v", err)
		}
	})
	return id
}

// newSubnet makes a subnet that is deleted after the test.
func newSubnet(t *testing.T, c *ec2.Client, vpc, block string) string {
	t.Helper()
	id := *must[ec2.CreateSubnetOutput](t)(c.CreateSubnet(t.Context(), &ec2.CreateSubnetInput{VpcId: &vpc, CidrBlock: &block})).Subnet.SubnetId
	t.Cleanup(func() {
		if _, err := c.DeleteSubnet(context.Background(), &ec2.DeleteSubnetInput{SubnetId: &id}); err != nil {
			t.Errorf("delete subnet: %v", err)
		}
	})
	return id
}
