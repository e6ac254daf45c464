package api

import (
	"time"

	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

func (r *request) newGateway(tx *store.Tx) *vpc.InternetGateway {
	return &vpc.InternetGateway{
		ID:      newIDUnless("igw", r.Account.Era, func(id vpc.GatewayID) bool { return tx.Gateway(r.Region, r.Account.ID, id) != nil }),
		Account: r.Account.ID, Region: r.Region, Created: time.Now().UTC(),
	}
}
