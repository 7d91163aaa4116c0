package respond

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"net/http"
	"strings"

	template "github.com/DataDog/datadog-agent/pkg/template/html"

	"github.com/d2gate/d2gate/internal/dhis2"
	"github.com/d2gate/d2gate/internal/fault"
)

//go:embed help.html
var helpHTML string

var helpPage = template.Must(template.New("help").Parse(helpHTML))

// helpText is what the help page of a reason says, and its JSON form.
type helpText struct {
	Reason  string `json:"reason"`
	Status  int    `json:"httpStatusCode"`
	Message string `json:"message"`
	Means   string `json:"means"`
	ToDo    string `json:"whatToDo"`
}

// stylePolicy allows the page's own style and nothing else: no script, no frame,
// nothing fetched.
var stylePolicy = "default-src 'none'; style-src '" + styleHash(helpHTML) +
	"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// styleHash is the source expression of the page's one style element (CSP 3, 8.3).
func styleHash(page string) string {
	_, rest, _ := strings.Cut(page, "<style>")
	style, _, _ := strings.Cut(rest, "</style>")
	sum := sha256.Sum256([]byte(style))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// Help writes the page of a reason, as JSON when Accept prefers it: what the
// refusal means and what to do. An unknown reason is a 404 that lists none of
// what was asked.
func Help(w http.ResponseWriter, r *http.Request, reason string) {
	known := fault.Reason(reason)
	if !known.Known() {
		Message(w, r, dhis2.NotFound("There is no such reason."))
		return
	}
	means, todo := known.Help()
	text := helpText{reason, known.Status(false), known.Message(), means, todo}
	if WantsJSON(r) {
		if err := JSON(w, r, http.StatusOK, text); err != nil {
			Message(w, r, dhis2.Error(http.StatusInternalServerError, "Internal Server Error", ""))
		}
		return
	}
	var page bytes.Buffer
	if err := helpPage.Execute(&page, text); err != nil {
		Message(w, r, dhis2.Error(http.StatusInternalServerError, "Internal Server Error", ""))
		return
	}
	h := w.Header()
	h.Set("Content-Security-Policy", stylePolicy)
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Language", "en")
	write(w, r, http.StatusOK, typeHTML, page.Bytes())
}
