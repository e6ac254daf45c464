package api

import "slices"

var (
	listenerParams = []string{
		"Listeners.N.Protocol", "Listeners.N.LoadBalancerPort", "Listeners.N.InstanceProtocol", "Listeners.N.InstancePort",
		"Listeners.N.SSLCertificateId",
	}
	balancerInstanceParams = []string{"LoadBalancerName", "Instances.N.InstanceId"}
)

// balancerActions are those of the ELB API 2012-06-01, all of them.
var balancerActions = map[string]*action{
	"CreateLoadBalancer": {
		handler: handle((*request).createBalancer), network: true,
		done: slices.Concat(listenerParams, []string{"LoadBalancerName", "AvailabilityZones.N", "Subnets.N", "SecurityGroups.N", "Scheme"}),
		kept: []string{"Tags.N.Key", "Tags.N.Value"},
	},
	"DeleteLoadBalancer":    {handler: handle((*request).deleteBalancer), done: []string{"LoadBalancerName"}},
	"DescribeLoadBalancers": {handler: handle((*request).describeBalancers), done: []string{"LoadBalancerNames.N", "Marker", "PageSize"}},
	"CreateLoadBalancerListeners": {
		handler: handle((*request).createListeners), done: slices.Concat(listenerParams, []string{"LoadBalancerName"}),
	},
	"DeleteLoadBalancerListeners": {
		handler: handle((*request).deleteListeners), done: []string{"LoadBalancerName", "LoadBalancerPorts.N"},
	},
	"SetLoadBalancerListenerSSLCertificate": {
		handler: handle((*request).setCertificate), done: []string{"LoadBalancerName", "LoadBalancerPort", "SSLCertificateId"},
	},
	"RegisterInstancesWithLoadBalancer":   {handler: handle((*request).registerInstances), done: balancerInstanceParams},
	"DeregisterInstancesFromLoadBalancer": {handler: handle((*request).deregisterInstances), done: balancerInstanceParams},
	"DescribeInstanceHealth":              {handler: handle((*request).describeHealth), done: balancerInstanceParams},
	"ConfigureHealthCheck": {
		handler: handle((*request).configureHealthCheck),
		done: []string{
			"LoadBalancerName", "HealthCheck.Target", "HealthCheck.Interval", "HealthCheck.Timeout",
			"HealthCheck.UnhealthyThreshold", "HealthCheck.HealthyThreshold",
		},
	},
	"EnableAvailabilityZonesForLoadBalancer": {
		handler: handle((*request).enableZones), done: []string{"LoadBalancerName", "AvailabilityZones.N"},
	},
	"DisableAvailabilityZonesForLoadBalancer": {
		handler: handle((*request).disableZones), done: []string{"LoadBalancerName", "AvailabilityZones.N"},
	},
	"AttachLoadBalancerToSubnets":   {handler: handle((*request).attachSubnets), done: []string{"LoadBalancerName", "Subnets.N"}},
	"DetachLoadBalancerFromSubnets": {handler: handle((*request).detachSubnets), done: []string{"LoadBalancerName", "Subnets.N"}},
	"ApplySecurityGroupsToLoadBalancer": {
		handler: handle((*request).applyGroups), done: []string{"LoadBalancerName", "SecurityGroups.N"},
	},
	"CreateAppCookieStickinessPolicy": {
		handler: handle((*request).createAppCookie), done: []string{"LoadBalancerName", "PolicyName", "CookieName"},
	},
	"CreateLBCookieStickinessPolicy": {
		handler: handle((*request).createLBCookie), done: []string{"LoadBalancerName", "PolicyName", "CookieExpirationPeriod"},
	},
	"CreateLoadBalancerPolicy": {
		handler: handle((*request).createPolicy),
		done: []string{
			"LoadBalancerName", "PolicyName", "PolicyTypeName",
			"PolicyAttributes.N.AttributeName", "PolicyAttributes.N.AttributeValue",
		},
	},
	"DeleteLoadBalancerPolicy": {handler: handle((*request).deletePolicy), done: []string{"LoadBalancerName", "PolicyName"}},
	"SetLoadBalancerPoliciesOfListener": {
		handler: handle((*request).setListenerPolicies), done: []string{"LoadBalancerName", "LoadBalancerPort", "PolicyNames.N"},
	},
	"SetLoadBalancerPoliciesForBackendServer": {
		handler: handle((*request).setBackendPolicies), done: []string{"LoadBalancerName", "InstancePort", "PolicyNames.N"},
	},
	"DescribeLoadBalancerPolicies": {
		handler: handle((*request).describePolicies), done: []string{"LoadBalancerName", "PolicyNames.N"},
	},
	"DescribeLoadBalancerPolicyTypes": {handler: handle((*request).describePolicyTypes), done: []string{"PolicyTypeNames.N"}},
	"DescribeLoadBalancerAttributes":  {handler: handle((*request).describeAttributes), done: []string{"LoadBalancerName"}},
	"ModifyLoadBalancerAttributes": {
		handler: handle((*request).modifyAttributes),
		done: []string{
			"LoadBalancerName", "LoadBalancerAttributes.CrossZoneLoadBalancing.Enabled", "LoadBalancerAttributes.AccessLog.Enabled",
			"LoadBalancerAttributes.AccessLog.S3BucketName", "LoadBalancerAttributes.AccessLog.EmitInterval",
			"LoadBalancerAttributes.AccessLog.S3BucketPrefix", "LoadBalancerAttributes.ConnectionDraining.Enabled",
			"LoadBalancerAttributes.ConnectionDraining.Timeout", "LoadBalancerAttributes.ConnectionSettings.IdleTimeout",
			"LoadBalancerAttributes.AdditionalAttributes.N.Key", "LoadBalancerAttributes.AdditionalAttributes.N.Value",
		},
	},
	"AddTags":    {handler: handle((*request).addBalancerTags), done: []string{"LoadBalancerNames.N"}, kept: []string{"Tags.N.Key", "Tags.N.Value"}},
	"RemoveTags": {handler: handle((*request).removeBalancerTags), done: []string{"LoadBalancerNames.N", "Tags.N.Key"}},
	"DescribeTags": {
		handler: handle((*request).describeBalancerTags), done: []string{"LoadBalancerNames.N"},
	},
	"DescribeAccountLimits": {handler: handle((*request).describeAccountLimits), done: []string{"Marker", "PageSize"}},
}
