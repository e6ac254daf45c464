package api

import (
	"context"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"time"

	"ringfence/internal/sshkey"
	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

// What a key pair's name and an imported key may have, in bytes (EC2 API
// reference, CreateKeyPair; the second is EC2's own message).
const maxKeyName, maxKeyMaterial = 255, 2048

type createKeyPairInput struct {
	dryRun
	Name   string             `aws:"KeyName,required"`
	Type   string             `aws:"KeyType"`
	Format string             `aws:"KeyFormat"`
	Tags   []tagSpecification `aws:"TagSpecification"`
}

type createKeyPairOutput struct {
	Name        string        `aws:"keyName"`
	Fingerprint string        `aws:"keyFingerprint"`
	Material    string        `aws:"keyMaterial"`
	ID          vpc.KeyPairID `aws:"keyPairId,since=2016-11-15"`
	Tags        []tagItem     `aws:"tagSet,since=2016-11-15"`
}

// createKeyPair implements CreateKeyPair. Its answer is the only one that ever
// has the private key.
func (r *request) createKeyPair(ctx context.Context, in *createKeyPairInput) (*createKeyPairOutput, error) {
	keyType := or(in.Type, sshkey.RSA)
	switch {
	case keyType != sshkey.RSA && keyType != sshkey.ED25519:
		return nil, vpc.Errorf(vpc.InvalidParameterValue, "Value (%s) for parameter keyType is invalid. It must be rsa or ed25519.", in.Type)
	case in.Format == "ppk":
		return nil, vpc.Errorf(vpc.UnsupportedOperation, "The key format ppk is not supported by ringfence.")
	case in.Format != "" && in.Format != "pem":
		return nil, vpc.Errorf(vpc.InvalidParameterValue, "Value (%s) for parameter keyFormat is invalid. It must be pem or ppk.", in.Format)
	}
	key, err := sshkey.Generate(keyType)
	if err != nil {
		return nil, err
	}
	material, err := key.PEM()
	if err != nil {
		return nil, err
	}
	fingerprint, err := key.Fingerprint()
	if err != nil {
		return nil, err
	}
	k, err := r.putKeyPair(ctx, in.Name, key.Public, fingerprint, in.Tags)
	if err != nil {
		return nil, err
	}
	return &createKeyPairOutput{Name: k.Name, Fingerprint: fingerprint, Material: material, ID: k.ID, Tags: tagItems(k.Tags)}, nil
}

type importKeyPairInput struct {
	dryRun
	Name     string             `aws:"KeyName,required"`
	Material string             `aws:"PublicKeyMaterial,required"`
	Tags     []tagSpecification `aws:"TagSpecification"`
}

type importKeyPairOutput struct {
	Name        string        `aws:"keyName"`
	Fingerprint string        `aws:"keyFingerprint"`
	ID          vpc.KeyPairID `aws:"keyPairId,since=2016-11-15"`
	Tags        []tagItem     `aws:"tagSet,since=2016-11-15"`
}

// importKeyPair implements ImportKeyPair.
func (r *request) importKeyPair(ctx context.Context, in *importKeyPairInput) (*importKeyPairOutput, error) {
	text, err := base64.StdEncoding.DecodeString(in.Material)
	if err != nil {
		return nil, errKeyFormat()
	}
	if len(text) > maxKeyMaterial {
		return nil, vpc.Errorf(vpc.InvalidParameterValue, "Value for parameter PublicKeyMaterial is invalid. Length exceeds maximum of %d.", maxKeyMaterial)
	}
	key, err := sshkey.Parse(text)
	if errors.Is(err, sshkey.ErrFormat) {
		return nil, errKeyFormat()
	}
	if err != nil {
		return nil, err
	}
	fingerprint, err := key.Fingerprint()
	if err != nil {
		return nil, err
	}
	k, err := r.putKeyPair(ctx, in.Name, key, fingerprint, in.Tags)
	if err != nil {
		return nil, err
	}
	return &importKeyPairOutput{Name: k.Name, Fingerprint: fingerprint, ID: k.ID, Tags: tagItems(k.Tags)}, nil
}

func errKeyFormat() error {
	return vpc.Errorf(vpc.InvalidKeyFormat, "Key is not in valid OpenSSH public key format")
}

// putKeyPair makes a key pair, of which there is none with the name so far.
func (r *request) putKeyPair(ctx context.Context, name string, key sshkey.Public, fingerprint string, specs []tagSpecification) (*vpc.KeyPair, error) {
	if err := checkKeyName(name); err != nil {
		return nil, err
	}
	tags, err := tagsFor("key-pair", specs)
	if err != nil {
		return nil, err
	}
	k := &vpc.KeyPair{
		Account: r.Account.ID, Region: r.Region, Name: name, Type: key.Type, Fingerprint: fingerprint,
		PublicKey: key.AuthorizedKey(name), Created: time.Now().UTC(), Tags: tags,
	}
	err = r.update(ctx, func(tx *store.Tx) error {
		if tx.KeyPair(r.Region, r.Account.ID, name) != nil {
			return vpc.Errorf(vpc.InvalidKeyPairDuplicate, "The keypair '%s' already exists.", name)
		}
		others := tx.KeyPairs(r.Region, r.Account.ID)
		if len(others) >= r.limit(keyPairsPerRegion) {
			return vpc.Errorf(vpc.ResourceLimitExceeded, "The maximum number of key pairs has been reached.")
		}
		k.ID = newIDUnless("key", r.Account.Era, func(id vpc.KeyPairID) bool { return keyPairWithID(others, id) != nil })
		tx.PutKeyPair(k)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return k, nil
}

// checkKeyName refuses what cannot be a key pair's name (EC2 API reference,
// CreateKeyPair; EC2 User Guide, "Create a key pair").
func checkKeyName(name string) error {
	printable := !slices.ContainsFunc([]byte(name), func(c byte) bool { return c < ' ' || c > '~' })
	if name == "" || len(name) > maxKeyName || name != strings.TrimSpace(name) || !printable {
		return vpc.Errorf(vpc.InvalidParameterValue,
			"Value (%s) for parameter KeyName is invalid. It must be 1 to %d ASCII characters, without a space at either end.", name, maxKeyName)
	}
	return nil
}

func keyPairWithID(all []*vpc.KeyPair, id vpc.KeyPairID) *vpc.KeyPair {
	if at := slices.IndexFunc(all, func(k *vpc.KeyPair) bool { return k.ID == id }); at >= 0 {
		return all[at]
	}
	return nil
}

// keyPairNamed finds a key pair of the caller's.
func (r *request) keyPairNamed(reader store.Reader, name string) (*vpc.KeyPair, error) {
	if k := reader.KeyPair(r.Region, r.Account.ID, name); k != nil {
		return k, nil
	}
	return nil, vpc.Errorf(vpc.InvalidKeyPairNotFound, "The key pair '%s' does not exist", name)
}

func (r *request) keyPairByID(reader store.Reader, id string) (*vpc.KeyPair, error) {
	if k := keyPairWithID(reader.KeyPairs(r.Region, r.Account.ID), vpc.KeyPairID(id)); k != nil {
		return k, nil
	}
	return nil, vpc.Errorf(vpc.InvalidKeyPairNotFound, "The key pair with ID '%s' does not exist", id)
}

// launchKey returns the public key that opens an instance to the owner of a key
// pair, "" where the launch names none.
func (r *request) launchKey(tx *store.Tx, name string) (string, error) {
	if name == "" {
		return "", nil
	}
	k, err := r.keyPairNamed(tx.Reader, name)
	if err != nil {
		return "", err
	}
	return k.PublicKey, nil
}

type deleteKeyPairInput struct {
	dryRun
	Name string `aws:"KeyName"`
	ID   string `aws:"KeyPairId"`
}

type deleteKeyPairOutput struct {
	Return bool          `aws:"return"`
	ID     vpc.KeyPairID `aws:"keyPairId,since=2016-11-15,omitempty"`
}

// deleteKeyPair implements DeleteKeyPair. One that does not exist is no error.
func (r *request) deleteKeyPair(ctx context.Context, in *deleteKeyPairInput) (*deleteKeyPairOutput, error) {
	switch {
	case in.Name == "" && in.ID == "":
		return nil, vpc.Errorf(vpc.MissingParameter, "The request must contain the parameter KeyName or KeyPairId")
	case in.Name != "" && in.ID != "":
		return nil, vpc.Errorf(vpc.InvalidParameterCombination, "The parameters KeyName and KeyPairId cannot be used together")
	}
	out := &deleteKeyPairOutput{Return: true}
	err := r.update(ctx, func(tx *store.Tx) error {
		k := tx.KeyPair(r.Region, r.Account.ID, in.Name)
		if in.ID != "" {
			k = keyPairWithID(tx.KeyPairs(r.Region, r.Account.ID), vpc.KeyPairID(in.ID))
		}
		out.ID = ""
		if k != nil {
			out.ID = k.ID
			tx.DeleteKeyPair(k)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
