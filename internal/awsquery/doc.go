// Package awsquery is both ends of the wire of AWS's Query APIs: the forms,
// the XML and the signatures of EC2 and of the services that speak the query
// dialect (Elastic Load Balancing, STS, IAM).
//
// It knows no action. A caller describes the input and the output of an action
// as a struct whose fields have an aws tag, and the same two structs serve the
// server and the client:
//
//	server  ParseCall → Received.Verify → Decode → … → EncodeResponse or EncodeError
//	client  Encode → Sign → … → DecodeResponse or DecodeError
//
// # Tags
//
//	GroupName string        `aws:"GroupName,required"`
//	Filters   []filter      `aws:"Filter"`
//	VpcID     *string       `aws:"vpcId,since=2011-02-28"`
//
// The first word is the name of the parameter or of the XML element; a field
// without a tag is not on the wire, an embedded struct without one is part of
// the struct around it. The options are:
//
//	required    input: absent or empty is MissingParameter
//	bare        input: a list whose name without an index means index 1
//	omitempty   output: the zero value is left out, not written as <x/>
//	since=DATE  not in API versions before DATE: unknown in input, left out of output
//	until=DATE  not in API versions after DATE
//
// A field is a string, bool, integer, time.Time, []byte (base64 on the wire), a
// struct of fields, a slice of any of these, or a pointer to any of these, which
// is nil when the parameter or element is absent.
//
// Nothing here reads a clock, and nothing is kept between calls. Only the standard
// library and package vpc are imported.
package awsquery
