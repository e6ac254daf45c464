package cli

import (
	"slices"
	"strconv"
	"strings"

	"ringfence/internal/awsquery"
)

// balancerOption names a load balancer, as the first word of a tool does.
var balancerOption = option{"", "lb", "NAME", "the load balancer, instead of the first word", ""}

var (
	balancerWord = word{"LoadBalancerName", "LoadBalancerName", false}

	listenerOption  = option{"l", "listener", `"protocol=P,lb-port=N,instance-port=N[,instance-protocol=P][,cert-id=ARN]"`, "a listener; may be repeated", ""}
	zonesOption     = option{"z", "availability-zones", "ZONE,...", "availability zones", "AvailabilityZones.member.N"}
	subnetsOption   = option{"s", "subnets", "SUBNET,...", "subnets, by id", "Subnets.member.N"}
	elbGroupsOption = option{"g", "security-groups", "GROUP,...", "security groups, by id", "SecurityGroups.member.N"}
	instancesOption = option{"", "instances", "INSTANCE,...", "instances, by id", "Instances.member.N.InstanceId"}
	lbPortOption    = option{"", "lb-port", "PORT", "port of the listener", "LoadBalancerPort"}
	policyOption    = option{"p", "policy-name", "POLICY", "name of the policy", "PolicyName"}
	policiesOption  = option{"p", "policy-names", "POLICY,...", "names of policies, which replace those that are enabled", ""}
	forceOption     = option{"", "force", "", "ask nothing", ""}
)

// elbTool completes a tool that is about one load balancer.
func elbTool(t tool) *tool {
	t.suite = elbSuite
	t.words = []word{balancerWord}
	t.options = append(t.options, balancerOption)
	return &t
}

func elbInstances(each string) []record {
	return []record{{kind: "INSTANCE_ID", each: each, columns: []column{{"INSTANCE_ID", "InstanceId"}}, none: "No instances found"}}
}

// listOf is the record of an answer that is a list of names.
func listOf(kind, path string) []record {
	return []record{{kind: kind, columns: []column{{kind, path + "|spaced"}}}}
}

// elbTools are those of ELB, all of them.
var elbTools = slices.Concat(elbBalancerTools, elbPlaceTools, elbPolicyTools)

var elbBalancerTools = []*tool{
	elbTool(tool{
		names:   []string{"elb-create-lb"},
		about:   "create a load balancer",
		example: `elb-create-lb my-lb -l "protocol=http,lb-port=80,instance-port=8080" -z us-east-1a`,
		action:  "CreateLoadBalancer",
		options: []option{
			listenerOption, zonesOption, subnetsOption, elbGroupsOption,
			{"i", "scheme", "SCHEME", "internal, or internet-facing, the default", "Scheme"},
		},
		required: []string{"listener"},
		prepare:  sendListeners,
		records:  []record{{kind: "DNS_NAME", columns: []column{{"DNS_NAME", "DNSName"}}}},
	}),
	{
		suite:   elbSuite,
		names:   []string{"elb-describe-lbs"},
		about:   "list load balancers",
		example: "elb-describe-lbs my-lb --show-long --headers",
		action:  "DescribeLoadBalancers",
		words:   []word{{"LoadBalancerName", "LoadBalancerNames.member.N", true}},
		options: []option{{"", "marker", "MARKER", "where to go on, from the answer before", "Marker"}, balancerOption},
		records: []record{balancerRecord},
	},
	elbTool(tool{
		names:   []string{"elb-delete-lb"},
		about:   "delete a load balancer",
		example: "elb-delete-lb my-lb --force",
		action:  "DeleteLoadBalancer",
		options: []option{forceOption},
		warning: "Warning: Deleting a LoadBalancer can lead to service disruption to any customers connected to the LoadBalancer. Are you sure you want to delete this LoadBalancer?",
		done:    "OK-Deleting LoadBalancer",
	}),
	elbTool(tool{
		names:    []string{"elb-register-instances-with-lb"},
		about:    "register instances with a load balancer",
		example:  "elb-register-instances-with-lb my-lb --instances i-12345678,i-87654321",
		action:   "RegisterInstancesWithLoadBalancer",
		options:  []option{instancesOption},
		required: []string{"instances"},
		records:  elbInstances("Instances.member"),
	}),
	elbTool(tool{
		names:    []string{"elb-deregister-instances-from-lb"},
		about:    "deregister instances from a load balancer",
		example:  "elb-deregister-instances-from-lb my-lb --instances i-12345678",
		action:   "DeregisterInstancesFromLoadBalancer",
		options:  []option{instancesOption},
		required: []string{"instances"},
		records:  elbInstances("Instances.member"),
	}),
	elbTool(tool{
		names:   []string{"elb-describe-instance-health"},
		about:   "show whether the instances of a load balancer are in service",
		example: "elb-describe-instance-health my-lb",
		action:  "DescribeInstanceHealth",
		options: []option{instancesOption},
		records: []record{{kind: "INSTANCE_ID", each: "InstanceStates.member", none: "No instances found", columns: []column{
			{"INSTANCE_ID", "InstanceId"}, {"STATE", "State"}, {"DESCRIPTION", "Description"}, {"REASON_CODE", "ReasonCode"},
		}}},
	}),
	elbTool(tool{
		names:   []string{"elb-configure-healthcheck"},
		about:   "say how a load balancer checks its instances",
		example: "elb-configure-healthcheck my-lb -t HTTP:80/ping --interval 30 --timeout 5 --healthy-threshold 2 --unhealthy-threshold 2",
		action:  "ConfigureHealthCheck",
		options: []option{
			{"t", "target", "PROTOCOL:PORT[/PATH]", "what is checked", "HealthCheck.Target"},
			{"", "interval", "SECONDS", "between two checks", "HealthCheck.Interval"},
			{"", "timeout", "SECONDS", "until a check has failed", "HealthCheck.Timeout"},
			{"", "healthy-threshold", "N", "successes until an instance is in service", "HealthCheck.HealthyThreshold"},
			{"", "unhealthy-threshold", "N", "failures until it is out of service", "HealthCheck.UnhealthyThreshold"},
		},
		required: []string{"target", "interval", "timeout", "healthy-threshold", "unhealthy-threshold"},
		records: []record{{kind: "HEALTH_CHECK", each: "HealthCheck", columns: []column{
			{"TARGET", "Target"}, {"INTERVAL", "Interval"}, {"TIMEOUT", "Timeout"},
			{"HEALTHY_THRESHOLD", "HealthyThreshold"}, {"UNHEALTHY_THRESHOLD", "UnhealthyThreshold"},
		}}},
	}),
	elbTool(tool{
		names:    []string{"elb-create-lb-listeners"},
		about:    "add listeners to a load balancer",
		example:  `elb-create-lb-listeners my-lb -l "protocol=tcp,lb-port=25,instance-port=25"`,
		action:   "CreateLoadBalancerListeners",
		options:  []option{listenerOption},
		required: []string{"listener"},
		prepare:  sendListeners,
		done:     "OK-Creating LoadBalancer Listener",
	}),
	elbTool(tool{
		names:    []string{"elb-delete-lb-listeners"},
		about:    "remove listeners from a load balancer",
		example:  "elb-delete-lb-listeners my-lb --lb-ports 25,80 --force",
		action:   "DeleteLoadBalancerListeners",
		options:  []option{{"", "lb-ports", "PORT,...", "ports of the listeners", "LoadBalancerPorts.member.N"}, forceOption},
		required: []string{"lb-ports"},
		warning:  "Warning: Deleting a LoadBalancer listener can lead to service disruption to any customers connected to it. Are you sure you want to delete this listener?",
		done:     "OK-Deleting LoadBalancer Listener",
	}),
	elbTool(tool{
		names:    []string{"elb-set-lb-listener-ssl-cert"},
		about:    "change the certificate that a listener shows",
		example:  "elb-set-lb-listener-ssl-cert my-lb --lb-port 443 -c arn:aws:iam::111122223333:server-certificate/shop",
		action:   "SetLoadBalancerListenerSSLCertificate",
		options:  []option{lbPortOption, {"c", "cert-id", "ARN", "the certificate", "SSLCertificateId"}},
		required: []string{"lb-port", "cert-id"},
		done:     "OK-Setting SSL Certificate",
	}),
}

// balancerRecord has the columns of the ELB Developer Guide's sample; those of
// stickiness are there only if a load balancer has a policy of the kind.
var balancerRecord = record{
	kind: "LOAD_BALANCER", each: "LoadBalancerDescriptions.member",
	table: []string{"NAME", "DNS_NAME", "CREATED_TIME", "SCHEME"},
	rare:  []string{"APP_COOKIE_STICKINESS_POLICIES", "LB_COOKIE_STICKINESS_POLICIES"},
	none:  "No LoadBalancers found",
	columns: []column{
		{"NAME", "LoadBalancerName"}, {"DNS_NAME", "DNSName"}, {"CANONICAL_HOSTED_ZONE_NAME", "CanonicalHostedZoneName"},
		{"CANONICAL_HOSTED_ZONE_NAME_ID", "CanonicalHostedZoneNameID"},
		{"HEALTH_CHECK", "HealthCheck{interval=Interval,target=Target,timeout=Timeout,healthy-threshold=HealthyThreshold,unhealthy-threshold=UnhealthyThreshold}"},
		{"AVAILABILITY_ZONES", "AvailabilityZones.member|spaced"}, {"SUBNETS", "Subnets.member|spaced"}, {"VPC_ID", "VPCId"},
		{"INSTANCE_ID", "Instances.member.InstanceId|spaced"},
		{"LISTENER_DESCRIPTIONS", "ListenerDescriptions.member{protocol=Listener.Protocol,lb-port=Listener.LoadBalancerPort," +
			"instance-protocol=Listener.InstanceProtocol,instance-port=Listener.InstancePort,cert-id?=Listener.SSLCertificateId," +
			"policies=PolicyNames.member|spaced}"},
		{"BACKEND_SERVER_DESCRIPTIONS", "BackendServerDescriptions.member{instance-port=InstancePort,policies=PolicyNames.member|spaced}"},
		{"APP_COOKIE_STICKINESS_POLICIES", "Policies.AppCookieStickinessPolicies.member{policy-name=PolicyName,cookie-name=CookieName}"},
		{"LB_COOKIE_STICKINESS_POLICIES", "Policies.LBCookieStickinessPolicies.member{policy-name=PolicyName,expiration-period?=CookieExpirationPeriod}"},
		{"OTHER_POLICIES", "Policies.OtherPolicies.member|spaced"},
		{"SOURCE_SECURITY_GROUP", "SourceSecurityGroup{owner-alias=OwnerAlias,group-name=GroupName}"},
		{"SECURITY_GROUPS", "SecurityGroups.member|spaced"}, {"CREATED_TIME", "CreatedTime"}, {"SCHEME", "Scheme"},
	},
}

var elbPlaceTools = []*tool{
	elbTool(tool{
		names:    []string{"elb-enable-zones-for-lb"},
		about:    "enable availability zones for a load balancer",
		example:  "elb-enable-zones-for-lb my-lb -z us-east-1b",
		action:   "EnableAvailabilityZonesForLoadBalancer",
		options:  []option{zonesOption},
		required: []string{"availability-zones"},
		records:  listOf("AVAILABILITY_ZONES", "AvailabilityZones.member"),
	}),
	elbTool(tool{
		names:    []string{"elb-disable-zones-for-lb"},
		about:    "disable availability zones for a load balancer",
		example:  "elb-disable-zones-for-lb my-lb -z us-east-1b",
		action:   "DisableAvailabilityZonesForLoadBalancer",
		options:  []option{zonesOption},
		required: []string{"availability-zones"},
		records:  listOf("AVAILABILITY_ZONES", "AvailabilityZones.member"),
	}),
	elbTool(tool{
		names:    []string{"elb-attach-lb-to-subnets"},
		about:    "attach a load balancer to subnets",
		example:  "elb-attach-lb-to-subnets my-lb -s subnet-1a2b3c4d",
		action:   "AttachLoadBalancerToSubnets",
		options:  []option{subnetsOption},
		required: []string{"subnets"},
		records:  listOf("SUBNETS", "Subnets.member"),
	}),
	elbTool(tool{
		names:    []string{"elb-detach-lb-from-subnets"},
		about:    "detach a load balancer from subnets",
		example:  "elb-detach-lb-from-subnets my-lb -s subnet-1a2b3c4d",
		action:   "DetachLoadBalancerFromSubnets",
		options:  []option{subnetsOption},
		required: []string{"subnets"},
		records:  listOf("SUBNETS", "Subnets.member"),
	}),
	elbTool(tool{
		names:    []string{"elb-apply-security-groups-to-lb"},
		about:    "replace the security groups of a load balancer in a VPC",
		example:  "elb-apply-security-groups-to-lb my-lb -g sg-53fae93f",
		action:   "ApplySecurityGroupsToLoadBalancer",
		options:  []option{elbGroupsOption},
		required: []string{"security-groups"},
		records:  listOf("SECURITY_GROUPS", "SecurityGroups.member"),
	}),
}

// sendListeners sends the listeners that options describe.
func sendListeners(c *toolCall, params awsquery.Params) error {
	names := map[string]string{
		"protocol": "Protocol", "lb-port": "LoadBalancerPort", "instance-port": "InstancePort",
		"instance-protocol": "InstanceProtocol", "cert-id": "SSLCertificateId",
	}
	for i, listener := range c.all("listener") {
		for part := range strings.SplitSeq(listener, ",") {
			name, value, ok := strings.Cut(strings.TrimSpace(part), "=")
			if names[name] == "" || !ok {
				return usagef("Invalid part '%s' of a listener: expected protocol=, lb-port=, instance-port=, instance-protocol= or cert-id= (-h for usage)", part)
			}
			params["Listeners.member."+strconv.Itoa(i+1)+"."+names[name]] = value
		}
	}
	return nil
}
