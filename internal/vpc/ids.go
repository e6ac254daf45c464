package vpc

// Identifiers are distinct types, so that one noun's cannot be given where
// another's is meant. All are a prefix and hexadecimal digits, as EC2 prints
// them; IDs.New makes them.
type (
	AccountID     string // twelve digits, or an alias of the service such as amazon-elb
	Region        string // us-east-1
	Zone          string // us-east-1a
	GroupID       string // sg-
	RuleID        string // sgr-
	InstanceID    string // i-
	InterfaceID   string // eni-
	NetworkID     string // vpc-, or "classic" for the region's EC2-Classic network
	SubnetID      string // subnet-; "classic" in EC2-Classic
	ACLID         string // acl-
	ReservationID string // r-
	ImageID       string // ami-
	GatewayID     string // igw-
	RouteTableID  string // rtb-
	AllocationID  string // eipalloc-
	AssociationID string // aclassoc-, eipassoc-, rtbassoc-, subnet-cidr-assoc- or vpc-cidr-assoc-
	AttachmentID  string // eni-attach-
	KeyPairID     string // key-

	LoadBalancerID string // elb-; the API knows a load balancer by its name
)

// Classic names the one EC2-Classic network of a region, and its one subnet.
// All accounts of the region that have EC2-Classic share it.
const (
	ClassicNetwork NetworkID = "classic"
	ClassicSubnet  SubnetID  = "classic"
)

// Numbers stand for nouns in the kernel, where a name would not fit. The
// server hands them out in the transaction that makes the noun, and never
// hands one out twice.
type (
	// An InterfaceNumber tells an interface from an earlier one with the same
	// address. 0 is no interface.
	InterfaceNumber uint32

	// An Identity is the interned set of groups of an interface. 0 is the
	// identity of whoever is in no group: the internet, and unknown addresses.
	Identity uint32

	// A NetworkNumber is the VNI of a network, 24 bits. 0 is the internet.
	NetworkNumber uint32

	// A SubnetNumber tells subnets apart within a region. 0 is the internet.
	SubnetNumber uint32
)
