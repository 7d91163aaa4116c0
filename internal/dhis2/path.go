package dhis2

import "strings"

// Path is a request path in DHIS2's words. It is made of segments that are
// percent-decoded once, without the context path.
type Path struct {
	API      bool     // the path is /api or below
	Version  string   // digits of /api/NN, "" if absent
	Segments []string // after /api[/NN] (all of them outside /api); the last without its format suffix
	Suffix   string   // format suffix of the last segment with its dot (".json", ".xml.gz"), "" if none
}

// Resource is the first segment below /api[/NN], "" outside /api.
func (p Path) Resource() string {
	if !p.API || len(p.Segments) == 0 {
		return ""
	}
	return p.Segments[0]
}

// ParsePath reads decoded segments ("api", "41", "dataStore", "ns.json").
// A trailing empty segment (a trailing slash) is dropped. The known format
// suffixes are those of DHIS2 2.44 CustomPathExtensionContentNegotiationStrategy.
func ParsePath(segments []string) Path {
	if n := len(segments); n > 0 && segments[n-1] == "" {
		segments = segments[:n-1]
	}
	var p Path
	if len(segments) > 0 && segments[0] == "api" {
		p.API = true
		segments = segments[1:]
		if len(segments) > 0 && isVersion(segments[0]) {
			p.Version = segments[0]
			segments = segments[1:]
		}
	}
	p.Segments = segments
	if n := len(segments); n > 0 {
		if base, suffix := cutSuffix(segments[n-1]); suffix != "" {
			p.Segments = append(append(make([]string, 0, n), segments[:n-1]...), base)
			p.Suffix = suffix
		}
	}
	return p
}

func isVersion(s string) bool {
	if s == "" || len(s) > 3 {
		return false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

var formats = []string{
	".json", ".xml", ".csv", ".pdf", ".xls", ".xlsx", ".png", ".geojson", ".adx", ".svg",
	".json.gz", ".json.zip", ".xml.gz", ".xml.zip", ".csv.gz", ".csv.zip",
}

// cutSuffix cuts a known format suffix that starts at the first dot.
func cutSuffix(s string) (base, suffix string) {
	i := strings.IndexByte(s, '.')
	if i <= 0 {
		return s, ""
	}
	for _, f := range formats {
		if s[i:] == f {
			return s[:i], f
		}
	}
	return s, ""
}
