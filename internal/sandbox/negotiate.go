package sandbox

import (
	"mime"
	"strings"

	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

// acceptsJSON reports whether the Accept header is satisfied by JSON. The suffix
// of the path wins over it (DHIS2 CustomPathExtensionContentNegotiationStrategy).
func (c *call) acceptsJSON() bool {
	if c.path.Suffix != "" {
		return c.path.Suffix == ".json"
	}
	return acceptable(strings.Join(c.r.Header.Values("Accept"), ","))
}

func acceptable(accept string) bool {
	if strings.TrimSpace(accept) == "" {
		return true
	}
	for part := range strings.SplitSeq(accept, ",") {
		media, _, err := mime.ParseMediaType(strings.TrimSpace(part))
		if err != nil {
			continue
		}
		if media == "*/*" || media == "application/*" || media == "application/json" || strings.HasPrefix(media, "application/") && strings.HasSuffix(media, "+json") {
			return true
		}
	}
	return false
}

// acceptsXML reports whether a refusal is to be said in XML.
func (c *call) acceptsXML() bool {
	return strings.Contains(c.r.Header.Get("Accept"), "application/xml")
}

var notAcceptable = &problem.Page{Status: 406}
