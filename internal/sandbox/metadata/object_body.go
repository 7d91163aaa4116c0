package metadata

import (
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

// maxBody is the largest body of one object, in bytes.
const maxBody = 64 << 20

// body reads a body that is not streamed.
func (c *request) body() ([]byte, error) {
	b, err := io.ReadAll(http.MaxBytesReader(c.w, c.r.Body, maxBody))
	if err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return nil, err
		}
		return nil, problem.BadRequest("I/O error while reading input message")
	}
	return b, nil
}

// checkJSON checks a body as Jackson would; an empty one is Jackson's complaint.
func checkJSON(b []byte) error {
	sc := newScanner(strings.NewReader(string(b)))
	if _, ok, err := sc.skipSpace(); err != nil {
		return err
	} else if !ok {
		return &jsonError{msg: "No content to map due to end-of-input", line: 1}
	}
	return sc.value(0)
}

// jsonObject reads a body that must be an object; class is its Java class.
func (c *request) jsonObject(class string) (document, []byte, error) {
	if err := c.mediaType("application/json"); err != nil {
		return nil, nil, err
	}
	b, err := c.body()
	if err != nil {
		return nil, nil, err
	}
	if err := checkJSON(b); err != nil {
		return nil, nil, err
	}
	v, err := parseAny(b)
	if err != nil {
		return nil, nil, problem.Plain409("%s", err.Error())
	}
	m, ok := v.(map[string]any)
	if !ok {
		what, token := tokenOf(v)
		text := "Cannot deserialize value of type `" + class + "` from " + what + " (token `JsonToken." + token + "`)"
		if s, isText := v.(string); isText {
			text = "Cannot construct instance of `" + class + "` (although at least one Creator exists): no String-argument constructor/factory method to deserialize from String value ('" + s + "')"
		}
		return nil, nil, &jsonError{text, 1, 1}
	}
	return m, b, nil
}
