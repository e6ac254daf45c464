package api

import (
	"context"
	"slices"
	"time"

	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

type createACLInput struct {
	dryRun
	VPC         string             `aws:"VpcId,required"`
	ClientToken string             `aws:"ClientToken"`
	Tags        []tagSpecification `aws:"TagSpecification"`
}

type createACLOutput struct {
	ACL         aclItem `aws:"networkAcl"`
	ClientToken string  `aws:"clientToken,omitempty"`
}

// createACL implements CreateNetworkAcl. A new ACL denies everything.
func (r *request) createACL(ctx context.Context, in *createACLInput) (*createACLOutput, error) {
	tags, err := tagsFor("network-acl", in.Tags)
	if err != nil {
		return nil, err
	}
	if err := checkClientToken(in.ClientToken); err != nil {
		return nil, err
	}
	out := &createACLOutput{ClientToken: in.ClientToken}
	err = r.update(ctx, func(tx *store.Tx) error {
		acl, err := r.aclCreatedBefore(tx, in.ClientToken)
		if acl == nil && err == nil {
			acl, err = r.makeACL(tx, in, tags)
		}
		if err != nil {
			return err
		}
		out.ACL = newACLItem(tx.Reader, acl)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// aclCreatedBefore returns the ACL that a call with the same client token has
// made, nil for none.
func (r *request) aclCreatedBefore(tx *store.Tx, token string) (*vpc.NetworkACL, error) {
	done, err := r.doneBefore(tx, "CreateNetworkAcl", token)
	if done == nil || err != nil {
		return nil, err
	}
	return r.aclByID(tx.Reader, string(done.ACL))
}

func (r *request) makeACL(tx *store.Tx, in *createACLInput, tags []vpc.Tag) (*vpc.NetworkACL, error) {
	v, err := r.vpcByID(tx.Reader, in.VPC)
	if err != nil {
		return nil, err
	}
	if len(r.aclsOf(tx.Reader, v.ID)) >= r.limit(aclsPerVPC) {
		return nil, vpc.Errorf(vpc.NetworkACLLimitExceeded, "The maximum number of network acls has been reached.")
	}
	acl := r.newACL(tx, v.ID)
	acl.Tags, acl.ClientToken = tags, in.ClientToken
	tx.PutACL(acl)
	r.remember(tx, in.ClientToken, store.Token{Action: "CreateNetworkAcl", ACL: acl.ID})
	return acl, nil
}

// newACL returns an ACL without entries and subnets. It is the caller's to put.
func (r *request) newACL(tx *store.Tx, network vpc.NetworkID) *vpc.NetworkACL {
	return &vpc.NetworkACL{
		ID:      newIDUnless("acl", r.Account.Era, func(id vpc.ACLID) bool { return tx.ACL(r.Region, r.Account.ID, id) != nil }),
		Account: r.Account.ID, Region: r.Region, Network: network, Created: time.Now().UTC(),
	}
}

// aclsOf returns the ACLs of a VPC.
func (r *request) aclsOf(reader store.Reader, network vpc.NetworkID) []*vpc.NetworkACL {
	return slices.DeleteFunc(reader.ACLs(r.Region, r.Account.ID), func(a *vpc.NetworkACL) bool { return a.Network != network })
}

type deleteACLInput struct {
	dryRun
	ID string `aws:"NetworkAclId,required"`
}

// deleteACL implements DeleteNetworkAcl. The default ACL of a VPC, and one that
// a subnet has, stay.
func (r *request) deleteACL(ctx context.Context, in *deleteACLInput) (*returnOutput, error) {
	return r.do(ctx, func(tx *store.Tx) error {
		acl, err := r.aclByID(tx.Reader, in.ID)
		switch {
		case err != nil:
			return err
		case acl.Default:
			return vpc.Errorf(vpc.InvalidParameterValue, "Cannot delete default network ACL %s", acl.ID)
		}
		holders := idsOf(acl.Subnets, func(s vpc.ACLAssociation) (vpc.SubnetID, bool) { return s.Subnet, true })
		if err := checkFree("networkAcl", acl.ID, holders); err != nil {
			return err
		}
		tx.DeleteACL(acl)
		return nil
	})
}

type replaceACLAssociationInput struct {
	dryRun
	Association vpc.AssociationID `aws:"AssociationId,required"`
	ACL         string            `aws:"NetworkAclId,required"`
}

type replaceACLAssociationOutput struct {
	New vpc.AssociationID `aws:"newAssociationId"`
}

// replaceACLAssociation implements ReplaceNetworkAclAssociation: a subnet gets
// another ACL. A subnet that has this ACL already keeps it, by a new
// association.
func (r *request) replaceACLAssociation(ctx context.Context, in *replaceACLAssociationInput) (*replaceACLAssociationOutput, error) {
	out := &replaceACLAssociationOutput{}
	err := r.update(ctx, func(tx *store.Tx) error {
		from, i, err := r.aclAssociation(tx.Reader, in.Association)
		if err != nil {
			return err
		}
		to, err := r.aclByID(tx.Reader, in.ACL)
		if err != nil {
			return err
		}
		moved := from.Subnets[i]
		if to.Network != from.Network {
			return vpc.Errorf(vpc.InvalidParameterValue, "Network ACL %s and subnet %s belong to different networks.", to.ID, moved.Subnet)
		}
		moved.ID = r.newAssociationID("aclassoc")
		out.New = moved.ID
		left := *from
		left.Subnets = slices.Delete(slices.Clone(from.Subnets), i, i+1)
		tx.PutACL(&left)
		joined := *tx.ACL(to.Region, to.Account, to.ID) // as it is without the association, should it be the same
		joined.Subnets = append(slices.Clone(joined.Subnets), moved)
		tx.PutACL(&joined)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// aclAssociation returns the ACL that an association belongs to, and where in
// its Subnets it is.
func (r *request) aclAssociation(reader store.Reader, id vpc.AssociationID) (*vpc.NetworkACL, int, error) {
	for _, acl := range reader.ACLs(r.Region, r.Account.ID) {
		if i := slices.IndexFunc(acl.Subnets, func(a vpc.ACLAssociation) bool { return a.ID == id }); i >= 0 {
			return acl, i, nil
		}
	}
	return nil, 0, vpc.Errorf(vpc.InvalidAssociationIDNotFound, "The association ID '%s' does not exist", id)
}
