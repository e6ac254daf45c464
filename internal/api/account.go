package api

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"regexp"
	"slices"
	"strconv"

	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

type describeAccountAttributesInput struct {
	dryRun
	Names []string `aws:"AttributeName,bare"`
}

type describeAccountAttributesOutput struct {
	Attributes []attributeItem `aws:"accountAttributeSet"`
}

type attributeItem struct {
	Name   string               `aws:"attributeName"`
	Values []attributeValueItem `aws:"attributeValueSet"`
}

type attributeValueItem struct {
	Value string `aws:"attributeValue"`
}

// describeAccountAttributes implements DescribeAccountAttributes. Clients learn
// from it whether an account has EC2-Classic, and which VPC is the default one.
func (r *request) describeAccountAttributes(ctx context.Context, in *describeAccountAttributesInput) (*describeAccountAttributesOutput, error) {
	platforms := []attributeValueItem{{"VPC"}}
	if r.Account.Platform == vpc.PlatformClassic {
		platforms = []attributeValueItem{{"EC2"}, {"VPC"}}
	}
	v, err := r.view(ctx)
	if err != nil {
		return nil, err
	}
	defaultVPC := "none"
	if v, _ := v.DefaultVPC(r.Region, r.Account.ID); v != nil {
		defaultVPC = string(v.ID)
	}
	number := func(limit string) []attributeValueItem { return []attributeValueItem{{strconv.Itoa(r.limit(limit))}} }
	all := []attributeItem{
		{"supported-platforms", platforms},
		{"default-vpc", []attributeValueItem{{defaultVPC}}},
		{"max-instances", number(runningInstances)},
		{"vpc-max-security-groups-per-interface", number(groupsPerInterface)},
		{"max-elastic-ips", number(addressesPerAccount)},
		{"vpc-max-elastic-ips", number(vpcAddresses)},
	}
	out := &describeAccountAttributesOutput{Attributes: all}
	if len(in.Names) == 0 {
		return out, nil
	}
	out.Attributes = nil
	for _, name := range in.Names {
		i := slices.IndexFunc(all, func(a attributeItem) bool { return a.Name == name })
		if i < 0 {
			return nil, vpc.Errorf(vpc.InvalidParameterValue, "Value (%s) for parameter attributeName is invalid. Unknown attribute.", name)
		}
		out.Attributes = append(out.Attributes, all[i])
	}
	return out, nil
}

type getCallerIdentityInput struct{}

type getCallerIdentityOutput struct {
	ARN     string        `aws:"Arn"`
	UserID  vpc.AccountID `aws:"UserId"`
	Account vpc.AccountID `aws:"Account"`
}

// getCallerIdentity implements STS GetCallerIdentity. The owner of the keys is
// the account itself, as with the keys of AWS's root user.
func (r *request) getCallerIdentity(context.Context, *getCallerIdentityInput) (*getCallerIdentityOutput, error) {
	return &getCallerIdentityOutput{
		ARN: fmt.Sprintf("arn:aws:iam::%s:root", r.Account.ID), UserID: r.Account.ID, Account: r.Account.ID,
	}, nil
}

var accountID = regexp.MustCompile(`^[0-9]{12}$`)

// CreateAccount makes an account with new keys. A platform or an era that is
// "" is that of the account's: vpc and modern, classic and 2012.
func (a *API) CreateAccount(ctx context.Context, id vpc.AccountID, platform vpc.Platform, era vpc.Era) (*vpc.Account, error) {
	account, err := newAccount(id, platform, era)
	if err != nil {
		return nil, err
	}
	_, err = a.store.Update(ctx, func(tx *store.Tx) error {
		if tx.Account(id) != nil {
			return vpc.Errorf(vpc.InvalidParameterValue, "The account %s exists already.", id)
		}
		tx.PutAccount(account)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return account, nil
}

// RotateKeys gives an account new keys. Calls that are signed with the old ones
// are refused from then on.
func (a *API) RotateKeys(ctx context.Context, id vpc.AccountID) (*vpc.Account, error) {
	var account vpc.Account
	_, err := a.store.Update(ctx, func(tx *store.Tx) error {
		was := tx.Account(id)
		if was == nil {
			return vpc.Errorf(vpc.InvalidParameterValue, "There is no account %s.", id)
		}
		account = *was
		account.AccessKey, account.SecretKey = newAccessKey(), newSecretKey()
		tx.PutAccount(&account)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &account, nil
}

// EnsureAccount returns the account with an id, and makes it if need be.
func (a *API) EnsureAccount(ctx context.Context, id vpc.AccountID, platform vpc.Platform, era vpc.Era) (*vpc.Account, error) {
	fresh, err := newAccount(id, platform, era)
	if err != nil {
		return nil, err
	}
	var account *vpc.Account
	_, err = a.store.Update(ctx, func(tx *store.Tx) error {
		if account = tx.Account(id); account == nil {
			account = fresh
			tx.PutAccount(account)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("make account %s: %w", id, err)
	}
	return account, nil
}

func newAccount(id vpc.AccountID, platform vpc.Platform, era vpc.Era) (*vpc.Account, error) {
	if !accountID.MatchString(string(id)) {
		return nil, vpc.Errorf(vpc.InvalidParameterValue, "An account id is twelve digits; %q is not.", id)
	}
	if platform == "" {
		platform = vpc.PlatformVPC
	}
	if platform != vpc.PlatformVPC && platform != vpc.PlatformClassic {
		return nil, vpc.Errorf(vpc.InvalidParameterValue, "A platform is vpc or classic; %q is neither.", platform)
	}
	if era == "" {
		era = vpc.EraModern
		if platform == vpc.PlatformClassic {
			era = vpc.Era2012
		}
	}
	if era != vpc.Era2012 && era != vpc.EraModern {
		return nil, vpc.Errorf(vpc.InvalidParameterValue, "An era is 2012 or modern; %q is neither.", era)
	}
	return &vpc.Account{ID: id, Platform: platform, Era: era, AccessKey: newAccessKey(), SecretKey: newSecretKey()}, nil
}

// newAccessKey returns an access key: AKIA and 16 characters of base32.
func newAccessKey() string { return "AKIA" + rand.Text()[:16] }

// newSecretKey returns a secret key of 40 characters, 240 random bits.
func newSecretKey() string {
	b := make([]byte, 30)
	rand.Read(b) // never fails
	return base64.StdEncoding.EncodeToString(b)
}
