package metadata

import (
	"net/http"
	"strings"

	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

// exportFormat is how an export leaves.
type exportFormat struct{ suffix, media, file string }

var exportFormats = []exportFormat{
	{".json", jsonMedia, "metadata.json"},
	{".json.gz", "application/json+gzip", "metadata.json.gz"},
	{".json.zip", "application/json+zip", "metadata.json.zip"},
	{".xml", "application/xml;charset=UTF-8", "metadata.xml"},
	{".xml.gz", "application/xml+gzip", "metadata.xml.gz"},
	{".xml.zip", "application/xml+zip", "metadata.xml.zip"},
}

// exportFormat finds the format by suffix, then by Accept.
func (c *request) exportFormat() (exportFormat, error) {
	for _, f := range exportFormats {
		media, _, _ := strings.Cut(f.media, ";")
		if c.suffix == f.suffix || c.suffix == "" && strings.Contains(f.media, "+") && strings.Contains(c.r.Header.Get("Accept"), media) ||
			c.suffix == "" && f.suffix == ".xml" && !c.acceptsJSON() && strings.Contains(c.r.Header.Get("Accept"), "application/xml") {
			if strings.HasPrefix(f.suffix, ".xml") && !c.s.speaksXML() {
				break
			}
			return f, nil
		}
	}
	if c.suffix == "" && c.acceptsJSON() {
		return exportFormats[0], nil
	}
	return exportFormat{}, &problem.Page{Status: http.StatusNotAcceptable}
}
