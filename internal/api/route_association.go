package api

import (
	"context"
	"slices"

	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

type associateRouteTableInput struct {
	dryRun
	Table  string `aws:"RouteTableId,required"`
	Subnet string `aws:"SubnetId,required"`
}

type associateRouteTableOutput struct {
	ID    vpc.AssociationID `aws:"associationId"`
	State blockStateItem    `aws:"associationState,since=2016-11-15"`
}

// associateRouteTable implements AssociateRouteTable. To give a subnet the table
// that it has already changes nothing.
func (r *request) associateRouteTable(ctx context.Context, in *associateRouteTableInput) (*associateRouteTableOutput, error) {
	var out *associateRouteTableOutput
	err := r.update(ctx, func(tx *store.Tx) error {
		t, err := r.routeTableByID(tx.Reader, in.Table)
		if err != nil {
			return err
		}
		s, err := r.subnetByID(tx.Reader, in.Subnet)
		if err != nil {
			return err
		}
		if s.Network != t.Network {
			return vpc.Errorf(vpc.InvalidParameterValue, "Route table %s and subnet %s belong to different networks", t.ID, s.ID)
		}
		has, a := r.findAssociation(tx.Reader, func(a vpc.RouteTableAssociation) bool { return a.Subnet == s.ID })
		switch {
		case has == nil:
			a = vpc.RouteTableAssociation{ID: r.newAssociationID("rtbassoc"), Subnet: s.ID, SubnetNo: s.Number}
			putAssociation(tx, t, a)
		case has.ID != t.ID:
			return vpc.Errorf(vpc.ResourceAlreadyAssociated, "the specified association for route table %s conflicts with an existing association", t.ID)
		}
		out = &associateRouteTableOutput{ID: a.ID, State: blockStateItem{stateAssociated}}
		return nil
	})
	return out, err
}

// findAssociation returns the association that is wanted, and its table; nil for
// none.
func (r *request) findAssociation(reader store.Reader, wanted func(vpc.RouteTableAssociation) bool) (*vpc.RouteTable, vpc.RouteTableAssociation) {
	for _, t := range reader.RouteTables(r.Region, r.Account.ID) {
		if i := slices.IndexFunc(t.Associations, wanted); i >= 0 {
			return t, t.Associations[i]
		}
	}
	return nil, vpc.RouteTableAssociation{}
}

// associationByID returns an association and its table.
func (r *request) associationByID(reader store.Reader, id string) (*vpc.RouteTable, vpc.RouteTableAssociation, error) {
	t, a := r.findAssociation(reader, func(a vpc.RouteTableAssociation) bool { return string(a.ID) == id })
	if t == nil {
		return nil, a, vpc.Errorf(vpc.InvalidAssociationIDNotFound, "The association ID '%s' does not exist", id)
	}
	return t, a, nil
}

func putAssociation(tx *store.Tx, was *vpc.RouteTable, a vpc.RouteTableAssociation) {
	t := *was
	t.Associations = append(slices.Clone(was.Associations), a)
	tx.PutRouteTable(&t)
}

func removeAssociation(tx *store.Tx, was *vpc.RouteTable, id vpc.AssociationID) {
	t := *was
	t.Associations = slices.DeleteFunc(slices.Clone(was.Associations), func(a vpc.RouteTableAssociation) bool { return a.ID == id })
	tx.PutRouteTable(&t)
}

type disassociateRouteTableInput struct {
	dryRun
	disassociateInput
}

// disassociateRouteTable implements DisassociateRouteTable. The subnet goes on
// with the main table.
func (r *request) disassociateRouteTable(ctx context.Context, in *disassociateRouteTableInput) (*returnOutput, error) {
	return r.do(ctx, func(tx *store.Tx) error {
		t, a, err := r.associationByID(tx.Reader, in.Association)
		if err != nil {
			return err
		}
		if a.Subnet == "" {
			return vpc.Errorf(vpc.InvalidParameterValue, "cannot disassociate the main route table association %s", a.ID)
		}
		removeAssociation(tx, t, a.ID)
		return nil
	})
}

type replaceRouteTableAssociationInput struct {
	disassociateRouteTableInput
	Table string `aws:"RouteTableId,required"`
}

type replaceRouteTableAssociationOutput struct {
	ID    vpc.AssociationID `aws:"newAssociationId"`
	State blockStateItem    `aws:"associationState,since=2016-11-15"`
}

// replaceRouteTableAssociation implements ReplaceRouteTableAssociation: a subnet
// gets another table, or a VPC another main table.
func (r *request) replaceRouteTableAssociation(ctx context.Context, in *replaceRouteTableAssociationInput) (*replaceRouteTableAssociationOutput, error) {
	var out *replaceRouteTableAssociationOutput
	err := r.update(ctx, func(tx *store.Tx) error {
		from, a, err := r.associationByID(tx.Reader, in.Association)
		if err != nil {
			return err
		}
		to, err := r.routeTableByID(tx.Reader, in.Table)
		if err != nil {
			return err
		}
		if from.Network != to.Network {
			return vpc.Errorf(vpc.InvalidParameterValue, "Route table association %s and route table %s belong to different networks", a.ID, to.ID)
		}
		removeAssociation(tx, from, a.ID)
		a.ID = r.newAssociationID("rtbassoc")
		putAssociation(tx, tx.RouteTable(r.Region, r.Account.ID, to.ID), a)
		out = &replaceRouteTableAssociationOutput{ID: a.ID, State: blockStateItem{stateAssociated}}
		return nil
	})
	return out, err
}
