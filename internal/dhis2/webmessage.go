package dhis2

// WebMessage is DHIS2's envelope of an answer (DHIS2 2.44 WebMessage.java). The
// members are in DHIS2's order; empty ones are left out.
type WebMessage struct {
	HTTPStatus     string   `json:"httpStatus"` // reason phrase
	HTTPStatusCode int      `json:"httpStatusCode"`
	Status         string   `json:"status"` // OK, WARNING or ERROR
	Code           int      `json:"code,omitempty"`
	Message        string   `json:"message,omitempty"`
	DevMessage     string   `json:"devMessage,omitempty"`
	Response       any      `json:"response,omitempty"`
	ErrorCode      string   `json:"errorCode,omitempty"`
	Gateway        *Gateway `json:"gateway,omitempty"`
}

// Gateway is the one member that d2gate adds, to refusals only.
type Gateway struct {
	Reason    string `json:"reason"`
	RequestID string `json:"requestId"`
	Help      string `json:"help"`
}
