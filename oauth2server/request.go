package oauth2server

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
)

// maxForm is the largest form that is read, in bytes.
const maxForm = 1 << 20

// maxParams is how many parameters a form may have.
const maxParams = 100

// readForm reads an application/x-www-form-urlencoded body. No parameter may be
// there twice (RFC 6749 3.2), none in the query: a URL ends up in logs
// (RFC 9700 4.3.2; DHIS2 2.41 took them there).
func readForm(r *http.Request) (url.Values, error) {
	if r.URL.RawQuery != "" {
		return nil, invalidRequest("Parameters belong in the body")
	}
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/x-www-form-urlencoded" {
		return nil, invalidRequest("Missing grant type") // as DHIS2 says to a JSON body
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxForm+1))
	if err != nil {
		return nil, invalidRequest("The body could not be read")
	}
	if len(body) > maxForm {
		return nil, invalidRequest("The body is too large")
	}
	form, err := parseParams(string(body))
	if err != nil {
		return nil, invalidRequest(err.Error())
	}
	return form, nil
}

//lint:ignore ST1005 shown to people
var errTwice = errors.New("A parameter was sent more than once")

// parseParams reads a query or form strictly: no duplicates, no broken escapes.
func parseParams(s string) (url.Values, error) {
	if strings.Count(s, "&") >= maxParams {
		//lint:ignore ST1005 shown to people
		return nil, errors.New("Too many parameters")
	}
	form, err := url.ParseQuery(s)
	if err != nil {
		//lint:ignore ST1005 shown to people
		return nil, errors.New("The parameters could not be decoded")
	}
	for _, v := range form {
		if len(v) > 1 {
			return nil, errTwice
		}
		if strings.ContainsRune(v[0], 0) {
			//lint:ignore ST1005 shown to people
			return nil, errors.New("A parameter holds a NUL character")
		}
	}
	return form, nil
}
