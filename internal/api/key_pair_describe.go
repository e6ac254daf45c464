package api

import (
	"cmp"
	"context"
	"slices"
	"time"

	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

type describeKeyPairsInput struct {
	dryRun
	filters
	Names         []string `aws:"KeyName,bare"`
	IDs           []string `aws:"KeyPairId,bare"`
	WithPublicKey bool     `aws:"IncludePublicKey"`
}

type describeKeyPairsOutput struct {
	KeyPairs []keyPairItem `aws:"keySet"`
}

// keyPairItem is a key pair in an answer (EC2 API reference, KeyPairInfo).
type keyPairItem struct {
	ID          vpc.KeyPairID `aws:"keyPairId,since=2016-11-15"`
	Name        string        `aws:"keyName"`
	Fingerprint string        `aws:"keyFingerprint"`
	Type        string        `aws:"keyType,since=2016-11-15"`
	PublicKey   string        `aws:"publicKey,since=2016-11-15,omitempty"`
	Created     time.Time     `aws:"createTime,since=2016-11-15"`
	Tags        []tagItem     `aws:"tagSet,since=2016-11-15"`
}

// describeKeyPairs implements DescribeKeyPairs.
func (r *request) describeKeyPairs(ctx context.Context, in *describeKeyPairsInput) (*describeKeyPairsOutput, error) {
	match, err := keyPairFilters.match(in.Filters)
	if err != nil {
		return nil, err
	}
	v, err := r.view(ctx)
	if err != nil {
		return nil, err
	}
	keys, err := r.describedKeyPairs(v.Reader, in)
	if err != nil {
		return nil, err
	}
	out := &describeKeyPairsOutput{}
	for _, k := range keys {
		item := keyPairItem{
			ID: k.ID, Name: k.Name, Fingerprint: k.Fingerprint, Type: k.Type, Created: shownTime(k.Created), Tags: tagItems(k.Tags),
		}
		if in.WithPublicKey {
			item.PublicKey = k.PublicKey
		}
		if match(item) {
			out.KeyPairs = append(out.KeyPairs, item)
		}
	}
	return out, nil
}

// describedKeyPairs finds the key pairs that a call names, all of which must
// exist; without names all there are. They are in the order of their names.
func (r *request) describedKeyPairs(reader store.Reader, in *describeKeyPairsInput) ([]*vpc.KeyPair, error) {
	var list []*vpc.KeyPair
	if len(in.Names)+len(in.IDs) == 0 {
		list = reader.KeyPairs(r.Region, r.Account.ID)
	}
	for _, name := range in.Names {
		k, err := r.keyPairNamed(reader, name)
		if err != nil {
			return nil, err
		}
		list = append(list, k)
	}
	for _, id := range in.IDs {
		k, err := r.keyPairByID(reader, id)
		if err != nil {
			return nil, err
		}
		list = append(list, k)
	}
	slices.SortFunc(list, func(a, b *vpc.KeyPair) int { return cmp.Compare(a.Name, b.Name) })
	return slices.Compact(list), nil
}

// keyPairFilters are the filters of DescribeKeyPairs (EC2 API reference).
var keyPairFilters = filterTable[keyPairItem]{
	values: map[string]func(keyPairItem) []string{
		"key-pair-id": func(k keyPairItem) []string { return []string{string(k.ID)} },
		"key-name":    func(k keyPairItem) []string { return []string{k.Name} },
		"fingerprint": func(k keyPairItem) []string { return []string{k.Fingerprint} },
	},
	tags: func(k keyPairItem) []vpc.Tag { return vpcTags(k.Tags) },
}
