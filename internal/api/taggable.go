package api

import (
	"slices"
	"strings"

	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

// A taggable is a kind of noun that has tags.
type taggable struct {
	prefix       string // of its ids
	resourceType string

	// list returns all nouns of the kind that the caller has.
	list func(r *request, reader store.Reader) []taggedNoun

	// retag replaces the tags of the noun with an id by what change makes of
	// them.
	retag func(t *tagger, id string, change func([]vpc.Tag) ([]vpc.Tag, error)) error
}

// A taggedNoun is a noun as far as DescribeTags knows it.
type taggedNoun struct {
	id   string
	tags []vpc.Tag
}

// A tagger is a call that changes tags.
type tagger struct {
	*request
	tx *store.Tx

	// groups has the groups of the rules that the call names. A rule never
	// moves to another group.
	groups map[string]*vpc.SecurityGroup
}

// taggables are the kinds of nouns that have tags. No prefix is the beginning of
// another one.
var taggables = []taggable{
	plainNoun("acl", "network-acl", (*request).aclByID, store.Reader.ACLs, (*store.Tx).PutACL,
		func(a *vpc.NetworkACL) (string, *[]vpc.Tag) { return string(a.ID), &a.Tags }),
	plainNoun("eni", "network-interface", (*request).interfaceByID, store.Reader.Interfaces, (*store.Tx).PutInterface,
		func(n *vpc.NetworkInterface) (string, *[]vpc.Tag) { return string(n.ID), &n.Tags }),
	plainNoun("eipalloc", "elastic-ip", (*request).elasticByID, addressesInVPC, (*store.Tx).PutAddress,
		func(a *vpc.Address) (string, *[]vpc.Tag) { return string(a.Allocation), &a.Tags }),
	plainNoun("i", "instance", (*request).instanceByID, store.Reader.Instances, (*store.Tx).PutInstance,
		func(i *vpc.Instance) (string, *[]vpc.Tag) { return string(i.ID), &i.Tags }),
	plainNoun("igw", "internet-gateway", (*request).gatewayByID, store.Reader.Gateways, (*store.Tx).PutGateway,
		func(g *vpc.InternetGateway) (string, *[]vpc.Tag) { return string(g.ID), &g.Tags }),
	plainNoun("key", "key-pair", (*request).keyPairByID, store.Reader.KeyPairs, (*store.Tx).PutKeyPair,
		func(k *vpc.KeyPair) (string, *[]vpc.Tag) { return string(k.ID), &k.Tags }),
	plainNoun("rtb", "route-table", (*request).routeTableByID, store.Reader.RouteTables, (*store.Tx).PutRouteTable,
		func(t *vpc.RouteTable) (string, *[]vpc.Tag) { return string(t.ID), &t.Tags }),
	plainNoun("sg", "security-group", (*request).groupByID, store.Reader.Groups, (*store.Tx).PutGroup,
		func(g *vpc.SecurityGroup) (string, *[]vpc.Tag) { return string(g.ID), &g.Tags }),
	plainNoun("subnet", "subnet", (*request).subnetByID, store.Reader.Subnets, (*store.Tx).PutSubnet,
		func(s *vpc.Subnet) (string, *[]vpc.Tag) { return string(s.ID), &s.Tags }),
	plainNoun("vpc", "vpc", (*request).vpcByID, store.Reader.VPCs, (*store.Tx).PutVPC,
		func(v *vpc.VPC) (string, *[]vpc.Tag) { return string(v.ID), &v.Tags }),
	{"sgr", "security-group-rule", (*request).taggedRules, (*tagger).retagRule},
	{"vol", "volume", (*request).taggedVolumes, (*tagger).retagVolume},
}

// untagged are the prefixes of the ids of nouns that have tags in EC2 only: here
// they are in no store.
var untagged = []string{"ami", "dopt"}

// taggableWithID returns the kind of noun that an id is of.
func taggableWithID(id string) (taggable, error) {
	prefix := id[:max(0, strings.LastIndexByte(id, '-'))]
	for _, t := range taggables {
		if t.prefix == prefix {
			return t, nil
		}
	}
	if slices.Contains(untagged, prefix) {
		return taggable{}, vpc.Errorf(vpc.UnsupportedOperation, "Tags of %s are not supported by ringfence.", id)
	}
	return taggable{}, vpc.Errorf(vpc.InvalidID, "The ID '%s' is not valid", id)
}

// plainNoun is a kind of noun that is a record of its own.
func plainNoun[T any](prefix, resourceType string,
	find func(*request, store.Reader, string) (*T, error),
	all func(store.Reader, vpc.Region, vpc.AccountID) []*T,
	put func(*store.Tx, *T),
	parts func(*T) (id string, tags *[]vpc.Tag)) taggable {
	return taggable{
		prefix: prefix, resourceType: resourceType,
		list: func(r *request, reader store.Reader) []taggedNoun {
			var list []taggedNoun
			for _, noun := range all(reader, r.Region, r.Account.ID) {
				id, tags := parts(noun)
				list = append(list, taggedNoun{id, *tags})
			}
			return list
		},
		retag: func(t *tagger, id string, change func([]vpc.Tag) ([]vpc.Tag, error)) error {
			was, err := find(t.request, t.tx.Reader, id)
			if err != nil {
				return err
			}
			noun := *was
			_, tags := parts(&noun)
			if *tags, err = change(*tags); err != nil {
				return err
			}
			put(t.tx, &noun)
			return nil
		},
	}
}

// addressesInVPC returns the Elastic IP addresses that have ids to be tagged by.
func addressesInVPC(reader store.Reader, region vpc.Region, account vpc.AccountID) []*vpc.Address {
	return slices.DeleteFunc(reader.Addresses(region, account), func(a *vpc.Address) bool { return a.Allocation == "" })
}

func (r *request) taggedRules(reader store.Reader) []taggedNoun {
	var list []taggedNoun
	for _, rule := range r.everyRule(reader) {
		list = append(list, taggedNoun{string(rule.ID), rule.Tags})
	}
	return list
}

func (t *tagger) retagRule(id string, change func([]vpc.Tag) ([]vpc.Tag, error)) error {
	var rules []groupRule
	if g := t.groups[id]; g != nil {
		for _, rule := range t.tx.Rules(g) {
			rules = append(rules, groupRule{rule, g})
		}
	}
	was, err := findRule(rules, id)
	if err != nil {
		return err
	}
	rule := *was.Rule
	if rule.Tags, err = change(rule.Tags); err != nil {
		return err
	}
	t.tx.PutRule(was.group, &rule)
	return nil
}

// groupsOfRules returns the groups of those of ids that are rules.
func (r *request) groupsOfRules(reader store.Reader, ids []string) map[string]*vpc.SecurityGroup {
	groups := map[string]*vpc.SecurityGroup{}
	if !slices.ContainsFunc(ids, func(id string) bool { return strings.HasPrefix(id, "sgr-") }) {
		return groups
	}
	for _, rule := range r.everyRule(reader) {
		groups[string(rule.ID)] = rule.group
	}
	return groups
}

func (r *request) taggedVolumes(reader store.Reader) []taggedNoun {
	var list []taggedNoun
	for _, i := range reader.Instances(r.Region, r.Account.ID) {
		for _, v := range i.Volumes {
			list = append(list, taggedNoun{v.ID, v.Tags})
		}
	}
	return list
}

func (t *tagger) retagVolume(id string, change func([]vpc.Tag) ([]vpc.Tag, error)) error {
	for _, was := range t.tx.Instances(t.Region, t.Account.ID) {
		at := slices.IndexFunc(was.Volumes, func(v vpc.Volume) bool { return v.ID == id })
		if at < 0 {
			continue
		}
		tags, err := change(was.Volumes[at].Tags)
		if err != nil {
			return err
		}
		i := *was
		i.Volumes = slices.Clone(was.Volumes)
		i.Volumes[at].Tags = tags
		t.tx.PutInstance(&i)
		return nil
	}
	return vpc.Errorf(vpc.InvalidVolumeNotFound, "The volume '%s' does not exist.", id)
}
