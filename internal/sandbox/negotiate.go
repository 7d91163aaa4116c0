package sandbox

import (
	"mime"
	"net/http"
	"regexp"
	"strings"

	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

const jsonType = "application/json"

// checkContentType is Spring's "consumes": 415 in its words.
func (c *call) checkContentType(e *endpoint) error {
	if e.consumes == "" || e.lenient && c.noBody {
		return nil
	}
	sent := c.r.Header.Get("Content-Type")
	if sent == "" {
		return problem.New(http.StatusUnsupportedMediaType, "", "%s", c.dialect.noType)
	}
	media, bad := readMediaType(sent)
	if bad != "" {
		return problem.New(http.StatusUnsupportedMediaType, "", `Invalid mime type "%s": %s`, sent, bad)
	}
	if media != e.consumes {
		if e.converter && !strings.Contains(sent, "charset") && c.dialect.minor > 41 {
			sent += ";charset=UTF-8"
		}
		return problem.New(http.StatusUnsupportedMediaType, "", c.dialect.badType, sent)
	}
	return nil
}

var token = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")

// readMediaType is Spring's MimeTypeUtils.parseMimeType: the type without
// parameters, lower case, or what is wrong with it.
func readMediaType(s string) (media, bad string) {
	full, rest, _ := strings.Cut(s, ";")
	kind, sub, ok := strings.Cut(strings.TrimSpace(full), "/")
	if !ok {
		return "", "does not contain '/'"
	}
	for _, t := range []string{kind, sub} {
		if i := strings.IndexFunc(t, func(r rune) bool { return !token.MatchString(string(r)) }); i >= 0 {
			return "", "Invalid token character '" + string([]rune(t[i:])[0]) + "' in token \"" + t + "\""
		}
	}
	for p := range strings.SplitSeq(rest, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(p), "=")
		if strings.EqualFold(name, "charset") && !knownCharset(strings.Trim(value, `"`)) {
			return "", "unsupported charset '" + strings.Trim(value, `"`) + "'"
		}
	}
	return strings.ToLower(kind + "/" + sub), ""
}

func knownCharset(s string) bool {
	switch strings.ToLower(s) {
	case "utf-8", "utf8", "us-ascii", "ascii", "iso-8859-1", "latin1", "iso-8859-15", "windows-1252", "utf-16", "utf-16le", "utf-16be", "utf-32":
		return true
	}
	return false
}

// checkAccept is Spring's "produces" of an endpoint that answers JSON: a known
// suffix decides, else Accept; anything but JSON is 406 with the container's page.
func (c *call) checkAccept(e *endpoint) error {
	if e.any || c.wantsJSON() {
		return nil
	}
	return &problem.Page{Status: http.StatusNotAcceptable}
}

// wantsJSON reports whether the caller takes JSON.
func (c *call) wantsJSON() bool {
	if c.at.suffix != "" {
		return c.at.suffix == ".json"
	}
	return acceptsJSON(c.r.Header.Values("Accept"))
}

// acceptsJSON looks through Accept as Spring does, which does not look at q=0.
func acceptsJSON(accept []string) bool {
	list := strings.Join(accept, ",")
	if strings.TrimSpace(list) == "" {
		return true
	}
	for item := range strings.SplitSeq(list, ",") {
		media, _, err := mime.ParseMediaType(item)
		if err != nil && media == "" {
			continue
		}
		if media == "*/*" || media == "application/*" || media == jsonType || strings.HasPrefix(media, "application/") && strings.HasSuffix(media, "+json") {
			return true
		}
	}
	return false
}

// acceptsXML reports an Accept that names application/xml.
func acceptsXML(r *http.Request) bool {
	return strings.Contains(strings.Join(r.Header.Values("Accept"), ","), "application/xml")
}
