package dhis2

import (
	"bytes"
	"encoding/json"
	"net/http"
)

// WebMessage is DHIS2's envelope of an answer (DHIS2 2.44 WebMessage.java). The
// members are in DHIS2's order; empty ones are left out.
type WebMessage struct {
	HTTPStatus     string   `json:"httpStatus"` // reason phrase
	HTTPStatusCode int      `json:"httpStatusCode"`
	Status         string   `json:"status"` // OK, WARNING or ERROR
	Code           int      `json:"code,omitempty"`
	Message        string   `json:"message,omitempty"`
	Description    string   `json:"description,omitempty"` // of a validated expression only
	DevMessage     string   `json:"devMessage,omitempty"`
	Response       any      `json:"response,omitempty"`
	ErrorCode      string   `json:"errorCode,omitempty"`
	Gateway        *Gateway `json:"gateway,omitempty"`
}

// Gateway is the one member that d2gate adds, to refusals only.
type Gateway struct {
	Reason    string `json:"reason" xml:"reason"`
	RequestID string `json:"requestId" xml:"requestId"`
	Help      string `json:"help" xml:"help"`
}

// The values of WebMessage.Status and of an import report's status.
const (
	StatusOK      = "OK"
	StatusWarning = "WARNING"
	StatusError   = "ERROR"
)

// NewMessage makes a message with the reason phrase that belongs to status.
func NewMessage(httpStatus int, status, message string) WebMessage {
	return WebMessage{
		HTTPStatus: reasonPhrase(httpStatus), HTTPStatusCode: httpStatus,
		Status: status, Message: message,
	}
}

// OK is a 200 with a message ("" for none).
func OK(message string) WebMessage { return NewMessage(http.StatusOK, StatusOK, message) }

// Created is a 201 with a message ("" for none).
func Created(message string) WebMessage { return NewMessage(http.StatusCreated, StatusOK, message) }

// Error is a refusal or failure. Code is an errorCode such as E1005, "" for none.
func Error(httpStatus int, message, code string) WebMessage {
	m := NewMessage(httpStatus, StatusError, message)
	m.ErrorCode = code
	return m
}

// NotFound is a 404 E1005.
func NotFound(message string) WebMessage { return Error(http.StatusNotFound, message, "E1005") }

// Conflict is a 409 E1004.
func Conflict(message string) WebMessage { return Error(http.StatusConflict, message, "E1004") }

// Forbidden is a 403 E1006.
func Forbidden(message string) WebMessage { return Error(http.StatusForbidden, message, "E1006") }

// NoSuchObject is the 404 of an object that is missing or may not be seen. Name
// is the simple class name ("ApiToken").
func NoSuchObject(name, uid string) WebMessage {
	return NotFound(name + " with id " + uid + " could not be found.")
}

// WithResponse returns a copy that carries a response.
func (m WebMessage) WithResponse(r any) WebMessage {
	m.Response = r
	return m
}

// JSON is the body as DHIS2 prints it: no blanks, no HTML escapes.
func (m WebMessage) JSON() ([]byte, error) { return EncodeJSON(m) }

// EncodeJSON prints v without HTML escapes and without a line break at the end,
// as Jackson does.
func EncodeJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// reasonPhrase is the phrase of Spring's HttpStatus, which differs from Go's
// table in two places.
func reasonPhrase(status int) string {
	switch status {
	case http.StatusTeapot:
		return "I'm a teapot"
	case http.StatusRequestEntityTooLarge:
		return "Payload Too Large"
	}
	return http.StatusText(status)
}
