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
	AddressLimitExceeded                         Code = "AddressLimitExceeded"
	AttachmentLimitExceeded                      Code = "AttachmentLimitExceeded"
	AuthFailure                                  Code = "AuthFailure"
	CannotDelete                                 Code = "CannotDelete"
	CIDRLimitExceeded                            Code = "CidrLimitExceeded"
	CIDRConflict                                 Code = "CidrConflict"
	DefaultSubnetAlreadyExistsInAvailabilityZone Code = "DefaultSubnetAlreadyExistsInAvailabilityZone"
	DefaultVPCAlreadyExists                      Code = "DefaultVpcAlreadyExists"
	DefaultVPCDoesNotExist                       Code = "DefaultVpcDoesNotExist"
	DependencyViolation                          Code = "DependencyViolation"
	DryRunOperation                              Code = "DryRunOperation"
	FilterLimitExceeded                          Code = "FilterLimitExceeded"
	GatewayNotAttached                           Code = "Gateway.NotAttached"
	IdempotentParameterMismatch                  Code = "IdempotentParameterMismatch"
	IncorrectInstanceState                       Code = "IncorrectInstanceState"
	InstanceCreditSpecificationNotSupported      Code = "InstanceCreditSpecification.NotSupported"
	InstanceLimitExceeded                        Code = "InstanceLimitExceeded"
	InsufficientAddressCapacity                  Code = "InsufficientAddressCapacity"
	InsufficientCIDRBlocks                       Code = "InsufficientCidrBlocks"
	InsufficientFreeAddressesInSubnet            Code = "InsufficientFreeAddressesInSubnet"
	InternalError                                Code = "InternalError"
	InternetGatewayLimitExceeded                 Code = "InternetGatewayLimitExceeded"
	InvalidAction                                Code = "InvalidAction"
	InvalidAddressNotFound                       Code = "InvalidAddress.NotFound"
	InvalidAllocationIDNotFound                  Code = "InvalidAllocationID.NotFound"
	IncompleteSignature                          Code = "IncompleteSignature" // ELB API reference, "Common errors"
	InvalidAMIIDMalformed                        Code = "InvalidAMIID.Malformed"
	InvalidAssociationIDNotFound                 Code = "InvalidAssociationID.NotFound"
	InvalidAttachmentIDNotFound                  Code = "InvalidAttachmentID.NotFound"
	InvalidBlockDeviceMapping                    Code = "InvalidBlockDeviceMapping"
	InvalidCIDRBlockInUse                        Code = "InvalidCidrBlock.InUse"
	InvalidClientTokenID                         Code = "InvalidClientTokenId"
	InvalidDHCPOptionIDNotFound                  Code = "InvalidDhcpOptionID.NotFound"
	InvalidGatewayIDNotFound                     Code = "InvalidGatewayID.NotFound"
	InvalidGroupDuplicate                        Code = "InvalidGroup.Duplicate"
	InvalidGroupIDMalformed                      Code = "InvalidGroupId.Malformed"
	InvalidGroupInUse                            Code = "InvalidGroup.InUse"
	InvalidGroupNotFound                         Code = "InvalidGroup.NotFound"
	InvalidGroupReserved                         Code = "InvalidGroup.Reserved"
	InvalidID                                    Code = "InvalidID"
	InvalidInstanceAttributeValue                Code = "InvalidInstanceAttributeValue"
	InvalidInstanceID                            Code = "InvalidInstanceID"
	InvalidInstanceIDMalformed                   Code = "InvalidInstanceID.Malformed"
	InvalidInstanceIDNotFound                    Code = "InvalidInstanceID.NotFound"
	InvalidInstanceType                          Code = "InvalidInstanceType"
	InvalidInternetGatewayIDMalformed            Code = "InvalidInternetGatewayId.Malformed"
	InvalidInternetGatewayIDNotFound             Code = "InvalidInternetGatewayID.NotFound"
	InvalidIPAddressInUse                        Code = "InvalidIPAddress.InUse"
	InvalidKeyFormat                             Code = "InvalidKey.Format"
	InvalidKeyPairDuplicate                      Code = "InvalidKeyPair.Duplicate"
	InvalidKeyPairNotFound                       Code = "InvalidKeyPair.NotFound"
	InvalidNetworkACLEntryNotFound               Code = "InvalidNetworkAclEntry.NotFound"
	InvalidNetworkACLIDMalformed                 Code = "InvalidNetworkAclId.Malformed"
	InvalidNetworkACLIDNotFound                  Code = "InvalidNetworkAclID.NotFound"
	InvalidNetworkInterfaceIDMalformed           Code = "InvalidNetworkInterfaceId.Malformed"
	InvalidNetworkInterfaceIDNotFound            Code = "InvalidNetworkInterfaceID.NotFound"
	InvalidNetworkInterfaceInUse                 Code = "InvalidNetworkInterface.InUse"
	InvalidNextToken                             Code = "InvalidNextToken"
	InvalidParameter                             Code = "InvalidParameter"
	InvalidParameterCombination                  Code = "InvalidParameterCombination"
	InvalidParameterValue                        Code = "InvalidParameterValue"
	InvalidPermissionDuplicate                   Code = "InvalidPermission.Duplicate"
	InvalidPermissionMalformed                   Code = "InvalidPermission.Malformed"
	InvalidPermissionNotFound                    Code = "InvalidPermission.NotFound"
	InvalidPrefixListIDMalformed                 Code = "InvalidPrefixListID.Malformed"
	InvalidPrefixListIDNotFound                  Code = "InvalidPrefixListID.NotFound"
	InvalidRouteNotFound                         Code = "InvalidRoute.NotFound"
	InvalidRouteTableIDMalformed                 Code = "InvalidRouteTableId.Malformed"
	InvalidRouteTableIDNotFound                  Code = "InvalidRouteTableID.NotFound"
	InvalidSecurityGroupRuleIDMalformed          Code = "InvalidSecurityGroupRuleId.Malformed"
	InvalidSecurityGroupRuleIDNotFound           Code = "InvalidSecurityGroupRuleId.NotFound"
	InvalidSubnetCIDRBlockAssociationIDNotFound  Code = "InvalidSubnetCidrBlockAssociationID.NotFound"
	InvalidSubnetConflict                        Code = "InvalidSubnet.Conflict"
	InvalidSubnetIDMalformed                     Code = "InvalidSubnetID.Malformed"
	InvalidSubnetIDNotFound                      Code = "InvalidSubnetID.NotFound"
	InvalidSubnetRange                           Code = "InvalidSubnet.Range"
	InvalidUserDataMalformed                     Code = "InvalidUserData.Malformed"
	InvalidVolumeNotFound                        Code = "InvalidVolume.NotFound"
	InvalidVPCCIDRBlockAssociationIDNotFound     Code = "InvalidVpcCidrBlockAssociationID.NotFound"
	InvalidVPCIDMalformed                        Code = "InvalidVpcID.Malformed"
	InvalidVPCIDNotFound                         Code = "InvalidVpcID.NotFound"
	InvalidVPCRange                              Code = "InvalidVpc.Range"
	MalformedQueryString                         Code = "MalformedQueryString"
	MissingAction                                Code = "MissingAction"
	MissingAuthenticationToken                   Code = "MissingAuthenticationToken"
	MissingInput                                 Code = "MissingInput"
	MissingParameter                             Code = "MissingParameter"
	NetworkACLEntryAlreadyExists                 Code = "NetworkAclEntryAlreadyExists"
	NetworkACLEntryLimitExceeded                 Code = "NetworkAclEntryLimitExceeded"
	NetworkACLLimitExceeded                      Code = "NetworkAclLimitExceeded"
	NetworkInterfaceLimitExceeded                Code = "NetworkInterfaceLimitExceeded"
	NoSuchVersion                                Code = "NoSuchVersion"
	OperationNotPermitted                        Code = "OperationNotPermitted"
	PrivateIPAddressLimitExceeded                Code = "PrivateIpAddressLimitExceeded"
	RequestExpired                               Code = "RequestExpired"
	RequestLimitExceeded                         Code = "RequestLimitExceeded"
	ResourceAlreadyAssociated                    Code = "Resource.AlreadyAssociated"
	ResourceLimitExceeded                        Code = "ResourceLimitExceeded"
	RouteAlreadyExists                           Code = "RouteAlreadyExists"
	RouteLimitExceeded                           Code = "RouteLimitExceeded"
	RouteTableLimitExceeded                      Code = "RouteTableLimitExceeded"
	RulesPerSecurityGroupLimitExceeded           Code = "RulesPerSecurityGroupLimitExceeded"
	SecurityGroupLimitExceeded                   Code = "SecurityGroupLimitExceeded"
	SecurityGroupsPerInstanceLimitExceeded       Code = "SecurityGroupsPerInstanceLimitExceeded"
	SecurityGroupsPerInterfaceLimitExceeded      Code = "SecurityGroupsPerInterfaceLimitExceeded"
	SignatureDoesNotMatch                        Code = "SignatureDoesNotMatch"
	SubnetLimitExceeded                          Code = "SubnetLimitExceeded"
	TagLimitExceeded                             Code = "TagLimitExceeded"
	UnauthorizedOperation                        Code = "UnauthorizedOperation"
	Unavailable                                  Code = "Unavailable"
	UnknownParameter                             Code = "UnknownParameter"
	UnsupportedOperation                         Code = "UnsupportedOperation"
	VPCIDNotSpecified                            Code = "VPCIdNotSpecified"
	VPCLimitExceeded                             Code = "VpcLimitExceeded"
)

// The codes of the ELB API reference 2012-06-01 that EC2 does not have.
const (
	CertificateNotFound           Code = "CertificateNotFound"
	DuplicateListener             Code = "DuplicateListener"
	DuplicateLoadBalancerName     Code = "DuplicateLoadBalancerName"
	DuplicatePolicyName           Code = "DuplicatePolicyName"
	DuplicateTagKeys              Code = "DuplicateTagKeys"
	InvalidConfigurationRequest   Code = "InvalidConfigurationRequest"
	InvalidInstance               Code = "InvalidInstance"
	InvalidScheme                 Code = "InvalidScheme"
	InvalidSecurityGroup          Code = "InvalidSecurityGroup"
	InvalidSubnet                 Code = "InvalidSubnet"
	ListenerNotFound              Code = "ListenerNotFound"
	LoadBalancerAttributeNotFound Code = "LoadBalancerAttributeNotFound"
	LoadBalancerNotFound          Code = "LoadBalancerNotFound"
	PolicyNotFound                Code = "PolicyNotFound"
	PolicyTypeNotFound            Code = "PolicyTypeNotFound"
	SubnetNotFound                Code = "SubnetNotFound"
	TooManyLoadBalancers          Code = "TooManyLoadBalancers"
	TooManyPolicies               Code = "TooManyPolicies"
	TooManyTags                   Code = "TooManyTags"
	UnsupportedProtocol           Code = "UnsupportedProtocol"
	ValidationError               Code = "ValidationError"
)

// The codes of the IAM API reference that the others do not have.
const (
	DeleteConflict       Code = "DeleteConflict"
	EntityAlreadyExists  Code = "EntityAlreadyExists"
	InvalidInput         Code = "InvalidInput"
	KeyPairMismatch      Code = "KeyPairMismatch"
	LimitExceeded        Code = "LimitExceeded"
	MalformedCertificate Code = "MalformedCertificate"
	NoSuchEntity         Code = "NoSuchEntity"
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
