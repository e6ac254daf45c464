package awsquery

// A Service is one of AWS's services, by its name in a credential scope. It
// decides the dialect of forms and XML.
type Service string

const (
	EC2 Service = "ec2"
	ELB Service = "elasticloadbalancing"
	STS Service = "sts"
	IAM Service = "iam"
)

// Valid reports whether s is a service that this package speaks.
func (s Service) Valid() bool {
	switch s {
	case EC2, ELB, STS, IAM:
		return true
	}
	return false
}

// listWord stands between the name of a list and its index in a form, such as
// Listeners.member.1. It is empty for EC2, whose lists are flat.
func (s Service) listWord() string {
	if s == EC2 {
		return ""
	}
	return "member"
}

// itemElement is the XML element of each value of a list.
func (s Service) itemElement() string {
	if s == EC2 {
		return "item"
	}
	return "member"
}

// namespace returns the XML namespace of answers in the API version that the
// caller has asked for (EC2 Developer Guide 2007, "API Versioning").
func (s Service) namespace(version string) string {
	switch s {
	case ELB:
		return "http://elasticloadbalancing.amazonaws.com/doc/" + version + "/"
	case STS:
		return "https://sts.amazonaws.com/doc/" + version + "/"
	case IAM:
		return "https://iam.amazonaws.com/doc/" + version + "/"
	default:
		return "http://ec2.amazonaws.com/doc/" + version + "/"
	}
}
