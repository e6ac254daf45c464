package vpc

// An Account owns nouns and has one pair of keys.
type Account struct {
	ID        AccountID
	Platform  Platform
	Era       Era
	AccessKey string
	SecretKey string
}

// A Platform says what a call without a VPC means.
type Platform string

const (
	// PlatformVPC accounts have a default VPC in each region.
	PlatformVPC Platform = "vpc"
	// PlatformClassic accounts have EC2-Classic and nondefault VPCs.
	PlatformClassic Platform = "classic"
)

// An Era decides quotas and the length of generated ids.
type Era string

const (
	Era2012   Era = "2012"   // ids of 8 hexadecimal digits
	EraModern Era = "modern" // ids of 17
)

// ELBAccount owns the load balancers' interfaces and ELBGroupName. The alias is
// accepted wherever an account id is (ELB Developer Guide, "Lock Down Traffic
// Between Your Load Balancer and Your Instances").
const (
	ELBAccount   AccountID = "amazon-elb"
	ELBGroupName string    = "amazon-elb-sg"
)
