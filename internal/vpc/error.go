package vpc

import (
	"errors"
	"fmt"
)

// A Code is an error code that AWS clients match on. The set is closed: a new
// one is added here, with the page of the EC2 API reference it is from.
type Code string

// The codes of the EC2 API reference, "Error codes for the Amazon EC2 API".
const (
	AuthFailure                             Code = "AuthFailure"
	CannotDelete                            Code = "CannotDelete"
	DependencyViolation                     Code = "DependencyViolation"
	DryRunOperation                         Code = "DryRunOperation"
	FilterLimitExceeded                     Code = "FilterLimitExceeded"
	IdempotentParameterMismatch             Code = "IdempotentParameterMismatch"
	IncorrectInstanceState                  Code = "IncorrectInstanceState"
	InstanceLimitExceeded                   Code = "InstanceLimitExceeded"
	InsufficientAddressCapacity             Code = "InsufficientAddressCapacity"
	InternalError                           Code = "InternalError"
	InvalidAction                           Code = "InvalidAction"
	InvalidAMIIDMalformed                   Code = "InvalidAMIID.Malformed"
	InvalidAMIIDNotFound                    Code = "InvalidAMIID.NotFound"
	InvalidBlockDeviceMapping               Code = "InvalidBlockDeviceMapping"
	InvalidClientTokenID                    Code = "InvalidClientTokenId"
	InvalidGroupDuplicate                   Code = "InvalidGroup.Duplicate"
	InvalidGroupIDMalformed                 Code = "InvalidGroupId.Malformed"
	InvalidGroupInUse                       Code = "InvalidGroup.InUse"
	InvalidGroupNotFound                    Code = "InvalidGroup.NotFound"
	InvalidGroupReserved                    Code = "InvalidGroup.Reserved"
	InvalidInstanceIDMalformed              Code = "InvalidInstanceID.Malformed"
	InvalidInstanceIDNotFound               Code = "InvalidInstanceID.NotFound"
	InvalidKeyPairNotFound                  Code = "InvalidKeyPair.NotFound"
	InvalidNextToken                        Code = "InvalidNextToken"
	InvalidParameter                        Code = "InvalidParameter"
	InvalidParameterCombination             Code = "InvalidParameterCombination"
	InvalidParameterValue                   Code = "InvalidParameterValue"
	InvalidPermissionDuplicate              Code = "InvalidPermission.Duplicate"
	InvalidPermissionMalformed              Code = "InvalidPermission.Malformed"
	InvalidPermissionNotFound               Code = "InvalidPermission.NotFound"
	InvalidSecurityGroupRuleIDNotFound      Code = "InvalidSecurityGroupRuleId.NotFound"
	InvalidSubnetIDNotFound                 Code = "InvalidSubnetID.NotFound"
	InvalidUserDataMalformed                Code = "InvalidUserData.Malformed"
	InvalidVPCIDNotFound                    Code = "InvalidVpcID.NotFound"
	InvalidZoneNotFound                     Code = "InvalidZone.NotFound"
	MalformedQueryString                    Code = "MalformedQueryString"
	MissingAction                           Code = "MissingAction"
	MissingAuthenticationToken              Code = "MissingAuthenticationToken"
	MissingParameter                        Code = "MissingParameter"
	NoSuchVersion                           Code = "NoSuchVersion"
	RequestExpired                          Code = "RequestExpired"
	RequestLimitExceeded                    Code = "RequestLimitExceeded"
	RulesPerSecurityGroupLimitExceeded      Code = "RulesPerSecurityGroupLimitExceeded"
	SecurityGroupLimitExceeded              Code = "SecurityGroupLimitExceeded"
	SecurityGroupsPerInstanceLimitExceeded  Code = "SecurityGroupsPerInstanceLimitExceeded"
	SecurityGroupsPerInterfaceLimitExceeded Code = "SecurityGroupsPerInterfaceLimitExceeded"
	SignatureDoesNotMatch                   Code = "SignatureDoesNotMatch"
	UnauthorizedOperation                   Code = "UnauthorizedOperation"
	Unavailable                             Code = "Unavailable"
	UnknownParameter                        Code = "UnknownParameter"
	UnsupportedOperation                    Code = "UnsupportedOperation"
	VPCIDNotSpecified                       Code = "VPCIdNotSpecified"
)

// An Error is the caller's fault and is shown to the caller word for word.
// Every other error is ours: it is logged once, and the caller sees
// InternalError.
type Error struct {
	Code    Code
	Message string
}

// Errorf returns an Error with a formatted message.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

func (e *Error) Error() string { return string(e.Code) + ": " + e.Message }

// CodeOf returns err's code, InternalError for an error that has none.
func CodeOf(err error) Code {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return InternalError
}
