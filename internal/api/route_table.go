package api

import (
	"context"
	"slices"
	"time"

	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

type createRouteTableInput struct {
	dryRun
	VPC         string             `aws:"VpcId,required"`
	Tags        []tagSpecification `aws:"TagSpecification"`
	ClientToken string             `aws:"ClientToken"`
}

type createRouteTableOutput struct {
	Table       routeTableItem `aws:"routeTable"`
	ClientToken string         `aws:"clientToken,omitempty"`
}

// createRouteTable implements CreateRouteTable.
func (r *request) createRouteTable(ctx context.Context, in *createRouteTableInput) (*createRouteTableOutput, error) {
	tags, err := tagsFor("route-table", in.Tags)
	if err != nil {
		return nil, err
	}
	if err := checkClientToken(in.ClientToken); err != nil {
		return nil, err
	}
	out := &createRouteTableOutput{ClientToken: in.ClientToken}
	err = r.update(ctx, func(tx *store.Tx) error {
		t, err := r.routeTableBefore(tx, in.ClientToken)
		if t == nil && err == nil {
			t, err = r.makeRouteTable(tx, in, tags)
		}
		if err != nil {
			return err
		}
		out.Table = r.routeTableItem(tx.Reader, t)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// routeTableBefore returns the table that a call with the same client token has
// made, nil for none.
func (r *request) routeTableBefore(tx *store.Tx, token string) (*vpc.RouteTable, error) {
	done, err := r.doneBefore(tx, "CreateRouteTable", token)
	if done == nil || err != nil {
		return nil, err
	}
	return r.routeTableByID(tx.Reader, string(done.RouteTable))
}

func (r *request) makeRouteTable(tx *store.Tx, in *createRouteTableInput, tags []vpc.Tag) (*vpc.RouteTable, error) {
	v, err := r.vpcByID(tx.Reader, in.VPC)
	if err != nil {
		return nil, err
	}
	inVPC := slices.DeleteFunc(tx.RouteTables(r.Region, r.Account.ID), func(t *vpc.RouteTable) bool { return t.Network != v.ID })
	if len(inVPC) >= r.limit(routeTablesPerVPC) {
		return nil, vpc.Errorf(vpc.RouteTableLimitExceeded, "The maximum number of route tables has been reached.")
	}
	t := r.newRouteTable(tx, v)
	t.Tags, t.ClientToken = tags, in.ClientToken
	tx.PutRouteTable(t)
	r.remember(tx, in.ClientToken, store.Token{Action: "CreateRouteTable", RouteTable: t.ID})
	return t, nil
}

// newRouteTable returns a table with the local routes only. It is the caller's
// to put.
func (r *request) newRouteTable(tx *store.Tx, v *vpc.VPC) *vpc.RouteTable {
	return &vpc.RouteTable{
		ID: newIDUnless("rtb", r.Account.Era, func(id vpc.RouteTableID) bool {
			return tx.RouteTable(r.Region, r.Account.ID, id) != nil
		}),
		Account: r.Account.ID, Region: r.Region, Network: v.ID, Created: time.Now().UTC(),
	}
}

// mainTable returns the route table of those subnets of a VPC that nobody has
// given another one.
func (r *request) mainTable(reader store.Reader, network vpc.NetworkID) *vpc.RouteTable {
	for _, t := range reader.RouteTables(r.Region, r.Account.ID) {
		if t.Network == network && t.Main() {
			return t
		}
	}
	return nil
}

type deleteRouteTableInput struct {
	dryRun
	Table string `aws:"RouteTableId,required"`
}

// deleteRouteTable implements DeleteRouteTable. A table that is anybody's stays.
func (r *request) deleteRouteTable(ctx context.Context, in *deleteRouteTableInput) (*returnOutput, error) {
	return r.do(ctx, func(tx *store.Tx) error {
		t, err := r.routeTableByID(tx.Reader, in.Table)
		if err != nil {
			return err
		}
		holders := idsOf(t.Associations, func(a vpc.RouteTableAssociation) (vpc.AssociationID, bool) { return a.ID, true })
		if err := checkFree("routeTable", t.ID, holders); err != nil {
			return err
		}
		tx.DeleteRouteTable(t)
		return nil
	})
}
