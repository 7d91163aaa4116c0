package pat

import (
	"mime"
	"net/http"
	"strings"

	"github.com/d2gate/d2gate/internal/dhis2"
)

// acceptsJSON reports whether the caller takes JSON: by the suffix of the path that
// was sent, else by Accept (DHIS2 2.44 CustomPathExtensionContentNegotiationStrategy).
func acceptsJSON(r *http.Request) bool {
	if s := sentSuffix(r); s != "" {
		return s == ".json"
	}
	lines := r.Header.Values("Accept")
	if len(lines) == 0 {
		return true
	}
	for part := range strings.SplitSeq(strings.Join(lines, ","), ",") {
		t, params, err := mime.ParseMediaType(part)
		if err != nil || strings.Trim(params["q"], "0.") == "" && params["q"] != "" {
			continue
		}
		if t == "*/*" || t == "application/*" || t == "application/json" || strings.HasSuffix(t, "+json") {
			return true
		}
	}
	return strings.TrimSpace(strings.Join(lines, "")) == ""
}

// sentSuffix is the format suffix of the target as it was sent, which the canonical
// path no longer has.
func sentSuffix(r *http.Request) string {
	path, _, _ := strings.Cut(r.RequestURI, "?")
	return dhis2.ParsePath(strings.Split(strings.TrimPrefix(path, "/"), "/")).Suffix
}

// notAcceptable answers who takes no JSON; DHIS2 sends its container's page.
func notAcceptable(w http.ResponseWriter) error {
	h := w.Header()
	h.Set("Content-Type", "text/html;charset=utf-8")
	h.Set("Cache-Control", "no-cache, private")
	w.WriteHeader(http.StatusNotAcceptable)
	_, _ = w.Write([]byte("<!doctype html><html lang=\"en\"><title>406 Not Acceptable</title><h1>406 Not Acceptable</h1><p>Tokens are given as application/json only.</p></html>"))
	return nil
}
