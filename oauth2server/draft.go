package oauth2server

import (
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/d2gate/d2gate/internal/dhis2"
)

const (
	clientKlass  = "org.hisp.dhis.security.oauth2.OAuth2Client"
	secretLength = 36  // DHIS2 2.41 OAuth2Client.java: @PropertyRange(min = 36, max = 36)
	longestName  = 230 // of name and cid, in UTF-16 units
	longestItem  = 255 // of a grant type or redirect URI
	mostItems    = 100 // grant types or redirect URIs of one client
)

// DraftError says what is wrong with a client that was asked for, in DHIS2's
// reports. It never holds a secret.
type DraftError struct{ Reports []dhis2.ErrorReport }

// Error names the properties.
func (e *DraftError) Error() string {
	var texts []string
	for _, r := range e.Reports {
		texts = append(texts, r.Message)
	}
	return strings.Join(texts, "; ")
}

func wrong(reports ...dhis2.ErrorReport) *DraftError { return &DraftError{reports} }

// Check applies DHIS2's rules, and ours for redirect URIs. Errors: *DraftError.
func (d Draft) Check() error {
	var out []dhis2.ErrorReport
	for _, p := range []struct{ name, value string }{{"name", d.Name}, {"cid", d.CID}} {
		if r := checkText(p.name, p.value); r != nil {
			out = append(out, *r)
		}
	}
	if n := units(d.Secret); d.Secret != "" && n != secretLength {
		out = append(out, lengthReport(n))
	}
	if d.UID != "" && !dhis2.IsUID(d.UID) {
		out = append(out, report("E4014", "id", "Invalid UID `"+d.UID+"` for property `id`", d.UID))
	}
	out = append(out, checkItems("grantTypes", d.GrantTypes)...)
	out = append(out, checkItems("redirectUris", d.RedirectURIs)...)
	for _, u := range d.RedirectURIs {
		if bad := CheckRedirectURI(u); bad != "" {
			out = append(out, report("E4004", "redirectUris", "Redirect URI `"+u+"` "+bad, u))
		}
	}
	if len(out) > 0 {
		return wrong(out...)
	}
	return nil
}

func checkText(name, value string) *dhis2.ErrorReport {
	var r dhis2.ErrorReport
	switch n := units(value); {
	case strings.TrimSpace(value) == "":
		r = report("E4000", name, "Missing required property `"+name+"`", name)
	case n > longestName:
		r = report("E4001", name, "Maximum length of property `"+name+"`is "+strconv.Itoa(longestName)+", but given length was "+strconv.Itoa(n), name, longestName, n)
	case strings.ContainsFunc(value, control):
		r = report("E4003", name, "Property `"+name+"` holds a control character", name)
	case name == "cid" && strings.Contains(value, ":"):
		r = report("E4003", name, "Property `cid` holds a colon, which Basic cannot carry", name) // RFC 7617 2
	default:
		return nil
	}
	return &r
}

func checkItems(name string, items []string) (out []dhis2.ErrorReport) {
	if len(items) > mostItems {
		return []dhis2.ErrorReport{report("E4007", name, "Size of property `"+name+"` is at most "+strconv.Itoa(mostItems), name, mostItems)}
	}
	for _, s := range items {
		if units(s) > longestItem || s == "" || strings.ContainsFunc(s, control) {
			out = append(out, report("E4001", name, "Items of property `"+name+"` have 1 to "+strconv.Itoa(longestItem)+" characters", name, longestItem))
		}
	}
	return out
}

func units(s string) int { return len(utf16.Encode([]rune(s))) }

func control(r rune) bool { return r < 0x20 || r == 0x7f || r == '\uFFFD' }

// lengthReport is DHIS2's E4002. It tells the length that was sent, not the secret.
func lengthReport(n int) dhis2.ErrorReport {
	want := strconv.Itoa(secretLength)
	return report("E4002", "secret", "Allowed length range for property `secret` is ["+want+" to "+want+"], but given length was "+strconv.Itoa(n), "secret", secretLength, secretLength, n)
}

// taken is DHIS2's E5003.
func taken(c Client, property, value, other string) dhis2.ErrorReport {
	object := c.Name + " [" + c.UID + "] (OAuth2Client)"
	r := report("E5003", property, "Property `"+property+"` with value `"+value+"` on object "+object+" already exists on object "+other, property, value, object, other)
	r.MainID = c.UID
	return r
}

func fixedCID(cid string) dhis2.ErrorReport {
	return report("E4003", "cid", "Property `cid` is `"+cid+"` and cannot change: tokens belong to it. Register a new client.", "cid")
}

func report(code, property, message string, args ...any) dhis2.ErrorReport {
	texts := make([]string, len(args))
	for i, a := range args {
		switch a := a.(type) {
		case string:
			texts[i] = a
		case int:
			texts[i] = strconv.Itoa(a)
		}
	}
	return dhis2.ErrorReport{Message: message, Args: texts, MainKlass: clientKlass, ErrorCode: code, ErrorKlass: "java.lang.String", ErrorProperty: property, ErrorProperties: args}
}
