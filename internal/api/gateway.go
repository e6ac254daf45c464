package api

import (
	"context"
	"slices"
	"time"

	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

type createGatewayInput struct {
	dryRun
	Tags []tagSpecification `aws:"TagSpecification"`
}

type createGatewayOutput struct {
	Gateway gatewayItem `aws:"internetGateway"`
}

// createGateway implements CreateInternetGateway.
func (r *request) createGateway(ctx context.Context, in *createGatewayInput) (*createGatewayOutput, error) {
	tags, err := tagsFor("internet-gateway", in.Tags)
	if err != nil {
		return nil, err
	}
	var out *createGatewayOutput
	err = r.update(ctx, func(tx *store.Tx) error {
		if len(tx.Gateways(r.Region, r.Account.ID)) >= r.limit(internetGateways) {
			return vpc.Errorf(vpc.InternetGatewayLimitExceeded, "The maximum number of internet gateways has been reached.")
		}
		g := r.newGateway(tx)
		g.Tags = tags
		tx.PutGateway(g)
		out = &createGatewayOutput{Gateway: newGatewayItem(g)}
		return nil
	})
	return out, err
}

// newGateway returns a gateway that is not attached. It is the caller's to put.
func (r *request) newGateway(tx *store.Tx) *vpc.InternetGateway {
	return &vpc.InternetGateway{
		ID:      newIDUnless("igw", r.Account.Era, func(id vpc.GatewayID) bool { return tx.Gateway(r.Region, r.Account.ID, id) != nil }),
		Account: r.Account.ID, Region: r.Region, Created: time.Now().UTC(),
	}
}

type gatewayInput struct {
	dryRun
	Gateway string `aws:"InternetGatewayId,required"`
}

// deleteGateway implements DeleteInternetGateway. Routes to the gateway stay,
// as black holes.
func (r *request) deleteGateway(ctx context.Context, in *gatewayInput) (*returnOutput, error) {
	return r.do(ctx, func(tx *store.Tx) error {
		g, err := r.gatewayByID(tx.Reader, in.Gateway)
		if err != nil {
			return err
		}
		if g.Network != "" {
			return checkFree("internetGateway", g.ID, []string{string(g.Network)})
		}
		tx.DeleteGateway(g)
		return nil
	})
}

type attachGatewayInput struct {
	gatewayInput
	VPC string `aws:"VpcId,required"`
}

// attachGateway implements AttachInternetGateway. A VPC has one at the most.
func (r *request) attachGateway(ctx context.Context, in *attachGatewayInput) (*returnOutput, error) {
	return r.do(ctx, func(tx *store.Tx) error {
		g, v, err := r.gatewayAndVPC(tx.Reader, in)
		if err != nil {
			return err
		}
		if g.Network != "" {
			return vpc.Errorf(vpc.ResourceAlreadyAssociated, "resource %s is already attached to network %s", g.ID, g.Network)
		}
		if r.hasInternet(tx.Reader, v.ID) {
			return vpc.Errorf(vpc.InvalidParameterValue, "Network %s already has an internet gateway attached", v.ID)
		}
		attached := *g
		attached.Network = v.ID
		tx.PutGateway(&attached)
		return nil
	})
}

// detachGateway implements DetachInternetGateway. Public addresses in the VPC
// keep the gateway.
func (r *request) detachGateway(ctx context.Context, in *attachGatewayInput) (*returnOutput, error) {
	return r.do(ctx, func(tx *store.Tx) error {
		g, v, err := r.gatewayAndVPC(tx.Reader, in)
		if err != nil {
			return err
		}
		if g.Network != v.ID {
			return vpc.Errorf(vpc.GatewayNotAttached, "resource %s is not attached to network %s", g.ID, v.ID)
		}
		if slices.ContainsFunc(tx.Interfaces(r.Region, r.Account.ID), func(n *vpc.NetworkInterface) bool {
			return n.Network == v.ID && len(n.Public) > 0
		}) {
			return vpc.Errorf(vpc.DependencyViolation,
				"Network %s has some mapped public address(es). Please unmap those public address(es) before detaching the gateway.", v.ID)
		}
		free := *g
		free.Network = ""
		tx.PutGateway(&free)
		return nil
	})
}

func (r *request) gatewayAndVPC(reader store.Reader, in *attachGatewayInput) (*vpc.InternetGateway, *vpc.VPC, error) {
	g, err := r.gatewayByID(reader, in.Gateway)
	if err != nil {
		return nil, nil, err
	}
	v, err := r.vpcByID(reader, in.VPC)
	return g, v, err
}

type describeGatewaysInput struct {
	dryRun
	filters
	paging
	IDs []string `aws:"InternetGatewayId,bare"`
}

type describeGatewaysOutput struct {
	Gateways  []gatewayItem `aws:"internetGatewaySet"`
	NextToken string        `aws:"nextToken,omitempty"`
}

// gatewayItem is an internet gateway in an answer.
type gatewayItem struct {
	ID          vpc.GatewayID           `aws:"internetGatewayId"`
	Owner       vpc.AccountID           `aws:"ownerId,since=2016-11-15"`
	Attachments []gatewayAttachmentItem `aws:"attachmentSet"`
	Tags        []tagItem               `aws:"tagSet"`
}

type gatewayAttachmentItem struct {
	VPC   vpc.NetworkID `aws:"vpcId"`
	State string        `aws:"state"`
}

func newGatewayItem(g *vpc.InternetGateway) gatewayItem {
	item := gatewayItem{ID: g.ID, Owner: g.Account, Tags: tagItems(g.Tags)}
	if g.Network != "" {
		item.Attachments = []gatewayAttachmentItem{{g.Network, stateAvailable}}
	}
	return item
}

// describeGateways implements DescribeInternetGateways.
func (r *request) describeGateways(ctx context.Context, in *describeGatewaysInput) (*describeGatewaysOutput, error) {
	v, err := r.view(ctx)
	if err != nil {
		return nil, err
	}
	gateways, err := named(in.IDs,
		func(id string) (*vpc.InternetGateway, error) { return r.gatewayByID(v.Reader, id) },
		func() []*vpc.InternetGateway { return v.Gateways(r.Region, r.Account.ID) })
	if err != nil {
		return nil, err
	}
	page, next, err := filterPage(in.filters, in.paging, gatewayFilters, gateways,
		func(g *vpc.InternetGateway) string { return byAge(g.Created, g.ID) })
	if err != nil {
		return nil, err
	}
	out := &describeGatewaysOutput{NextToken: next}
	for _, g := range page {
		out.Gateways = append(out.Gateways, newGatewayItem(g))
	}
	return out, nil
}

// gatewayFilters are the filters of DescribeInternetGateways.
var gatewayFilters = filterTable[*vpc.InternetGateway]{
	values: map[string]func(*vpc.InternetGateway) []string{
		"attachment.state": func(g *vpc.InternetGateway) []string {
			return each(newGatewayItem(g).Attachments, func(a gatewayAttachmentItem) string { return a.State })
		},
		"attachment.vpc-id": func(g *vpc.InternetGateway) []string {
			return each(newGatewayItem(g).Attachments, func(a gatewayAttachmentItem) string { return string(a.VPC) })
		},
		"internet-gateway-id": func(g *vpc.InternetGateway) []string { return []string{string(g.ID)} },
		"owner-id":            func(g *vpc.InternetGateway) []string { return []string{string(g.Account)} },
	},
	tags: func(g *vpc.InternetGateway) []vpc.Tag { return g.Tags },
}

// gatewayActions are about internet gateways.
var gatewayActions = map[string]*action{
	"CreateInternetGateway": {
		handler: handle((*request).createGateway), network: true,
		done: []string{"DryRun"},
		kept: tagParams,
	},
	"DeleteInternetGateway": {
		handler: handle((*request).deleteGateway), network: true,
		done: []string{"InternetGatewayId", "DryRun"},
	},
	"AttachInternetGateway": {
		handler: handle((*request).attachGateway), network: true,
		done: []string{"InternetGatewayId", "VpcId", "DryRun"},
	},
	"DetachInternetGateway": {
		handler: handle((*request).detachGateway), network: true,
		done: []string{"InternetGatewayId", "VpcId", "DryRun"},
	},
	"DescribeInternetGateways": {
		handler: handle((*request).describeGateways), network: true,
		done: listParams("InternetGatewayId.N"),
	},
}
