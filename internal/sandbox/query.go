package sandbox

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

// query is the parameters of a request, in the order sent.
type query map[string][]string

// readQuery decodes the query of a URL as Tomcat does. A parameter that cannot be
// decoded refuses the request.
func readQuery(raw string) (query, error) {
	q := query{}
	for part := range strings.SplitSeq(raw, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		n, errName := url.QueryUnescape(name)
		v, errValue := url.QueryUnescape(value)
		if errName != nil || errValue != nil || !utf8.ValidString(n) || !utf8.ValidString(v) {
			return nil, undecodable(name, value, n, v)
		}
		q[n] = append(q[n], v)
	}
	return q, nil
}

// undecodable is Tomcat's text; where decoding gave something it is shown with
// the replacement character.
func undecodable(name, value, n, v string) error {
	if n != "" {
		name = strings.ToValidUTF8(n, "\uFFFD")
	}
	if v != "" {
		value = strings.ToValidUTF8(v, "\uFFFD")
	}
	return problem.Plain409("Character decoding failed. Parameter [%s] with value [%s] has been ignored. Note that the name and value quoted here may be corrupted due to the failed decoding. Use debug level logging to see the original, non-corrupted values.", name, value)
}

func (q query) has(name string) bool { return len(q[name]) > 0 }

// get is the first value of a parameter, "" without one.
func (q query) get(name string) string {
	if len(q[name]) == 0 {
		return ""
	}
	return q[name][0]
}

// joined is what Spring makes of a parameter of type String that comes twice.
func (q query) joined(name string) string { return strings.Join(q[name], ",") }

// boolean reads a parameter as Spring does for a boolean parameter object: a bad
// or an empty value is a 400.
func (q query) boolean(name string, otherwise bool) (bool, error) {
	if !q.has(name) {
		return otherwise, nil
	}
	v, ok := springBool(q.get(name))
	switch {
	case ok:
		return v, nil
	case q.get(name) == "":
		return false, problem.BadRequest("%s cannot be empty. It should be of type boolean", name)
	}
	return false, problem.BadRequest("Value '%s' is not valid for parameter %s. It should be of type boolean", q.get(name), name)
}

// springBool is Spring's StringToBooleanConverter.
func springBool(s string) (value, ok bool) {
	switch strings.ToLower(s) {
	case "true", "on", "yes", "1":
		return true, true
	case "false", "off", "no", "0":
		return false, true
	}
	return false, false
}

// integer reads an int of 32 bits.
func (q query) integer(name string, otherwise int) (int, error) {
	if !q.has(name) {
		return otherwise, nil
	}
	n, err := strconv.ParseInt(q.get(name), 10, 32)
	switch {
	case err == nil:
		return int(n), nil
	case q.get(name) == "":
		return 0, problem.BadRequest("%s cannot be empty. It should be of type int", name)
	}
	return 0, problem.BadRequest("Value '%s' is not valid for parameter %s. It should be of type int", q.get(name), name)
}

// argument reads an int that is a method's own argument, which Spring words
// differently.
func (q query) argument(name string, otherwise int) (int, error) {
	if q.get(name) == "" {
		return otherwise, nil
	}
	n, err := strconv.ParseInt(q.get(name), 10, 32)
	if err != nil {
		return 0, problem.BadRequest("Value '%s' is not valid for parameter %s. For input string: \"%s\"", q.get(name), name, q.get(name))
	}
	return int(n), nil
}

// required is the refusal of a missing parameter: the container's own page.
func (q query) required(names ...string) error {
	for _, n := range names {
		if !q.has(n) {
			return &problem.Page{Status: http.StatusBadRequest}
		}
	}
	return nil
}
