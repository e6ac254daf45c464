package api

import (
	"time"

	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

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
