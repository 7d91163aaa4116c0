package dhis2

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// listParameters are the parameters of a list that both engines read, checked as
// Spring does before either runs.
type listParameters struct {
	values   url.Values
	paging   bool
	page     int
	pageSize int
	or       bool
	gist     *bool // as asked, nil if not
	defaults string
}

// DefaultPageSize is the number of objects on a page unless asked otherwise.
const DefaultPageSize = 50

func parseListParameters(values url.Values) (listParameters, error) {
	p := listParameters{values: values, paging: true, page: 1, pageSize: DefaultPageSize}
	var err error
	if p.paging, err = BoolParameter(values, "paging", true); err != nil {
		return p, err
	}
	if p.page, err = IntParameter(values, "page", 1); err != nil {
		return p, err
	}
	if p.pageSize, err = IntParameter(values, "pageSize", DefaultPageSize); err != nil {
		return p, err
	}
	junction, err := EnumParameter(values, "rootJunction", []string{"AND", "OR"}, true)
	if err != nil {
		return p, err
	}
	p.or = junction == "OR"
	if p.defaults, err = EnumParameter(values, "defaults", []string{"INCLUDE", "EXCLUDE"}, false); err != nil {
		return p, err
	}
	if values.Has("gist") {
		gist, err := BoolParameter(values, "gist", false)
		if err != nil {
			return p, err
		}
		p.gist = &gist
	}
	return p, nil
}

// IntParameter reads an int as Spring does; the error is DHIS2's 400.
func IntParameter(values url.Values, name string, missing int) (int, error) {
	if !values.Has(name) {
		return missing, nil
	}
	text := values.Get(name)
	if text == "" {
		return 0, badParameter("%s cannot be empty. It should be of type int", name)
	}
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 32)
	if err != nil {
		return 0, badParameter("Value '%s' is not valid for parameter %s. It should be of type int", text, name)
	}
	return int(n), nil
}

// BoolParameter reads a boolean as Spring does: true, on, yes, 1 and their
// opposites in any case; the error is DHIS2's 400.
func BoolParameter(values url.Values, name string, missing bool) (bool, error) {
	if !values.Has(name) {
		return missing, nil
	}
	switch text := values.Get(name); strings.ToLower(strings.TrimSpace(text)) {
	case "true", "on", "yes", "1":
		return true, nil
	case "false", "off", "no", "0":
		return false, nil
	case "":
		return false, badParameter("%s cannot be empty. It should be of type boolean", name)
	default:
		return false, badParameter("Value '%s' is not valid for parameter %s. It should be of type boolean", text, name)
	}
}

// EnumParameter reads one of the constants; anyCase takes it in any case. Empty is
// as if missing. The error is DHIS2's 400.
func EnumParameter(values url.Values, name string, constants []string, anyCase bool) (string, error) {
	text := values.Get(name)
	if text == "" {
		return "", nil
	}
	wanted := text
	if anyCase {
		wanted = strings.ToUpper(text)
	}
	if !slices.Contains(constants, wanted) {
		return "", badParameter("Value '%s' is not valid for parameter %s. Valid values are: [%s]", text, name, strings.Join(constants, ", "))
	}
	return wanted, nil
}

// ParseQuery reads a query string as DHIS2's server does: a semicolon is a sign
// like any other (net/url drops such parameters), and so is a % that begins no
// escape.
func ParseQuery(raw string) url.Values {
	values := url.Values{}
	for part := range strings.SplitSeq(raw, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		name = unescape(name)
		values[name] = append(values[name], unescape(value))
	}
	return values
}

func unescape(s string) string {
	text, err := url.QueryUnescape(s)
	if err != nil {
		return s
	}
	return text
}
