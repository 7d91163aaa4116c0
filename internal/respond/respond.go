// Package respond writes d2gate's own answers: refusals, DHIS2 messages and the
// help page of a reason. It decides nothing: status and words come from fault,
// the envelope from dhis2. Read refuse.go first.
package respond

import (
	"net/http"
	"strconv"

	"github.com/d2gate/d2gate/internal/dhis2"
)

// Media types of the answers.
const (
	typeJSON = "application/json;charset=UTF-8"
	typeXML  = "application/xml;charset=UTF-8"
	typeHTML = "text/html;charset=UTF-8"
)

// Message writes a WebMessage as JSON, or as XML where the request asks for it
// (see WantsXML). Answers of 400 and above are not to be cached, as in DHIS2.
func Message(w http.ResponseWriter, r *http.Request, m dhis2.WebMessage) {
	render, mediaType := m.JSON, typeJSON
	if WantsXML(r) {
		render, mediaType = m.XML, typeXML
	}
	body, err := render()
	if err != nil { // a response that cannot be printed is a defect of ours
		m = dhis2.Error(http.StatusInternalServerError, "Internal Server Error", "")
		body, mediaType = []byte(`{"httpStatus":"Internal Server Error","httpStatusCode":500,"status":"ERROR"}`), typeJSON
	}
	write(w, r, m.HTTPStatusCode, mediaType, body)
}

// JSON writes v with the status, without HTML escapes. It returns an error, and
// writes nothing, if v cannot be printed.
func JSON(w http.ResponseWriter, r *http.Request, status int, v any) error {
	body, err := dhis2.EncodeJSON(v)
	if err != nil {
		return err
	}
	write(w, r, status, typeJSON, body)
	return nil
}

// write sends a whole body; HEAD gets its header only.
func write(w http.ResponseWriter, r *http.Request, status int, mediaType string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", mediaType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("X-Content-Type-Options", "nosniff")
	if status >= http.StatusBadRequest && h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "no-cache, private")
	}
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // the client is gone; there is nobody to tell
	}
}
