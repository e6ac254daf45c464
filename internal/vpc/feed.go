package vpc

// A Feed tells an agent what its host must enforce and run: first everything,
// then what has changed. Each value replaces the noun of the same id.
type Feed struct {
	Revision int64

	// Whole says that the nouns here are all there are: whatever the agent
	// knows besides them is gone.
	Whole bool

	VPCs        []*VPC
	Subnets     []*Subnet
	Gateways    []*InternetGateway
	RouteTables []*RouteTable
	ACLs        []*NetworkACL
	Groups      []*SecurityGroup
	Rules       []*Rule
	Interfaces  []*NetworkInterface
	Instances   []*Instance

	LoadBalancers []*LoadBalancer
	Certificates  []*ServerCertificate

	GoneVPCs        []NetworkID
	GoneSubnets     []SubnetID
	GoneGateways    []GatewayID
	GoneRouteTables []RouteTableID
	GoneACLs        []ACLID
	GoneGroups      []GroupID
	GoneRules       []RuleID
	GoneInterfaces  []InterfaceID
	GoneInstances   []InstanceID

	GoneLoadBalancers []LoadBalancerID
	GoneCertificates  []string // ARNs; one may be among Certificates again
}

// A Report is what an agent tells the server.
type Report struct {
	Host string

	// Applied is the newest revision that the host's kernel enforces. 0 when
	// the report is about something else.
	Applied int64

	// Instance has reached State. "" when the report is about something else.
	Instance   InstanceID
	Generation int
	State      InstanceState
	Reason     StateReason

	// Health is what has changed about instances of load balancers.
	Health []InstanceHealth

	// Proxy is the engine of load balancers on the host, told once, at the
	// beginning. nil when the report is about something else.
	Proxy *ProxyEngine
}

// A ProxyEngine is the program by which a host runs load balancers' nodes.
type ProxyEngine struct {
	Version string `json:"version,omitempty"` // such as HAProxy 2.6.12; "" when there is none
	Problem string `json:"problem,omitempty"` // why the host runs no nodes and what to do, a sentence; "" when it does
}
