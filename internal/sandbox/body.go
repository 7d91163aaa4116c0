package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

// How much of a body is read, in bytes. DHIS2 has no limit of its own.
const (
	smallBody = 1 << 20
	valueBody = 64 << 20 // a value of the dataStore, an app
)

// javaStringMap is what Spring reads an object of texts into.
const javaStringMap = "java.util.LinkedHashMap<java.lang.String,java.lang.String>"

// body reads the whole body, at most limit bytes.
func (c *call) body(limit int64) (string, error) {
	b, err := io.ReadAll(http.MaxBytesReader(c.w, c.r.Body, limit))
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return "", problem.New(http.StatusRequestEntityTooLarge, "", "Maximum size of a body exceeded: %d", tooLarge.Limit)
	}
	if err != nil {
		return "", &problem.Page{Status: http.StatusBadRequest} // it ended early, or its chunks are no chunks
	}
	return string(b), nil
}

// members are the members of a JSON object that was sent.
type members map[string]json.RawMessage

// text is a member as Jackson coerces it to a string: numbers and booleans too; ""
// for null and for what is not there.
func (m members) text(key string) string {
	raw := m[key]
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	if t := string(raw); t != "null" && t != "" && t[0] != '{' && t[0] != '[' {
		return t
	}
	return ""
}

// object reads a JSON object into what Java calls class. signature is of the
// method whose body is missing. Errors: 400 in Spring's and Jackson's words.
func (c *call) object(class, signature string) (members, error) {
	body, err := c.body(smallBody)
	if err != nil {
		return nil, err
	}
	trimmed := strings.TrimSpace(body)
	if trimmed == "" || trimmed == "null" {
		return nil, problem.BadRequest("Required request body is missing: %s", signature)
	}
	var any json.RawMessage
	if json.Unmarshal([]byte(body), &any) != nil {
		return nil, problem.BadRequest("JSON parse error: %s", jacksonError(body))
	}
	m := members{}
	if json.Unmarshal([]byte(body), &m) != nil {
		return nil, problem.BadRequest("JSON parse error: %s", wrongShape(class, trimmed))
	}
	return m, nil
}

// wrongShape is Jackson's text for a value that is no object.
func wrongShape(class, value string) string {
	kind := map[byte][2]string{'"': {"String", "String"}, 't': {"boolean/Boolean", "Boolean"}, 'f': {"boolean/Boolean", "Boolean"}}[value[0]]
	shown := value
	switch {
	case value[0] == '[':
		return fmt.Sprintf("Cannot deserialize value of type `%s` from Array value (token `JsonToken.START_ARRAY`)", class)
	case value[0] == '"':
		if s, err := strconv.Unquote(value); err == nil {
			shown = "'" + s + "'"
		}
	case kind[0] == "" && strings.ContainsAny(value, ".eE"):
		kind = [2]string{"double/Double", "Number"}
	case kind[0] == "":
		kind = [2]string{"int/Int", "Number"}
	}
	return fmt.Sprintf("Cannot construct instance of `%s` (although at least one Creator exists): no %s-argument constructor/factory method to deserialize from %s value (%s)", class, kind[0], kind[1], shown)
}
