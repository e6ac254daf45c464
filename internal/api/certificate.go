package api

import (
	"context"
	"crypto/rand"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"ringfence/internal/store"
	"ringfence/internal/vpc"
)

// certificateName names a server certificate of the caller.
type certificateName struct {
	Name string `aws:"ServerCertificateName,required"`
}

type uploadCertificateInput struct {
	certificateName
	Path       string `aws:"Path"`
	Body       string `aws:"CertificateBody,required"`
	Chain      string `aws:"CertificateChain"`
	PrivateKey string `aws:"PrivateKey,required"`
	Tags       []tag  `aws:"Tags"`
}

type uploadCertificateOutput struct {
	Metadata certificateItem `aws:"ServerCertificateMetadata"`
	Tags     []tag           `aws:"Tags,omitempty"`
}

// certificateItem is what every answer says of a certificate (IAM API reference,
// ServerCertificateMetadata).
type certificateItem struct {
	Path     string    `aws:"Path"`
	Name     string    `aws:"ServerCertificateName"`
	ID       string    `aws:"ServerCertificateId"`
	ARN      string    `aws:"Arn"`
	Uploaded time.Time `aws:"UploadDate"`
	Expires  time.Time `aws:"Expiration"`
}

func newCertificateItem(c *vpc.ServerCertificate) certificateItem {
	return certificateItem{c.Path, c.Name, c.ID, c.ARN, c.Uploaded, c.Expires}
}

// uploadCertificate implements UploadServerCertificate. Certificate, chain and
// private key must be one; they are kept without the white space around them, as
// clients compare what they read with that.
func (r *request) uploadCertificate(ctx context.Context, in *uploadCertificateInput) (*uploadCertificateOutput, error) {
	c := &vpc.ServerCertificate{
		ID:      "ASCA" + rand.Text()[:17],
		Account: r.Account.ID, Name: in.Name, Path: in.Path, Uploaded: time.Now().UTC(),
		Body: strings.TrimSpace(in.Body), Chain: strings.TrimSpace(in.Chain), PrivateKey: strings.TrimSpace(in.PrivateKey),
	}
	if c.Path == "" {
		c.Path = "/"
	}
	if err := nameCertificate(c); err != nil {
		return nil, err
	}
	leaf, err := parseCertificates(c)
	if err != nil {
		return nil, err
	}
	c.Expires = leaf.NotAfter.UTC()
	if c.Tags, err = certificateTags(nil, in.Tags); err != nil {
		return nil, err
	}
	err = r.update(ctx, func(tx *store.Tx) error {
		if tx.Certificate(r.Account.ID, c.Name) != nil {
			return errCertificateExists(c.Name)
		}
		if most := r.limit(serverCertificates); len(tx.Certificates(r.Account.ID)) >= most {
			return vpc.Errorf(vpc.LimitExceeded, "Cannot exceed quota for ServerCertificatesPerAccount: %d", most)
		}
		tx.PutCertificate(c)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &uploadCertificateOutput{newCertificateItem(c), tagsOf(c.Tags)}, nil
}

func errCertificateExists(name string) error {
	return vpc.Errorf(vpc.EntityAlreadyExists, "The Server Certificate with name %s already exists.", name)
}

// What names and paths may be (IAM API reference, UploadServerCertificate).
var (
	certificateNamePattern = regexp.MustCompile(`^[\w+=,.@-]{1,128}$`)
	certificatePathPattern = regexp.MustCompile(`^/([\x21-\x7e]{0,510}/)?$`)
)

// nameCertificate checks the name and the path of c, and gives it the ARN that
// follows from them.
func nameCertificate(c *vpc.ServerCertificate) error {
	switch {
	case !certificateNamePattern.MatchString(c.Name):
		return errInvalid("The specified value for serverCertificateName is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-")
	case !certificatePathPattern.MatchString(c.Path):
		return errInvalid("The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters.")
	}
	c.ARN = fmt.Sprintf("arn:aws:iam::%s:server-certificate%s%s", c.Account, c.Path, c.Name)
	return nil
}

// certificate finds the caller's certificate with a name.
func (r *request) certificate(reader store.Reader, name string) (*vpc.ServerCertificate, error) {
	if c := reader.Certificate(r.Account.ID, name); c != nil {
		return c, nil
	}
	return nil, vpc.Errorf(vpc.NoSuchEntity, "The Server Certificate with name %s cannot be found.", name)
}

// viewedCertificate finds it as of now.
func (r *request) viewedCertificate(ctx context.Context, name string) (*vpc.ServerCertificate, error) {
	v, err := r.view(ctx)
	if err != nil {
		return nil, err
	}
	return r.certificate(v.Reader, name)
}

type getCertificateInput struct{ certificateName }

type getCertificateOutput struct {
	Certificate fullCertificateItem `aws:"ServerCertificate"`
}

type fullCertificateItem struct {
	Metadata certificateItem `aws:"ServerCertificateMetadata"`
	Body     string          `aws:"CertificateBody"`
	Chain    string          `aws:"CertificateChain,omitempty"`
	Tags     []tag           `aws:"Tags,omitempty"`
}

// getCertificate implements GetServerCertificate. The private key is never
// shown.
func (r *request) getCertificate(ctx context.Context, in *getCertificateInput) (*getCertificateOutput, error) {
	c, err := r.viewedCertificate(ctx, in.Name)
	if err != nil {
		return nil, err
	}
	return &getCertificateOutput{fullCertificateItem{newCertificateItem(c), c.Body, c.Chain, tagsOf(c.Tags)}}, nil
}

type listCertificatesInput struct {
	items
	PathPrefix string `aws:"PathPrefix"`
}

type listCertificatesOutput struct {
	Certificates []certificateItem `aws:"ServerCertificateMetadataList"`
	truncated
}

// listCertificates implements ListServerCertificates.
func (r *request) listCertificates(ctx context.Context, in *listCertificatesInput) (*listCertificatesOutput, error) {
	v, err := r.view(ctx)
	if err != nil {
		return nil, err
	}
	var all []certificateItem
	for _, c := range v.Certificates(r.Account.ID) {
		if strings.HasPrefix(c.Path, in.PathPrefix) {
			all = append(all, newCertificateItem(c))
		}
	}
	slices.SortFunc(all, func(a, b certificateItem) int { return strings.Compare(a.Name, b.Name) })
	page, rest, err := certificatePage(in.items, all, func(c certificateItem) string { return c.Name })
	return &listCertificatesOutput{page, rest}, err
}

type deleteCertificateInput struct{ certificateName }

// deleteCertificate implements DeleteServerCertificate. A certificate that a
// listener shows stays.
func (r *request) deleteCertificate(ctx context.Context, in *deleteCertificateInput) (*emptyOutput, error) {
	return r.alterCertificate(ctx, in.Name, func(tx *store.Tx, c *vpc.ServerCertificate) error {
		if err := checkCertificateFree(tx, c); err != nil {
			return err
		}
		tx.DeleteCertificate(c)
		return nil
	})
}

// checkCertificateFree refuses a certificate that a listener shows, and says
// whose.
func checkCertificateFree(tx *store.Tx, c *vpc.ServerCertificate) error {
	var users []string
	for _, id := range tx.CertificateUsers(c) {
		if lb := tx.LoadBalancer(*id); lb != nil {
			users = append(users, fmt.Sprintf("%s in %s", lb.Name, lb.Region))
		}
	}
	if len(users) == 0 {
		return nil
	}
	return vpc.Errorf(vpc.DeleteConflict, "Certificate: %s is currently in use by the load balancer %s. Please remove it first before deleting it from IAM.", c.ID, listHolders(users))
}

type updateCertificateInput struct {
	certificateName
	NewName string `aws:"NewServerCertificateName"`
	NewPath string `aws:"NewPath"`
}

// updateCertificate implements UpdateServerCertificate. Its ARN changes with its
// name and path, so one that a listener shows stays as it is.
func (r *request) updateCertificate(ctx context.Context, in *updateCertificateInput) (*emptyOutput, error) {
	return r.alterCertificate(ctx, in.Name, func(tx *store.Tx, c *vpc.ServerCertificate) error {
		old := *c
		if in.NewName != "" {
			c.Name = in.NewName
		}
		if in.NewPath != "" {
			c.Path = in.NewPath
		}
		if err := nameCertificate(c); err != nil {
			return err
		}
		if other := tx.Certificate(c.Account, c.Name); other != nil && other.ID != c.ID {
			return errCertificateExists(c.Name)
		}
		if err := checkCertificateFree(tx, &old); err != nil {
			return err
		}
		tx.DeleteCertificate(&old)
		tx.PutCertificate(c)
		return nil
	})
}

// alterCertificate applies change, which puts what it changes, to a copy of a
// certificate.
func (r *request) alterCertificate(ctx context.Context, name string, change func(*store.Tx, *vpc.ServerCertificate) error) (*emptyOutput, error) {
	err := r.update(ctx, func(tx *store.Tx) error {
		was, err := r.certificate(tx.Reader, name)
		if err != nil {
			return err
		}
		c := *was
		return change(tx, &c)
	})
	if err != nil {
		return nil, err
	}
	return &emptyOutput{}, nil
}
