package proxy

import (
	"net/http"
	"time"
)

// hurried is a body that must have come within ownBodyTime. Once it has come the
// deadline is lifted: net/http would take it, while a long answer is made, for a
// caller who has gone.
type hurried struct {
	*upload
	conn *http.ResponseController
}

func hurry(w http.ResponseWriter, body *upload) *hurried {
	h := &hurried{body, http.NewResponseController(w)}
	_ = h.conn.SetReadDeadline(time.Now().Add(ownBodyTime)) // not all writers have a connection
	return h
}

// Read is that of upload: a deadline that passed is request_malformed.
func (h *hurried) Read(b []byte) (int, error) {
	n, err := h.upload.Read(b)
	if err != nil && h.ended.Load() {
		_ = h.conn.SetReadDeadline(time.Time{})
	}
	return n, err
}
