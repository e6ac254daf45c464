package cli

import (
	"strconv"
	"strings"

	"ringfence/internal/awsquery"
)

var elbPolicyTools = []*tool{
	elbTool(tool{
		names:    []string{"elb-create-lb-cookie-stickiness-policy"},
		about:    "make a policy by which sessions stick to an instance for a time",
		example:  "elb-create-lb-cookie-stickiness-policy my-lb -p an-hour -e 3600",
		action:   "CreateLBCookieStickinessPolicy",
		options:  []option{policyOption, {"e", "expiration-period", "SECONDS", "how long; without it as long as the browser runs", "CookieExpirationPeriod"}},
		required: []string{"policy-name"},
		done:     "OK-Creating LB Stickiness Policy",
	}),
	elbTool(tool{
		names:    []string{"elb-create-app-cookie-stickiness-policy"},
		about:    "make a policy by which sessions stick to an instance as the application's cookie says",
		example:  "elb-create-app-cookie-stickiness-policy my-lb -p app -c JSESSIONID",
		action:   "CreateAppCookieStickinessPolicy",
		options:  []option{policyOption, {"c", "cookie-name", "COOKIE", "the application's cookie", "CookieName"}},
		required: []string{"policy-name", "cookie-name"},
		done:     "OK-Creating App Stickiness Policy",
	}),
	elbTool(tool{
		names:   []string{"elb-create-lb-policy"},
		about:   "make a policy of any type",
		example: `elb-create-lb-policy my-lb -p proxy -t ProxyProtocolPolicyType -a "name=ProxyProtocol,value=true"`,
		action:  "CreateLoadBalancerPolicy",
		options: []option{
			policyOption,
			{"t", "policy-type", "TYPE", "see elb-describe-lb-policy-types", "PolicyTypeName"},
			{"a", "attribute", `"name=NAME,value=VALUE"`, "an attribute; may be repeated", ""},
		},
		required: []string{"policy-name", "policy-type"},
		prepare:  sendAttributes,
		done:     "OK-Creating LoadBalancer Policy",
	}),
	elbTool(tool{
		names:    []string{"elb-delete-lb-policy"},
		about:    "delete a policy that is not enabled",
		example:  "elb-delete-lb-policy my-lb -p an-hour",
		action:   "DeleteLoadBalancerPolicy",
		options:  []option{policyOption},
		required: []string{"policy-name"},
		done:     "OK-Deleting LoadBalancer Policy",
	}),
	elbTool(tool{
		names:    []string{"elb-set-lb-policies-of-listener"},
		about:    "enable policies for a listener",
		example:  "elb-set-lb-policies-of-listener my-lb --lb-port 80 -p an-hour",
		action:   "SetLoadBalancerPoliciesOfListener",
		options:  []option{{"b", lbPortOption.long, lbPortOption.arg, lbPortOption.about, lbPortOption.param}, policiesOption},
		required: []string{"lb-port", "policy-names"},
		prepare:  sendPolicyNames,
		done:     "OK-Setting Policies",
	}),
	elbTool(tool{
		names:    []string{"elb-set-lb-policies-for-backend-server"},
		about:    "enable policies for a port of the instances",
		example:  "elb-set-lb-policies-for-backend-server my-lb --instance-port 25 -p proxy",
		action:   "SetLoadBalancerPoliciesForBackendServer",
		options:  []option{{"", "instance-port", "PORT", "port of the instances", "InstancePort"}, policiesOption},
		required: []string{"instance-port", "policy-names"},
		prepare:  sendPolicyNames,
		done:     "OK-Setting Policies",
	}),
	{
		suite:   elbSuite,
		names:   []string{"elb-describe-lb-policies"},
		about:   "list the policies of a load balancer, or those that are predefined",
		example: "elb-describe-lb-policies my-lb -p an-hour",
		action:  "DescribeLoadBalancerPolicies",
		words:   []word{{"LoadBalancerName", "LoadBalancerName", true}},
		options: []option{{"p", "policy-names", "POLICY,...", "only these", "PolicyNames.member.N"}, balancerOption},
		records: []record{{
			kind: "POLICY", each: "PolicyDescriptions.member", table: []string{"NAME", "TYPE_NAME"}, none: "No policies found",
			columns: []column{
				{"NAME", "PolicyName"}, {"TYPE_NAME", "PolicyTypeName"},
				{"POLICY_ATTRIBUTE_DESCRIPTIONS", "PolicyAttributeDescriptions.member{name=AttributeName,value=AttributeValue}"},
			},
		}},
	},
	{
		suite:   elbSuite,
		names:   []string{"elb-describe-lb-policy-types"},
		about:   "list the types of policies",
		example: "elb-describe-lb-policy-types ProxyProtocolPolicyType",
		action:  "DescribeLoadBalancerPolicyTypes",
		words:   []word{{"PolicyTypeName", "PolicyTypeNames.member.N", true}},
		records: []record{{
			kind: "POLICY_TYPE", each: "PolicyTypeDescriptions.member", table: []string{"NAME", "DESCRIPTION"},
			columns: []column{
				{"NAME", "PolicyTypeName"}, {"DESCRIPTION", "Description"},
				{"POLICY_ATTRIBUTE_TYPE_DESCRIPTIONS", "PolicyAttributeTypeDescriptions.member{name=AttributeName,type=AttributeType,cardinality=Cardinality}"},
			},
		}},
	},
}

// sendPolicyNames sends a list that may be empty, which enables none.
func sendPolicyNames(c *toolCall, params awsquery.Params) error {
	names := splitList(c.all("policy-names"))
	if len(names) == 0 {
		params["PolicyNames"] = ""
	}
	setList(params, "PolicyNames.member.N", names)
	return nil
}

// sendAttributes sends the attributes that options describe: name=N,value=V, or
// shorter N=V.
func sendAttributes(c *toolCall, params awsquery.Params) error {
	for i, attribute := range c.all("attribute") {
		name, value, ok := strings.Cut(attribute, "=")
		if rest, long := strings.CutPrefix(strings.TrimSpace(attribute), "name="); long {
			name, value, _ = strings.Cut(rest, ",")
			value, ok = strings.CutPrefix(strings.TrimSpace(value), "value=")
		}
		if !ok || name == "" {
			return usagef("Invalid attribute '%s': expected name=NAME,value=VALUE (-h for usage)", attribute)
		}
		prefix := "PolicyAttributes.member." + strconv.Itoa(i+1)
		params[prefix+".AttributeName"], params[prefix+".AttributeValue"] = name, value
	}
	return nil
}
