package awsquery

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"ringfence/internal/vpc"
)

// Status returns the HTTP status that goes with an error code: 400 for all but
// a few (EC2 API reference, "Error codes for the Amazon EC2 API"; ELB and IAM API
// references, "Common errors" and the errors of each action).
func Status(code vpc.Code) int {
	switch code {
	case vpc.AuthFailure:
		return http.StatusUnauthorized
	case vpc.InvalidClientTokenID, vpc.MissingAuthenticationToken, vpc.SignatureDoesNotMatch, vpc.UnauthorizedOperation:
		return http.StatusForbidden
	case vpc.NoSuchEntity:
		return http.StatusNotFound
	case vpc.DeleteConflict, vpc.EntityAlreadyExists, vpc.InvalidConfigurationRequest, vpc.LimitExceeded:
		return http.StatusConflict
	case vpc.DryRunOperation:
		return http.StatusPreconditionFailed
	case vpc.InternalError:
		return http.StatusInternalServerError
	case vpc.InsufficientAddressCapacity, vpc.RequestLimitExceeded, vpc.Unavailable:
		return http.StatusServiceUnavailable
	default:
		return http.StatusBadRequest
	}
}

// EncodeError returns the answer to a call that has failed, as XML.
func EncodeError(s Service, version, requestID string, e *vpc.Error) []byte {
	w := newResponseWriter(s, version)
	if s == EC2 {
		w.WriteString("<Response><Errors><Error>")
		w.element("Code", string(e.Code))
		w.element("Message", e.Message)
		w.WriteString("</Error></Errors>")
		w.element("RequestID", requestID)
		w.WriteString("</Response>\n")
		return w.Bytes()
	}
	fault := "Sender"
	if Status(e.Code) >= http.StatusInternalServerError {
		fault = "Receiver"
	}
	w.WriteString(`<ErrorResponse xmlns="`)
	w.text(s.namespace(version))
	w.WriteString(`"><Error>`)
	w.element("Type", fault)
	w.element("Code", string(e.Code))
	w.element("Message", e.Message)
	w.WriteString("</Error>")
	w.element("RequestId", requestID)
	w.WriteString("</ErrorResponse>\n")
	return w.Bytes()
}

// A ResponseError is an error that a service has answered.
type ResponseError struct {
	Status    int // of HTTP
	RequestID string
	Err       *vpc.Error
}

// Error returns the code and message behind Client or Server, as the EC2
// command line tools print them.
func (e *ResponseError) Error() string {
	if e.Status >= http.StatusInternalServerError {
		return "Server." + e.Err.Error()
	}
	return "Client." + e.Err.Error()
}

func (e *ResponseError) Unwrap() error { return e.Err }

// DecodeError reads an answer whose status is not 200, of any service. It
// returns a *ResponseError when the answer is an error of AWS's form, otherwise
// an error that says what came instead.
func DecodeError(status int, body []byte) error {
	root, err := parseXML(body)
	if err != nil {
		return fmt.Errorf("the endpoint answered HTTP status %d and no AWS error: %w", status, err)
	}
	e := &ResponseError{Status: status, Err: &vpc.Error{}}
	list := root
	switch root.Name {
	case "Response":
		e.RequestID = root.Find("RequestID").Trimmed()
		list = root.Find("Errors")
	case "ErrorResponse":
		e.RequestID = root.Find("RequestId").Trimmed()
	default:
		return fmt.Errorf("the endpoint answered HTTP status %d and a document <%s>, no AWS error", status, root.Name)
	}
	first := list.Find("Error")
	e.Err.Code = vpc.Code(first.Find("Code").Trimmed())
	e.Err.Message = first.Find("Message").Trimmed()
	if e.Err.Code == "" {
		return errors.New("the endpoint answered an AWS error without a code")
	}
	return e
}

// Trimmed returns an element's text without the white space around it, "" for
// an element that is not there.
func (e *Element) Trimmed() string {
	if e == nil {
		return ""
	}
	return strings.TrimSpace(e.Text)
}
