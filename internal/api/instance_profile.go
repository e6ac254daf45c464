package api

import (
	"regexp"

	"ringfence/internal/vpc"
)

// profileInput names an IAM instance profile. There is no IAM here: an instance
// shows the profile, and its metadata has no credentials.
type profileInput struct {
	ARN  string `aws:"Arn"`
	Name string `aws:"Name"`
}

// What names an instance profile (IAM API reference, CreateInstanceProfile; IAM
// User Guide, "IAM identifiers").
var (
	profileName = regexp.MustCompile(`^[\w+=,.@-]{1,128}$`)
	profileARN  = regexp.MustCompile(`^arn:aws[a-z-]*:iam::\d{12}:instance-profile(/[\x21-\x7e]+)*/[\w+=,.@-]{1,128}$`)
)

// arn is the ARN of the profile that a call of an account names, "" for none.
func (in *profileInput) arn(account vpc.AccountID) (string, error) {
	switch {
	case in.ARN != "" && in.Name != "":
		return "", vpc.Errorf(vpc.InvalidParameterCombination, "The parameter 'iamInstanceProfile.name' may not be used in combination with 'iamInstanceProfile.arn'")
	case in.ARN != "" && !profileARN.MatchString(in.ARN):
		return "", vpc.Errorf(vpc.InvalidParameterValue, "Value (%s) for parameter iamInstanceProfile.arn is invalid. Invalid IAM Instance Profile ARN", in.ARN)
	case in.ARN != "" || in.Name == "":
		return in.ARN, nil
	case !profileName.MatchString(in.Name):
		return "", vpc.Errorf(vpc.InvalidParameterValue, "Value (%s) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name", in.Name)
	}
	return "arn:aws:iam::" + string(account) + ":instance-profile/" + in.Name, nil
}
