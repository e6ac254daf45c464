package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"

	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

// noDHCPOptions stands for a VPC without a set of DHCP options.
const noDHCPOptions = "default"

// dhcpOptions is the id of the only set of DHCP options that an account has in a
// region. It is made of what it belongs to, as nothing else is known of it.
func (r *request) dhcpOptions() string {
	sum := sha256.Sum256([]byte(string(r.Region) + "/" + string(r.Account.ID)))
	return "dopt-" + hex.EncodeToString(sum[:])[:idLength(r.Account.Era)]
}

type describeDHCPOptionsInput struct {
	dryRun
	filters
	paging
	IDs []string `aws:"DhcpOptionsId,bare"`
}

type describeDHCPOptionsOutput struct {
	Options   []dhcpOptionsItem `aws:"dhcpOptionsSet"`
	NextToken string            `aws:"nextToken,omitempty"`
}

type dhcpOptionsItem struct {
	ID      string           `aws:"dhcpOptionsId"`
	Owner   vpc.AccountID    `aws:"ownerId,since=2016-11-15"`
	Options []dhcpOptionItem `aws:"dhcpConfigurationSet"`
	Tags    []tagItem        `aws:"tagSet"`
}

type dhcpOptionItem struct {
	Key    string                `aws:"key"`
	Values []dhcpOptionValueItem `aws:"valueSet"`
}

type dhcpOptionValueItem struct {
	Value string `aws:"value"`
}

// describeDHCPOptions implements DescribeDhcpOptions: the set that every region
// has from the start, which says what instances do anyway.
func (r *request) describeDHCPOptions(_ context.Context, in *describeDHCPOptionsInput) (*describeDHCPOptionsOutput, error) {
	item := dhcpOptionsItem{ID: r.dhcpOptions(), Owner: r.Account.ID, Options: []dhcpOptionItem{
		{"domain-name", []dhcpOptionValueItem{{vpc.PrivateDomain(r.Region)}}},
		{"domain-name-servers", []dhcpOptionValueItem{{"AmazonProvidedDNS"}}},
	}}
	sets, err := named(in.IDs,
		func(id string) (*dhcpOptionsItem, error) { return &item, r.checkDHCPOptions(id) },
		func() []*dhcpOptionsItem { return []*dhcpOptionsItem{&item} })
	if err != nil {
		return nil, err
	}
	page, next, err := filterPage(in.filters, in.paging, dhcpOptionsFilters, sets, func(o *dhcpOptionsItem) string { return o.ID })
	if err != nil {
		return nil, err
	}
	out := &describeDHCPOptionsOutput{NextToken: next}
	for _, o := range page {
		out.Options = append(out.Options, *o)
	}
	return out, nil
}

// checkDHCPOptions refuses ids of sets that the caller does not have.
func (r *request) checkDHCPOptions(id string) error {
	if id == r.dhcpOptions() {
		return nil
	}
	return vpc.Errorf(vpc.InvalidDHCPOptionIDNotFound, "The dhcpOption ID '%s' does not exist", id)
}

var dhcpOptionsFilters = filterTable[*dhcpOptionsItem]{
	values: map[string]func(*dhcpOptionsItem) []string{
		"dhcp-options-id": func(o *dhcpOptionsItem) []string { return []string{o.ID} },
		"owner-id":        func(o *dhcpOptionsItem) []string { return []string{string(o.Owner)} },
		"key": func(o *dhcpOptionsItem) []string {
			return each(o.Options, func(i dhcpOptionItem) string { return i.Key })
		},
		"value": func(o *dhcpOptionsItem) []string {
			return each(o.Options, func(i dhcpOptionItem) string { return i.Values[0].Value })
		},
	},
	tags: func(*dhcpOptionsItem) []vpc.Tag { return nil },
}

type associateDHCPOptionsInput struct {
	vpcInput
	Options string `aws:"DhcpOptionsId,required"`
}

// associateDHCPOptions implements AssociateDhcpOptions. It has no effect on
// instances: there is no DHCP, and the resolver is what the one set says.
func (r *request) associateDHCPOptions(ctx context.Context, in *associateDHCPOptionsInput) (*returnOutput, error) {
	if in.Options != noDHCPOptions {
		if err := r.checkDHCPOptions(in.Options); err != nil {
			return nil, err
		}
	}
	return r.do(ctx, func(tx *store.Tx) error {
		was, err := r.vpcByID(tx.Reader, in.VPC)
		if err != nil {
			return err
		}
		v := *was
		v.DHCPOptions = in.Options
		tx.PutVPC(&v)
		return nil
	})
}
