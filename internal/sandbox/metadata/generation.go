package metadata

import (
	"strconv"
	"strings"

	"github.com/d2gate/d2gate/internal/dhis2"
)

// minor is the second number of the generation: 44 of 2.44.
func (s *Service) minor() int {
	_, rest, _ := strings.Cut(s.cfg.Version, ".")
	rest, _, _ = strings.Cut(rest, ".")
	n, err := strconv.Atoi(rest)
	if err != nil {
		return 44
	}
	return n
}

// speaksXML reports whether the generation has metadata as XML (up to 2.38).
func (s *Service) speaksXML() bool { return s.minor() <= 38 }

// wrapsReport reports whether an import's report comes in a WebMessage: up to 2.41
// not below an API version under 38.
func (s *Service) wrapsReport(path string) bool {
	if s.minor() > 41 {
		return true
	}
	v := dhis2.ParsePath(strings.Split(strings.TrimPrefix(path, "/"), "/")).Version
	n, err := strconv.Atoi(v)
	return err != nil || n >= 38
}
