package api

import (
	"strings"

	"ringfence/internal/vpc"
)

// maxGroupText is how long a group's name and description, and a rule's
// description, may be (EC2 API reference, CreateSecurityGroup).
const maxGroupText = 255

// checkGroupTexts refuses names and descriptions that a group may not have.
// EC2-Classic takes any ASCII, a VPC less.
func checkGroupTexts(g *vpc.SecurityGroup) error {
	switch {
	case g.Name == "":
		return vpc.Errorf(vpc.MissingParameter, "The request must contain the parameter groupName")
	case strings.HasPrefix(g.Name, "sg-"):
		return vpc.Errorf(vpc.InvalidParameterValue, "Value (%s) for parameter GroupName is invalid. Group names may not be in the format sg-*.", g.Name)
	case g.Name == vpc.DefaultGroupName && g.IsClassic():
		return errReserved(g.Name)
	case g.Name == vpc.DefaultGroupName:
		return vpc.Errorf(vpc.InvalidParameterValue, "Cannot use reserved security group name: %s", g.Name)
	}
	if err := checkGroupText(g, "GroupName", "name", g.Name); err != nil {
		return err
	}
	return checkGroupText(g, "GroupDescription", "description", g.Description)
}

func checkGroupText(g *vpc.SecurityGroup, parameter, what, text string) error {
	valid := len(text) <= maxGroupText
	for _, c := range text {
		if c > '~' {
			return vpc.Errorf(vpc.InvalidParameterValue, "Value (%s) for parameter %s is invalid. Character sets beyond ASCII are not supported.", text, parameter)
		}
		valid = valid && (inVPCText(c) || g.IsClassic() && c >= ' ')
	}
	if valid {
		return nil
	}
	return vpc.Errorf(vpc.InvalidParameterValue, "Invalid security group %s. Valid %ss are strings less than 256 characters from the following set: %s",
		what, what, vpcCharacters)
}

// vpcCharacters is the end of the messages about bad texts. EC2 says this of
// its Classic groups too.
const vpcCharacters = " a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*"

// inVPCText reports whether a text of a VPC may have a character (EC2 API
// reference, CreateSecurityGroup).
func inVPCText(c rune) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.ContainsRune(". _-:/()#,@[]+=&;{}!$*", c)
}

// checkRuleDescription is the same on both platforms: rules had no descriptions
// when EC2-Classic was new.
func checkRuleDescription(s string) error {
	valid := len(s) <= maxGroupText
	for _, c := range s {
		valid = valid && inVPCText(c)
	}
	if !valid {
		return vpc.Errorf(vpc.InvalidParameterValue,
			"Invalid rule description. Valid descriptions are strings less than 256 characters from the following set: %s", vpcCharacters)
	}
	return nil
}

func errReserved(name string) error {
	return vpc.Errorf(vpc.InvalidGroupReserved, "The security group '%s' is reserved", name)
}
